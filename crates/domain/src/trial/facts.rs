//! Facts that are given, not observed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::facts::{
    AppRoleFact, Fact, FactName, Facts, PackageFact, ProjectFact, all_ended,
    eligible_sponsor_count, sponsor_count,
};
use crate::ids::GroupId;
use crate::policy::{Ends, Policy, Project, ProjectSource};
use crate::sponsor::Sponsor;

/// What stands behind every given project.
static GIVEN: Project = Project {
    group: String::new(),
    ends: Ends::Expiration,
    source: ProjectSource::Policy,
};

/// The value given to a fact, of the fact's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of an int.
    Int(i64),
    /// Of a bool.
    Bool(bool),
    /// Of a string.
    Text(String),
    /// Of a list of strings.
    Texts(Vec<String>),
    /// Of a list of sponsors.
    Sponsors(Vec<Sponsor>),
    /// Of a list of projects: each with its name and the days until its end.
    Projects(Vec<(String, i64)>),
    /// Of a list of roles in applications.
    AppRoles(Vec<GivenAppRole>),
    /// Of a list of access packages: each with its name and, if it ends, the days until then.
    Packages(Vec<(String, Option<i64>)>),
    /// It is known that there is none.
    Nothing,
}

/// A role in an application, as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAppRole {
    /// The application.
    pub application: String,
    /// The role.
    pub role: String,
    /// The role's name.
    pub role_name: Option<String>,
    /// Days since it was assigned.
    pub days: Option<i64>,
}

/// The facts that are given. All others are absent; a list that is never absent is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Given(BTreeMap<FactName, Value>);

impl Given {
    /// Gives a fact.
    pub fn give(&mut self, fact: FactName, value: Value) {
        self.0.insert(fact, value);
    }

    /// Takes a fact away again.
    pub fn forget(&mut self, fact: FactName) {
        self.0.remove(&fact);
    }

    /// The value given to the fact.
    #[must_use]
    pub fn get(&self, fact: FactName) -> Option<&Value> {
        self.0.get(&fact)
    }

    pub(super) fn facts<'g>(&'g self, policy: &'g Policy, now: DateTime<Utc>) -> Facts<'g> {
        let projects = self.projects(now);
        let sponsors = match self.0.get(&FactName::Sponsors) {
            Some(Value::Sponsors(sponsors)) => sponsors.as_slice(),
            _ => &[],
        };
        let int_or = |name: FactName, otherwise: Fact<i64>| match self.get(name) {
            Some(_) => self.int(name),
            None => otherwise,
        };
        Facts {
            inactive_days: self.int(FactName::InactiveDays),
            never_signed_in: self.bool(FactName::NeverSignedIn),
            pending_days: self.int(FactName::PendingDays),
            expires_in_days: int_or(FactName::ExpiresInDays, last_end(&projects)),
            expires_by: self.text(FactName::ExpiresBy),
            last_seen_by: self.text(FactName::LastSeenBy),
            redeemed_on: self.text(FactName::RedeemedOn).map(str::to_owned),
            redeemed_days: self.int(FactName::RedeemedDays),
            attested: self.bool(FactName::Attested),
            attested_days_ago: self.int(FactName::AttestedDaysAgo),
            attested_by: self.text(FactName::AttestedBy),
            let_go: self.bool(FactName::LetGo),
            invited_by: self.text(FactName::InvitedBy),
            creation_type: self.text(FactName::CreationType),
            external: self.bool(FactName::External),
            restored_days_ago: self.int(FactName::RestoredDaysAgo),
            disabled_by_innkeeper_days: self.int(FactName::DisabledByInnkeeperDays),
            previous_cases: self.int(FactName::PreviousCases),
            sponsor_count: int_or(FactName::SponsorCount, sponsor_count(sponsors)),
            eligible_sponsor_count: int_or(
                FactName::EligibleSponsorCount,
                eligible_sponsor_count(sponsors),
            ),
            deleted_sponsors: self.int(FactName::DeletedSponsors),
            all_projects_ended: match self.get(FactName::AllProjectsEnded) {
                Some(_) => self.bool(FactName::AllProjectsEnded),
                None => all_ended(&projects),
            },
            account_age_days: self.int(FactName::AccountAgeDays),
            enabled: self.bool(FactName::Enabled),
            synced: self.bool(FactName::Synced),
            domain: self.text(FactName::Domain).map(str::to_owned),
            upn: self.text(FactName::Upn),
            mail: self.text(FactName::Mail),
            company: self.text(FactName::Company),
            user_type: match self.text(FactName::UserType) {
                Fact::Known("member") => Fact::Known("member"),
                Fact::Known(_) => Fact::Known("guest"),
                Fact::Nothing | Fact::Unknown => Fact::Unknown,
            },
            sponsors,
            projects,
            roles: self.texts(FactName::Roles).unwrap_or_default(),
            eligible_roles: self.fact(FactName::EligibleRoles, |value| match value {
                Value::Texts(texts) => Some(texts.as_slice()),
                _ => None,
            }),
            app_roles: self.app_roles(),
            group_count: self.int(FactName::GroupCount),
            mail_group_count: self.int(FactName::MailGroupCount),
            access_packages: self.packages(now),
            lost_access_packages: self.bool(FactName::LostAccessPackages),
            lost_access_packages_days: self.int(FactName::LostAccessPackagesDays),
            groups: self.groups(policy),
            ..Facts::unknown()
        }
    }

