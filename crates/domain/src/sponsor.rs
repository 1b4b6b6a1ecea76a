//! Sponsors: the users or groups answerable for a guest.

use serde::{Deserialize, Serialize};

use crate::ids::SponsorId;

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
}

impl Sponsor {
    /// Fit to answer for a guest: not disabled, and not a guest itself. `None` when that cannot be told.
    #[must_use]
    pub fn eligible(&self) -> Option<bool> {
        if self.is_guest {
            Some(false)
        } else {
            self.enabled
        }
    }
}
