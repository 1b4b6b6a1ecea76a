//! Approving: which steps of a plan may be carried out now.
//!
//! Invariants: an [`ApprovedPlan`] comes from [`Plan::approve`] and from nowhere else, so nothing can act on a plan
//! that no limit was held against. The longest due goes first, and no action draws on what another is allowed. What is
//! refused by a cap follows later, and what is over the ceiling needs a person's word and nothing else, so that every
//! backlog can be drained.

mod backlog;
mod budget;
mod decision;
mod purse;
mod spent;

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::PlanId;
use crate::observation::Health;
use crate::plan::{Mode, Plan, Refusal};
use crate::policy::{Action, Limits, Recipient};
use crate::verdict::{Effect, Step};
use backlog::Counts;
use budget::{Budgets, Caps, Drawn, Short};

pub use backlog::Backlog;
pub use decision::{Answer, Decisions, StepKey};
pub use purse::Purse;
pub use spent::Spent;

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

/// What was done and said before, as far as it bears on a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What the last day has had already.
    pub spent: Spent,
    /// What people decided, under the policy of the plan.
    pub decisions: Decisions,
    /// By what decides, no person has accepted it yet, and what was accepted cannot decide any more.
    pub is_held: bool,
}

/// What became of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// What may be done.
    pub plan: ApprovedPlan,
    /// What may not, and why.
    pub refusals: Vec<Refusal>,
    /// What waits for a person, since it is more than the ceiling.
    pub waiting: Vec<Step>,
    /// What is due of each action, and how long that takes.
    pub backlog: Vec<Backlog>,
}

impl Plan {
    /// Holds the plan against the mode, its observation's health, the policy's limits and people's decisions.
    #[must_use]
    pub fn approve(&self, mode: Mode, limits: &Limits, ledger: &Ledger) -> Approval {
        let mut refusals = Vec::new();
        let steps = self.within_mode(mode, &mut refusals);
        let steps = self.within_sight(steps, &mut refusals);
        let steps = as_accepted(steps, ledger, &mut refusals);
        let (steps, rejected) = not_rejected(steps, ledger, &mut refusals);
        let (steps, waiting) = self.within_ceiling(steps, limits, ledger, &mut refusals);
        let mut review = Review {
            plan: self,
            limits,
            ledger,
            budgets: Budgets::of(self, limits),
            approved: Vec::new(),
            held: rejected,
            refusals,
        };
        for (purse, steps) in by_purse(steps) {
            review.within_caps(purse, steps);
        }
        let backlog = review.backlog(&waiting);
        let (steps, only_flagged) = as_mode_has_it(mode, review.approved);
        let refusals = only_flagged.into_iter().chain(review.refusals);
        Approval {
            plan: ApprovedPlan {
                plan: self.id,
                steps,
            },
            refusals: refusals.collect(),
            waiting: waiting.into_iter().cloned().collect(),
            backlog,
        }
    }

    fn within_mode(&self, mode: Mode, refusals: &mut Vec<Refusal>) -> Vec<&Step> {
        let (steps, beyond): (Vec<&Step>, Vec<&Step>) =
            self.steps().partition(|step| is_within(mode, &step.effect));
        if !beyond.is_empty() {
            refusals.push(Refusal::Mode {
                mode,
                steps: count(beyond.len()),
            });
        }
        steps
    }

    fn within_sight<'p>(
        &'p self,
        steps: Vec<&'p Step>,
        refusals: &mut Vec<Refusal>,
    ) -> Vec<&'p Step> {
        match &self.observation.health {
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
        }
    }

    /// Splits off what waits for a person: the destructive steps that nobody approved, when they are too many.
    fn within_ceiling<'p>(
        &'p self,
        steps: Vec<&'p Step>,
        limits: &Limits,
        ledger: &Ledger,
        refusals: &mut Vec<Refusal>,
    ) -> (Vec<&'p Step>, Vec<&'p Step>) {
        let (unasked, free): (Vec<&Step>, Vec<&Step>) = steps.into_iter().partition(|step| {
            step.effect.is_destructive() && ledger.decisions.about(step) != Some(Answer::Approved)
        });
        let ceiling = limits.ceiling_of(self.observation.counts.guests);
        if count(unasked.len()) > ceiling {
            refusals.push(Refusal::OverCeiling {
                steps: count(unasked.len()),
                ceiling,
            });
            (free, unasked)
        } else {
            (free.into_iter().chain(unasked).collect(), Vec::new())
        }
    }
}

