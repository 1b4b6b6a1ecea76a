//! The organization, its licences, and the assignments of directory roles.

use serde_json::{Value, json};

use super::Call;
use super::listing::{CUSTOMARY, MOST, page, place, slice};
use crate::reply::{Outcome, Reply};
use crate::tenant::{ROLES, role_named};
use crate::world::World;

/// The service plan of Entra ID P1.
const AAD_PREMIUM: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";
/// That of P2.
const AAD_PREMIUM_P2: &str = "eec0eb4f-6444-4f95-aba0-50c24d67f998";

/// The service plans that the tenant has, with their names.
fn plans(world: &World) -> Vec<(&'static str, &'static str)> {
    let p1 = world.licensed.then_some((AAD_PREMIUM, "AAD_PREMIUM"));
    let p2 = world
        .is_governed()
        .then_some((AAD_PREMIUM_P2, "AAD_PREMIUM_P2"));
    p1.into_iter().chain(p2).collect()
}

pub(super) fn organization(world: &World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$select"])?;
    let directory = &world.tenant.directory;
    let plan = |(id, _): (&str, &str)| json!({ "assignedDateTime": "2024-01-01T00:00:00Z", "capabilityStatus": "Enabled", "service": "AADPremiumService", "servicePlanId": id });
    let plans: Vec<Value> = plans(world).into_iter().map(plan).collect();
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
    let plans = plans(world);
    // What is bought is named for the most that is in it.
    let skus = match plans.last() {
        Some((_, sku)) => {
            let plan = |(id, name): &(&str, &str)| json!({ "servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success" });
            let plans: Vec<Value> = plans.iter().map(plan).collect();
            json!([{ "id": "simulated_sku", "skuPartNumber": sku, "capabilityStatus": "Enabled", "servicePlans": plans }])
        }
        None => json!([]),
    };
    Ok(Reply::ok(json!({ "value": skus })))
}

/// The scope of a role that is held over a part of the tenant alone.
const UNIT: &str = "/administrativeUnits/5a11a000-0000-4000-8000-000000000001";

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
    let direct = holders.flat_map(|user| {
        let whole = user
            .roles()
            .iter()
            .map(|role| (user.id, &ROLES[*role], "/"));
        let in_part = user.scoped_roles().iter();
        whole.chain(in_part.map(|role| (user.id, &ROLES[*role], UNIT)))
    });
    // "Assignments through a role-assignable group have the group for their principal."
    let of_groups = directory
        .groups
        .iter()
        .filter(|group| group.confers_privilege());
    let of_groups = of_groups.filter_map(|group| {
        let role = role_named("Guest Inviter")?;
        Some((group.id, &ROLES[role], "/"))
    });
    let all: Vec<Value> = direct
        .chain(of_groups)
        .filter(|(id, _, _)| principal.is_none_or(|principal| principal == Some(*id)))
        .map(|(id, role, scope)| {
            json!({
                "id": format!("{}-{}-{}", role.template.simple(), id.simple(), scope.len()),
                "principalId": id.to_string(),
                "resourceScope": scope,
                "directoryScopeId": scope,
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
