//! Deciding: facts and policy to a verdict for every guest.
//!
//! Invariants: every guest gets exactly one verdict; nothing is taken away from a protected guest; what cannot be
//! judged is left as it is; a guest gets at most one destructive step a cycle.

mod grounds;
mod hearing;

use chrono::{DateTime, TimeDelta, Utc};

use crate::case::CaseChange;
use crate::facts::{Context, Facts};
use crate::group::NamedGroups;
use crate::guest::GuestView;
use crate::ids::TenantId;
use crate::observation::Observation;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::verdict::Verdict;
use crate::watch::Watched;

/// One policy at one instant, ready to judge guests one by one.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'a> {
    /// The tenant.
    pub tenant: TenantId,
    /// The policy.
    pub policy: &'a Policy,
    /// The groups that it names, as found in the directory.
    pub named_groups: &'a NamedGroups,
    /// The instant.
    pub now: DateTime<Utc>,
    /// What the watch shows at that instant.
    pub watched: Watched,
    /// By how much this cycle moved the watch: the time that does not count for what cannot be judged.
    pub span: TimeDelta,
}

/// What is concluded for one guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// What becomes of its cases.
    pub cases: Vec<CaseChange>,
}

impl Judge<'_> {
    /// The verdict for one guest.
    #[must_use]
    pub fn judge(&self, guest: &GuestView) -> Judgement {
        self.judge_by(guest, self.facts(guest))
    }

    /// The verdict for one guest by facts that are given.
    pub(crate) fn judge_by(&self, guest: &GuestView, facts: Facts<'_>) -> Judgement {
        hearing::Hearing::of(self, guest, facts).conclude()
    }
}

impl<'a> Judge<'a> {
    /// The facts of a guest at this instant.
    #[must_use]
    pub fn facts(&self, guest: &'a GuestView) -> Facts<'a> {
        let Policy {
            projects,
            partners,
            expiry,
            basis,
            ..
        } = self.policy;
        let context = Context {
            now: self.now,
            named_groups: self.named_groups,
            projects,
            partners,
            expiry,
            basis: *basis,
        };
        Facts::of(guest, &context)
    }
}

/// The plan for these guests, and what becomes of their cases. The order in which they come does not matter.
pub fn decide<'g>(
    judge: &Judge<'_>,
    observation: Observation,
    guests: impl IntoIterator<Item = &'g GuestView>,
) -> (Plan, Vec<CaseChange>) {
    let mut plan = Plan::empty(judge.tenant, observation, judge.policy.hash.clone());
    let mut changes = Vec::new();
    for guest in guests {
        let Judgement { verdict, cases } = judge.judge(guest);
        plan.take(judge, guest, verdict);
        changes.extend(cases);
    }
    (plan.sorted(), changes)
}