    fn fact<'g, T>(&'g self, name: FactName, of: impl Fn(&'g Value) -> Option<T>) -> Fact<T> {
        match self.0.get(&name) {
            Some(Value::Nothing) => Fact::Nothing,
            Some(value) => Fact::or_unknown(of(value)),
            None => Fact::Unknown,
        }
    }

    fn int(&self, name: FactName) -> Fact<i64> {
        self.fact(name, |value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        })
    }

    fn bool(&self, name: FactName) -> Fact<bool> {
        self.fact(name, |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    fn text(&self, name: FactName) -> Fact<&str> {
        self.fact(name, |value| match value {
            Value::Text(value) => Some(value.as_str()),
            _ => None,
        })
    }

    fn texts(&self, name: FactName) -> Option<&[String]> {
        match self.0.get(&name) {
            Some(Value::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    fn projects(&self, now: DateTime<Utc>) -> Fact<Vec<ProjectFact<'_>>> {
        self.fact(FactName::Projects, |value| match value {
            Value::Projects(projects) => Some(projects),
            _ => None,
        })
        .map(|projects| {
            projects
                .iter()
                .map(|(name, days)| ProjectFact {
                    project: &GIVEN,
                    group: GroupId::derived(&[name.as_bytes()]),
                    name,
                    ends: Some(now.date_naive() + TimeDelta::days(*days)),
                    ends_in_days: Some(*days),
                })
                .collect()
        })
    }

    fn app_roles(&self) -> Fact<Vec<AppRoleFact<'_>>> {
        self.fact(FactName::AppRoles, |value| match value {
            Value::AppRoles(roles) => Some(roles),
            _ => None,
        })
        .map(|roles| {
            let roles = roles.iter().map(|role| AppRoleFact {
                application: &role.application,
                role: &role.role,
                role_name: role.role_name.as_deref(),
                days: role.days,
            });
            roles.collect()
        })
    }

    fn packages(&self, now: DateTime<Utc>) -> Fact<Vec<PackageFact<'_>>> {
        self.fact(FactName::AccessPackages, |value| match value {
            Value::Packages(packages) => Some(packages),
            _ => None,
        })
        .map(|packages| {
            let packages = packages.iter().map(|(name, days)| PackageFact {
                name,
                ends: days.map(|days| now.date_naive() + TimeDelta::days(days)),
                ends_in_days: *days,
            });
            packages.collect()
        })
    }

    /// For each group that the policy names, whether it is given; nothing when the groups are not given at all.
    fn groups<'g>(&'g self, policy: &'g Policy) -> Vec<(&'g str, Fact<bool>)> {
        let Some(groups) = self.texts(FactName::Groups) else {
            return Vec::new();
        };
        let is_member = |key: &str| groups.iter().any(|group| group == key);
        policy
            .groups()
            .into_iter()
            .map(|key| (key, Fact::Known(is_member(key))))
            .collect()
    }
}

fn last_end(projects: &Fact<Vec<ProjectFact<'_>>>) -> Fact<i64> {
    match projects {
        Fact::Known(projects) => projects
            .iter()
            .filter_map(|project| project.ends_in_days)
            .max()
            .map_or(Fact::Nothing, Fact::Known),
        Fact::Nothing => Fact::Nothing,
        Fact::Unknown => Fact::Unknown,
    }
}
