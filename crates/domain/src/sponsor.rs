//! Sponsors: the users or groups answerable for a guest, and who answers where they are missing or unfit.

mod chain;
mod circle;

use serde::{Deserialize, Serialize};

use crate::ids::SponsorId;

pub use chain::{Finding, Hop, Succession, chain, managers, successor};
pub use circle::{Acquaintance, Circle, Inviter, Manager};

/// What a sponsor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SponsorKind {
    /// A user.
    User,
    /// A group, whose members all act as sponsors.
    Group,
}

impl SponsorKind {
    /// The word stored, shown, and used in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// Whether somebody is in the group of those who may sponsor, nested groups included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// The policy names no such group.
    #[default]
    NotAsked,
    /// Yes.
    In,
    /// No.
    Out,
    /// The group was not found, or its members were not read.
    Unknown,
}

impl Membership {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NotAsked, Self::In, Self::Out, Self::Unknown];

    /// The word stored.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAsked => "not-asked",
            Self::In => "in",
            Self::Out => "out",
            Self::Unknown => "unknown",
        }
    }
}

/// One sponsor. A deleted sponsor is not among a guest's sponsors: Graph no longer returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sponsor {
    /// The object id.
    pub id: SponsorId,
    /// User or group.
    pub kind: SponsorKind,
    /// `displayName`.
    pub display_name: Option<String>,
    /// Where mail reaches it; `None` when Graph gave no address.
    pub mail: Option<String>,
    /// `accountEnabled` of a user; `None` when Graph did not say. A group is always `Some(true)`.
    pub enabled: Option<bool>,
    /// The sponsor is itself a guest.
    pub is_guest: bool,
    /// Whether it is in the policy's sponsor group.
    pub membership: Membership,
}

impl Sponsor {
    /// Fit to answer for a guest: not disabled, not a guest itself, and in the sponsor group where the policy names one.
    /// `None` when that cannot be told.
    #[must_use]
    pub fn eligible(&self) -> Option<bool> {
        match (self.is_guest, self.enabled, self.membership) {
            (true, ..) | (_, Some(false), _) | (_, _, Membership::Out) => Some(false),
            (false, None, _) | (false, _, Membership::Unknown) => None,
            (false, Some(true), Membership::NotAsked | Membership::In) => Some(true),
        }
    }
}
