//! Who may do what (application permissions, table of the permissions reference), and what it costs in resource units
//! (throttling limits of identity and access).

use crate::exchange::Arrived;
use crate::graph::{Call, users};
use crate::reply::Reply;
use crate::world::World;

/// The permissions of the token that a request carries.
pub(super) fn roles(world: &World, request: &Arrived) -> Result<Vec<String>, Reply> {
    let refuse = |text: &str| Reply::error(401, "InvalidAuthenticationToken", text);
    let token = request
        .header("authorization")
        .strip_prefix("Bearer ")
        .unwrap_or_default();
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
const READ_MEMBERS: &[&str] = &[
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
const READ_DIRECTORY: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];

/// The path's template, and the cost.
pub(super) fn route(call: &Call<'_>) -> (String, u64) {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let template: Vec<&str> = segments
        .iter()
        .enumerate()
        .map(|(index, segment)| {
            let before = index.checked_sub(1).map(|index| segments[index]);
            let is_id = matches!(
                before,
                Some("users" | "groups" | "members" | "sponsors" | "deletedItems")
            ) && !segment.starts_with(['$', 'm']);
            if is_id { "{id}" } else { segment }
        })
        .collect();
    let base: u64 = match (call.method, template.as_slice()) {
        ("GET", ["users"] | ["users", "{id}"] | ["users", "{id}", "memberOf"]) => 2,
        ("GET", ["groups", "{id}", "members", ..]) => 3,
        ("GET", ["subscribedSkus"]) => 3,
        _ => 1,
    };
    let has = |option: &str| call.query.get(option).is_some();
    let small = call
        .query
        .get("$top")
        .and_then(|top| top.parse::<u64>().ok())
        .is_some_and(|top| top < 20);
    let units = (base + u64::from(has("$expand")))
        .saturating_sub(u64::from(has("$select")) + u64::from(small))
        .max(1);
    (format!("/{}", template.join("/")), units)
}

/// Refuses what the token's permissions do not cover.
pub(super) fn check(call: &Call<'_>) -> Result<(), Reply> {
    let has = |any: &[&str]| call.roles.iter().any(|role| any.contains(&role.as_str()));
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let allowed = match (call.method, segments.as_slice()) {
        ("GET", ["users", _, "memberOf" | "appRoleAssignments"] | ["subscribedSkus"]) => {
            has(READ_DIRECTORY)
        }
        ("GET", ["users", ..] | ["directory", "deletedItems", ..]) => has(READ_USERS),
        ("PATCH", ["users", _]) => {
            let only_enabled = call
                .body
                .as_object()
                .is_some_and(|body| body.keys().all(|key| key == "accountEnabled"));
            has(&["User.ReadWrite.All", "Directory.ReadWrite.All"])
                || (only_enabled && has(&["User.EnableDisableAccount.All"]) && has(READ_USERS))
        }
        ("POST", ["users", _, "sendMail"]) => has(&["Mail.Send"]),
        ("POST", ["users", _, "sponsors", "$ref"])
        | ("DELETE", ["users", _, "sponsors", _, "$ref"]) => {
            has(&["User.ReadWrite.All", "Directory.ReadWrite.All"])
        }
        ("DELETE", ["users", ..]) => has(DELETE_USERS),
        ("GET", ["groups", ..]) => has(READ_MEMBERS),
        ("POST", ["groups", _, "members", "$ref"])
        | ("DELETE", ["groups", _, "members", _, "$ref"]) => has(WRITE_MEMBERS),
        ("DELETE", ["groups", _, "members", _]) => has(WRITE_MEMBERS) && has(DELETE_USERS),
        ("POST" | "DELETE", ["directory", "deletedItems", ..]) => has(DELETE_USERS),
        ("GET", ["organization"]) => has(&[
            "Organization.Read.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ]),
        ("GET", ["roleManagement", ..]) => has(&[
            "RoleManagement.Read.Directory",
            "RoleManagement.ReadWrite.Directory",
            "Directory.Read.All",
        ]),
        ("GET", ["auditLogs", ..]) => return reports(call),
        _ => true,
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

fn reports(call: &Call<'_>) -> Result<(), Reply> {
    if call.roles.iter().any(|role| role == "AuditLog.Read.All") {
        return Ok(());
    }
    let text = "Calling principal does not have required MSGraph permissions AuditLog.Read.All";
    Err(Reply::error(
        403,
        "Authentication_MSGraphPermissionMissing",
        text,
    ))
}
