//! Where guests stand, as far as the limits ask: where they come from, who answers for them, who would miss them.

use std::collections::BTreeMap;

use crate::decide::Judge;
use crate::group::Found;
use crate::guest::GuestView;
use crate::ids::{GroupId, SponsorId};
use crate::policy::RuleName;

/// Where a guest stands of whom something is to be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its domain, when it has one.
    pub domain: Option<String>,
    /// Its sponsors.
    pub sponsors: Vec<SponsorId>,
    /// It can sign in, as far as is known.
    pub enabled: bool,
    /// Those of the groups named by the policy that it is in.
    pub groups: Vec<GroupId>,
    /// The groups that must not lose their last guest by this step.
    pub kept: Kept,
}

/// The groups that must not lose their last guest by a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// These, of those that the guest is in.
    Groups(Vec<GroupId>),
    /// Cannot be told, since this one was not found, or several have its name.
    Unknown(String),
}

/// How many guests there are of each kind that a limit counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Population {
    /// Of each domain.
    pub domains: BTreeMap<String, u64>,
    /// Of each sponsor.
    pub sponsors: BTreeMap<SponsorId, u64>,
    /// In each group named by the policy, as far as they are known to be enabled.
    pub enabled_in: BTreeMap<GroupId, u64>,
}

impl Population {
    /// Counts a guest.
    pub fn count(&mut self, view: &GuestView) {
        if let Some(domain) = view.record.guest.domain() {
            *self.domains.entry(domain).or_default() += 1;
        }
        for sponsor in &view.sponsors {
            *self.sponsors.entry(sponsor.id).or_default() += 1;
        }
        if is_enabled(view) {
            for group in &view.groups {
                *self.enabled_in.entry(group.id).or_default() += 1;
            }
        }
    }
}

impl Standing {
    /// Where a guest stands under the rule that would take something from it.
    #[must_use]
    pub fn of(judge: &Judge<'_>, view: &GuestView, rule: &RuleName) -> Self {
        Self {
            domain: view.record.guest.domain(),
            sponsors: view.sponsors.iter().map(|sponsor| sponsor.id).collect(),
            enabled: is_enabled(view),
            groups: view.groups.iter().map(|group| group.id).collect(),
            kept: Kept::of(judge, view, rule),
        }
    }
}

impl Kept {
    fn of(judge: &Judge<'_>, view: &GuestView, rule: &RuleName) -> Self {
        let mut kept = Vec::new();
        let rule = judge.policy.rule(rule);
        for key in rule
            .iter()
            .flat_map(|rule| rule.keeps_last_of(&judge.policy.projects))
        {
            match judge.named_groups.get(key) {
                Some(Found::One(group)) => {
                    if view.groups.iter().any(|of| of.id == group.id) {
                        kept.push(group.id);
                    }
                }
                Some(Found::Missing | Found::Ambiguous) | None => {
                    return Self::Unknown(key.to_owned());
                }
            }
        }
        Self::Groups(kept)
    }
}

/// An account of which it is not known does not count as one that is left.
fn is_enabled(view: &GuestView) -> bool {
    view.record.guest.enabled == Some(true)
}
