//! What Graph sends, as it sends it (`user`, `group`, `directoryObject`, `unifiedRoleAssignment` of v1.0).

pub(crate) mod access;
pub(crate) mod application;
mod audit;
#[cfg(test)]
mod contract;
pub(crate) mod extension;
mod moment;
pub(crate) mod reviews;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use innkeeper_domain::activity::SignIns;
use innkeeper_domain::group::{Group, Membership};
use innkeeper_domain::guest::{Attribute, Extras, Guest, Invitation, UserType};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::policy::LEAVE;
use innkeeper_domain::sponsor::{Membership as InSponsorGroup, Sponsor, SponsorKind};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

pub(crate) use audit::{DirectoryAudit, Initiated};
pub(crate) use moment::Moment;

/// A page of a listing. `value` must be there: an answer without it is not an empty page.
#[derive(Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next_link: Option<String>,
    /// On the last page of a round of changes.
    #[serde(rename = "@odata.deltaLink")]
    pub(crate) delta_link: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn empty() -> Self {
        Self {
            value: Vec::new(),
            next_link: None,
            delta_link: None,
        }
    }
}

/// The properties of a guest that are selected.
pub(crate) const GUEST: &str = "id,userPrincipalName,mail,otherMails,displayName,userType,accountEnabled,createdDateTime,\
                                externalUserState,externalUserStateChangeDateTime,onPremisesSyncEnabled,isManagementRestricted,companyName,creationType";

/// The same with what a policy asks for besides.
pub(crate) fn guest(extras: &Extras) -> String {
    let Extras {
        attribute,
        identities,
    } = extras;
    let mut selected = GUEST.to_owned();
    if *identities {
        selected.push_str(",identities");
    }
    match attribute.as_deref() {
        None => {}
        Some(LEAVE) => selected.push_str(",employeeLeaveDateTime"),
        // One of them cannot be selected by itself.
        Some(_) => selected.push_str(",onPremisesExtensionAttributes"),
    }
    selected
}

/// The same with what is limited most.
pub(crate) fn guest_with_sign_ins(extras: &Extras) -> String {
    format!("{},signInActivity", guest(extras))
}

/// A role in an application (`appRoleAssignment`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppRoleAssignment {
    pub(crate) id: Option<String>,
    pub(crate) principal_type: Option<String>,
    pub(crate) principal_id: Option<Uuid>,
    pub(crate) resource_id: Option<Uuid>,
    pub(crate) resource_display_name: Option<String>,
    pub(crate) app_role_id: Option<Uuid>,
}

/// A user's licences and manager.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Licensed {
    pub(crate) assigned_licenses: Option<Vec<AssignedLicense>>,
    /// Absent for a user who has none.
    pub(crate) manager: Option<DirectoryObject>,
}

/// A licence (`assignedLicense`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignedLicense {
    pub(crate) sku_id: Option<Uuid>,
}

/// That an object is no longer there, or no longer a member.
pub(crate) type Removed = IgnoredAny;

/// A user as a delta query tells of it.
#[derive(Deserialize)]
pub(crate) struct ChangedUser {
    #[serde(flatten)]
    pub(crate) user: User,
    #[serde(rename = "@removed")]
    pub(crate) removed: Option<Removed>,
}

/// A group as a delta query tells of it.
#[derive(Deserialize)]
pub(crate) struct ChangedGroup {
    pub(crate) id: Uuid,
    #[serde(rename = "members@delta")]
    pub(crate) members: Option<Vec<ChangedMember>>,
    #[serde(rename = "@removed")]
    pub(crate) removed: Option<Removed>,
}

/// A member as a delta query tells of it.
#[derive(Deserialize)]
pub(crate) struct ChangedMember {
    pub(crate) id: Uuid,
    #[serde(rename = "@removed")]
    pub(crate) removed: Option<Removed>,
}

