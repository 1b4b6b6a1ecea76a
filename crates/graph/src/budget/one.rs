//! One kind's budget: whose turn it is, and how much of what Graph allows is believed to be ours.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info};

use super::admissions::State;
use crate::limits::{Limit, Quota};

/// The smallest share that is tried, in percent of what a quota allows at first.
const LEAST: u32 = 5;

/// One kind's budget.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) name: &'static str,
    pub(super) quota: Quota,
    /// In percent, how much of the quota is used at most.
    share: u32,
    /// Whose turn it is; handed on in the order of asking.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

/// An amount that is on its way.
pub(super) struct Admitted<'b> {
    budget: &'b Budget,
    amount: u32,
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.budget.state().answered(self.amount, Instant::now());
    }
}

impl Budget {
    pub(super) fn new(name: &'static str, quota: Quota, share: u32) -> Self {
        Self {
            name,
            quota,
            share: share.clamp(LEAST, 100),
            turn: tokio::sync::Mutex::default(),
            state: Mutex::new(State::new()),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn admit(&self, amount: u32) -> Option<Admitted<'_>> {
        if self.quota.limits.is_empty() {
            return None;
        }
        // Held while waiting: whoever comes meanwhile queues up behind.
        let _turn = self.turn.lock().await;
        loop {
            let wait = self.state().admit(self, amount, Instant::now());
            match wait {
                None => {
                    return Some(Admitted {
                        budget: self,
                        amount,
                    });
                }
                Some(wait) => tokio::time::sleep(wait).await,
            }
        }
    }

    /// What a limit allows now.
    pub(super) fn allowed(&self, limit: u32, percent: u32) -> u32 {
        let allowed = u64::from(limit) * u64::from(percent) * u64::from(self.share) / 10_000;
        u32::try_from(allowed).unwrap_or(u32::MAX).max(1)
    }

    pub(super) fn longest(&self) -> Duration {
        let lengths = self.quota.limits.iter().map(|limit| limit.within);
        lengths.max().unwrap_or_default()
    }

    pub(super) fn refused(&self, retry_after: Duration) {
        if self.quota.limits.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut state = self.state();
        let until = now + retry_after;
        let is_new = state.closed_until.is_none_or(|closed| now >= closed);
        state.closed_until = state.closed_until.max(Some(until));
        // Several requests on their way are refused together; that is one sign, not several.
        if is_new {
            if state.percent > 100 {
                state.ceiling = Some((100, now));
                state.percent = 100;
                self.drained_evenly(&mut state, retry_after, now);
            } else {
                state.percent = (state.percent / 2).max(LEAST);
            }
            info!(
                limit = self.name,
                percent = state.percent,
                wait = retry_after.as_secs_f64(),
                "Graph asked to slow down"
            );
        }
        state.calm_since = until;
    }

    /// A wait for one request's share of the stretch tells of a bucket that leaks, and that is full: from now on one
    /// request goes after the other, as it leaks. What was let through says less, since it was too much.
    ///
    /// The bucket is full once the wait is over, not now: it holds the refused request too, which is counted besides when
    /// its answer is taken in. Counted from now, the last to leak would leave together with it, and two would follow where
    /// the bucket has room for one.
    fn drained_evenly(&self, state: &mut State, retry_after: Duration, now: Instant) {
        let Some(limit) = self.quota.limits.first() else {
            return;
        };
        let allowed = self.allowed(limit.requests, state.percent);
        let each = limit.within / allowed;
        if retry_after > each * 3 / 2 {
            return;
        }
        let full = now + retry_after;
        let leaking = (1..=allowed).filter_map(|nth| (full + each * nth).checked_sub(limit.within));
        state.admitted = leaking.map(|at| (at, 1)).collect();
    }

    /// How much of its fullest limit was used by this process.
    pub(super) fn share(&self, now: Instant) -> f64 {
        let state = self.state();
        let share = |limit: &Limit| {
            f64::from(state.within(limit.within, now)) / f64::from(limit.requests.max(1))
        };
        self.quota.limits.iter().map(share).fold(0.0, f64::max)
    }

    /// Whether a whole number of requests makes such a part of a limit; of five, 0.9 does not.
    pub(super) fn counts(&self, part: f64) -> bool {
        let is_whole = |limit: &Limit| {
            let used = f64::from(limit.requests) * part;
            // Parts have two decimals.
            (used - used.round()).abs() <= 0.005 * f64::from(limit.requests) + 0.01
        };
        self.quota.limits.iter().any(is_whole)
    }

    /// The limit is as documented: nothing above it need be tried.
    pub(super) fn confirmed(&self, now: Instant) {
        let mut state = self.state();
        if state.percent <= 100 {
            state.ceiling = Some((100, now));
        }
    }

    pub(super) fn used(&self, part: f64) {
        let Some(limit) = self.quota.limits.first() else {
            return;
        };
        let now = Instant::now();
        let mut state = self.state();
        let ours = state.within(limit.within, now);
        // So much is ours when nobody else uses the application; less when somebody does.
        let whole = f64::from(ours) / part.max(0.01);
        let percent = 100.0 * whole / f64::from(limit.requests.max(1));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 5 and 1000"
        )]
        let percent = percent.clamp(f64::from(LEAST), 1_000.0) as u32;
        if percent < state.percent && part >= 0.95 {
            state.percent = percent;
            state.calm_since = now;
            debug!(limit = self.name, percent, "others use the same limit");
        }
    }
}
