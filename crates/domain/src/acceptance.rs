//! Whom a changed policy, or a new version of deciding, affects that were not affected before: what decides whether a
//! person is asked first.
//!
//! Invariant: what cannot be told counts as affected, so that a policy never comes into force because nobody could see
//! what it does.

use serde::{Deserialize, Serialize};

use crate::decide::Judge;
use crate::guest::GuestView;
use crate::policy::{Action, Cap, Policy, Rule, RuleName, Stage, Truth};
use crate::verdict::{Conclusion, Protector, Verdict};

/// The version of deciding.
///
/// To be raised by whoever changes which verdict comes of the same facts and the same policy: how a fact is derived, a
/// condition judged, or a rule's stages followed. A changed reason or message is none. The fixed population in
/// `tests/it/version.rs` shows most such changes.
pub const DECISION_VERSION: u32 = 1;

/// How many guests a change may newly affect without a person, unless the configuration says otherwise.
pub const MAX_NEWLY_AFFECTED: Cap = Cap {
    guests: 50,
    percent: 5.0,
};

/// Who accepted a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "acceptance", rename_all = "kebab-case")]
pub enum Acceptance {
    /// Nobody was asked: no policy had been accepted before.
    First,
    /// Nobody was asked: with the edits before it affects no more guests than may be.
    WithinLimit {
        /// How many it newly affects.
        affected: u64,
        /// How many others before it did, since a person accepted a policy last.
        #[serde(default, skip_serializing_if = "is_nobody")]
        before: u64,
        /// How many may be.
        allowed: u64,
    },
    /// A person.
    Person {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl Acceptance {
    /// A policy is accepted without a person when it affects nobody newly, or when everybody whom edits have newly affected
    /// since a person accepted one last is no more than may be. `None`: a person is asked.
    ///
    /// Edits are counted together, each guest once, since many small ones come to the same as a large one. Only edits count:
    /// a guest who comes into scope under an unchanged policy never does.
    #[must_use]
    pub fn without_a_person(affected: u64, before: u64, allowed: u64) -> Option<Self> {
        let is_within = affected == 0 || before.saturating_add(affected) <= allowed;
        is_within.then_some(Self::WithinLimit {
            affected,
            before,
            allowed,
        })
    }
}

/// How many guests a policy newly affects, and why that is too many, in words.
#[must_use]
pub fn count(affected: u64, before: u64, allowed: u64) -> String {
    match before {
        0 => format!("it newly affects {affected} guests, and more than {allowed} need a person"),
        before => format!(
            "it newly affects {affected} guests, after {before} by the edits since a person accepted a policy last, and more \
             than {allowed} together need a person"
        ),
    }
}

/// Absent from entries of the journal that are older than the count, whose hash must stay as it is.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
pub(crate) fn is_nobody(guests: &u64) -> bool {
    *guests == 0
}

/// Whether a rule has a guest in its scope.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Out,
    Perhaps,
    In,
}

/// One policy's side.
struct Side<'x> {
    judge: &'x Judge<'x>,
    view: &'x GuestView,
    verdict: Verdict,
}

impl<'x> Side<'x> {
    fn of(judge: &'x Judge<'x>, view: &'x GuestView) -> Self {
        Self {
            judge,
            view,
            verdict: judge.judge(view).verdict,
        }
    }

    fn scope(&self, rule: &Rule) -> Scope {
        let protected = protected(&self.verdict);
        let holds = match rule.when.judge(&self.judge.facts(self.view)) {
            Truth::True => Scope::In,
            Truth::False => Scope::Out,
            Truth::Unknown(_) => Scope::Perhaps,
        };
        match (protected, holds) {
            (Scope::In, _) | (_, Scope::Out) => Scope::Out,
            (Scope::Perhaps, Scope::In | Scope::Perhaps) | (Scope::Out, Scope::Perhaps) => {
                Scope::Perhaps
            }
            (Scope::Out, Scope::In) => Scope::In,
        }
    }
}