/// An entry of the sign-in log (`signIn`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignIn {
    /// Empty or all zeros where it is not known.
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    created_date_time: Moment,
    #[serde(default)]
    status: Option<SignInStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInStatus {
    #[serde(default)]
    error_code: Option<i64>,
}

impl SignIn {
    /// When it was, whatever came of it.
    pub(crate) fn at(&self) -> Option<DateTime<Utc>> {
        self.created_date_time.0
    }

    /// Who signed in when, if it succeeded.
    pub(crate) fn success(self) -> Option<(GuestId, DateTime<Utc>)> {
        let user: Uuid = self.user_id?.parse().ok()?;
        let succeeded = self.status?.error_code == Some(0);
        let at = self.created_date_time.0.filter(|_| succeeded)?;
        Some((GuestId(user), at))
    }
}

/// A user, as far as it is selected.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    pub(crate) id: Uuid,
    user_principal_name: Option<String>,
    mail: Option<String>,
    #[serde(default)]
    other_mails: Option<Vec<String>>,
    display_name: Option<String>,
    user_type: Option<Kind>,
    account_enabled: Option<bool>,
    #[serde(default)]
    created_date_time: Moment,
    external_user_state: Option<ExternalState>,
    #[serde(default)]
    external_user_state_change_date_time: Moment,
    on_premises_sync_enabled: Option<bool>,
    is_management_restricted: Option<bool>,
    company_name: Option<String>,
    creation_type: Option<String>,
    identities: Option<Vec<Identity>>,
    employee_leave_date_time: Option<String>,
    on_premises_extension_attributes: Option<BTreeMap<String, Option<String>>>,
    sign_in_activity: Option<SignInActivity>,
}

/// What a user is (`userType`).
#[derive(Clone, Copy, Deserialize)]
enum Kind {
    Guest,
    Member,
    #[serde(other)]
    Other,
}

/// How far an invitation has come (`externalUserState`).
#[derive(Clone, Copy, Deserialize)]
enum ExternalState {
    PendingAcceptance,
    /// As Entra's prose writes it.
    #[serde(rename = "Pending Acceptance")]
    PendingInProse,
    Accepted,
    #[serde(other)]
    Other,
}

/// How a user signs in (`objectIdentity`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    sign_in_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInActivity {
    #[serde(default)]
    last_sign_in_date_time: Moment,
    #[serde(default)]
    last_non_interactive_sign_in_date_time: Moment,
    #[serde(default)]
    last_successful_sign_in_date_time: Moment,
}

impl User {
    /// The guest, or its id alone when the row came without what was selected. A type that is `null` is the one that was
    /// filtered by, if one was.
    pub(crate) fn guest(
        self,
        filtered_by: Option<UserType>,
        extras: &Extras,
    ) -> Result<Guest, GuestId> {
        let id = GuestId(self.id);
        if self.has_a_text_that_is_none() {
            return Err(id);
        }
        let external = self.is_external();
        let attribute = extras.attribute.as_deref();
        let attribute = attribute.and_then(|name| self.attribute(name));
        let user_type = match self.user_type {
            Some(Kind::Guest) => UserType::Guest,
            Some(Kind::Member) => UserType::Member,
            Some(Kind::Other) => return Err(id),
            None => filtered_by.ok_or(id)?,
        };
        let changed = self.external_user_state_change_date_time.0;
        Ok(Guest {
            id,
            upn: self
                .user_principal_name
                .filter(|upn| !upn.is_empty())
                .ok_or(id)?,
            mail: self
                .mail
                .into_iter()
                .chain(self.other_mails.into_iter().flatten())
                .find(|mail| !mail.is_empty()),
            display_name: self.display_name,
            user_type,
            enabled: self.account_enabled,
            created: self.created_date_time.0,
            invitation: match self.external_user_state {
                None => Invitation::None,
                Some(ExternalState::PendingAcceptance | ExternalState::PendingInProse) => {
                    Invitation::Pending { since: changed }
                }
                Some(ExternalState::Accepted) => Invitation::Accepted { at: changed },
                Some(ExternalState::Other) => Invitation::Unrecognised,
            },
            on_premises_sync: self.on_premises_sync_enabled,
            management_restricted: self.is_management_restricted,
            company: self.company_name,
            creation_type: self.creation_type,
            external: Some(external),
            attribute,
            sign_ins: self
                .sign_in_activity
                .map_or_else(SignIns::default, |activity| SignIns {
                    successful: activity.last_successful_sign_in_date_time.0,
                    interactive: activity.last_sign_in_date_time.0,
                    non_interactive: activity.last_non_interactive_sign_in_date_time.0,
                }),
        })
    }
}

