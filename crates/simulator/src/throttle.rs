//! Graph's limits, for one application in one tenant.
//!
//! Windows are counted in the pace of [`crate::clock`]. A window begins with the first request after
//! the one before has ended; every request counts in it, refused ones included. Numbers: throttling
//! limits, "identity and access" and "identity and access reports".

use std::time::Duration;

/// What a request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Resource units (`x-ms-resource-unit`).
    pub(crate) units: u32,
    /// A write, of which 3,000 may be made in 150 seconds.
    pub(crate) write: bool,
    /// A request to the reporting service: 5 in 10 seconds, and no resource units.
    pub(crate) report: bool,
    /// A GET of `signInActivity`: 10 in a minute.
    pub(crate) activity: bool,
}

/// Which limit a request ran into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    ResourceUnits,
    Writes,
    Reports,
    SignInActivity,
}

/// A request was let through, or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verdict {
    /// The limit, and the time until its window ends.
    pub(crate) refused: Option<(Limit, Duration)>,
    /// Use of the fullest window, 1.0 being the limit.
    pub(crate) used: f64,
}

#[derive(Debug)]
struct Window {
    limit: u32,
    length: Duration,
    began: Option<Duration>,
    used: u32,
}

impl Window {
    const fn new(limit: u32, seconds: u64) -> Self {
        Self {
            limit,
            length: Duration::from_secs(seconds),
            began: None,
            used: 0,
        }
    }

    /// Counts, and tells how long to wait if that was too much.
    fn count(&mut self, amount: u32, pace: Duration) -> Option<Duration> {
        let began = match self.began {
            Some(began) if pace < began + self.length => began,
            _ => {
                self.used = 0;
                pace
            }
        };
        self.began = Some(began);
        self.used = self.used.saturating_add(amount);
        (self.used > self.limit).then(|| (began + self.length).saturating_sub(pace))
    }

    fn share(&self) -> f64 {
        f64::from(self.used) / f64::from(self.limit)
    }
}

/// All windows of the application.
#[derive(Debug)]
pub(crate) struct Throttle {
    pub(crate) enabled: bool,
    units: Window,
    writes: Window,
    reports: Window,
    activity: Window,
}

/// Resource units in 10 seconds, by size of the tenant: S below 50 users, M up to 500, L above.
fn units_for(users: usize) -> u32 {
    match users {
        0..50 => 3_500,
        50..=500 => 5_000,
        _ => 8_000,
    }
}

impl Throttle {
    pub(crate) fn new(enabled: bool, users: usize) -> Self {
        Self {
            enabled,
            units: Window::new(units_for(users), 10),
            writes: Window::new(3_000, 150),
            reports: Window::new(5, 10),
            activity: Window::new(10, 60),
        }
    }

    /// Counts a request in all windows that it concerns.
    pub(crate) fn admit(&mut self, cost: Cost, pace: Duration) -> Verdict {
        if !self.enabled {
            return Verdict {
                refused: None,
                used: 0.0,
            };
        }
        let mut verdict = Verdict {
            refused: None,
            used: 0.0,
        };
        let concerned = [
            (
                Limit::SignInActivity,
                cost.activity.then_some(1),
                &mut self.activity,
            ),
            (Limit::Reports, cost.report.then_some(1), &mut self.reports),
            (Limit::Writes, cost.write.then_some(1), &mut self.writes),
            (
                Limit::ResourceUnits,
                (!cost.report).then_some(cost.units),
                &mut self.units,
            ),
        ];
        for (limit, amount, window) in concerned {
            let Some(amount) = amount else { continue };
            let wait = window.count(amount, pace);
            verdict.used = verdict.used.max(window.share());
            // The longest wait is the one that helps.
            if let Some(wait) = wait
                && verdict.refused.is_none_or(|(_, longest)| wait > longest)
            {
                verdict.refused = Some((limit, wait));
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVITY: Cost = Cost {
        units: 1,
        write: false,
        report: true,
        activity: true,
    };

    #[test]
    fn the_sixth_report_in_ten_seconds_waits_and_counts() {
        let mut throttle = Throttle::new(true, 1000);
        let at = Duration::from_secs;
        for _ in 0..5 {
            assert!(throttle.admit(ACTIVITY, at(0)).refused.is_none());
        }
        let refused = throttle.admit(ACTIVITY, at(4)).refused;
        assert_eq!(refused, Some((Limit::Reports, at(6))));
        for second in 10..14 {
            assert!(throttle.admit(ACTIVITY, at(second)).refused.is_none());
        }
        let refused = throttle.admit(ACTIVITY, at(15)).refused;
        assert_eq!(
            refused,
            Some((Limit::SignInActivity, at(45))),
            "the refused one counted"
        );
        assert!(throttle.admit(ACTIVITY, at(60)).refused.is_none());
    }

    #[test]
    fn three_thousand_writes_pass_and_the_next_one_does_not() {
        let mut throttle = Throttle::new(true, 1000);
        let write = Cost {
            units: 1,
            write: true,
            report: false,
            activity: false,
        };
        for number in 0..3000 {
            let verdict = throttle.admit(write, Duration::from_millis(number * 10));
            assert!(verdict.refused.is_none());
        }
        let verdict = throttle.admit(write, Duration::from_secs(50));
        assert_eq!(
            verdict.refused,
            Some((Limit::Writes, Duration::from_secs(100)))
        );
        assert!(verdict.used > 1.0);
    }
}
