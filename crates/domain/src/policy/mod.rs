//! A policy: rules, protections and limits, read from one TOML file and identified by the hash of its text.
//!
//! A [`Policy`] is always a checked one: every fact it names exists, every type fits, every stage can be reached.

mod action;
mod condition;
mod expiry;
mod eyes;
mod limits;
pub(crate) mod parse;
mod project;
mod sponsoring;
mod warning;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::facts::FactName;
use crate::guest::Extras;

pub use action::{Action, FromGroups, KeepLast, Notice, OnUnknown, Recipient, Stage};
pub use condition::{Condition, ConditionError, Truth, fields};
pub use expiry::{Basis, DateAttribute, Expiry, LEAVE};
pub(crate) use eyes::exceeds;
pub use eyes::{Eyes, FEW_GUESTS, FEW_MEMBERS};
pub use limits::{Cap, Limits};
pub use parse::{Problem, Problems, span};
pub use project::{Ends, Project, ProjectSource, SetProject};
pub use sponsoring::{Contact, Link, Sponsoring, Steward};
pub use warning::{Oddity, Subject, Warning};

/// A rule's or protection's name. Cases are kept under it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleName(Arc<str>);

impl RuleName {
    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for RuleName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleName({:?})", self.as_str())
    }
}

/// Written policy, checked.
#[derive(Clone, Debug)]
pub struct Policy {
    /// SHA-256 of the file's bytes, in lower-case hexadecimal.
    pub hash: String,
    /// The rules, in the file's order.
    pub rules: Vec<Rule>,
    /// The protections, in the file's order.
    pub protections: Vec<Protection>,
    /// Project groups and their ends.
    pub projects: Vec<Project>,
    /// What is known of partner domains.
    pub partners: Vec<Partner>,
    /// Groups whose members no rule touches, by id or name: those in a group that is in one of them too.
    pub exempt_groups: Vec<String>,
    /// Where the end of a stay comes from.
    pub expiry: Expiry,
    /// What counts as a sign of life.
    pub basis: Basis,
    /// Who may sponsor, and who is asked where no sponsor is fit.
    pub sponsoring: Sponsoring,
    /// How much may happen at once.
    pub limits: Limits,
}

/// A condition, and the stages that follow while it stays true.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique among the rules.
    pub name: RuleName,
    /// When a case opens, and while it stays open.
    pub when: Condition,
    /// What follows, in order; never empty.
    pub stages: Vec<Stage>,
    /// What is done while the condition cannot be judged.
    pub unknown: OnUnknown,
    /// Of which groups it never takes the last guest.
    pub keep_last: KeepLast,
}

impl Rule {
    /// The groups of which it never takes the last guest, by id or name.
    pub fn keeps_last_of<'r>(&'r self, projects: &'r [Project]) -> impl Iterator<Item = &'r str> {
        let (projects, named): (&[Project], &[String]) = match &self.keep_last {
            KeepLast::Nowhere => (&[], &[]),
            KeepLast::Projects => (projects, &[]),
            KeepLast::Named(groups) => (&[], groups),
        };
        let projects = projects.iter().map(|project| project.group.as_str());
        projects.chain(named.iter().map(String::as_str))
    }
}

/// Guests that no rule touches.
#[derive(Clone, Debug)]
pub struct Protection {
    /// Unique among the protections.
    pub name: RuleName,
    /// Which guests.
    pub when: Condition,
}

/// What is known of a partner's domain and not told by Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The domain, lower case.
    pub domain: String,
    /// Its accounts are made by cross-tenant synchronisation, so they are mastered in the partner's tenant.
    pub synced: bool,
}

