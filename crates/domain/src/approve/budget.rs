//! The budgets that one cycle draws on.
//!
//! Invariant: each action draws on budgets of its own, so that none can starve another; a step that is refused draws on
//! none.

use std::collections::BTreeMap;

use super::{Ledger, Purse};
use crate::ids::{GroupId, SponsorId};
use crate::plan::Plan;
use crate::policy::{Cap, Limits};
use crate::standing::{Kept, Standing};
use crate::verdict::Step;

/// The caps of one action in this cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caps {
    /// Of a cycle.
    pub(super) cycle: u64,
    /// Of a day.
    pub(super) day: u64,
    /// What the day has had of it.
    pub(super) spent: u64,
}

impl Caps {
    pub(super) fn of(purse: Purse, limits: &Limits, guests: u64, ledger: &Ledger) -> Self {
        let capped = purse.capped();
        Self {
            cycle: limits.cap(capped).of(guests),
            day: limits.day(capped).of(guests),
            spent: ledger.spent.on(purse),
        }
    }
}

/// Why a step has to wait.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Short {
    /// A group would lose its last guest.
    LastOfGroup,
    /// Whether it would cannot be told, for want of this group.
    GroupUnknown(String),
    /// The day has had enough.
    Day,
    /// The cycle has.
    Cycle,
    /// Enough guests of this domain in this cycle.
    Domain(String),
    /// Enough guests of this sponsor.
    Sponsor(SponsorId),
}

/// What is left in one cycle.
pub(super) struct Budgets<'p> {
    plan: &'p Plan,
    limits: &'p Limits,
    /// Guests left in each group, as far as they are known to be enabled.
    left_in: BTreeMap<GroupId, u64>,
}

/// What one action has drawn in this cycle.
#[derive(Default)]
pub(super) struct Drawn<'p> {
    guests: u64,
    domains: BTreeMap<&'p str, u64>,
    sponsors: BTreeMap<SponsorId, u64>,
}

impl<'p> Budgets<'p> {
    pub(super) fn of(plan: &'p Plan, limits: &'p Limits) -> Self {
        Self {
            plan,
            limits,
            left_in: plan.population.enabled_in.clone(),
        }
    }

    /// Draws for a step, or says what there is too little of.
    pub(super) fn draw(
        &mut self,
        step: &Step,
        caps: Caps,
        drawn: &mut Drawn<'p>,
    ) -> Result<(), Short> {
        let standing = self
            .plan
            .standings
            .get(&step.guest)
            .filter(|_| step.effect.is_destructive());
        if let Some(standing) = standing {
            self.is_not_the_last(standing)?;
        }
        if caps.spent + drawn.guests >= caps.day {
            return Err(Short::Day);
        }
        if drawn.guests >= caps.cycle {
            return Err(Short::Cycle);
        }
        if let Some(standing) = standing {
            self.has_room(standing, drawn)?;
            self.take(standing, drawn);
        }
        drawn.guests += 1;
        Ok(())
    }

    fn is_not_the_last(&self, standing: &Standing) -> Result<(), Short> {
        match &standing.kept {
            Kept::Unknown(group) => Err(Short::GroupUnknown(group.clone())),
            Kept::Groups(groups) => {
                let others =
                    |group: &GroupId| self.left_in(*group).saturating_sub(standing.enabled.into());
                if groups.iter().any(|group| others(group) == 0) {
                    Err(Short::LastOfGroup)
                } else {
                    Ok(())
                }
            }
        }
    }

    fn left_in(&self, group: GroupId) -> u64 {
        self.left_in.get(&group).copied().unwrap_or(0)
    }

    fn has_room(&self, standing: &'p Standing, drawn: &Drawn<'p>) -> Result<(), Short> {
        if let Some(domain) = &standing.domain {
            let had = drawn.domains.get(domain.as_str()).copied().unwrap_or(0);
            if had >= self.of_domain(domain) {
                return Err(Short::Domain(domain.clone()));
            }
        }
        let is_spent = |sponsor: &&SponsorId| {
            drawn.sponsors.get(sponsor).copied().unwrap_or(0) >= self.of_sponsor(**sponsor)
        };
        match standing.sponsors.iter().find(is_spent) {
            Some(sponsor) => Err(Short::Sponsor(*sponsor)),
            None => Ok(()),
        }
    }

    fn take(&mut self, standing: &'p Standing, drawn: &mut Drawn<'p>) {
        if let Some(domain) = &standing.domain {
            *drawn.domains.entry(domain).or_default() += 1;
        }
        for sponsor in &standing.sponsors {
            *drawn.sponsors.entry(*sponsor).or_default() += 1;
        }
        if standing.enabled {
            for group in &standing.groups {
                if let Some(left) = self.left_in.get_mut(group) {
                    *left = left.saturating_sub(1);
                }
            }
        }
    }

    /// How many guests of a domain each action may reach in one cycle.
    pub(super) fn of_domain(&self, domain: &str) -> u64 {
        let guests = self.plan.population.domains.get(domain);
        share(self.limits.per_domain, guests)
    }

    /// The same for a sponsor.
    pub(super) fn of_sponsor(&self, sponsor: SponsorId) -> u64 {
        let guests = self.plan.population.sponsors.get(&sponsor);
        share(self.limits.per_sponsor, guests)
    }
}

fn share(cap: Cap, guests: Option<&u64>) -> u64 {
    cap.of(guests.copied().unwrap_or(1))
}
