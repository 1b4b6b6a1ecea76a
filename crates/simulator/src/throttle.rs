//! Graph's limits, for one application in one tenant.
//!
//! Counted in the pace of [`crate::clock`], refused requests included, in one of two ways, since the
//! documentation speaks of both: in windows, each beginning with the first request after the one before
//! has ended; or in buckets that leak evenly, a whole limit in a window's length. Numbers: throttling
//! limits, "identity and access" and "identity and access reports".

use std::time::Duration;

use serde::Deserialize;

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

/// How limits are counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// In windows: after the limit, nothing until the window ends.
    #[default]
    Window,
    /// In buckets: after the limit, as much as has leaked meanwhile.
    Bucket,
}

/// Whether limits are enforced, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ThrottleSettings {
    pub(crate) enabled: bool,
    /// The length of every window is divided by this.
    #[serde(default = "whole")]
    pub(crate) shorten: u32,
    #[serde(default)]
    pub(crate) kind: Kind,
}

const fn whole() -> u32 {
    1
}

#[derive(Clone, Debug)]
struct Window {
    limit: u32,
    length: Duration,
    kind: Kind,
    /// When a window began; when a bucket was last looked at.
    since: Option<Duration>,
    /// Of a window; or what is in a bucket.
    used: f64,
}

impl Window {
    fn new(limit: u32, seconds: u64, settings: ThrottleSettings) -> Self {
        Self {
            limit,
            length: Duration::from_secs(seconds) / settings.shorten.max(1),
            kind: settings.kind,
            since: None,
            used: 0.0,
        }
    }

    /// Counts, and tells how long to wait if that was too much.
    fn count(&mut self, amount: u32, pace: Duration) -> Option<Duration> {
        let since = self.since.unwrap_or(pace);
        let passed = pace.saturating_sub(since);
        self.since = match self.kind {
            Kind::Window if passed < self.length => Some(since),
            Kind::Window => {
                self.used = 0.0;
                Some(pace)
            }
            Kind::Bucket => {
                let leaked = passed.as_secs_f64() * self.leak();
                self.used = (self.used - leaked).max(0.0);
                Some(pace)
            }
        };
        self.used += f64::from(amount);
        let over = self.used - f64::from(self.limit);
        // What leaked is a sum of many small parts.
        if over < 1e-6 {
            return None;
        }
        Some(match self.kind {
            Kind::Window => (since + self.length).saturating_sub(pace),
            Kind::Bucket => Duration::from_secs_f64(over / self.leak()),
        })
    }

    /// How much leaks in a second.
    fn leak(&self) -> f64 {
        f64::from(self.limit) / self.length.as_secs_f64()
    }

    fn share(&self) -> f64 {
        self.used / f64::from(self.limit)
    }
}

/// All windows of the application.
#[derive(Clone, Debug)]
pub(crate) struct Throttle {
    settings: ThrottleSettings,
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
    /// As documented.
    pub(crate) fn new(enabled: bool, users: usize) -> Self {
        let settings = ThrottleSettings {
            enabled,
            shorten: whole(),
            kind: Kind::default(),
        };
        Self::with(settings, units_for(users))
    }

    /// The same limits under other settings; nothing has been counted yet.
    pub(crate) fn set(&mut self, settings: ThrottleSettings) {
        *self = Self::with(settings, self.units.limit);
    }

    fn with(settings: ThrottleSettings, units: u32) -> Self {
        Self {
            settings,
            units: Window::new(units, 10, settings),
            writes: Window::new(3_000, 150, settings),
            reports: Window::new(5, 10, settings),
            activity: Window::new(10, 60, settings),
        }
    }

    /// Whether windows have the documented length, for which whole seconds are told.
    pub(crate) fn is_shortened(&self) -> bool {
        self.settings.shorten > 1
    }

    /// Counts a request in all windows that it concerns.
    pub(crate) fn admit(&mut self, cost: Cost, pace: Duration) -> Verdict {
        if !self.settings.enabled {
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
    fn a_bucket_lets_through_what_has_leaked_where_a_window_waits_for_its_end() {
        let at = Duration::from_secs;
        let throttle = |kind| {
            let settings = ThrottleSettings {
                enabled: true,
                shorten: 2,
                kind,
            };
            let mut throttle = Throttle::with(settings, 8_000);
            for _ in 0..5 {
                assert!(throttle.admit(ACTIVITY, at(0)).refused.is_none());
            }
            throttle
        };
        let mut window = throttle(Kind::Window);
        let refused = window.admit(ACTIVITY, at(4)).refused;
        assert_eq!(
            refused,
            Some((Limit::Reports, at(1))),
            "half of ten seconds"
        );
        let mut bucket = throttle(Kind::Bucket);
        // One a second of the reports; of the sign-in activity one in three.
        for second in 1..=4 {
            assert!(bucket.admit(ACTIVITY, at(second)).refused.is_none());
        }
        let refused = bucket.admit(ACTIVITY, at(4)).refused;
        assert_eq!(refused, Some((Limit::Reports, at(1))));
        assert!(
            bucket
                .admit(ACTIVITY, at(4))
                .refused
                .is_some_and(|(_, wait)| wait >= at(2))
        );
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
