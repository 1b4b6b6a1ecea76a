//! The watch: how long a tenant has been watched with good eyes.
//!
//! A stage's wait runs on the watch, not on the calendar. While the daemon was down, or saw nothing it could
//! believe, the watch stands still; so an outage never makes a wait elapse behind everybody's back.

use std::fmt;
use std::ops::{Add, Sub};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Seconds watched since Innkeeper first saw the tenant. Only complete, healthy observations move it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Watched(pub i64);

impl Watched {
    /// The watch after an observation at `now`, when the last healthy one was at `last` and showed `self`.
    ///
    /// A gap longer than `longest_gap` counts only that much: the rest of it nobody was looking.
    #[must_use]
    pub fn advanced(self, last: DateTime<Utc>, now: DateTime<Utc>, longest_gap: TimeDelta) -> Self {
        self + (now - last).clamp(TimeDelta::zero(), longest_gap)
    }
}

impl Add<TimeDelta> for Watched {
    type Output = Self;

    fn add(self, span: TimeDelta) -> Self {
        Self(self.0 + span.num_seconds())
    }
}

impl Sub for Watched {
    type Output = TimeDelta;

    fn sub(self, earlier: Self) -> TimeDelta {
        TimeDelta::seconds(self.0 - earlier.0)
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_counts_no_more_than_the_longest_gap_and_a_clock_set_back_counts_nothing() {
        let day = TimeDelta::days(1);
        let start = DateTime::UNIX_EPOCH;
        let watch = Watched(100);
        assert_eq!(
            watch.advanced(start, start + day, day * 7),
            Watched(100 + 86_400)
        );
        assert_eq!(
            watch.advanced(start, start + day * 60, day * 7),
            Watched(100 + 7 * 86_400)
        );
        assert_eq!(watch.advanced(start + day, start, day * 7), watch);
    }
}
