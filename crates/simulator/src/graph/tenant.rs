//! The organization, its licences, and the assignments of directory roles.

use serde_json::{Value, json};

use super::Call;
use super::listing::{CUSTOMARY, MOST, page, place, slice};
use crate::reply::{Outcome, Reply};
use crate::tenant::{ROLES, role_named};
use crate::world::World;

/// The service plan of Entra ID P1.
const AAD_PREMIUM: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";

pub(super) fn organization(world: &World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$select"])?;
    let directory = &world.tenant.directory;
    let plans = if world.licensed {
        json!([{ "assignedDateTime": "2024-01-01T00:00:00Z", "capabilityStatus": "Enabled", "service": "AADPremiumService", "servicePlanId": AAD_PREMIUM }])
    } else {
        json!([])
    };
    let domain = |name: &str, is_initial: bool| json!({ "name": name, "isDefault": !is_initial, "isInitial": is_initial, "type": "Managed", "capabilities": "Email" });
    Ok(Reply::ok(json!({ "value": [{
        "id": directory.tenant_id.to_string(),
        "displayName": "Contoso",
        "tenantType": "AAD",
        "onPremisesSyncEnabled": null,
        "assignedPlans": plans,
        "verifiedDomains": [domain(&directory.domain, false), domain(&directory.initial_domain, true)],
    }] })))
}

pub(super) fn skus(world: &World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$select"])?;
    let skus = if world.licensed {
        json!([{ "id": "simulated_sku", "skuPartNumber": "AAD_PREMIUM", "capabilityStatus": "Enabled", "servicePlans": [{ "servicePlanId": AAD_PREMIUM, "servicePlanName": "AAD_PREMIUM", "provisioningStatus": "Success" }] }])
    } else {
        json!([])
    };
    Ok(Reply::ok(json!({ "value": skus })))
}

pub(super) fn role_assignments(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$top"])?;
    let mut principal = None;
    for part in call.query.filter_parts()? {
        let ids = part
            .ids("principalId")
            .ok_or_else(|| Reply::unsupported_clause(part.property(), "RoleAssignment"))?;
        principal = Some(ids.first().copied());
    }
    let directory = &world.tenant.directory;
    let holders = directory
        .role_holders
        .iter()
        .map(|ix| directory.user(*ix))
        .filter(|user| user.is_live());
    let direct = holders.flat_map(|user| user.roles().iter().map(|role| (user.id, &ROLES[*role])));
    // "Assignments through a role-assignable group have the group for their principal."
    let of_groups = directory
        .groups
        .iter()
        .filter(|group| group.confers_privilege());
    let of_groups = of_groups.filter_map(|group| {
        let role = role_named("Guest Inviter")?;
        Some((group.id, &ROLES[role]))
    });
    let all: Vec<Value> = direct
        .chain(of_groups)
        .filter(|(id, _)| principal.is_none_or(|principal| principal == Some(*id)))
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
    let (items, next) = slice(all, place(world, call)?, call.query.top(CUSTOMARY, MOST)?);
    Ok(page(
        call,
        "roleManagement/directory/roleAssignments",
        items,
        next,
        None,
    ))
}