impl User {
    /// A text is longer than any that Entra takes: a row that is not of Graph.
    fn has_a_text_that_is_none(&self) -> bool {
        let attributes = self.on_premises_extension_attributes.iter();
        [
            &self.user_principal_name,
            &self.mail,
            &self.display_name,
            &self.company_name,
            &self.creation_type,
            &self.employee_leave_date_time,
        ]
        .into_iter()
        .chain(attributes.flat_map(BTreeMap::values))
        .flatten()
        .chain(self.other_mails.iter().flatten())
        .any(|text| text.len() > LONGEST_TEXT)
    }

    /// It authenticates elsewhere. An identity of this tenant is also what somebody has who has not redeemed yet.
    fn is_external(&self) -> bool {
        let is_invited = matches!(
            self.creation_type.as_deref(),
            Some("Invitation" | "EmailVerified" | "SelfServiceSignUp")
        );
        let is_named_so = self
            .user_principal_name
            .as_deref()
            .is_some_and(|upn| upn.contains("#EXT#"));
        let is_federated =
            |identity: &Identity| identity.sign_in_type.as_deref() == Some("federated");
        let is_pending = matches!(
            self.external_user_state,
            Some(ExternalState::PendingAcceptance)
        );
        match &self.identities {
            Some(identities) if !is_pending => is_named_so || identities.iter().any(is_federated),
            Some(_) | None => is_named_so || is_invited,
        }
    }

    /// What stands in an attribute; `None` when it was not told.
    fn attribute(&self, name: &str) -> Option<Attribute> {
        let value = match name {
            LEAVE => {
                let is_real = |text: &&String| !text.is_empty() && !text.starts_with("0001-01-01");
                self.employee_leave_date_time
                    .as_ref()
                    .filter(is_real)
                    .cloned()
            }
            name => {
                let attributes = self.on_premises_extension_attributes.as_ref()?;
                attributes.get(name).cloned().flatten()
            }
        };
        Some(Attribute {
            name: name.to_owned(),
            value,
        })
    }
}

/// Sponsors of one guest that are believed.
const MOST_SPONSORS: usize = 100;

/// The longest text of a row that is believed. What may be written by hand has 1,024 letters at most.
const LONGEST_TEXT: usize = 16 << 10;

/// A text; one that is longer than any of Graph's is as good as none.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| text.len() <= LONGEST_TEXT))
}

/// A guest with its sponsors.
#[derive(Deserialize)]
pub(crate) struct Sponsored {
    pub(crate) id: Uuid,
    /// Empty for a guest without sponsors; where it is missing nothing is known.
    sponsors: Option<Vec<DirectoryObject>>,
    /// An expansion that goes on elsewhere is not whole.
    #[serde(rename = "sponsors@odata.nextLink")]
    rest: Option<IgnoredAny>,
}

impl Sponsored {
    /// A guest whose sponsors came by themselves. Of far more than Entra has, the first show that there are some: left out,
    /// the guest would look as if it had none.
    pub(crate) fn of(id: Uuid, mut sponsors: Vec<DirectoryObject>) -> Self {
        sponsors.truncate(MOST_SPONSORS);
        Self {
            id,
            sponsors: Some(sponsors),
            rest: None,
        }
    }

