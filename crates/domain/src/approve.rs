//! Approving: which steps of a plan may be carried out now.
//!
//! Invariant: an [`ApprovedPlan`] comes from [`Plan::approve`] and from nowhere else, so nothing can act on a plan
//! that no limit was held against.

use std::collections::BTreeMap;

use crate::ids::PlanId;
use crate::observation::Health;
use crate::plan::{Mode, Plan, Refusal};
use crate::policy::{Action, Limits, Recipient};
use crate::verdict::{Effect, Step};

/// The steps of a plan that may be carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovedPlan {
    plan: PlanId,
    steps: Vec<Step>,
}

impl ApprovedPlan {
    /// The plan that it comes from.
    #[must_use]
    pub fn plan(&self) -> PlanId {
        self.plan
    }

    /// The steps, the mildest first, among equals the longest due first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// What became of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// What may be done.
    pub plan: ApprovedPlan,
    /// What may not, and why.
    pub refusals: Vec<Refusal>,
}

impl Plan {
    /// Holds the plan against the mode, its observation's health and the policy's caps.
    #[must_use]
    pub fn approve(&self, mode: Mode, limits: &Limits) -> Approval {
        let mut refusals = Vec::new();
        let (steps, beyond): (Vec<&Step>, Vec<&Step>) =
            self.steps().partition(|step| is_within(mode, &step.effect));
        if !beyond.is_empty() {
            refusals.push(Refusal::Mode {
                mode,
                steps: count(beyond.len()),
            });
        }
        let steps = match &self.observation.health {
            Health::Healthy => steps,
            Health::Unhealthy { reasons } => {
                let (harmless, blind): (Vec<&Step>, Vec<&Step>) = steps
                    .into_iter()
                    .partition(|step| is_harmless(&step.effect));
                refusals.push(Refusal::Unhealthy {
                    doubts: reasons.clone(),
                    steps: count(blind.len()),
                });
                harmless
            }
        };
        let steps = within_caps(steps, limits, self.observation.counts.guests, &mut refusals);
        Approval {
            plan: ApprovedPlan {
                plan: self.id,
                steps,
            },
            refusals,
        }
    }
}

/// How far a mode goes.
fn is_within(mode: Mode, effect: &Effect) -> bool {
    match mode {
        Mode::Observe => false,
        Mode::Warn => match effect {
            Effect::Flag | Effect::Notify { .. } => true,
            Effect::RemoveFromGroups { .. }
            | Effect::Disable
            | Effect::Delete
            | Effect::Enable { .. } => false,
        },
        Mode::Enforce => true,
    }
}

/// What goes on when the eyes are bad: marks in Innkeeper, and mail to the operators.
fn is_harmless(effect: &Effect) -> bool {
    match effect {
        Effect::Flag => true,
        Effect::Notify { to, notice: _ } => to.iter().all(|to| *to == Recipient::Operators),
        Effect::RemoveFromGroups { .. }
        | Effect::Disable
        | Effect::Delete
        | Effect::Enable { .. } => false,
    }
}

/// Each action has a cap of its own, drained by the longest due first, so that one cannot starve another.
fn within_caps(
    steps: Vec<&Step>,
    limits: &Limits,
    guests: u64,
    refusals: &mut Vec<Refusal>,
) -> Vec<Step> {
    let mut by_action: BTreeMap<Option<Action>, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_action
            .entry(step.effect.action())
            .or_default()
            .push(step);
    }
    let mut approved = Vec::new();
    for (action, mut steps) in by_action {
        steps.sort_by_key(|step| (step.due, step.guest));
        // An undo can reach no more guests than the action that it undoes.
        let capped = action.unwrap_or(Action::Disable);
        let cap = limits.cap(capped).of(guests);
        if count(steps.len()) > cap {
            refusals.push(Refusal::OverCap {
                action: capped,
                steps: count(steps.len()),
                cap,
            });
        }
        approved.extend(
            steps
                .into_iter()
                .take(usize::try_from(cap).unwrap_or(usize::MAX))
                .cloned(),
        );
    }
    approved
}

fn count(len: usize) -> u64 {
    len as u64
}
