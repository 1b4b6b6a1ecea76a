//! Who may sponsor, and who is asked where no sponsor is fit.

use serde::{Deserialize, Serialize};

use crate::ids::SponsorId;

/// What a policy says of sponsors: `[sponsors]` and `[[steward]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsoring {
    /// The group, by id or name, of which whoever answers for a guest has to be a member, directly or by nested groups.
    pub group: Option<String>,
    /// Who is looked for, in this order; the operators come last, always.
    pub chain: Vec<Link>,
    /// Whether a stage may make the person that the chain finds a sponsor in Entra.
    pub write_back: bool,
    /// Who answers for the guests of which domains.
    pub stewards: Vec<Steward>,
}

impl Default for Sponsoring {
    /// That of a policy without `[sponsors]`: nothing is read of anybody for it that is not read anyway.
    fn default() -> Self {
        Self {
            group: None,
            chain: vec![Link::Sponsor, Link::ProjectOwner, Link::Steward],
            write_back: false,
            stewards: Vec::new(),
        }
    }
}

/// A link of the chain: a way to somebody who can answer for a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// The guest's own manager, as Entra has it; only a notice to the manager looks for it.
    GuestManager,
    /// The guest's sponsors; those who are fit answer together.
    Sponsor,
    /// The managers of its sponsors, and of those whom Entra has deleted.
    Manager,
    /// The owners of its project groups.
    ProjectOwner,
    /// Whoever invited it, by the audit log.
    Inviter,
    /// The steward of its domain.
    Steward,
    /// The operators named in the configuration.
    Operators,
}

impl Link {
    /// Those that a policy can put in order, in the order that `[sponsors]` has without `chain`.
    pub const ORDERED: [Self; 5] = [
        Self::Sponsor,
        Self::Manager,
        Self::ProjectOwner,
        Self::Inviter,
        Self::Steward,
    ];

    /// The word used in policies and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GuestManager => "guest-manager",
            Self::Sponsor => "sponsor",
            Self::Manager => "manager",
            Self::ProjectOwner => "project-owner",
            Self::Inviter => "inviter",
            Self::Steward => "steward",
            Self::Operators => "operators",
        }
    }
}

/// Who answers for the guests of some domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steward {
    /// The domains, lower case.
    pub domains: Vec<String>,
    /// Whom to write to.
    pub to: Vec<Contact>,
}

/// Somebody whom a policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// By mail address.
    Mail(String),
    /// A user of the tenant, by object id.
    User(SponsorId),
}

impl Sponsoring {
    /// The users that the policy names as stewards.
    pub fn users(&self) -> impl Iterator<Item = SponsorId> {
        let contacts = self.stewards.iter().flat_map(|steward| &steward.to);
        contacts.filter_map(|contact| match contact {
            Contact::Mail(_) => None,
            Contact::User(id) => Some(*id),
        })
    }
}