    /// The sponsors, if these are all.
    pub(crate) fn whole(&self) -> Option<&[DirectoryObject]> {
        match self.rest {
            // Entra has five at most: far more are no sponsors.
            None => self
                .sponsors
                .as_deref()
                .filter(|sponsors| sponsors.len() <= MOST_SPONSORS),
            Some(IgnoredAny) => None,
        }
    }
}

/// A user, group or directory role, told apart by `@odata.type`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DirectoryObject {
    #[serde(rename = "@odata.type")]
    pub(crate) odata_type: Option<String>,
    pub(crate) id: Uuid,
    #[serde(default, deserialize_with = "text")]
    pub(crate) display_name: Option<String>,
    #[serde(default, deserialize_with = "text")]
    mail: Option<String>,
    account_enabled: Option<bool>,
    user_type: Option<String>,
    pub(crate) role_template_id: Option<Uuid>,
    pub(crate) is_assignable_to_role: Option<bool>,
}

impl DirectoryObject {
    pub(crate) fn is_group(&self) -> bool {
        self.odata_type.as_deref() == Some("#microsoft.graph.group")
    }

    /// A listing that is of users names no type.
    pub(crate) fn is_user(&self) -> bool {
        matches!(
            self.odata_type.as_deref(),
            Some("#microsoft.graph.user") | None
        )
    }

    /// An account that can be used, as far as is known.
    pub(crate) fn is_not_disabled(&self) -> bool {
        self.account_enabled != Some(false)
    }

    pub(crate) fn is_role(&self) -> bool {
        self.odata_type.as_deref() == Some("#microsoft.graph.directoryRole")
    }

    pub(crate) fn sponsor(self) -> Sponsor {
        let is_group = self.is_group();
        Sponsor {
            id: self.id.into(),
            kind: if is_group {
                SponsorKind::Group
            } else {
                SponsorKind::User
            },
            display_name: self.display_name,
            mail: self.mail.filter(|mail| !mail.is_empty()),
            enabled: if is_group {
                Some(true)
            } else {
                self.account_enabled
            },
            is_guest: self.user_type.as_deref() == Some("Guest"),
            // The store knows.
            membership: InSponsorGroup::NotAsked,
        }
    }
}

/// The properties of a group that are selected.
pub(crate) const GROUP: &str = "id,displayName,groupTypes,onPremisesSyncEnabled,mailEnabled,isAssignableToRole,visibility,expirationDateTime";

/// A group, as far as it is selected.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireGroup {
    pub(crate) id: Uuid,
    display_name: Option<String>,
    group_types: Option<Vec<String>>,
    on_premises_sync_enabled: Option<bool>,
    mail_enabled: Option<bool>,
    is_assignable_to_role: Option<bool>,
    visibility: Option<String>,
    #[serde(default)]
    expiration_date_time: Moment,
}

impl WireGroup {
    pub(crate) fn name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// Its members are shown only to who may read hidden ones.
    pub(crate) fn hides_members(&self) -> bool {
        self.visibility.as_deref() == Some("HiddenMembership")
    }

    /// The group; `None` when it came without what was selected, since then nothing tells who decides on its members.
    pub(crate) fn group(self) -> Option<Group> {
        let (name, types) = (self.display_name?, self.group_types?);
        let is = |kind: &str| types.iter().any(|of| of == kind);
        let membership = if self.is_assignable_to_role == Some(true) {
            Membership::RoleAssignable
        } else if self.on_premises_sync_enabled == Some(true) {
            Membership::OnPremises
        } else if is("DynamicMembership") {
            Membership::Dynamic
        } else if self.mail_enabled == Some(true) && !is("Unified") {
            Membership::Exchange
        } else {
            Membership::Assigned
        };
        Some(Group {
            id: self.id.into(),
            name,
            membership,
            expires: self.expiration_date_time.0,
        })
    }
}

/// An assignment of a directory role.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RoleAssignment {
    pub(crate) principal_id: Option<Uuid>,
    pub(crate) role_definition_id: Option<Uuid>,
}

