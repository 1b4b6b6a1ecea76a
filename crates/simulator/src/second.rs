//! A moment of the tenant's life, to the second.
//!
//! The directory of Graph shows whole seconds, and a guest carries a dozen moments: four bytes for
//! each, with the absent one free of charge, keep a million guests small.

use std::fmt;
use std::num::NonZeroU32;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;

/// Seconds since 1970; at least one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Second(NonZeroU32);

impl Second {
    /// The second of a Unix time; times out of range come to rest at the ends of it.
    pub(crate) fn from_unix(seconds: i64) -> Self {
        let clamped = u32::try_from(seconds.clamp(1, i64::from(u32::MAX))).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(clamped).unwrap_or(NonZeroU32::MIN))
    }

    pub(crate) fn of(time: DateTime<Utc>) -> Self {
        Self::from_unix(time.timestamp())
    }

    pub(crate) fn unix(self) -> i64 {
        i64::from(self.0.get())
    }

    pub(crate) fn plus(self, seconds: i64) -> Self {
        Self::from_unix(self.unix().saturating_add(seconds))
    }

    pub(crate) fn minus(self, seconds: i64) -> Self {
        self.plus(-seconds)
    }

    pub(crate) fn date_time(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.unix(), 0).expect("32 bits of seconds are a valid date")
    }

    /// As `YYYY-MM-DD`.
    pub(crate) fn date(self) -> String {
        self.date_time().date_naive().to_string()
    }
}

/// As Graph writes it: `2026-11-24T09:30:00Z`.
impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.date_time();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_written_as_graph_writes_it() {
        assert_eq!(
            Second::from_unix(1_764_000_000).to_string(),
            "2025-11-24T16:00:00Z"
        );
        assert_eq!(Second::from_unix(1_764_000_000).date(), "2025-11-24");
    }

    #[test]
    fn seconds_out_of_range_come_to_rest_at_the_ends() {
        assert_eq!(Second::from_unix(-5).unix(), 1);
        assert_eq!(Second::from_unix(i64::MAX).unix(), i64::from(u32::MAX));
        assert_eq!(size_of::<Option<Second>>(), 4);
    }
}
