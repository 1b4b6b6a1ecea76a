//! Who may activate a directory role, and who was given an access package: what takes an Entra ID P2 or Governance
//! licence. Both services have their own words for a missing licence and for a missing permission.

use serde_json::{Value, json};

use super::Call;
use super::listing::{CUSTOMARY, MOST, page, place, slice};
use crate::dice::Dice;
use crate::filter::{Expression, Literal, Operator};
use crate::reply::{Outcome, Reply};
use crate::tenant::{GivenPackage, ROLES, User, UserIx};
use crate::world::World;

/// What reads who may activate a role ("List roleEligibilityScheduleInstances", Permissions).
const READ_ELIGIBILITIES: [&str; 5] = [
    "RoleEligibilitySchedule.Read.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.Read.All",
    "RoleManagement.Read.Directory",
    "RoleManagement.ReadWrite.Directory",
];

/// What reads assignments of access packages ("List assignments", Permissions).
const READ_ASSIGNMENTS: [&str; 2] = [
    "EntitlementManagement.Read.All",
    "EntitlementManagement.ReadWrite.All",
];

/// What reads access reviews ("List definitions", Permissions).
const READ_REVIEWS: [&str; 2] = ["AccessReview.Read.All", "AccessReview.ReadWrite.All"];

/// Refuses what the permissions do not cover.
pub(super) fn check(call: &Call<'_>, segments: &[&str]) -> Option<Result<(), Reply>> {
    let has = |any: &[&str]| call.roles.iter().any(|role| any.contains(&role.as_str()));
    match segments {
        [
            "roleManagement",
            "directory",
            "roleEligibilityScheduleInstances",
        ] => Some(if has(&READ_ELIGIBILITIES) {
            Ok(())
        } else {
            let scopes = READ_ELIGIBILITIES.join(",");
            Err(Reply::error(
                403,
                "PermissionScopeNotGranted",
                format!("Authorization failed due to missing permission scope {scopes}."),
            ))
        }),
        ["identityGovernance", "accessReviews", ..] => Some(if has(&READ_REVIEWS) {
            Ok(())
        } else {
            Err(Reply::denied())
        }),
        ["identityGovernance", ..] => Some(if has(&READ_ASSIGNMENTS) {
            Ok(())
        } else {
            Err(Reply::error(
                403,
                "UnAuthorized",
                "User is not authorized to perform the operation. Reason: The caller is not authorized.",
            ))
        }),
        _ => None,
    }
}

pub(super) fn eligibilities(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$top"])?;
    if !world.is_governed() {
        return Err(Reply::error(
            400,
            "AadPremiumLicenseRequired",
            "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
        ));
    }
    let mut principal = None;
    for part in call.query.filter_parts()? {
        let ids = part.ids("principalId").ok_or_else(|| {
            Reply::unsupported_clause(part.property(), "RoleEligibilityScheduleInstance")
        })?;
        principal = Some(ids.first().copied());
    }
    let users = world.tenant.directory.users.iter();
    let all: Vec<Value> = users
        .filter(|user| user.is_live())
        .filter(|user| principal.is_none_or(|principal| principal == Some(user.id)))
        .flat_map(|user| user.eligible().iter().map(move |role| (user, *role)))
        .map(|(user, role)| eligibility(user, role))
        .collect();
    let (items, next) = slice(all, place(world, call)?, call.query.top(CUSTOMARY, MOST)?);
    let context = "roleManagement/directory/roleEligibilityScheduleInstances";
    Ok(page(call, context, items, next, None))
}

fn eligibility(user: &User, role: usize) -> Value {
    let role = &ROLES[role];
    let id = format!("{}-{}-1-e", role.template.simple(), user.id.simple());
    json!({
        "id": id,
        "principalId": user.id,
        "roleDefinitionId": role.template,
        "directoryScopeId": "/",
        "appScopeId": null,
        "startDateTime": user.created.map(|at| at.to_string()),
        "endDateTime": null,
        "memberType": "Direct",
        "roleEligibilityScheduleId": id,
    })
}

