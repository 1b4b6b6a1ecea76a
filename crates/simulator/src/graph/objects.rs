//! Objects as JSON, with the properties selected.

use serde_json::{Map, Value, json};

use crate::faults::{Fault, RowFault};
use crate::second::{DAY, Second};
use crate::tenant::{Activity, Directory, GroupIx, GroupKind, ROLES, UserIx};

/// Every property of a user that is served.
pub(super) const USER: &[&str] = &[
    "id",
    "displayName",
    "givenName",
    "surname",
    "mail",
    "otherMails",
    "userPrincipalName",
    "userType",
    "accountEnabled",
    "createdDateTime",
    "creationType",
    "externalUserState",
    "externalUserStateChangeDateTime",
    "onPremisesSyncEnabled",
    "onPremisesExtensionAttributes",
    "employeeLeaveDateTime",
    "companyName",
    "deletedDateTime",
    "signInActivity",
    "businessPhones",
    "jobTitle",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "isManagementRestricted",
    "roleTemplateId",
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
    "onPremisesSyncEnabled",
    "createdDateTime",
    "expirationDateTime",
    "visibility",
    "roleTemplateId",
    "accountEnabled",
    "userType",
];

fn moment(at: Option<Second>) -> Value {
    at.map_or(Value::Null, |at| json!(at.to_string()))
}

/// A user. Unselected properties are left out.
pub(super) fn user(
    directory: &Directory,
    ix: UserIx,
    select: &[&str],
    fault: Option<&Fault>,
) -> Map<String, Value> {
    let user = directory.user(ix);
    let mut row = Map::new();
    for name in select {
        let value = match *name {
            "id" => json!(user.id.to_string()),
            "displayName" => json!(directory.display_name(ix)),
            "givenName" => json!(directory.display_name(ix).split(' ').next()),
            "surname" => json!(directory.display_name(ix).split(' ').nth(1)),
            "mail" => json!(directory.mail(ix)),
            "otherMails" => json!([directory.mail(ix)]),
            "userPrincipalName" => json!(match user.deleted {
                Some(_) => format!("{}{}", user.id.simple(), directory.upn(ix)),
                None => directory.upn(ix),
            }),
            "userType" => json!(user.user_type.name()),
            "accountEnabled" => json!(user.enabled),
            "createdDateTime" => moment(user.created),
            "creationType" => json!(user.creation_type.map(crate::tenant::CreationType::name)),
            "externalUserState" => json!(user.state.map(crate::tenant::InvitationState::name)),
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
            "isManagementRestricted" => json!(false),
            "signInActivity" => match sign_in_activity(user.id, user.shown, fault) {
                Some(activity) => activity,
                None => continue,
            },
            "roleTemplateId" => continue,
            _ => Value::Null,
        };
        row.insert((*name).to_owned(), value);
    }
    row
}

/// Left out for a user who never signed in; or as a fault has it.
fn sign_in_activity(id: uuid::Uuid, shown: Activity, fault: Option<&Fault>) -> Option<Value> {
    let written = |activity: Activity, none: &Value| {
        let time = |at: Option<Second>| at.map_or_else(|| none.clone(), |at| json!(at.to_string()));
        json!({
            "lastSignInDateTime": time(activity.interactive),
            "lastSignInRequestId": id.to_string(),
            "lastNonInteractiveSignInDateTime": time(activity.non_interactive),
            "lastNonInteractiveSignInRequestId": id.to_string(),
            "lastSuccessfulSignInDateTime": time(activity.success),
            "lastSuccessfulSignInRequestId": id.to_string(),
        })
    };
    let nothing = Activity::default();
    match fault.map(|fault| fault.encoding) {
        None if shown.is_absent() => None,
        None => Some(written(shown, &Value::Null)),
        Some(RowFault::Absent) => None,
        Some(RowFault::Null) => Some(Value::Null),
        Some(RowFault::MinDate) => Some(written(nothing, &json!("0001-01-01T00:00:00Z"))),
        Some(RowFault::Empty) => Some(written(nothing, &json!(""))),
        Some(RowFault::Stale) if shown.is_absent() => None,
        Some(RowFault::Stale) => Some(written(shown.older(365 * DAY), &Value::Null)),
    }
}

/// A group. Unselected properties are left out.
pub(super) fn group(directory: &Directory, ix: GroupIx, select: &[&str]) -> Map<String, Value> {
    let group = directory.group(ix);
    let kind = group.kind;
    let mut row = Map::new();
    for name in select {
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
            "roleTemplateId" | "accountEnabled" | "userType" => continue,
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