/// The holding of a plan against its caps.
struct Review<'p> {
    plan: &'p Plan,
    limits: &'p Limits,
    ledger: &'p Ledger,
    budgets: Budgets<'p>,
    approved: Vec<&'p Step>,
    /// What no passing of time will free.
    held: Vec<&'p Step>,
    refusals: Vec<Refusal>,
}

impl<'p> Review<'p> {
    fn caps(&self, purse: Purse) -> Caps {
        let guests = self.plan.observation.counts.guests;
        Caps::of(purse, self.limits, guests, self.ledger)
    }

    /// Draws for the steps of one action, the longest due first. One that has to wait lets the next one pass.
    fn within_caps(&mut self, purse: Purse, mut steps: Vec<&'p Step>) {
        steps.sort_by_key(|step| (step.due, step.guest));
        let caps = self.caps(purse);
        let mut drawn = Drawn::default();
        let mut short: BTreeMap<Short, u64> = BTreeMap::new();
        let due = count(steps.len());
        for step in steps {
            match self.budgets.draw(step, caps, &mut drawn) {
                Ok(()) => self.approved.push(step),
                Err(why) => {
                    if matches!(why, Short::LastOfGroup | Short::GroupUnknown(_)) {
                        self.held.push(step);
                    }
                    *short.entry(why).or_default() += 1;
                }
            }
        }
        self.refuse(purse.capped(), due, caps, short);
    }

    fn refuse(&mut self, action: Action, due: u64, caps: Caps, short: BTreeMap<Short, u64>) {
        let Caps { cycle, day, spent } = caps;
        let mut of_domains = (0, 0);
        let mut of_sponsors = (0, 0);
        for (why, steps) in short {
            match why {
                Short::LastOfGroup => {
                    self.refusals.push(Refusal::LastOfGroup { action, steps });
                }
                Short::GroupUnknown(group) => self.refusals.push(Refusal::GroupUnknown {
                    action,
                    steps,
                    group,
                }),
                Short::Day => self.refusals.push(Refusal::OverDay {
                    action,
                    steps,
                    cap: day,
                    spent,
                }),
                Short::Cycle => self.refusals.push(Refusal::OverCap {
                    action,
                    steps: due,
                    cap: cycle,
                }),
                Short::Domain(_) => of_domains = (of_domains.0 + 1, of_domains.1 + steps),
                Short::Sponsor(_) => of_sponsors = (of_sponsors.0 + 1, of_sponsors.1 + steps),
            }
        }
        if let (domains @ 1.., steps) = of_domains {
            self.refusals.push(Refusal::OverDomain {
                action,
                steps,
                domains,
            });
        }
        if let (sponsors @ 1.., steps) = of_sponsors {
            self.refusals.push(Refusal::OverSponsor {
                action,
                steps,
                sponsors,
            });
        }
    }

    /// What is due of each action, whatever keeps it from being done.
    fn backlog(&self, waiting: &[&Step]) -> Vec<Backlog> {
        let ids = |steps: &[&Step]| -> BTreeSet<*const Step> {
            steps.iter().map(|step| std::ptr::from_ref(*step)).collect()
        };
        let (approved, held, waiting) = (ids(&self.approved), ids(&self.held), ids(waiting));
        let backlog = |(purse, steps): (Purse, Vec<&Step>)| {
            let among = |of: &BTreeSet<*const Step>| {
                count(
                    steps
                        .iter()
                        .filter(|step| of.contains(&std::ptr::from_ref(**step)))
                        .count(),
                )
            };
            let counts = Counts {
                action: purse.as_str(),
                due: count(steps.len()),
                approved: among(&approved),
                waiting: among(&waiting),
                held: among(&held),
            };
            let left = steps.iter().copied().filter(|step| {
                let step = std::ptr::from_ref(*step);
                !approved.contains(&step) && !held.contains(&step)
            });
            Backlog::of(self.plan, &self.budgets, self.caps(purse), left, &counts)
        };
        by_purse(self.plan.steps().collect())
            .into_iter()
            .map(backlog)
            .collect()
    }
}

