//! Graph's limits: a strict window for each, counted on real time plus every advance of the virtual clock.

use std::collections::VecDeque;
use std::time::Duration;

/// The limits that a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Resource units: 8,000 in 10 seconds for a large tenant.
    Units,
    /// Writes: 3,000 in 150 seconds.
    Writes,
    /// Reports: 5 in 10 seconds.
    Reports,
    /// Requests with `signInActivity`: 10 in a minute.
    SignInActivity,
}

impl Limit {
    const ALL: [Self; 4] = [
        Self::Units,
        Self::Writes,
        Self::Reports,
        Self::SignInActivity,
    ];

    /// How much is allowed in which window.
    fn numbers(self) -> (u64, Duration) {
        match self {
            Self::Units => (8_000, Duration::from_secs(10)),
            Self::Writes => (3_000, Duration::from_secs(150)),
            Self::Reports => (5, Duration::from_secs(10)),
            Self::SignInActivity => (10, Duration::from_secs(60)),
        }
    }
}

#[derive(Debug, Default)]
struct Window {
    spent: VecDeque<(Duration, u64)>,
    sum: u64,
}

/// What was spent of each limit.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    windows: [Window; Limit::ALL.len()],
    pub(crate) throttled: u64,
}

impl Throttle {
    /// Charges a request; how long to wait when it is over a limit, and over which.
    pub(crate) fn charge(
        &mut self,
        now: Duration,
        costs: &[(Limit, u64)],
    ) -> Result<Option<f64>, (Limit, Duration)> {
        let mut fullest = 0.0_f64;
        for (limit, cost) in costs {
            let (allowed, length) = limit.numbers();
            let window = &mut self.windows[*limit as usize];
            while window
                .spent
                .front()
                .is_some_and(|(at, _)| *at + length <= now)
            {
                window.sum -= window.spent.pop_front().map_or(0, |(_, cost)| cost);
            }
            if window.sum + cost > allowed {
                self.throttled += 1;
                let oldest = window.spent.front().map_or(now, |(at, _)| *at);
                return Err((*limit, (oldest + length).saturating_sub(now)));
            }
            window.spent.push_back((now, *cost));
            window.sum += cost;
            #[expect(clippy::cast_precision_loss, reason = "a share of a limit")]
            let share = window.sum as f64 / allowed as f64;
            fullest = fullest.max(share);
        }
        Ok((fullest >= 0.8).then_some(fullest))
    }
}
