//! Two policies compared by what they make of one guest.

use chrono::{DateTime, Utc};

use crate::decide::Judge;
use crate::facts::Facts;
use crate::guest::GuestView;
use crate::policy::{Policy, RuleName, Truth};
use crate::verdict::{Conclusion, Verdict};

/// What another policy changes for a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What changes.
    pub change: Change,
    /// Why.
    pub why: String,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The rule holds for the guest, which is not protected; before it did not, or it was.
    Enters(RuleName),
    /// The other way round.
    Leaves(RuleName),
    /// The verdict.
    Verdict {
        /// By the old policy.
        before: Brief,
        /// By the new one.
        after: Brief,
    },
}

/// A verdict in brief.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Its word.
    pub verdict: &'static str,
    /// The rule or protection that decides.
    pub rule: Option<RuleName>,
    /// What comes next.
    pub action: Option<&'static str>,
    /// When.
    pub due: Option<DateTime<Utc>>,
}

impl Brief {
    fn of(verdict: &Verdict) -> Self {
        Self {
            verdict: verdict.as_str(),
            rule: verdict.rule().cloned(),
            action: verdict.action(),
            due: verdict.due(),
        }
    }
}

/// One policy's side.
struct Side<'x> {
    policy: &'x Policy,
    facts: Facts<'x>,
    verdict: Verdict,
}

impl<'x> Side<'x> {
    fn of(judge: &Judge<'x>, view: &'x GuestView) -> Self {
        Self {
            policy: judge.policy,
            facts: judge.facts(view),
            verdict: judge.judge(view).verdict,
        }
    }

    fn has_in_scope(&self, name: &RuleName) -> bool {
        let holds = self
            .policy
            .rule(name)
            .is_some_and(|rule| rule.when.judge(&self.facts) == Truth::True);
        holds && !is_protected(&self.verdict)
    }

    /// What it is about this guest that the rule does, or does not, hold.
    fn because(&self, name: &RuleName) -> String {
        if is_protected(&self.verdict) {
            return self.verdict.reason();
        }
        match self.policy.rule(name) {
            None => "the policy has no such rule".to_owned(),
            Some(rule) => {
                let holds = match rule.when.judge(&self.facts) {
                    Truth::True => "is true",
                    Truth::False => "is false",
                    Truth::Unknown(_) => "is unknown",
                };
                let because = rule.when.because(&self.facts);
                format!("{} {holds} ({because})", rule.when.source().trim())
            }
        }
    }
}

/// Protected for certain, or perhaps.
fn is_protected(verdict: &Verdict) -> bool {
    match &verdict.conclusion {
        Conclusion::Protected(_) => true,
        Conclusion::Unknown(uncertain) => uncertain.protection,
        Conclusion::Act(steps) => steps
            .iter()
            .any(|step| step.effect.follows_from_protection()),
        Conclusion::Keep | Conclusion::Wait(_) => false,
    }
}

/// What `new` changes for a guest: first the rules, in the order of the old policy and then of the new one, then the
/// verdict.
#[must_use]
pub fn differences<'x>(old: &Judge<'x>, new: &Judge<'x>, view: &'x GuestView) -> Vec<Difference> {
    let (old, new) = (Side::of(old, view), Side::of(new, view));
    let of_new = new.policy.rules.iter().map(|rule| &rule.name);
    let only_new = of_new.filter(|name| old.policy.rule(name).is_none());
    let names = old
        .policy
        .rules
        .iter()
        .map(|rule| &rule.name)
        .chain(only_new);
    let mut differences = Vec::new();
    for name in names {
        let change = match (old.has_in_scope(name), new.has_in_scope(name)) {
            (false, true) => Change::Enters(name.clone()),
            (true, false) => Change::Leaves(name.clone()),
            (true, true) | (false, false) => continue,
        };
        let why = format!("old: {}; new: {}", old.because(name), new.because(name));
        differences.push(Difference { change, why });
    }
    let (before, after) = (Brief::of(&old.verdict), Brief::of(&new.verdict));
    if before != after {
        let why = format!(
            "old: {}; new: {}",
            old.verdict.reason(),
            new.verdict.reason()
        );
        differences.push(Difference {
            change: Change::Verdict { before, after },
            why,
        });
    }
    differences
}
