//! Pacing: a limit that is known is kept, instead of running into it.
//!
//! Graph counts a throttled request too, so running into a limit costs more than waiting. Invariant: in no stretch of
//! time are more requests admitted than its limit says; who comes first is admitted first.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::settings::Limit;

/// What may be sent when, under several limits at once.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Vec<Limit>,
    admitted: Mutex<VecDeque<Instant>>,
}

impl Budget {
    pub(crate) fn new(limits: Vec<Limit>) -> Self {
        Self {
            limits,
            admitted: Mutex::default(),
        }
    }

    /// Returns when a request may be sent.
    pub(crate) async fn admit(&self) {
        if self.limits.is_empty() {
            return;
        }
        // Held while waiting: whoever comes meanwhile queues up behind.
        let mut admitted = self.admitted.lock().await;
        let wait = wait(&self.limits, &admitted, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let most = self.limits.iter().map(|limit| limit.requests).max();
        admitted.push_back(Instant::now());
        while admitted.len() > most.unwrap_or(0) {
            admitted.pop_front();
        }
    }
}

/// How long to wait, when these were admitted so far.
fn wait(limits: &[Limit], admitted: &VecDeque<Instant>, now: Instant) -> Duration {
    let of_limit = |limit: &Limit| {
        let nth_last = admitted.len().checked_sub(limit.requests.max(1))?;
        let free = *admitted.get(nth_last)? + limit.within;
        Some(free.saturating_duration_since(now))
    };
    limits.iter().filter_map(of_limit).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stretch_of_time_sees_more_than_its_limit() {
        let seconds = Duration::from_secs;
        let limits = [(5, 11), (10, 61)].map(|(requests, within)| Limit {
            requests,
            within: seconds(within),
        });
        let start = Instant::now();
        let (mut now, mut admitted) = (start, VecDeque::new());
        for _ in 0..40 {
            now += wait(&limits, &admitted, now);
            admitted.push_back(now);
        }
        for limit in limits {
            for (first, beyond) in admitted.iter().zip(admitted.iter().skip(limit.requests)) {
                assert!(*beyond - *first >= limit.within);
            }
        }
        // Ten at once in two fives, and then ten a minute: not slower than the limits ask for.
        assert_eq!(now - start, seconds(3 * 61 + 11));
    }
}
