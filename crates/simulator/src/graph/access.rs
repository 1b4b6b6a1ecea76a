//! Who may do what (application permissions, table of the permissions reference), and what it costs in resource units
//! (throttling limits of identity and access).

use crate::exchange::Arrived;
use crate::graph::{Call, applications, governance, users};
use crate::reply::Reply;
use crate::throttle::Cost;
use crate::world::World;

/// The permissions of the token that a request carries.
pub(super) fn roles(world: &World, request: &Arrived) -> Result<Vec<String>, Reply> {
    let refuse = |text: &str| Reply::error(401, "InvalidAuthenticationToken", text);
    let token = request.bearer();
    if token.is_empty() {
        return Err(refuse("Access token is empty."));
    }
    match world.tokens.get(token) {
        None => Err(refuse(
            "CompactToken parsing failed with error code: 80049217",
        )),
        Some(issued) if issued.expires <= world.clock.second() => {
            Err(refuse("Access token has expired or is not yet valid."))
        }
        Some(issued) => Ok(issued.roles.clone()),
    }
}

const READ_USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_USERS: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_GROUPS: &[&str] = &[
    "Group.ReadBasic.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const READ_MEMBERS: &[&str] = &[
    "GroupMember.ReadBasic.All",
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_MEMBERS: &[&str] = &[
    "GroupMember.ReadWrite.All",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
];
const DELETE_USERS: &[&str] = &[
    "User.DeleteRestore.All",
    "User.ReadWrite.All",
    "Directory.ReadWrite.All",
];
const DELETE_GROUPS: &[&str] = &["Group.ReadWrite.All", "Directory.ReadWrite.All"];
const READ_DIRECTORY: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];
const READ_LEAVE: &[&str] = &[
    "User-LifeCycleInfo.Read.All",
    "User-LifeCycleInfo.ReadWrite.All",
];

/// What `User.ReadBasic.All` lets an application see.
const BASIC: &[&str] = &[
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "userPrincipalName",
];

/// A path without its ids.
pub(super) fn shape(segments: &[String]) -> Vec<&str> {
    let is_id = |index: usize, segment: &str| {
        let after = index.checked_sub(1).map(|index| segments[index].as_str());
        let collection = matches!(
            after,
            Some(
                "users"
                    | "groups"
                    | "members"
                    | "sponsors"
                    | "deletedItems"
                    | "appRoleAssignments"
                    | "servicePrincipals"
                    | "definitions"
                    | "instances"
            )
        );
        collection
            && segment != "delta"
            && !segment.starts_with('$')
            && !segment.starts_with("microsoft.graph.")
    };
    let shaped = segments.iter().enumerate();
    shaped
        .map(|(index, segment)| {
            if is_id(index, segment) {
                "{id}"
            } else if applications::key(segment).is_some() {
                "applications(appId='{id}')"
            } else {
                segment
            }
        })
        .collect()
}

/// What a request costs: resource units of the table, `$select` -1, `$expand` +1, `$top` below 20 -1, never below 1.
pub(super) fn cost(call: &Call<'_>) -> Cost {
    let base: u32 = match (call.method, shape(&call.segments).as_slice()) {
        (
            "GET",
            ["users"]
            | ["users", "{id}"]
            | [
                "users",
                "{id}",
                "memberOf" | "transitiveMemberOf" | "ownedObjects",
                ..,
            ],
        ) => 2,
        ("GET", ["groups", "{id}", "members", ..] | ["subscribedSkus"]) => 3,
        ("GET", ["groups", "{id}", "transitiveMembers"]) => 5,
        _ => 1,
    };
    let has = |option: &str| call.query.get(option).is_some();
    let top = call
        .query
        .get("$top")
        .and_then(|top| top.parse::<u32>().ok());
    let saved = u32::from(has("$select")) + u32::from(top.is_some_and(|top| top < 20));
    let activity = users::wants_sign_in_activity(call);
    let is_log = call
        .segments
        .first()
        .is_some_and(|first| first == "auditLogs");
    Cost {
        units: (base + u32::from(has("$expand")))
            .saturating_sub(saved)
            .max(1),
        write: call.method != "GET",
        report: activity || is_log,
        activity,
    }
}

fn has(call: &Call<'_>, any: &[&str]) -> bool {
    call.roles.iter().any(|role| any.contains(&role.as_str()))
}

/// Whether users that a relationship leads to may be looked at.
pub(super) fn may_read_users(call: &Call<'_>) -> bool {
    has(call, READ_USERS) || has(call, &["User.ReadBasic.All"])
}

/// Whether groups may be deleted, which is what a reference to one without `/$ref` amounts to.
pub(super) fn may_delete_groups(call: &Call<'_>) -> bool {
    has(call, DELETE_GROUPS)
}

/// Whether users may be deleted.
pub(super) fn may_delete_users(call: &Call<'_>) -> bool {
    has(call, DELETE_USERS)
}

/// Whether role-assignable groups may be changed.
pub(super) fn may_manage_roles(call: &Call<'_>) -> bool {
    has(call, &["RoleManagement.ReadWrite.Directory"])
}