/// The tenant (`organization`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireOrganization {
    pub(crate) id: Uuid,
    pub(crate) display_name: Option<String>,
    pub(crate) assigned_plans: Option<Vec<AssignedPlan>>,
}

/// A service plan that the tenant has or had.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignedPlan {
    pub(crate) capability_status: Option<String>,
    pub(crate) service_plan_id: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(json: &str) -> Option<DateTime<Utc>> {
        serde_json::from_str::<Moment>(json).expect("a moment").0
    }

    #[test]
    fn the_ways_to_say_no_value_are_all_none() {
        for json in ["null", "\"\"", "\"0001-01-01T00:00:00Z\"", "\"soon\""] {
            assert_eq!(moment(json), None, "{json}");
        }
        let activity: SignInActivity = serde_json::from_str("{}").expect("an object");
        assert_eq!(activity.last_sign_in_date_time, Moment(None));
    }

    #[test]
    fn a_time_has_from_none_to_seven_fractional_digits() {
        let whole = moment("\"2020-03-13T19:15:41Z\"").expect("a time");
        assert_eq!(
            moment("\"2020-03-13T19:15:41.6195833Z\""),
            Some(whole + chrono::TimeDelta::microseconds(619_583))
        );
        assert_eq!(
            moment("\"2020-03-13T19:15:41.5Z\""),
            Some(whole + chrono::TimeDelta::milliseconds(500))
        );
    }

    #[test]
    fn a_row_without_what_was_selected_is_unreadable() {
        let row = r#"{"id": "1aecaf40-dc3d-461f-88a8-d06994e12898", "signInActivity": {"lastSignInDateTime": "2021-06-17T16:41:33Z"}}"#;
        assert!(
            serde_json::from_str::<User>(row)
                .expect("a row")
                .guest(Some(UserType::Guest), &Extras::default())
                .is_err()
        );
    }

    #[test]
    fn the_documented_answer_decodes() {
        let row = r#"{"displayName": "Adele Vance", "userPrincipalName": "AdeleV@contoso.com", "userType": "Guest",
            "id": "1aecaf40-dc3d-461f-88a8-d06994e12898",
            "signInActivity": {"lastSignInDateTime": "2021-06-17T16:41:33Z", "lastSignInRequestId": "d4d31c40-4c36-4775-ad59-7d1e6a171f00",
            "lastNonInteractiveSignInDateTime": "0001-01-01T00:00:00Z", "lastNonInteractiveSignInRequestId": "",
            "lastSuccessfulSignInDateTime": "", "lastSuccessfulSignInRequestId": ""}}"#;
        let guest = serde_json::from_str::<User>(row)
            .expect("a row")
            .guest(None, &Extras::default())
            .expect("a guest");
        assert_eq!(
            (guest.sign_ins.successful, guest.sign_ins.non_interactive),
            (None, None)
        );
        assert_eq!(guest.sign_ins.last(), moment("\"2021-06-17T16:41:33Z\""));
        assert_eq!(guest.enabled, None);
    }

    #[test]
    fn a_page_that_is_cut_anywhere_is_no_page() {
        let page = r#"{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users", "value": [
            {"id": "1aecaf40-dc3d-461f-88a8-d06994e12898", "userPrincipalName": "ann", "signInActivity": {"lastSignInDateTime": ""}},
            {"id": "2aecaf40-dc3d-461f-88a8-d06994e12898", "userPrincipalName": "b\u00f6b", "otherMails": []}
        ], "@odata.nextLink": "https://graph.microsoft.com/v1.0/users?$skiptoken=2"}"#;
        let whole = serde_json::from_str::<Page<User>>(page).expect("a page");
        assert_eq!(whole.value.len(), 2);
        for end in 0..page.len() {
            assert!(
                serde_json::from_slice::<Page<User>>(&page.as_bytes()[..end]).is_err(),
                "{end}"
            );
        }
    }
}