/// Whether a protection has the guest in its scope.
fn protected(verdict: &Verdict) -> Scope {
    match &verdict.conclusion {
        // For a time only; notices go out all the same.
        Conclusion::Protected(Protector::UnderReview(_) | Protector::SoleOwner(_)) => Scope::Out,
        Conclusion::Protected(
            Protector::Policy(_)
            | Protector::DirectoryRole(_)
            | Protector::EligibleRole(_)
            | Protector::Synced
            | Protector::Governed(_)
            | Protector::Restricted
            | Protector::ExemptGroup(_)
            | Protector::Exempt { .. }
            | Protector::Hold { .. },
        ) => Scope::In,
        Conclusion::Unknown(uncertain) if uncertain.protection => Scope::Perhaps,
        Conclusion::Act(steps) => {
            let is_undo = steps
                .iter()
                .any(|step| step.effect.follows_from_protection());
            if is_undo { Scope::In } else { Scope::Out }
        }
        Conclusion::Unknown(_) | Conclusion::Keep | Conclusion::Wait(_) => Scope::Out,
    }
}

/// A flag reaches nobody.
fn reaches_somebody(rule: &&Rule) -> bool {
    rule.stages.iter().any(|stage| stage.action != Action::Flag)
}

/// Whether the new policy affects a guest that the old one did not, or more harshly than the old one did.
#[must_use]
pub fn is_newly_affected(old: &Judge<'_>, new: &Judge<'_>, view: &GuestView) -> bool {
    let (before, after) = (Side::of(old, view), Side::of(new, view));
    let is_same_ground = is_same_ground(old.policy, new.policy);
    new.policy
        .rules
        .iter()
        .filter(reaches_somebody)
        .any(|rule| {
            let now = after.scope(rule);
            if now == Scope::Out {
                return false;
            }
            let Some(earlier) = old.policy.rule(&rule.name) else {
                return true;
            };
            if is_harsher(earlier, rule) {
                return true;
            }
            match (before.scope(earlier), now) {
                (Scope::Out, _) | (Scope::Perhaps, Scope::In) => true,
                (Scope::Perhaps, Scope::Perhaps) => {
                    !is_same_ground || earlier.when.source() != rule.when.source()
                }
                (Scope::In, _) | (Scope::Perhaps, Scope::Out) => false,
            }
        })
}

/// The same for a version of deciding that is gone, of whose judgement nothing is left but open cases and the last
/// verdict's rule.
#[must_use]
pub fn is_affected_beyond(
    new: &Judge<'_>,
    view: &GuestView,
    last_rule: Option<&RuleName>,
    was_unknown: bool,
) -> bool {
    let after = Side::of(new, view);
    let was_known_to = |rule: &Rule| {
        last_rule == Some(&rule.name) || view.cases.iter().any(|case| case.rule == rule.name)
    };
    new.policy
        .rules
        .iter()
        .filter(reaches_somebody)
        .any(|rule| match after.scope(rule) {
            Scope::Out => false,
            Scope::Perhaps => !was_unknown && !was_known_to(rule),
            Scope::In => was_unknown || !was_known_to(rule),
        })
}

/// Whether what conditions are judged by, besides the rules themselves, is the same.
fn is_same_ground(old: &Policy, new: &Policy) -> bool {
    let protections = |policy: &Policy| -> Vec<String> {
        let sources = policy.protections.iter();
        sources
            .map(|protection| protection.when.source().to_owned())
            .collect()
    };
    old.projects == new.projects
        && old.partners == new.partners
        && old.exempt_groups == new.exempt_groups
        && old.expiry == new.expiry
        && old.basis == new.basis
        && protections(old) == protections(new)
}

/// Whether a rule takes more, or sooner, or with fewer notices before, than it did.
fn is_harsher(old: &Rule, new: &Rule) -> bool {
    let mut taking = new.stages.iter().enumerate();
    taking.any(|(place, stage)| {
        if !stage.action.is_destructive() {
            return false;
        }
        let earlier = old
            .stages
            .iter()
            .position(|before| before.action == stage.action && before.from == stage.from);
        let Some(earlier) = earlier else { return true };
        let notices = |stages: &[Stage]| {
            stages
                .iter()
                .filter(|stage| stage.action == Action::Notify)
                .count()
        };
        let wait = |stages: &[Stage]| {
            stages
                .iter()
                .fold(chrono::TimeDelta::zero(), |sum, stage| sum + stage.wait)
        };
        wait(&new.stages[..=place]) < wait(&old.stages[..=earlier])
            || stage.wait < old.stages[earlier].wait
            || notices(&new.stages[..place]) < notices(&old.stages[..earlier])
            || new.keep_last != old.keep_last
    })
}
