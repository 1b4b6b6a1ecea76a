//! When the cycles run: five crontab fields on the wall clock of a time zone.
//!
//! The invariant: a run lies strictly after the instant asked about, and every wall-clock time that the fields name
//! has exactly one run. Where clocks are put forward, a time that does not exist runs at the first instant after the
//! gap; where they are put back, a time that exists twice runs the first time only.

mod error;
mod fields;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

pub use error::ScheduleError;
use fields::Fields;

/// Where the calendar of `cron` ends.
const LAST_YEAR: i32 = 2100;

/// When something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    text: String,
    zone: Tz,
    /// One of them has to match: there are two when a day of the month and a weekday are both named.
    alternatives: Vec<cron::Schedule>,
}

impl Schedule {
    /// Reads five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`, with crontab(5)'s meaning.
    ///
    /// # Errors
    /// When the text is not such a schedule, or never comes true, as on 30 February.
    pub fn parse(text: &str, zone: Tz) -> Result<Self, ScheduleError> {
        let fields = Fields::parse(text)?;
        let mut alternatives = Vec::new();
        for line in fields.cron_lines() {
            let schedule =
                cron::Schedule::from_str(&line).map_err(|source| ScheduleError::Unsupported {
                    text: text.trim().to_owned(),
                    source: Box::new(source),
                })?;
            // 30 February with a weekday beside it is still a schedule, of that weekday.
            if after(&schedule, DateTime::UNIX_EPOCH.naive_utc()).is_some() {
                alternatives.push(schedule);
            }
        }
        if alternatives.is_empty() {
            return Err(ScheduleError::Never {
                text: text.trim().to_owned(),
            });
        }
        Ok(Self {
            text: text.trim().to_owned(),
            zone,
            alternatives,
        })
    }

    /// The zone whose wall clock the fields are read on.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first run strictly after `now`. The calendar ends with the year 2100; after its last run this is
    /// [`DateTime::<Utc>::MAX_UTC`].
    #[must_use]
    pub fn next_after(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        // Settled times never decrease along the wall clock, so no time up to the present wall-clock time lies ahead.
        // The reverse does not hold in the second pass through a doubled hour: its times were settled an hour ago.
        if now.year() > LAST_YEAR {
            return DateTime::<Utc>::MAX_UTC;
        }
        let mut wall = now.with_timezone(&self.zone).naive_local();
        loop {
            let next = self
                .alternatives
                .iter()
                .filter_map(|schedule| after(schedule, wall))
                .min();
            let Some(next) = next else {
                return DateTime::<Utc>::MAX_UTC;
            };
            let instant = self.settle(next);
            if instant > now {
                return instant;
            }
            wall = next;
        }
    }

    /// The next `count` runs after `now`.
    #[must_use]
    pub fn upcoming(&self, now: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let next = |now| Some(self.next_after(now)).filter(|run| *run < DateTime::<Utc>::MAX_UTC);
        std::iter::successors(next(now), |run| next(*run))
            .take(count)
            .collect()
    }

    /// The one instant at which a wall-clock time counts.
    fn settle(&self, wall: NaiveDateTime) -> DateTime<Utc> {
        match self.zone.from_local_datetime(&wall) {
            MappedLocalTime::Single(instant) | MappedLocalTime::Ambiguous(instant, _) => {
                instant.to_utc()
            }
            // No zone has an open end, but should one have it, the time read as UTC is at most a day off.
            MappedLocalTime::None => GapInfo::new(&wall, &self.zone)
                .and_then(|gap| gap.end)
                .map_or_else(|| wall.and_utc(), |end| end.to_utc()),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The next time on a clock that is never put forward or back: `cron` goes astray on the others.
fn after(schedule: &cron::Schedule, wall: NaiveDateTime) -> Option<NaiveDateTime> {
    schedule
        .after(&wall.and_utc())
        .next()
        .map(|next| next.naive_utc())
}
