//! Facts: what is known of one guest at one instant, derived from the observation and the history.
//!
//! Invariant: a fact that is not known is [`Fact::Unknown`]. It is never given a value for want of one.

mod derive;
mod names;
pub mod reference;
mod told;

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};

use crate::group::NamedGroups;
use crate::ids::GroupId;
use crate::policy::{Basis, Expiry, Partner, Project};
use crate::sponsor::Sponsor;

pub(crate) use derive::{all_ended, eligible_sponsor_count, sponsor_count};
pub use names::{FactName, Kind};
pub use told::FactTold;

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
    /// Where the end of a stay comes from.
    pub expiry: &'a Expiry,
    /// What counts as a sign of life.
    pub basis: Basis,
}

/// One project of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectFact<'a> {
    /// The project, as the policy or a person has it.
    pub project: &'a Project,
    /// Its group.
    pub group: GroupId,
    /// The group's name.
    pub name: &'a str,
    /// Its last day; `None` when it does not end.
    pub ends: Option<NaiveDate>,
    /// Days until its last day, negative once past; `None` when it does not end.
    pub ends_in_days: Option<i64>,
}

impl ProjectFact<'_> {
    /// Its last day is over.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ends_in_days.is_some_and(|days| days < 0)
    }
}

/// One role of a guest in an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppRoleFact<'a> {
    /// The application's name.
    pub application: &'a str,
    /// The role.
    pub role: &'a str,
    /// The role's name; `None` where it was not read.
    pub role_name: Option<&'a str>,
    /// Whole days since it was assigned; `None` where Graph does not say.
    pub days: Option<i64>,
}

/// One access package that a guest has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackageFact<'a> {
    /// The access package's name.
    pub name: &'a str,
    /// Its last day; `None` when it does not end.
    pub ends: Option<NaiveDate>,
    /// Days until its last day, negative once past; `None` when it does not end.
    pub ends_in_days: Option<i64>,
}

/// When a guest's stay ends, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiryFact<'a> {
    /// The last day.
    pub on: NaiveDate,
    /// Who says so.
    pub source: ExpirySource<'a>,
}

/// Who says when a stay ends; the first one that says anything counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpirySource<'a> {
    /// A person.
    Person(&'a str),
    /// The attribute that the policy takes for a date.
    Attribute(&'a str),
    /// The guest's last access package.
    AccessPackage,
    /// The guest's last project.
    Projects,
    /// The longest stay that the policy allows.
    MaxStay,
}

impl ExpirySource<'_> {
    /// The word used in policies.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Attribute(_) => "attribute",
            Self::AccessPackage => "access-package",
            Self::Projects => "projects",
            Self::MaxStay => "max-stay",
        }
    }
}

