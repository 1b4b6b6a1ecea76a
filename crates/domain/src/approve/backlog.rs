//! What is due and not done yet, and how long it will take.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::budget::{Budgets, Caps};
use crate::plan::Plan;
use crate::verdict::Step;

/// What is due of one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// The action's word, or "enable" for what is undone.
    pub action: String,
    /// Guests for whom it is due.
    pub due: u64,
    /// Of these, how many are approved now.
    pub approved: u64,
    /// Of these, how many wait for a person, and for nothing else first.
    pub waiting: u64,
    /// Of these, how many are held and no time alone will free them: rejected, or the last guest of a group.
    pub held: u64,
    /// How many more cycles the others take at least under the caps; `None` when a cap of 0 lets nothing through.
    pub cycles: Option<u64>,
    /// How many more days they take at least under the caps; `None` as above.
    pub days: Option<u64>,
}

impl Backlog {
    /// How many are left that time will free, with or without a person.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.due.saturating_sub(self.approved + self.held)
    }

    /// The earliest end of what is left, with so many cycles a day and nothing more coming due; `None` when a cap lets
    /// nothing through. What waits for a person is taken as approved now.
    #[must_use]
    pub fn finish(&self, now: DateTime<Utc>, cycles_a_day: u64) -> Option<DateTime<Utc>> {
        let by_cycles = self.cycles?.div_ceil(cycles_a_day.max(1));
        let days = i64::try_from(by_cycles.max(self.days?)).ok()?;
        now.checked_add_signed(TimeDelta::try_days(days)?)
    }

    /// Counts what is due of one action. `left` are the steps that time will free.
    pub(super) fn of<'s>(
        plan: &Plan,
        budgets: &Budgets<'_>,
        caps: Caps,
        left: impl Iterator<Item = &'s Step>,
        counts: &Counts,
    ) -> Self {
        let mut guests = 0;
        let mut domains: BTreeMap<&str, u64> = BTreeMap::new();
        let mut sponsors = BTreeMap::new();
        for step in left {
            guests += 1;
            let standing = plan.standings.get(&step.guest);
            if let Some(standing) = standing.filter(|_| step.effect.is_destructive()) {
                if let Some(domain) = &standing.domain {
                    *domains.entry(domain).or_default() += 1;
                }
                for sponsor in &standing.sponsors {
                    *sponsors.entry(*sponsor).or_default() += 1;
                }
            }
        }
        let of_domains = domains
            .into_iter()
            .map(|(domain, guests)| turns(guests, budgets.of_domain(domain)));
        let of_sponsors = sponsors
            .into_iter()
            .map(|(sponsor, guests)| turns(guests, budgets.of_sponsor(sponsor)));
        let cycles = of_domains
            .chain(of_sponsors)
            .chain([turns(guests, caps.cycle)])
            .try_fold(0, |most, cycles| Some(cycles?.max(most)));
        let Counts {
            action,
            due,
            approved,
            waiting,
            held,
        } = *counts;
        Self {
            action: action.to_owned(),
            due,
            approved,
            waiting,
            held,
            cycles,
            days: turns(guests, caps.day),
        }
    }
}

/// What was counted of one action.
pub(super) struct Counts {
    pub(super) action: &'static str,
    pub(super) due: u64,
    pub(super) approved: u64,
    pub(super) waiting: u64,
    pub(super) held: u64,
}

/// How often so many are let through until all are.
fn turns(guests: u64, cap: u64) -> Option<u64> {
    match (guests, cap) {
        (0, _) => Some(0),
        (_, 0) => None,
        (guests, cap) => Some(guests.div_ceil(cap)),
    }
}