fn by_purse(steps: Vec<&Step>) -> BTreeMap<Purse, Vec<&Step>> {
    let mut by_purse: BTreeMap<_, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_purse.entry(step.effect.purse()).or_default().push(step);
    }
    by_purse
}

/// Where the mode writes nothing to the directory, a mark is a flag in Innkeeper and no more.
fn as_mode_has_it(mode: Mode, approved: Vec<&Step>) -> (Vec<Step>, Option<Refusal>) {
    let mut steps: Vec<Step> = approved.into_iter().cloned().collect();
    match mode {
        Mode::Enforce => return (steps, None),
        Mode::Observe | Mode::Warn => {}
    }
    let mut only_flagged = 0;
    for step in &mut steps {
        if matches!(step.effect, Effect::Mark { .. }) {
            step.effect = Effect::Flag;
            only_flagged += 1;
        }
    }
    let refusal = (only_flagged > 0).then_some(Refusal::OnlyFlagged {
        mode,
        steps: only_flagged,
    });
    (steps, refusal)
}

/// Splits off what a person has rejected.
fn not_rejected<'p>(
    steps: Vec<&'p Step>,
    ledger: &Ledger,
    refusals: &mut Vec<Refusal>,
) -> (Vec<&'p Step>, Vec<&'p Step>) {
    let (rejected, steps): (Vec<&Step>, Vec<&Step>) = steps.into_iter().partition(|step| {
        step.effect.is_destructive() && ledger.decisions.about(step) == Some(Answer::Rejected)
    });
    if !rejected.is_empty() {
        refusals.push(Refusal::Rejected {
            steps: count(rejected.len()),
        });
    }
    (steps, rejected)
}

/// How far a mode goes.
fn is_within(mode: Mode, effect: &Effect) -> bool {
    match mode {
        Mode::Observe => false,
        Mode::Warn => match effect {
            Effect::Flag | Effect::Notify { .. } | Effect::ResendInvitation => true,
            // As a flag in Innkeeper, which one that is flagged already has.
            Effect::Mark { mark: _, flagged } => !flagged,
            Effect::RemoveAppRoles { .. }
            | Effect::AddSponsor
            | Effect::RemoveFromGroups { .. }
            | Effect::Disable
            | Effect::Delete
            | Effect::Unmark { .. }
            | Effect::Enable { .. } => false,
        },
        Mode::Enforce => true,
    }
}

/// Takes out all but what is harmless, while what decides waits to be accepted.
fn as_accepted<'p>(
    steps: Vec<&'p Step>,
    ledger: &Ledger,
    refusals: &mut Vec<Refusal>,
) -> Vec<&'p Step> {
    if !ledger.is_held {
        return steps;
    }
    let (harmless, held): (Vec<&Step>, Vec<&Step>) = steps
        .into_iter()
        .partition(|step| is_harmless(&step.effect));
    refusals.push(Refusal::NotAccepted {
        steps: count(held.len()),
    });
    harmless
}

/// What goes on when the eyes are bad: marks in Innkeeper, and mail to the operators.
fn is_harmless(effect: &Effect) -> bool {
    match effect {
        Effect::Flag => true,
        Effect::Notify { to, notice: _ } => to.iter().all(|to| *to == Recipient::Operators),
        Effect::Mark { .. }
        | Effect::Unmark { .. }
        | Effect::ResendInvitation
        | Effect::RemoveAppRoles { .. }
        | Effect::AddSponsor
        | Effect::RemoveFromGroups { .. }
        | Effect::Disable
        | Effect::Delete
        | Effect::Enable { .. } => false,
    }
}

fn count(len: usize) -> u64 {
    len as u64
}