impl fmt::Display for ExpirySource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(by) => write!(f, "set by {by}"),
            Self::Attribute(name) => f.write_str(name),
            Self::AccessPackage => f.write_str("end of the last access package"),
            Self::Projects => f.write_str("end of the last project"),
            Self::MaxStay => f.write_str("longest stay"),
        }
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
    /// [`FactName::ExpiresBy`].
    pub expires_by: Fact<&'a str>,
    /// What both of these come from.
    pub expiry: Fact<ExpiryFact<'a>>,
    /// The value of the attribute that should be a date and is none.
    pub bad_date: Option<&'a str>,
    /// [`FactName::LastSeenBy`].
    pub last_seen_by: Fact<&'a str>,
    /// [`FactName::RedeemedOn`].
    pub redeemed_on: Fact<String>,
    /// [`FactName::RedeemedDays`].
    pub redeemed_days: Fact<i64>,
    /// [`FactName::Attested`].
    pub attested: Fact<bool>,
    /// [`FactName::AttestedDaysAgo`].
    pub attested_days_ago: Fact<i64>,
    /// [`FactName::AttestedBy`].
    pub attested_by: Fact<&'a str>,
    /// [`FactName::LetGo`].
    pub let_go: Fact<bool>,
    /// [`FactName::InvitedBy`].
    pub invited_by: Fact<&'a str>,
    /// [`FactName::CreationType`].
    pub creation_type: Fact<&'a str>,
    /// [`FactName::External`].
    pub external: Fact<bool>,
    /// [`FactName::RestoredDaysAgo`].
    pub restored_days_ago: Fact<i64>,
    /// [`FactName::DisabledByInnkeeperDays`].
    pub disabled_by_innkeeper_days: Fact<i64>,
    /// [`FactName::PreviousCases`].
    pub previous_cases: Fact<i64>,
    /// [`FactName::SponsorCount`].
    pub sponsor_count: Fact<i64>,
    /// [`FactName::DeletedSponsors`].
    pub deleted_sponsors: Fact<i64>,
    /// [`FactName::EligibleSponsorCount`].
    pub eligible_sponsor_count: Fact<i64>,
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
    /// [`FactName::AllProjectsEnded`].
    pub all_projects_ended: Fact<bool>,
    /// [`FactName::Roles`].
    pub roles: &'a [String],
    /// [`FactName::EligibleRoles`].
    pub eligible_roles: Fact<&'a [String]>,
    /// [`FactName::AppRoles`].
    pub app_roles: Fact<Vec<AppRoleFact<'a>>>,
    /// [`FactName::GroupCount`].
    pub group_count: Fact<i64>,
    /// [`FactName::MailGroupCount`].
    pub mail_group_count: Fact<i64>,
    /// [`FactName::AccessPackages`].
    pub access_packages: Fact<Vec<PackageFact<'a>>>,
    /// [`FactName::LostAccessPackages`].
    pub lost_access_packages: Fact<bool>,
    /// [`FactName::LostAccessPackagesDays`].
    pub lost_access_packages_days: Fact<i64>,
    /// [`FactName::Groups`]: for each group that the policy names, whether the guest is a member.
    pub groups: Vec<(&'a str, Fact<bool>)>,
}

