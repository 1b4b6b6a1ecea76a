//! What one budget let through of late, and when it lets the next through.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use super::one::Budget;
use crate::limits::Limit;

/// By how much more is tried, in percent of what a quota allows at first.
const STEP: u32 = 25;

/// How long a ceiling holds that Graph has shown.
const CEILING_HOLDS: Duration = Duration::from_secs(86_400);

/// How a budget stands.
#[derive(Debug)]
pub(super) struct State {
    /// What is on its way. When it arrives, and so from when on Graph counts it, is not known.
    pub(super) on_its_way: u32,
    /// What was answered within the longest stretch, and when.
    pub(super) admitted: VecDeque<(Instant, u32)>,
    /// Nothing is let through before.
    pub(super) closed_until: Option<Instant>,
    /// How much of the quota is believed to be ours, in percent.
    pub(super) percent: u32,
    /// Not more than this was right, as Graph has shown, and since when it is known.
    pub(super) ceiling: Option<(u32, Instant)>,
    /// Since when nothing has spoken against `percent`.
    pub(super) calm_since: Instant,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            on_its_way: 0,
            admitted: VecDeque::new(),
            closed_until: None,
            percent: 100,
            ceiling: None,
            calm_since: Instant::now(),
        }
    }

    pub(super) fn answered(&mut self, amount: u32, now: Instant) {
        self.on_its_way = self.on_its_way.saturating_sub(amount);
        // In the order of time: what is known to leak from a bucket can lie ahead.
        let earlier = self.admitted.partition_point(|(at, _)| *at <= now);
        self.admitted.insert(earlier, (now, amount));
    }

    /// Lets an amount through, or says how long to wait before asking again.
    pub(super) fn admit(&mut self, budget: &Budget, amount: u32, now: Instant) -> Option<Duration> {
        let longest = budget.longest();
        while self
            .admitted
            .front()
            .is_some_and(|(at, _)| *at + longest <= now)
        {
            self.admitted.pop_front();
        }
        if let Some(until) = self.closed_until {
            if now < until {
                return Some(until - now);
            }
            self.closed_until = None;
        }
        let wait = self.wait(budget, amount, now);
        if wait.is_zero() {
            self.on_its_way = self.on_its_way.saturating_add(amount);
            return None;
        }
        // Having to wait shows that all of it is used; a whole stretch without a word of Graph's, that it is right.
        if now.saturating_duration_since(self.calm_since) >= longest {
            self.grow(budget, now);
        }
        Some(wait)
    }

    fn grow(&mut self, budget: &Budget, now: Instant) {
        let highest = match self.ceiling {
            Some((ceiling, since)) if now < since + CEILING_HOLDS => ceiling,
            Some(_) | None => budget.quota.at_best_percent.max(100),
        };
        self.calm_since = now;
        if self.percent < highest {
            self.percent = (self.percent + STEP).min(highest);
            debug!(limit = budget.name, percent = self.percent, "tried");
        }
    }

    /// How long to wait under all limits.
    fn wait(&self, budget: &Budget, amount: u32, now: Instant) -> Duration {
        let under = |limit: &Limit| {
            let allowed = budget.allowed(limit.requests, self.percent);
            // What is larger than the limit goes alone.
            let mut room = allowed.saturating_sub(amount);
            // What is on its way arrives now at the earliest.
            let on_its_way = (now, self.on_its_way);
            let newest_first = std::iter::once(&on_its_way).chain(self.admitted.iter().rev());
            for (at, amount) in newest_first {
                if *at + limit.within <= now {
                    break;
                }
                match room.checked_sub(*amount) {
                    Some(left) => room = left,
                    None => return *at + limit.within - now,
                }
            }
            Duration::ZERO
        };
        let limits = budget.quota.limits.iter();
        limits.map(under).max().unwrap_or_default()
    }

    /// What was let through in the last stretch of this length, and what is on its way.
    pub(super) fn within(&self, length: Duration, now: Instant) -> u32 {
        let recent = self.admitted.iter().rev();
        recent
            .take_while(|(at, _)| *at + length > now)
            .fold(self.on_its_way, |sum, (_, amount)| {
                sum.saturating_add(*amount)
            })
    }
}
