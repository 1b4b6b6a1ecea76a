//! A guest: what one reading said of it, and what is remembered of it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::activity::{Reading, SignIns};
use crate::attestation::Attestation;
use crate::case::Case;
use crate::decision::{Decision, Order};
use crate::group::Group;
use crate::ids::GuestId;
use crate::mark::Written;
use crate::sponsor::Sponsor;

/// `user.userType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserType {
    /// `Guest`.
    Guest,
    /// `Member`: among external users, one who was given a member's rights.
    Member,
}

/// How far an invitation came (`externalUserState` and `externalUserStateChangeDateTime`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Invitation {
    /// `PendingAcceptance`: sent, not redeemed.
    Pending {
        /// When it became pending.
        since: Option<DateTime<Utc>>,
    },
    /// `Accepted`: redeemed.
    Accepted {
        /// When it was redeemed.
        at: Option<DateTime<Utc>>,
    },
    /// `null`: the account was not made by an invitation.
    None,
    /// A state that this version does not know. Nothing is concluded from it.
    Unrecognised,
}

/// One guest as one answer of Graph describes it (`GET /users`, section 1.5 of its user resource).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// `id`.
    pub id: GuestId,
    /// `userPrincipalName`.
    pub upn: String,
    /// `mail`; else the first of `otherMails`.
    pub mail: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `userType`.
    pub user_type: UserType,
    /// `accountEnabled`. `None`: Graph did not say.
    pub enabled: Option<bool>,
    /// `createdDateTime`. `None` for some accounts made before June 2018.
    pub created: Option<DateTime<Utc>>,
    /// The invitation and how far it came.
    pub invitation: Invitation,
    /// `onPremisesSyncEnabled`: `true` is mastered on-premises, `false` once was, `None` never was.
    pub on_premises_sync: Option<bool>,
    /// It is in a restricted management administrative unit (`isManagementRestricted`); `None` where Graph did not say.
    pub management_restricted: Option<bool>,
    /// `companyName`.
    pub company: Option<String>,
    /// `creationType`; `None` also where Graph gives none.
    pub creation_type: Option<String>,
    /// It authenticates elsewhere. `None`: it was not read yet.
    pub external: Option<bool>,
    /// The attribute that the policy takes for a date; `None` when none was read.
    pub attribute: Option<Attribute>,
    /// `signInActivity`.
    pub sign_ins: SignIns,
}

/// An attribute of a guest, as Graph spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Such as `extensionAttribute3`.
    pub name: String,
    /// Its value, if it has one.
    pub value: Option<String>,
}

/// Properties that are read only where a policy asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// The attribute taken for a date.
    pub attribute: Option<String>,
    /// `identities`.
    pub identities: bool,
}

impl Guest {
    /// The domain that the guest comes from: of the mail address, else as the UPN spells it
    /// (`local_domain#EXT#@tenant`). Lower case.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        let of_mail = self
            .mail
            .as_deref()
            .and_then(|mail| mail.rsplit_once('@'))
            .map(|(_, domain)| domain);
        let of_upn = || {
            self.upn
                .split_once("#EXT#")
                .and_then(|(home, _)| home.rsplit_once('_'))
                .map(|(_, domain)| domain)
        };
        of_mail
            .or_else(of_upn)
            .filter(|domain| !domain.is_empty())
            .map(str::to_lowercase)
    }
}

/// A guest as remembered: the newest attributes, with sign-in times that only ever moved forward, and what
/// Innkeeper itself did to the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestRecord {
    /// The newest attributes. `sign_ins` are the marks: the newest of each time ever read.
    pub guest: Guest,
    /// What the newest reading of the sign-in times was worth.
    pub reading: Reading,
    /// The newest successful sign-in seen in the sign-in log: it shows a guest who came back before `signInActivity` does,
    /// and is kept apart since it says nothing of what that should read.
    pub logged_in: Option<DateTime<Utc>>,
    /// When Innkeeper first saw the guest.
    pub first_seen: DateTime<Utc>,
    /// When a complete observation first no longer had the guest; `None` while it is in the directory.
    pub gone: Option<DateTime<Utc>>,
    /// When somebody last brought the account back: restored it, or enabled what Innkeeper had disabled.
    pub revived: Option<DateTime<Utc>>,
    /// When Innkeeper disabled the account, as long as that is the reason why it is disabled.
    pub disabled_by_us: Option<DateTime<Utc>>,
    /// When Innkeeper deleted the account, as long as it stays deleted.
    pub deleted_by_us: Option<DateTime<Utc>>,
}

