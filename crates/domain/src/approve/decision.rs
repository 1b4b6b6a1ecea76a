//! What people decided about steps that waited for them.
//!
//! Invariant: a decision is about the very steps that a person was shown: guest, rule, stage and effect, under one
//! policy. It says nothing of any other step.

use std::collections::BTreeMap;

use crate::ids::GuestId;
use crate::policy::RuleName;
use crate::verdict::{Effect, Step};

/// What a step is, apart from its reasons and dates: what a person decides about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepKey {
    /// The guest.
    pub guest: GuestId,
    /// The rule.
    pub rule: RuleName,
    /// The stage's index.
    pub stage: usize,
    /// The effect as JSON.
    pub effect: String,
}

impl StepKey {
    /// What a step is.
    #[must_use]
    pub fn of(step: &Step) -> Self {
        let Step {
            guest,
            case: _,
            rule,
            stage,
            effect,
            due: _,
            because: _,
        } = step;
        Self {
            guest: *guest,
            rule: rule.clone(),
            stage: *stage,
            effect: json(effect),
        }
    }
}

/// An effect as it is written down.
#[must_use]
pub fn json(effect: &Effect) -> String {
    serde_json::to_string(effect).expect("an effect has no map with keys other than text")
}

/// What a person said of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It may be taken.
    Approved,
    /// It may not.
    Rejected,
}

/// Every decision that counts now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions(BTreeMap<StepKey, Answer>);

impl Decisions {
    /// What was said last of a step is what counts, so they come in the order in which they were made.
    #[must_use]
    pub fn of(said: impl IntoIterator<Item = (StepKey, Answer)>) -> Self {
        Self(said.into_iter().collect())
    }

    /// What was said of a step.
    #[must_use]
    pub fn about(&self, step: &Step) -> Option<Answer> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&StepKey::of(step)).copied()
    }
}
