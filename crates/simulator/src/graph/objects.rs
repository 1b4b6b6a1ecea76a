//! Objects as JSON, with the properties selected.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Call;
use crate::fault::RowFault;
use crate::faults::Befalling;
use crate::reply::Reply;
use crate::second::{DAY, Second};
use crate::tenant::{
    Activity, Directory, GroupIx, GroupKind, InvitationState, Origin, ROLES, UserIx, request_id,
};

/// By how many days the values of a stale replica lag behind, unless a fault says otherwise.
const DAYS_STALE: i64 = 365;

/// Every property of a user that is served.
pub(super) const USER: &[&str] = &[
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "mailNickname",
    "otherMails",
    "proxyAddresses",
    "userPrincipalName",
    "userType",
    "accountEnabled",
    "createdDateTime",
    "creationType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "identities",
    "onPremisesSyncEnabled",
    "onPremisesExtensionAttributes",
    "customSecurityAttributes",
    "employeeLeaveDateTime",
    "employeeHireDate",
    "employeeType",
    "companyName",
    "department",
    "usageLocation",
    "deletedDateTime",
    "signInActivity",
    "signInSessionsValidFromDateTime",
    "assignedLicenses",
    "businessPhones",
    "jobTitle",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "isManagementRestricted",
];

/// Properties kept outside the directory, which collections of users do not serve.
const OUT_OF_STORE: &[&str] = &[
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

/// What comes without `$select`.
pub(super) const DEFAULT_USER: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// Every property of a group that is served.
pub(super) const GROUP: &[&str] = &[
    "id",
    "displayName",
    "description",
    "groupTypes",
    "mail",
    "mailEnabled",
    "mailNickname",
    "securityEnabled",
    "membershipRule",
    "membershipRuleProcessingState",
    "isAssignableToRole",
    "isManagementRestricted",
    "onPremisesSyncEnabled",
    "createdDateTime",
    "renewedDateTime",
    "deletedDateTime",
    "expirationDateTime",
    "proxyAddresses",
    "resourceProvisioningOptions",
    "visibility",
];

/// What comes of a group without `$select`.
pub(super) const DEFAULT_GROUP: &[&str] = GROUP;

/// What may be selected from a collection of mixed kinds: whatever one of the kinds has.
pub(super) const DIRECTORY_OBJECT: &[&str] = &DIRECTORY_OBJECTS;

const DIRECTORY_OBJECTS: [&str; USER.len() + GROUP.len() + 1] = {
    let mut all = ["roleTemplateId"; USER.len() + GROUP.len() + 1];
    let mut index = 0;
    while index < USER.len() {
        all[index] = USER[index];
        index += 1;
    }
    while index < USER.len() + GROUP.len() {
        all[index] = GROUP[index - USER.len()];
        index += 1;
    }
    all
};

/// Delta queries follow nothing that is kept outside the directory, sign-ins least of all.
pub(super) fn refuse_untracked(call: &Call<'_>) -> Result<(), Reply> {
    let select = call.query.get("$select").unwrap_or_default();
    match select
        .split(',')
        .any(|name| name.trim() == "signInActivity")
    {
        true => Err(not_implemented()),
        false => refuse_out_of_store(call),
    }
}

fn not_implemented() -> Reply {
    Reply::error(
        501,
        "NotImplemented",
        "This operation target is not yet supported.",
    )
}

/// Collections refuse what is not kept in the directory; `signInActivity` is the exception.
pub(super) fn refuse_out_of_store(call: &Call<'_>) -> Result<(), Reply> {
    let select = call.query.get("$select").unwrap_or_default();
    match select
        .split(',')
        .any(|name| OUT_OF_STORE.contains(&name.trim()))
    {
        true => Err(not_implemented()),
        false => Ok(()),
    }
}

fn moment(at: Option<Second>) -> Value {
    at.map_or(Value::Null, |at| json!(at.to_string()))
}

/// A user. Unselected properties are left out.
pub(super) fn user(
    directory: &Directory,
    ix: UserIx,
    select: &[&str],
    fault: Option<&Befalling>,
) -> Map<String, Value> {
    let user = directory.user(ix);
    let mut row = Map::new();
    for name in select.iter().filter(|name| USER.contains(name)) {
        let value = match *name {
            "id" => json!(user.id.to_string()),
            "displayName" => json!(directory.display_name(ix)),
            "givenName" => json!(directory.display_name(ix).split(' ').next()),
            "surname" => json!(directory.display_name(ix).split(' ').nth(1)),
            "mail" => json!(directory.mail(ix)),
            "otherMails" => json!([directory.mail(ix)]),
            "mailNickname" => json!(directory.upn(ix).split('@').next()),
            "proxyAddresses" => json!([format!("SMTP:{}", directory.mail(ix))]),
            "identities" => identities(directory, ix),
            "assignedLicenses" => json!([]),
            "signInSessionsValidFromDateTime" => moment(user.created),
            "companyName" => json!(match user.origin {
                Origin::External => directory.domain_of(ix).name.split('.').next(),
                Origin::Internal => None,
            }),
            "userPrincipalName" => json!(match user.deleted {
                Some(_) => format!("{}{}", user.id.simple(), directory.upn(ix)),
                None => directory.upn(ix),
            }),
            "userType" => json!(user.user_type.name()),
            "accountEnabled" => json!(user.enabled),
            "createdDateTime" => moment(user.created),
            "creationType" => json!(user.creation_type.map(crate::tenant::CreationType::name)),
            "externalUserState" => json!(user.state.map(InvitationState::name)),
            "externalUserStateChangeDateTime" => moment(user.state_changed),
            "onPremisesSyncEnabled" => json!(user.synced),
            "deletedDateTime" => moment(user.deleted),
            "employeeLeaveDateTime" => moment(user.extras.as_ref().and_then(|extras| extras.leave)),
            "onPremisesExtensionAttributes" => {
                let attributes = user
                    .extras
                    .as_ref()
                    .map(|extras| extras.attributes.clone())
                    .unwrap_or_default();
                (1..=15u8)
                    .map(|number| {
                        (
                            format!("extensionAttribute{number}"),
                            json!(attributes.get(&number)),
                        )
                    })
                    .collect::<Map<_, _>>()
                    .into()
            }
            "businessPhones" => json!([]),
            "isManagementRestricted" => json!(user.is_restricted()),
            "signInActivity" => match sign_in_activity(user.id, user.shown, fault) {
                Some(activity) => activity,
                None => continue,
            },
            _ => Value::Null,
        };
        row.insert((*name).to_owned(), value);
    }
    row
}

/// A guest who accepted signs in at home; until then the identity is of this tenant.
fn identities(directory: &Directory, ix: UserIx) -> Value {
    let user = directory.user(ix);
    let at_home =
        user.origin == Origin::External && user.state != Some(InvitationState::PendingAcceptance);
    json!([match at_home {
        true =>
            json!({ "signInType": "federated", "issuer": "ExternalAzureAD", "issuerAssignedId": null }),
        false => json!({
            "signInType": "userPrincipalName",
            "issuer": directory.initial_domain,
            "issuerAssignedId": directory.upn(ix),
        }),
    }])
}

/// Left out for a user who never signed in; or as a fault has it.
fn sign_in_activity(id: Uuid, shown: Activity, fault: Option<&Befalling>) -> Option<Value> {
    let genuine = |activity: Activity| {
        (!activity.is_absent()).then(|| {
            let time = |at: Option<Second>| json!(at.map(|at| at.to_string()));
            let request = |at: Option<Second>| json!(at.map(|at| request_id(id, at)));
            json!({
                "lastSignInDateTime": time(activity.interactive),
                "lastSignInRequestId": request(activity.interactive),
                "lastNonInteractiveSignInDateTime": time(activity.non_interactive),
                "lastNonInteractiveSignInRequestId": request(activity.non_interactive),
                "lastSuccessfulSignInDateTime": time(activity.success),
                "lastSuccessfulSignInRequestId": request(activity.success),
            })
        })
    };
    // The odd values of the documented sample.
    let hollow = |time: &str| {
        Some(json!({
            "lastSignInDateTime": time,
            "lastSignInRequestId": "",
            "lastNonInteractiveSignInDateTime": time,
            "lastNonInteractiveSignInRequestId": "",
            "lastSuccessfulSignInDateTime": time,
            "lastSuccessfulSignInRequestId": "",
        }))
    };
    let Some(found) = fault.filter(|found| found.hits(id)) else {
        return genuine(shown);
    };
    match found.fault.encoding {
        RowFault::Absent => None,
        RowFault::Null => Some(Value::Null),
        RowFault::MinDate => hollow("0001-01-01T00:00:00Z"),
        RowFault::Empty => hollow(""),
        RowFault::Stale => {
            let days = found.fault.days.unwrap_or(DAYS_STALE);
            genuine(shown.older(days.saturating_mul(DAY)))
        }
    }
}

/// A group. Unselected properties are left out.
pub(super) fn group(directory: &Directory, ix: GroupIx, select: &[&str]) -> Map<String, Value> {
    let group = directory.group(ix);
    let kind = group.kind;
    let mut row = Map::new();
    for name in select.iter().filter(|name| GROUP.contains(name)) {
        let value = match *name {
            "id" => json!(group.id.to_string()),
            "displayName" => json!(group.name),
            "groupTypes" => match kind {
                GroupKind::Microsoft365 => json!(["Unified"]),
                GroupKind::Dynamic => json!(["DynamicMembership"]),
                GroupKind::Security
                | GroupKind::OnPremises
                | GroupKind::MailEnabled
                | GroupKind::RoleAssignable => json!([]),
            },
            "mail" => json!(group.mail(&directory.domain)),
            "mailEnabled" => json!(kind.has_mail()),
            "mailNickname" => json!(group.nickname),
            "securityEnabled" => json!(kind != GroupKind::Microsoft365),
            "membershipRule" => json!(group.rule),
            "membershipRuleProcessingState" => json!(group.rule.as_ref().map(|_| "On")),
            "isAssignableToRole" => json!(kind == GroupKind::RoleAssignable),
            "onPremisesSyncEnabled" => json!((kind == GroupKind::OnPremises).then_some(true)),
            "createdDateTime" => json!(group.created.to_string()),
            "renewedDateTime" => json!(group.created.to_string()),
            "expirationDateTime" => json!(group.expires.map(|at| at.to_string())),
            "description" => json!(
                group
                    .project
                    .map(|project| format!("Ends {}", project.ends.date()))
            ),
            "proxyAddresses" | "resourceProvisioningOptions" => json!([]),
            "isManagementRestricted" => json!(false),
            "visibility" => json!((kind == GroupKind::Microsoft365).then_some("Private")),
            _ => Value::Null,
        };
        row.insert((*name).to_owned(), value);
    }
    row
}

/// With the annotation that tells the kinds of a mixed collection apart.
pub(super) fn typed(kind: &str, row: Map<String, Value>) -> Value {
    let mut typed = Map::new();
    typed.insert(
        "@odata.type".to_owned(),
        json!(format!("#microsoft.graph.{kind}")),
    );
    typed.extend(row);
    Value::Object(typed)
}

/// An activated directory role.
pub(super) fn role(index: usize) -> Value {
    let role = &ROLES[index];
    json!({
        "@odata.type": "#microsoft.graph.directoryRole",
        "id": role.object.to_string(),
        "deletedDateTime": null,
        "description": role.name,
        "displayName": role.name,
        "roleTemplateId": role.template.to_string(),
    })
}

/// What is selected, as borrowed names.
pub(super) fn selected<'s>(
    select: Option<&'s [String]>,
    customary: &[&'static str],
) -> Vec<&'s str> {
    match select {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => customary.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_testschema::Schema;

    use super::*;

    #[test]
    fn every_property_that_is_known_is_one_of_graph() {
        let Some(schema) = Schema::load() else { return };
        for (kind, names) in [("user", USER), ("user", OUT_OF_STORE), ("group", GROUP)] {
            for name in names {
                assert!(schema.property(kind, name).is_some(), "{kind} {name}");
            }
        }
        for name in DIRECTORY_OBJECT {
            let found = schema.selectable("directoryObject", name);
            assert!(found.is_some(), "{name}");
        }
    }
}