pub(super) fn assignments(world: &mut World, call: &Call<'_>) -> Outcome {
    call.query.only(&["$filter", "$select", "$expand"])?;
    if !world.is_governed() {
        return Err(Reply::error(
            403,
            "NoLicense",
            "User is not authorized to perform the operation. Reason: Tenant does not meet license requirement!",
        ));
    }
    let expanded: Vec<&str> = match call.query.get("$expand") {
        None => Vec::new(),
        Some(text) => text.split(',').map(str::trim).collect(),
    };
    if let Some(unknown) = expanded
        .iter()
        .find(|name| !["target", "accessPackage"].contains(name))
    {
        return Err(Reply::malformed(format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{unknown}' on type 'microsoft.graph.accessPackageAssignment'."
        )));
    }
    let parts = call.query.filter_parts()?;
    for part in &parts {
        if wanted(part).is_none() {
            return Err(Reply::unsupported_clause(
                part.property(),
                "accessPackageAssignment",
            ));
        }
    }
    let directory = &world.tenant.directory;
    let users = (0..directory.users.len()).map(UserIx::from_index);
    let mut all = Vec::new();
    // Whom the directory has deleted is still named by what it was given.
    for ix in users.filter(|ix| !directory.user(*ix).purged) {
        let user = directory.user(ix);
        for given in user.packages() {
            let state = state(given, call);
            let fits = |part: &Expression| match wanted(part) {
                Some(Wanted::State(wanted)) => wanted.eq_ignore_ascii_case(state),
                Some(Wanted::Holder(id)) => id.eq_ignore_ascii_case(&user.id.to_string()),
                None => false,
            };
            if parts.iter().all(fits) {
                all.push(assignment(world, ix, given, state, &expanded));
            }
        }
    }
    let (items, next) = slice(all, place(world, call)?, CUSTOMARY);
    let context = "identityGovernance/entitlementManagement/assignments";
    Ok(page(call, context, items, next, None))
}

/// What a filter compares with.
enum Wanted<'f> {
    State(&'f str),
    Holder(&'f str),
}

fn wanted(part: &Expression) -> Option<Wanted<'_>> {
    match part {
        Expression::Compare {
            property,
            operator: Operator::Eq,
            value: Literal::Text(text),
        } => match property.as_str() {
            "state" => Some(Wanted::State(text)),
            "target/objectid" | "target/objectId" => Some(Wanted::Holder(text)),
            _ => None,
        },
        _ => None,
    }
}

fn state(given: &GivenPackage, call: &Call<'_>) -> &'static str {
    match given.over(call.now) {
        Some(_) => "expired",
        None => "delivered",
    }
}

fn assignment(
    world: &World,
    ix: UserIx,
    given: &GivenPackage,
    state: &str,
    expanded: &[&str],
) -> Value {
    let directory = &world.tenant.directory;
    let user = directory.user(ix);
    let over = given.ended.or(given.ends).filter(|_| state == "expired");
    let expiration = match given.ends {
        Some(at) => {
            json!({ "type": "afterDateTime", "endDateTime": at.to_string(), "duration": null })
        }
        None => json!({ "type": "noExpiration", "endDateTime": null, "duration": null }),
    };
    let mut row = json!({
        "id": given.id,
        "state": state,
        "status": if state == "expired" { "Expired" } else { "Delivered" },
        "expiredDateTime": over.map(|at| at.to_string()),
        "schedule": {
            "startDateTime": given.began.to_string(),
            "recurrence": null,
            "expiration": expiration,
        },
    });
    if expanded.contains(&"target") {
        row["target"] = json!({
            "id": Dice::for_object(user.id, 0xacc).uuid().to_string(),
            "objectId": user.id.to_string(),
            "email": directory.mail(ix),
            "displayName": directory.display_name(ix),
            "principalName": directory.upn(ix),
            "onPremisesSecurityIdentifier": null,
            "subjectType": "user",
            "subjectLifecycle": if given.governed { "governed" } else { "notGoverned" },
        });
    }
    if expanded.contains(&"accessPackage") {
        row["accessPackage"] = json!({
            "id": given.package_id,
            "displayName": given.package,
            "description": null,
            "isHidden": false,
            "createdDateTime": "2024-01-01T00:00:00Z",
            "modifiedDateTime": "2024-01-01T00:00:00Z",
        });
    }
    row
}
