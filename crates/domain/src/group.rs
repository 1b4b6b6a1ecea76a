//! Groups that a policy names: project groups, and groups that protect.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::ids::GroupId;

/// A group of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The object id.
    pub id: GroupId,
    /// `displayName`.
    pub name: String,
    /// Who decides on its members.
    pub membership: Membership,
    /// `expirationDateTime`: when a Microsoft 365 group expires; `None` where it does not.
    pub expires: Option<DateTime<Utc>>,
}

/// Who decides on a group's members, and so whether Innkeeper may remove one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Assigned in Entra: a member can be removed through Graph.
    Assigned,
    /// A rule decides (`groupTypes` holds `DynamicMembership`).
    Dynamic,
    /// Mastered on-premises (`onPremisesSyncEnabled` is true).
    OnPremises,
    /// A distribution list or mail-enabled security group, written only by Exchange.
    Exchange,
    /// Role-assignable: its members are privileged.
    RoleAssignable,
}

impl Membership {
    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Dynamic => "dynamic",
            Self::OnPremises => "on-premises",
            Self::Exchange => "exchange",
            Self::RoleAssignable => "role-assignable",
        }
    }

    /// Graph lets an application remove a member.
    #[must_use]
    pub fn is_writable(self) -> bool {
        match self {
            Self::Assigned => true,
            Self::Dynamic | Self::OnPremises | Self::Exchange | Self::RoleAssignable => false,
        }
    }

    /// The inverse of [`Membership::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Assigned,
            Self::Dynamic,
            Self::OnPremises,
            Self::Exchange,
            Self::RoleAssignable,
        ]
        .into_iter()
        .find(|membership| membership.as_str() == word)
    }
}

/// What a look-up of a group named by the policy gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Exactly one group has the id or the name.
    One(Group),
    /// None has.
    Missing,
    /// Several groups have the name.
    Ambiguous,
}

impl Found {
    /// The group, when there is exactly one.
    #[must_use]
    pub fn group(&self) -> Option<&Group> {
        match self {
            Self::One(group) => Some(group),
            Self::Missing | Self::Ambiguous => None,
        }
    }
}

/// The groups that the policy names, by the id or name that it uses.
pub type NamedGroups = BTreeMap<String, Found>;
