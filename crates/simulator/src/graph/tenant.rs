//! The organization, its licences, and the assignments of directory roles.

use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;
use super::listing::{page, position, slice};
use crate::query::{Clause, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::tenant::ROLES;
use crate::world::World;

/// The service plan of Entra ID P1.
const AAD_PREMIUM: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";

pub(super) fn organization(world: &World) -> Reply {
    let directory = &world.tenant.directory;
    let plans = if world.licensed {
        json!([{ "assignedDateTime": "2024-01-01T00:00:00Z", "capabilityStatus": "Enabled", "service": "AADPremiumService", "servicePlanId": AAD_PREMIUM }])
    } else {
        json!([])
    };
    let domain = |name: &str, is_initial: bool| json!({ "name": name, "isDefault": !is_initial, "isInitial": is_initial, "type": "Managed", "capabilities": "Email" });
    Reply::ok(json!({ "value": [{
        "id": directory.tenant_id.to_string(),
        "displayName": "Contoso",
        "tenantType": "AAD",
        "onPremisesSyncEnabled": null,
        "assignedPlans": plans,
        "verifiedDomains": [domain(&directory.domain, false), domain(&directory.initial_domain, true)],
    }] }))
}

pub(super) fn skus(world: &World) -> Reply {
    let skus = if world.licensed {
        json!([{ "id": "simulated_sku", "skuPartNumber": "AAD_PREMIUM", "capabilityStatus": "Enabled", "servicePlans": [{ "servicePlanId": AAD_PREMIUM, "servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success" }] }])
    } else {
        json!([])
    };
    Reply::ok(json!({ "value": skus }))
}

pub(super) fn role_assignments(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$top"])?;
    let mut principal = None;
    for clause in call.query.filter()? {
        match clause {
            Clause::Compare(property, Operator::Eq, Literal::Text(id))
                if property == "principalId" =>
            {
                principal = Some(Uuid::try_parse(&id).ok());
            }
            _ => return Err(Reply::bad_request("Only principalId can be filtered by.")),
        }
    }
    let directory = &world.tenant.directory;
    let holders = directory
        .role_holders
        .iter()
        .map(|ix| directory.user(*ix))
        .filter(|user| user.is_live());
    let assignments =
        holders.flat_map(|user| user.roles().iter().map(|role| (user.id, &ROLES[*role])));
    let wanted =
        assignments.filter(|(id, _)| principal.is_none_or(|principal| principal == Some(*id)));
    let all: Vec<Value> = wanted
        .map(|(id, role)| {
            json!({
                "id": format!("{}-{}-1", role.template.simple(), id.simple()),
                "principalId": id.to_string(),
                "resourceScope": "/",
                "directoryScopeId": "/",
                "roleDefinitionId": role.template.to_string(),
            })
        })
        .collect();
    let (items, next) = slice(all, position(world, call)?, call.query.top(100, 999)?);
    Ok(page(
        call,
        "roleManagement/directory/roleAssignments",
        items,
        next,
        None,
    ))
}
