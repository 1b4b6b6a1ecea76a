//! Facts: what is known of one guest at one instant, derived from the observation and the history.
//!
//! Invariant: a fact that is not known is [`Fact::Unknown`]. It is never given a value for want of one.

mod derive;
mod names;
pub mod reference;

use chrono::{DateTime, NaiveDate, Utc};

use crate::group::NamedGroups;
use crate::policy::{Partner, Project};
use crate::sponsor::Sponsor;

pub use names::{FactName, Kind};

/// The value of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It is this.
    Known(T),
    /// It is known that there is none: a guest without a project has no expiry.
    Nothing,
    /// It is not known.
    Unknown,
}

impl<T> Fact<T> {
    /// `Known`, or what is told about its absence.
    #[must_use]
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Nothing | Self::Unknown => None,
        }
    }

    /// Applies `f` to a known value.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Fact<U> {
        match self {
            Self::Known(value) => Fact::Known(f(value)),
            Self::Nothing => Fact::Nothing,
            Self::Unknown => Fact::Unknown,
        }
    }

    /// A value that Graph may leave out without our knowing why.
    #[must_use]
    pub fn or_unknown(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }
}

/// What applies to every guest of the tenant at one instant.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The instant.
    pub now: DateTime<Utc>,
    /// The groups that the policy names, as found in the directory.
    pub named_groups: &'a NamedGroups,
    /// The policy's projects.
    pub projects: &'a [Project],
    /// The policy's partners.
    pub partners: &'a [Partner],
}

/// One project of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectFact<'a> {
    /// The group's name.
    pub name: &'a str,
    /// Its last day.
    pub ends: NaiveDate,
    /// Days until its last day; negative once past.
    pub ends_in_days: i64,
}

impl ProjectFact<'_> {
    /// Its last day is over.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ends_in_days < 0
    }
}

/// Everything that a condition can ask about a guest. See [`FactName`] for what each one means.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts<'a> {
    /// [`FactName::InactiveDays`].
    pub inactive_days: Fact<i64>,
    /// [`FactName::NeverSignedIn`].
    pub never_signed_in: Fact<bool>,
    /// [`FactName::PendingDays`].
    pub pending_days: Fact<i64>,
    /// [`FactName::ExpiresInDays`].
    pub expires_in_days: Fact<i64>,
    /// [`FactName::AccountAgeDays`].
    pub account_age_days: Fact<i64>,
    /// [`FactName::Enabled`].
    pub enabled: Fact<bool>,
    /// [`FactName::Synced`].
    pub synced: Fact<bool>,
    /// [`FactName::Domain`].
    pub domain: Fact<String>,
    /// [`FactName::Upn`].
    pub upn: Fact<&'a str>,
    /// [`FactName::Mail`].
    pub mail: Fact<&'a str>,
    /// [`FactName::Company`].
    pub company: Fact<&'a str>,
    /// [`FactName::UserType`].
    pub user_type: Fact<&'static str>,
    /// [`FactName::Sponsors`].
    pub sponsors: &'a [Sponsor],
    /// [`FactName::Projects`].
    pub projects: Fact<Vec<ProjectFact<'a>>>,
    /// [`FactName::Roles`].
    pub roles: &'a [String],
    /// [`FactName::Groups`]: for each group that the policy names, whether the guest is a member.
    pub groups: Vec<(&'a str, Fact<bool>)>,
}

impl Facts<'_> {
    /// Whether the guest is a member of the group that the policy calls `key`.
    #[must_use]
    pub fn in_group(&self, key: &str) -> Fact<bool> {
        self.groups
            .iter()
            .find(|(named, _)| *named == key)
            .map_or(Fact::Unknown, |(_, member)| *member)
    }

    /// A fact's value as a person would write it; for `explain`.
    #[must_use]
    pub fn shown(&self, name: FactName) -> String {
        fn plain<T: ToString>(fact: &Fact<T>) -> String {
            match fact {
                Fact::Known(value) => value.to_string(),
                Fact::Nothing => "none".to_owned(),
                Fact::Unknown => "not known".to_owned(),
            }
        }
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        match name {
            FactName::InactiveDays => plain(&self.inactive_days),
            FactName::NeverSignedIn => plain(&self.never_signed_in),
            FactName::PendingDays => plain(&self.pending_days),
            FactName::ExpiresInDays => plain(&self.expires_in_days),
            FactName::AccountAgeDays => plain(&self.account_age_days),
            FactName::Enabled => plain(&self.enabled),
            FactName::Synced => plain(&self.synced),
            FactName::Domain => plain(&self.domain),
            FactName::Upn => plain(&self.upn),
            FactName::Mail => plain(&self.mail),
            FactName::Company => plain(&self.company),
            FactName::UserType => plain(&self.user_type),
            FactName::Sponsors => list(self.sponsors.iter().map(shown_sponsor).collect()),
            FactName::Projects => match &self.projects {
                Fact::Known(projects) => list(projects.iter().map(shown_project).collect()),
                Fact::Nothing => "none".to_owned(),
                Fact::Unknown => "not known".to_owned(),
            },
            FactName::Roles => list(self.roles.to_vec()),
            FactName::Groups => list(self.groups.iter().filter_map(shown_group).collect()),
        }
    }
}

fn shown_sponsor(sponsor: &Sponsor) -> String {
    let name = sponsor
        .mail
        .as_deref()
        .or(sponsor.display_name.as_deref())
        .map_or_else(|| sponsor.id.to_string(), str::to_owned);
    match sponsor.eligible() {
        Some(true) => name,
        Some(false) => format!("{name} (not eligible)"),
        None => format!("{name} (eligibility not known)"),
    }
}

fn shown_project(project: &ProjectFact<'_>) -> String {
    let verb = if project.ended() { "ended" } else { "ends" };
    format!("{} ({verb} {})", project.name, project.ends)
}

fn shown_group((key, member): &(&str, Fact<bool>)) -> Option<String> {
    match member {
        Fact::Known(true) => Some((*key).to_owned()),
        Fact::Known(false) | Fact::Nothing => None,
        Fact::Unknown => Some(format!("{key} (not known)")),
    }
}