impl Policy {
    /// Reads and checks a policy.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with file, line and column, what it concerns and the nearest valid
    /// name. `file` is only the name shown.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        parse::parse(file, text).map(|(policy, _)| policy)
    }

    /// The same, with everything that is odd about it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn check(file: &str, text: &str) -> Result<(Self, Vec<Warning>), Problems> {
        let (policy, places) = parse::parse(file, text)?;
        let warnings = warning::warnings(&policy, &places);
        Ok((policy, warnings))
    }

    /// The rule of that name.
    #[must_use]
    pub fn rule(&self, name: &RuleName) -> Option<&Rule> {
        self.rules.iter().find(|rule| &rule.name == name)
    }

    /// Whether a rule or protection asks about a fact.
    #[must_use]
    pub fn asks(&self, fact: FactName) -> bool {
        let rules = self.rules.iter().map(|rule| &rule.when);
        let protections = self.protections.iter().map(|protection| &protection.when);
        rules
            .chain(protections)
            .any(|condition| condition.facts().contains(&fact))
    }

    /// Whether who is in the group of those who may sponsor decides about a guest, and not only whom is written to.
    #[must_use]
    pub fn decides_by_sponsor_group(&self) -> bool {
        let facts = [FactName::Sponsors, FactName::EligibleSponsorCount];
        self.sponsoring.group.is_some() && facts.into_iter().any(|fact| self.asks(fact))
    }

    /// Whether anything is asked of whoever answers for a guest: only then is anybody looked for.
    #[must_use]
    pub fn follows_chain(&self) -> bool {
        self.rules.iter().any(|rule| {
            rule.unknown == OnUnknown::Ask || rule.stages.iter().any(Stage::follows_chain)
        })
    }

    /// Whether the managers of sponsors are looked for.
    #[must_use]
    pub fn reads_managers(&self) -> bool {
        let is_linked = self.sponsoring.chain.contains(&Link::Manager);
        self.follows_chain() && is_linked || self.notifies_managers()
    }

    /// Whether a notice goes to managers.
    #[must_use]
    pub fn notifies_managers(&self) -> bool {
        let mut stages = self.rules.iter().flat_map(|rule| &rule.stages);
        stages.any(|stage| stage.to.contains(&Recipient::Manager))
    }

    /// Whether the audit log is read for who invited whom.
    #[must_use]
    pub fn reads_inviters(&self) -> bool {
        let is_linked = self.sponsoring.chain.contains(&Link::Inviter);
        self.follows_chain() && is_linked || self.asks(FactName::InvitedBy)
    }

    /// What has to be read of each guest for this policy and for no other.
    #[must_use]
    pub fn extras(&self) -> Extras {
        let expires = [FactName::ExpiresInDays, FactName::ExpiresBy];
        let attribute = self.expiry.attribute.as_ref();
        Extras {
            attribute: attribute
                .filter(|_| expires.into_iter().any(|fact| self.asks(fact)))
                .map(|attribute| attribute.name.clone()),
            identities: self.asks(FactName::External),
        }
    }

    /// Whether any condition asks what a guest was given access to, besides groups and roles that it has.
    #[must_use]
    pub fn asks_access(&self) -> bool {
        let expires = [FactName::ExpiresInDays, FactName::ExpiresBy];
        let by_packages =
            self.expiry.access_packages && expires.into_iter().any(|fact| self.asks(fact));
        let facts = [
            FactName::EligibleRoles,
            FactName::AccessPackages,
            FactName::LostAccessPackages,
            FactName::LostAccessPackagesDays,
        ];
        by_packages || self.asks_holdings() || facts.into_iter().any(|fact| self.asks(fact))
    }

    /// Whether each guest has to be asked what it holds in applications and groups.
    #[must_use]
    pub fn asks_holdings(&self) -> bool {
        [
            FactName::AppRoles,
            FactName::GroupCount,
            FactName::MailGroupCount,
        ]
        .into_iter()
        .any(|fact| self.asks(fact))
    }

    /// Whether applications have to be asked what their roles are called.
    #[must_use]
    pub fn asks_role_names(&self) -> bool {
        let rules = self.rules.iter().map(|rule| &rule.when);
        let protections = self.protections.iter().map(|protection| &protection.when);
        rules.chain(protections).any(Condition::asks_role_names)
    }

    /// Every group that the policy names, by id or name: these and no others are read from the directory.
    #[must_use]
    pub fn groups(&self) -> BTreeSet<&str> {
        let projects = self.projects.iter().map(|project| project.group.as_str());
        let conditions = self
            .rules
            .iter()
            .map(|rule| &rule.when)
            .chain(self.protections.iter().map(|protection| &protection.when));
        let stages = self
            .rules
            .iter()
            .flat_map(|rule| &rule.stages)
            .flat_map(Stage::groups);
        let kept = self
            .rules
            .iter()
            .flat_map(|rule| rule.keeps_last_of(&self.projects));
        projects
            .chain(self.sponsoring.group.as_deref())
            .chain(self.exempt_groups.iter().map(String::as_str))
            .chain(kept)
            .chain(conditions.flat_map(Condition::groups))
            .chain(stages)
            .collect()
    }
}

/// How many days a span is, for messages.
#[must_use]
pub fn in_days(span: TimeDelta) -> String {
    match (span.num_days(), span.num_hours()) {
        (days, _) if days != 0 => format!("{days}d"),
        (_, hours) if hours != 0 => format!("{hours}h"),
        _ => format!("{}m", span.num_minutes()),
    }
}
