//! What one cycle saw, concluded and did.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::acceptance::PolicyStanding;
use innkeeper_domain::approve::Approval;
use innkeeper_domain::case::Closing;
use innkeeper_domain::ids::{GuestId, PlanId};
use innkeeper_domain::intent::{Call, Outcome};
use innkeeper_domain::plan::Plan;

/// What one cycle saw, concluded and did.
#[derive(Debug)]
pub struct Report {
    /// The verdicts.
    pub plan: Plan,
    /// Under which id the plan is kept, which is that of the first one that does the same.
    pub recorded: PlanId,
    /// What was approved and what was not.
    pub approval: Approval,
    /// The cases that had lost their ground.
    pub closed: Vec<Closed>,
    /// How many intents of a process that died were settled.
    pub settled: u64,
    /// What came of the approved steps.
    pub deeds: Deeds,
    /// How long it was waited between pages, so that they are spread.
    pub waited: Duration,
    /// Where the tenant's own policy stands.
    pub standing: PolicyStanding,
}

/// A case that closed without anything having to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Whose.
    pub guest: GuestId,
    /// Why.
    pub closing: Closing,
}

/// What came of the approved steps.
#[derive(Debug, Default)]
pub struct Deeds {
    /// How often each call had each outcome.
    pub outcomes: BTreeMap<(&'static str, &'static str), u64>,
    /// The calls that failed.
    pub failures: Vec<Failure>,
    /// What was left as it is although a step is about it, and why.
    pub remarks: Vec<(GuestId, String)>,
    /// A stop was asked for before every approved step was carried out.
    pub interrupted: bool,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For which guest.
    pub guest: GuestId,
    /// Which call.
    pub call: &'static str,
    /// What Graph said.
    pub error: String,
}

impl Deeds {
    pub(crate) fn note(&mut self, guest: GuestId, call: &Call, outcome: &Outcome) {
        *self
            .outcomes
            .entry((call.as_str(), outcome.as_str()))
            .or_default() += 1;
        match outcome {
            Outcome::Failed { error } => self.failures.push(Failure {
                guest,
                call: call.as_str(),
                error: error.clone(),
            }),
            Outcome::Done { .. }
            | Outcome::Already
            | Outcome::Skipped { .. }
            | Outcome::FoundDone
            | Outcome::FoundSo { .. }
            | Outcome::FoundNotDone
            | Outcome::Uncertain => {}
        }
    }

    /// How many calls changed something in the tenant, or wrote to somebody.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.outcomes
            .iter()
            .filter(|((call, outcome), _)| {
                *call != "flag" && matches!(*outcome, "done" | "found-done")
            })
            .map(|(_, count)| count)
            .sum()
    }

    /// How many calls changed something.
    #[must_use]
    pub fn effects(&self) -> u64 {
        self.outcomes
            .iter()
            .filter(|((_, outcome), _)| matches!(*outcome, "done" | "found-done"))
            .map(|(_, count)| count)
            .sum()
    }
}
