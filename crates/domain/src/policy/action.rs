//! What a stage does.

use std::fmt;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::mark::Mark;

/// The kinds of action, from the mildest to the gravest; their order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Mark the guest in Innkeeper; nothing is written to the directory.
    Flag,
    /// The same, and write it into an attribute of the guest. In policies it is a `flag` with an attribute.
    Mark,
    /// Write to the people responsible.
    Notify,
    /// Make the person that the sponsor chain finds a sponsor in Entra.
    AddSponsor,
    /// Have Microsoft send the invitation again, to a guest that has not redeemed it.
    ResendInvitation,
    /// Take the guest's own app role assignments away.
    RemoveAppRoles,
    /// Take the guest out of groups.
    RemoveFromGroup,
    /// `accountEnabled: false`.
    Disable,
    /// Delete; Entra keeps the account for 30 days.
    Delete,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Flag,
        Self::Mark,
        Self::Notify,
        Self::AddSponsor,
        Self::ResendInvitation,
        Self::RemoveAppRoles,
        Self::RemoveFromGroup,
        Self::Disable,
        Self::Delete,
    ];

    /// The word used in policies, tables and the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Mark => "mark",
            Self::Notify => "notify",
            Self::AddSponsor => "add-sponsor",
            Self::ResendInvitation => "resend-invitation",
            Self::RemoveAppRoles => "remove-app-roles",
            Self::RemoveFromGroup => "remove-from-group",
            Self::Disable => "disable",
            Self::Delete => "delete",
        }
    }

    /// What it shares with the stage that it is executed as: a flag that is written into an attribute is a flag as well.
    #[must_use]
    pub fn counts_as(self, stage: Self) -> bool {
        let is_flag = |action| matches!(action, Self::Flag | Self::Mark);
        self == stage || is_flag(self) && is_flag(stage)
    }

    /// The inverse of [`Action::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Takes something away from the guest: only with healthy eyes, in mode `enforce`, after a fresh re-read.
    #[must_use]
    pub fn is_destructive(self) -> bool {
        match self {
            Self::Flag | Self::Mark | Self::Notify | Self::AddSponsor | Self::ResendInvitation => {
                false
            }
            Self::RemoveAppRoles | Self::RemoveFromGroup | Self::Disable | Self::Delete => true,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A step of a rule: an action, and the wait before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What is done.
    pub action: Action,
    /// How long after the execution of the stage before (for the first: after the case opened).
    pub wait: TimeDelta,
    /// Whom a notice goes to (`to`).
    pub to: Vec<Recipient>,
    /// Out of which groups a guest is taken (`from`).
    pub from: FromGroups,
    /// Of which applications' roles a guest is relieved (`of`): by display name or the id of the service principal. None
    /// means of all.
    pub of: Vec<String>,
    /// How often a notice goes out again until the next stage (`repeat`).
    pub repeat: Option<TimeDelta>,
    /// What a flag writes into an attribute (`attribute`, `value`): of [`Action::Mark`], and of no other.
    pub mark: Option<Mark>,
}

impl Stage {
    /// The action at once, with what is customary for the rest.
    #[must_use]
    pub fn of(action: Action) -> Self {
        Self {
            action,
            wait: TimeDelta::zero(),
            to: vec![Recipient::Sponsor],
            from: FromGroups::EndedProjects,
            of: Vec::new(),
            repeat: None,
            mark: None,
        }
    }

    /// Whoever answers for the guest is looked for.
    #[must_use]
    pub fn follows_chain(&self) -> bool {
        let is_asked = |to: &Recipient| matches!(to, Recipient::Sponsor | Recipient::Manager);
        match self.action {
            Action::Notify => self.to.iter().any(is_asked),
            Action::AddSponsor => true,
            Action::Flag
            | Action::Mark
            | Action::ResendInvitation
            | Action::RemoveAppRoles
            | Action::RemoveFromGroup
            | Action::Disable
            | Action::Delete => false,
        }
    }

    /// The groups that it names.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        match &self.from {
            FromGroups::EndedProjects => [].iter(),
            FromGroups::Named(groups) => groups.iter(),
        }
        .map(String::as_str)
    }
}

/// Whom a notice goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// The guest's eligible sponsors, or whoever the sponsor chain finds in their place.
    Sponsor,
    /// The guest's manager, else its sponsors' managers, else as [`Recipient::Sponsor`].
    Manager,
    /// The operators named in the configuration.
    Operators,
    /// The guest itself; where it has no address, the operators if nobody else is written to.
    Guest,
}

impl Recipient {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sponsor, Self::Manager, Self::Operators, Self::Guest];

    /// The word used in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sponsor => "sponsor",
            Self::Manager => "manager",
            Self::Operators => "operators",
            Self::Guest => "guest",
        }
    }
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Notice {
    /// A stage is reached. It is executed with the notice.
    #[default]
    Stage,
    /// The stage was reached before. The case stays where it is.
    Again,
    /// The rule cannot be judged, and somebody may know better. The case stays where it is.
    Ask,
    /// An answer was given in the recipient's name. No stage has it.
    Answered,
    /// Entra is about to let go for good of a guest that Innkeeper deleted. No stage has it.
    LastDays,
}

impl Notice {
    /// It is the ordinary one.
    #[must_use]
    pub fn is_stage(&self) -> bool {
        match self {
            Self::Stage => true,
            Self::Again | Self::Ask | Self::Answered | Self::LastDays => false,
        }
    }

    /// The next one of its kind waits for a while after it.
    #[must_use]
    pub fn is_reminder(&self) -> bool {
        match self {
            Self::Again | Self::Ask => true,
            Self::Stage | Self::Answered | Self::LastDays => false,
        }
    }
}

/// What is done while a rule cannot be judged for a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// Nothing.
    #[default]
    Hold,
    /// The sponsors are asked, at most once in [`OnUnknown::PAUSE`]. Nothing else ever follows from it.
    Ask,
}

impl OnUnknown {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Hold, Self::Ask];

    /// How long nobody is asked again about the same case.
    pub const PAUSE: TimeDelta = TimeDelta::days(7);

    /// The word used in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Ask => "ask",
        }
    }
}

/// Out of which groups `remove-from-group` takes a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromGroups {
    /// The project groups whose project has ended.
    EndedProjects,
    /// These, by id or name.
    Named(Vec<String>),
}

/// Of which groups a rule never takes the last guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeepLast {
    /// Of none.
    #[default]
    Nowhere,
    /// Of the policy's project groups.
    Projects,
    /// Of these, by id or name.
    Named(Vec<String>),
}