/// Refuses what the token's permissions do not cover (permissions reference: the least one and those above it).
pub(super) fn check(call: &Call<'_>) -> Result<(), Reply> {
    let has = |any: &[&str]| has(call, any);
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if let Some(checked) = governance::check(call, &segments) {
        return checked;
    }
    let allowed = match (call.method, segments.as_slice()) {
        ("GET", ["users", _, "ownedObjects"]) => has(READ_DIRECTORY),
        ("GET", ["groups", _, "transitiveMembers"]) => has(READ_MEMBERS),
        ("GET", ["users", _, "memberOf" | "transitiveMemberOf", ..]) => {
            has(READ_DIRECTORY) || has(READ_GROUPS) || has(&["GroupMember.ReadBasic.All"])
        }
        ("GET", ["users", _, "appRoleAssignments"]) => has(READ_DIRECTORY),
        ("GET", ["servicePrincipals", _]) => {
            has(&["Application.Read.All", "Application.ReadWrite.All"])
        }
        ("POST" | "DELETE", ["users", _, "appRoleAssignments", ..]) => {
            has(&["AppRoleAssignment.ReadWrite.All"])
        }
        ("POST", ["invitations"]) => has(&["User.Invite.All"]) || has(WRITE_USERS),
        ("GET", ["users", "delta"]) => has(READ_USERS) && may_read_these_properties(call),
        ("GET", ["users"] | ["users", _]) => may_read_these_properties(call),
        ("GET", ["users", ..] | ["directory", "deletedItems", ..]) => has(READ_USERS),
        ("PATCH", ["users", _]) => may_update(call),
        ("POST", ["users", _, "sendMail"]) => has(&["Mail.Send"]),
        ("POST" | "DELETE", ["users", _, "sponsors", .., "$ref"]) => has(WRITE_USERS),
        ("PUT", ["users", _, "manager", "$ref"]) => has(WRITE_USERS),
        ("DELETE", ["users", _, "sponsors", _]) => has(DELETE_USERS) || has(DELETE_GROUPS),
        ("DELETE", ["users", _]) => has(DELETE_USERS),
        ("GET", ["groups", _, "members" | "transitiveMembers", ..]) => has(READ_MEMBERS),
        ("GET", ["groups", ..]) => has(READ_GROUPS),
        ("POST" | "DELETE", ["groups", _, "members", .., "$ref"]) => has(WRITE_MEMBERS),
        ("DELETE", ["groups", _, "members", _]) => has(WRITE_MEMBERS) && has(DELETE_USERS),
        ("POST" | "DELETE", ["directory", "deletedItems", ..]) => has(DELETE_USERS),
        ("GET", ["organization"]) => has(READ_DIRECTORY) || has(&["Organization.Read.All"]),
        ("GET", ["subscribedSkus"]) => {
            has(READ_DIRECTORY) || has(&["LicenseAssignment.Read.All", "Organization.Read.All"])
        }
        ("GET", ["roleManagement", ..]) => {
            has(READ_DIRECTORY)
                || has(&[
                    "RoleManagement.Read.Directory",
                    "RoleManagement.ReadWrite.Directory",
                ])
        }
        ("GET", ["auditLogs", ..]) => return reports(call),
        // "OwnedBy": the application is its own owner here.
        ("GET", [own]) if applications::key(own).is_some() => has(&[
            "Application.Read.All",
            "Application.ReadWrite.OwnedBy",
            "Application.ReadWrite.All",
        ]),
        // Whatever is not on the map was refused before.
        _ => false,
    };
    if !allowed {
        return Err(Reply::denied());
    }
    if users::wants_sign_in_activity(call) {
        reports(call)
    } else {
        Ok(())
    }
}

fn may_read_these_properties(call: &Call<'_>) -> bool {
    let selected = call.query.get("$select").unwrap_or_default();
    let mentions = |option: &str, name: &str| {
        call.query
            .get(option)
            .is_some_and(|text| text.contains(name))
    };
    let leave = mentions("$select", "employeeLeaveDateTime");
    if leave && !has(call, READ_LEAVE) {
        return false;
    }
    let only_basic = !selected.is_empty()
        && selected.split(',').all(|name| BASIC.contains(&name.trim()))
        && call.query.get("$filter").is_none()
        && call.query.get("$expand").is_none();
    has(call, READ_USERS) || (only_basic && has(call, &["User.ReadBasic.All"]))
}

fn may_update(call: &Call<'_>) -> bool {
    let Some(body) = call.body.as_object() else {
        return has(call, WRITE_USERS);
    };
    body.keys().all(|key| match key.as_str() {
        "accountEnabled" => {
            has(call, WRITE_USERS)
                || (has(call, &["User.EnableDisableAccount.All"]) && has(call, READ_USERS))
        }
        "employeeLeaveDateTime" => {
            has(call, &["User-LifeCycleInfo.ReadWrite.All"]) && has(call, READ_USERS)
        }
        _ => has(call, WRITE_USERS),
    })
}

fn reports(call: &Call<'_>) -> Result<(), Reply> {
    if has(call, &["AuditLog.Read.All"]) {
        return Ok(());
    }
    let text = "Calling principal does not have required MSGraph permissions AuditLog.Read.All";
    Err(Reply::error(
        403,
        "Authentication_MSGraphPermissionMissing",
        text,
    ))
}
