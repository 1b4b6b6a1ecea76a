//! Schedules against oracles that watch the clock.

mod daylight;
mod syntax;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::Schedule;

pub(super) fn schedule(text: &str, zone: Tz) -> Schedule {
    Schedule::parse(text, zone).unwrap()
}

pub(super) fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