/// Everything known of one guest at one instant: what `decide` looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestView {
    /// The guest.
    pub record: GuestRecord,
    /// Its sponsors, ordered by id.
    pub sponsors: Vec<Sponsor>,
    /// How many users sponsored it until Entra deleted them; `None` while it is not known of all who vanished whether they
    /// were deleted.
    pub deleted_sponsors: Option<u32>,
    /// Those of the groups named by the policy of which it is a direct member, ordered by id.
    pub groups: Vec<Group>,
    /// Names (or template ids) of the directory roles that it holds.
    pub roles: Vec<String>,
    /// What else it was given access to.
    pub access: Access,
    /// Its open cases, at most one per rule, ordered by rule.
    pub cases: Vec<Case>,
    /// How many cases of it have closed.
    pub previous_cases: u64,
    /// What people decided about it, at most one of each kind, over or not.
    pub decisions: Vec<Decision>,
    /// What those answerable for it said, the newest answer of each person, in the order in which they were given.
    pub attestations: Vec<Attestation>,
    /// Who invited it, as the audit log said: the object id of a user, or `application`. `None` where that was not read.
    pub invited_by: Option<String>,
    /// What Innkeeper wrote into its attributes and has not cleared, ordered by attribute.
    pub marks: Vec<Written>,
    /// How often somebody brought the account back after Innkeeper had disabled or deleted it.
    pub brought_back: u32,
}

impl GuestView {
    /// The hold that it is on.
    #[must_use]
    pub fn hold(&self) -> Option<&Decision> {
        self.decisions
            .iter()
            .find(|decision| matches!(decision.order, Order::Hold))
    }

    /// The exemption in force, with its last day.
    #[must_use]
    pub fn exemption(&self, now: DateTime<Utc>) -> Option<(NaiveDate, &Decision)> {
        self.decisions
            .iter()
            .find_map(|decision| match decision.order {
                Order::Exempt { until } if decision.order.is_in_force(now) => {
                    Some((until, decision))
                }
                Order::Exempt { .. } | Order::Hold | Order::Expire { .. } => None,
            })
    }

    /// The day on which a person expects it to leave.
    #[must_use]
    pub fn expiry(&self) -> Option<(NaiveDate, &Decision)> {
        self.decisions
            .iter()
            .find_map(|decision| match decision.order {
                Order::Expire { on } => Some((on, decision)),
                Order::Exempt { .. } | Order::Hold => None,
            })
    }
}

/// How often Innkeeper itself did what to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OurDeeds {
    /// Disabled it.
    pub disabled: u32,
    /// Enabled it again.
    pub enabled: u32,
    /// Deleted it.
    pub deleted: u32,
}

impl GuestRecord {
    /// How often somebody else brought the account back: each time that Innkeeper took it and that is over, though
    /// not by its own hand.
    #[must_use]
    pub fn brought_back(&self, ours: OurDeeds) -> u32 {
        let OurDeeds {
            disabled,
            enabled,
            deleted,
        } = ours;
        let is_disabled = u32::from(self.disabled_by_us.is_some());
        let is_deleted = u32::from(self.deleted_by_us.is_some());
        let from_disabled = disabled.saturating_sub(enabled + is_disabled);
        // A deleted account was disabled before, so coming back from both is one and the same return.
        from_disabled.max(deleted.saturating_sub(is_deleted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_is_the_mail_addresss_or_the_one_in_the_upn() {
        let mut guest = Guest {
            id: GuestId::derived(&[b"1"]),
            upn: "ann_smith_Fabrikam.example#EXT#@contoso.example".into(),
            mail: Some("ann@Partner.example".into()),
            display_name: None,
            user_type: UserType::Guest,
            enabled: Some(true),
            created: None,
            invitation: Invitation::None,
            on_premises_sync: None,
            management_restricted: None,
            company: None,
            creation_type: None,
            external: None,
            attribute: None,
            sign_ins: SignIns::default(),
        };
        assert_eq!(guest.domain().as_deref(), Some("partner.example"));
        guest.mail = None;
        assert_eq!(guest.domain().as_deref(), Some("fabrikam.example"));
        guest.upn = "local@contoso.example".into();
        assert_eq!(guest.domain(), None);
    }
}