impl Facts<'_> {
    /// Of a guest of whom nothing is known, and who has nothing.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            inactive_days: Fact::Unknown,
            never_signed_in: Fact::Unknown,
            pending_days: Fact::Unknown,
            expires_in_days: Fact::Unknown,
            expires_by: Fact::Unknown,
            expiry: Fact::Unknown,
            bad_date: None,
            last_seen_by: Fact::Unknown,
            redeemed_on: Fact::Unknown,
            redeemed_days: Fact::Unknown,
            attested: Fact::Unknown,
            attested_days_ago: Fact::Unknown,
            attested_by: Fact::Unknown,
            let_go: Fact::Unknown,
            invited_by: Fact::Unknown,
            creation_type: Fact::Unknown,
            external: Fact::Unknown,
            restored_days_ago: Fact::Unknown,
            disabled_by_innkeeper_days: Fact::Unknown,
            previous_cases: Fact::Unknown,
            sponsor_count: Fact::Unknown,
            eligible_sponsor_count: Fact::Unknown,
            deleted_sponsors: Fact::Unknown,
            account_age_days: Fact::Unknown,
            enabled: Fact::Unknown,
            synced: Fact::Unknown,
            domain: Fact::Unknown,
            upn: Fact::Unknown,
            mail: Fact::Unknown,
            company: Fact::Unknown,
            user_type: Fact::Unknown,
            sponsors: &[],
            projects: Fact::Unknown,
            all_projects_ended: Fact::Unknown,
            roles: &[],
            eligible_roles: Fact::Unknown,
            app_roles: Fact::Unknown,
            group_count: Fact::Unknown,
            mail_group_count: Fact::Unknown,
            access_packages: Fact::Unknown,
            lost_access_packages: Fact::Unknown,
            lost_access_packages_days: Fact::Unknown,
            groups: Vec::new(),
        }
    }

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
        fn known_list<T>(fact: &Fact<Vec<T>>, one: impl Fn(&T) -> String) -> String {
            match fact {
                Fact::Known(items) => list(&items.iter().map(one).collect::<Vec<_>>()),
                Fact::Nothing => "none".to_owned(),
                Fact::Unknown => "not known".to_owned(),
            }
        }
        match name {
            FactName::InactiveDays => plain(&self.inactive_days),
            FactName::NeverSignedIn => plain(&self.never_signed_in),
            FactName::PendingDays => plain(&self.pending_days),
            FactName::ExpiresInDays => match (&self.expiry, self.bad_date) {
                (Fact::Known(ExpiryFact { on, source }), _) => {
                    format!("{} ({on}; {source})", plain(&self.expires_in_days))
                }
                (Fact::Unknown, Some(value)) => format!("not known ({value:?} is no date)"),
                (Fact::Nothing | Fact::Unknown, _) => plain(&self.expires_in_days),
            },
            FactName::ExpiresBy => plain(&self.expires_by),
            FactName::LastSeenBy => plain(&self.last_seen_by),
            FactName::RedeemedOn => plain(&self.redeemed_on),
            FactName::RedeemedDays => plain(&self.redeemed_days),
            FactName::Attested => plain(&self.attested),
            FactName::AttestedDaysAgo => plain(&self.attested_days_ago),
            FactName::AttestedBy => plain(&self.attested_by),
            FactName::LetGo => plain(&self.let_go),
            FactName::InvitedBy => plain(&self.invited_by),
            FactName::CreationType => plain(&self.creation_type),
            FactName::External => plain(&self.external),
            FactName::RestoredDaysAgo => plain(&self.restored_days_ago),
            FactName::DisabledByInnkeeperDays => plain(&self.disabled_by_innkeeper_days),
            FactName::PreviousCases => plain(&self.previous_cases),
            FactName::SponsorCount => plain(&self.sponsor_count),
            FactName::EligibleSponsorCount => plain(&self.eligible_sponsor_count),
            FactName::DeletedSponsors => plain(&self.deleted_sponsors),
            FactName::AccountAgeDays => plain(&self.account_age_days),
            FactName::Enabled => plain(&self.enabled),
            FactName::Synced => plain(&self.synced),
            FactName::Domain => plain(&self.domain),
            FactName::Upn => plain(&self.upn),
            FactName::Mail => plain(&self.mail),
            FactName::Company => plain(&self.company),
            FactName::UserType => plain(&self.user_type),
            FactName::Sponsors => {
                list(&self.sponsors.iter().map(shown_sponsor).collect::<Vec<_>>())
            }
            FactName::Projects => known_list(&self.projects, shown_project),
            FactName::AllProjectsEnded => plain(&self.all_projects_ended),
            FactName::Roles => list(self.roles),
            FactName::EligibleRoles => {
                known_list(&self.eligible_roles.map(<[_]>::to_vec), String::clone)
            }
            FactName::AppRoles => known_list(&self.app_roles, shown_app_role),
            FactName::GroupCount => plain(&self.group_count),
            FactName::MailGroupCount => plain(&self.mail_group_count),
            FactName::AccessPackages => known_list(&self.access_packages, shown_package),
            FactName::LostAccessPackages => plain(&self.lost_access_packages),
            FactName::LostAccessPackagesDays => plain(&self.lost_access_packages_days),
            FactName::Groups => list(
                &self
                    .groups
                    .iter()
                    .filter_map(shown_group)
                    .collect::<Vec<_>>(),
            ),
        }
    }
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

fn shown_app_role(role: &AppRoleFact<'_>) -> String {
    let since = match role.days {
        Some(days) => format!("; for {days}d"),
        None => String::new(),
    };
    let name = role.role_name.unwrap_or(role.role);
    format!("{} ({name}{since})", role.application)
}

fn shown_package(package: &PackageFact<'_>) -> String {
    match package.ends {
        Some(day) => format!("{} (ends {day})", package.name),
        None => format!("{} (does not end)", package.name),
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
    let ends = match project.ends {
        Some(day) => format!("{verb} {day}"),
        None => "does not end".to_owned(),
    };
    format!("{} ({ends}; {})", project.name, project.project)
}

fn shown_group((key, member): &(&str, Fact<bool>)) -> Option<String> {
    match member {
        Fact::Known(true) => Some((*key).to_owned()),
        Fact::Known(false) | Fact::Nothing => None,
        Fact::Unknown => Some(format!("{key} (not known)")),
    }
}
