//! A group, and the project that may stand behind it.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::user::UserIx;
use crate::second::Second;

/// The place of a group in the directory. It never changes and is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupIx(pub(crate) u32);

impl GroupIx {
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("fewer groups than 32 bits can count"))
    }
}

/// The kinds of group that answer differently to a change of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupKind {
    Security,
    Microsoft365,
    /// Members follow a rule and cannot be changed by hand.
    Dynamic,
    /// Mastered on-premises.
    OnPremises,
    /// A mail-enabled security group or distribution list: Exchange owns the members.
    MailEnabled,
    RoleAssignable,
}

impl GroupKind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Security,
        Self::Microsoft365,
        Self::Dynamic,
        Self::OnPremises,
        Self::MailEnabled,
        Self::RoleAssignable,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Microsoft365 => "m365",
            Self::Dynamic => "dynamic",
            Self::OnPremises => "on-premises",
            Self::MailEnabled => "mail-enabled",
            Self::RoleAssignable => "role-assignable",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// `mailEnabled`.
    pub(crate) fn has_mail(self) -> bool {
        match self {
            Self::Microsoft365 | Self::MailEnabled => true,
            Self::Security | Self::Dynamic | Self::OnPremises | Self::RoleAssignable => false,
        }
    }
}

/// A project: a group with an end. The end is not a property of the group in Graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Project {
    pub(crate) ends: Second,
}

/// A group object.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) nickname: String,
    pub(crate) kind: GroupKind,
    pub(crate) created: Second,
    pub(crate) rule: Option<String>,
    pub(crate) project: Option<Project>,
    /// `expirationDateTime`.
    pub(crate) expires: Option<Second>,
    pub(crate) owners: Vec<UserIx>,
    /// Soft-deleted users stay members, and are hidden.
    pub(crate) members: BTreeSet<UserIx>,
    /// Groups that are members.
    pub(crate) nested: Vec<GroupIx>,
    pub(crate) deleted: bool,
    /// The number of the last change but those of members.
    pub(crate) changed: u64,
}

impl Group {
    /// Members and owners of a role-assignable group are protected as holders of a role are.
    pub(crate) fn confers_privilege(&self) -> bool {
        self.kind == GroupKind::RoleAssignable && !self.deleted
    }

    pub(crate) fn mail(&self, domain: &str) -> Option<String> {
        self.kind
            .has_mail()
            .then(|| format!("{}@{domain}", self.nickname))
    }
}
