//! The values of properties that are enumerations in all but their type: Graph calls them strings, and its pages on each
//! resource say what they hold.

const DOCUMENTED: &[(&str, &str, &[&str])] = &[
    ("user", "userType", &["Guest", "Member"]),
    (
        "user",
        "externalUserState",
        &["PendingAcceptance", "Accepted"],
    ),
    (
        "user",
        "creationType",
        &[
            "Invitation",
            "LocalAccount",
            "EmailVerified",
            "SelfServiceSignUp",
        ],
    ),
    ("group", "groupTypes", &["Unified", "DynamicMembership"]),
    (
        "group",
        "visibility",
        &["Private", "Public", "HiddenMembership"],
    ),
    ("group", "membershipRuleProcessingState", &["On", "Paused"]),
    ("group", "resourceProvisioningOptions", &["Team"]),
    ("assignedPlan", "capabilityStatus", CAPABILITY),
    ("subscribedSku", "capabilityStatus", CAPABILITY),
    (
        "servicePlanInfo",
        "provisioningStatus",
        &[
            "Success",
            "Disabled",
            "Error",
            "PendingInput",
            "PendingActivation",
            "PendingProvisioning",
        ],
    ),
    (
        "appRoleAssignment",
        "principalType",
        &["User", "Group", "ServicePrincipal"],
    ),
    (
        "objectIdentity",
        "signInType",
        &["emailAddress", "userName", "federated", "userPrincipalName"],
    ),
    ("verifiedDomain", "type", &["Managed", "Federated"]),
];

const CAPABILITY: &[&str] = &["Enabled", "Warning", "Suspended", "Deleted", "LockedOut"];

/// The documented values of a property whose type is a string; `None` where it is a free text.
#[must_use]
pub fn members(kind: &str, property: &str) -> Option<&'static [&'static str]> {
    DOCUMENTED
        .iter()
        .find(|(of, name, _)| (*of, *name) == (kind, property))
        .map(|(_, _, members)| *members)
}
