//! The paths that exist, and the methods that each of them takes.

use super::applications;
use crate::reply::Reply;

const READ: &[&str] = &["GET"];
const ACT: &[&str] = &["POST"];
const REPLACE: &[&str] = &["PUT"];
const REMOVE: &[&str] = &["DELETE"];

/// Refuses a path that leads nowhere, and a method that a path does not take.
pub(super) fn refusal(method: &str, segments: &[&str]) -> Option<Reply> {
    let Some(methods) = methods(segments) else {
        return Some(nowhere(segments));
    };
    (!methods.contains(&method)).then(|| {
        Reply::error(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    })
}

fn methods(segments: &[&str]) -> Option<&'static [&'static str]> {
    Some(match segments {
        ["users", "$count" | "delta"] | ["groups", "delta"] => READ,
        ["users", _] => &["GET", "PATCH", "DELETE"],
        [
            "users",
            _,
            "memberOf",
            "microsoft.graph.group" | "microsoft.graph.directoryRole",
        ] => READ,
        [
            "users",
            _,
            "sponsors" | "memberOf" | "transitiveMemberOf" | "ownedObjects",
        ] => READ,
        ["identityGovernance", "accessReviews", "definitions"]
        | [
            "identityGovernance",
            "accessReviews",
            "definitions",
            _,
            "instances",
        ]
        | [
            "identityGovernance",
            "accessReviews",
            "definitions",
            _,
            "instances",
            _,
            "decisions",
        ] => READ,
        ["users", _, "manager"] => READ,
        ["users", _, "manager", "$ref"] => REPLACE,
        ["users", _, "appRoleAssignments"] => &["GET", "POST"],
        ["users", _, "appRoleAssignments", _] => REMOVE,
        ["servicePrincipals", _] => READ,
        ["invitations"] => ACT,
        ["groups", _, "members", "microsoft.graph.user"] => READ,
        [
            "groups",
            _,
            "members" | "owners" | "transitiveMembers" | "transitiveMemberOf",
        ] => READ,
        ["users" | "groups" | "organization" | "subscribedSkus"] | ["groups", _] => READ,
        [
            "roleManagement",
            "directory",
            "roleAssignments" | "roleEligibilityScheduleInstances",
        ]
        | ["identityGovernance", "entitlementManagement", "assignments"]
        | ["auditLogs", "signIns" | "directoryAudits"] => READ,
        ["directory", "deletedItems", "microsoft.graph.user"] => READ,
        ["directory", "deletedItems", _] => &["GET", "DELETE"],
        ["directory", "deletedItems", _, "restore"] | ["users", _, "sendMail"] | ["$batch"] => ACT,
        ["users", _, "sponsors", "$ref"] | ["groups", _, "members", "$ref"] => ACT,
        ["users", _, "sponsors", _] | ["groups", _, "members", _] => REMOVE,
        ["users", _, "sponsors", _, "$ref"] | ["groups", _, "members", _, "$ref"] => REMOVE,
        [own] if applications::key(own).is_some() => READ,
        _ => return None,
    })
}

fn nowhere(segments: &[&str]) -> Reply {
    match segments {
        ["directory", "deletedItems"] => Reply::bad_request(
            "The cast segment is required: /directory/deletedItems/microsoft.graph.user.",
        ),
        [
            "users" | "groups" | "directory" | "auditLogs" | "roleManagement"
            | "identityGovernance",
            ..,
            last,
        ] => Reply::no_such_segment(last),
        other => Reply::no_such_segment(other.first().unwrap_or(&"")),
    }
}
