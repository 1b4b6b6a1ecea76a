//! `[alarms]` and `[tenants.heartbeat]`: from where on operators are alarmed, and who expects a sign of life.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::alarm::Bounds;
use innkeeper_domain::alarm::telling::Pace;
use innkeeper_engine::schedule::Schedule;
use secrecy::{ExposeSecret, SecretString};

use super::findings::Findings;
use super::journal::Webhook;
use super::path::KeyPath;
use super::raw::{RawAlarms, RawHeartbeat};
use super::{Heartbeat, address};

/// Hours without a healthy cycle, where cycles come often enough.
const SILENT_HOURS: i64 = 24;

/// So many runs are looked at for the longest time between two.
const RUNS: usize = 60;

/// `[alarms]`
#[derive(Clone, Debug)]
pub(crate) struct Alarms {
    pub(crate) url: Option<Webhook>,
    /// By the schedule when it is absent.
    pub(crate) silent_hours: Option<u32>,
    pub(crate) fewer_guests_percent: u32,
    pub(crate) fewer_guests_least: u32,
    pub(crate) idle_cycles: u32,
    pub(crate) growing_cycles: u32,
    pub(crate) credential_days: u32,
    pub(crate) credential_days_again: u32,
    pub(crate) repeat_hours: u32,
    pub(crate) repeat_days: u32,
}

impl Alarms {
    /// The bounds, for cycles on this schedule.
    pub(crate) fn bounds(&self, schedule: &Schedule, now: DateTime<Utc>) -> Bounds {
        let silent = match self.silent_hours {
            Some(hours) => TimeDelta::hours(hours.into()),
            None => {
                let runs = schedule.upcoming(now, RUNS);
                let gaps = runs.windows(2).map(|pair| pair[1] - pair[0]);
                let longest = gaps.max().unwrap_or_default();
                (longest * 2).max(TimeDelta::hours(SILENT_HOURS))
            }
        };
        Bounds {
            silent,
            fewer_percent: self.fewer_guests_percent,
            fewer_least: self.fewer_guests_least,
            idle_cycles: self.idle_cycles,
            growing_cycles: self.growing_cycles,
            credential_days: self.credential_days,
            credential_days_again: self.credential_days_again,
        }
    }

    /// How soon an alarm is told again.
    pub(crate) fn pace(&self) -> Pace {
        Pace {
            first: TimeDelta::hours(self.repeat_hours.into()),
            later: TimeDelta::days(self.repeat_days.into()),
        }
    }
}

pub(super) fn check(raw: RawAlarms, findings: &mut Findings<'_>) -> Alarms {
    let RawAlarms {
        url,
        silent_hours,
        fewer_guests_percent,
        fewer_guests_least,
        idle_cycles,
        growing_cycles,
        credential_days,
        credential_days_again,
        repeat_hours,
        repeat_days,
    } = raw;
    let at = KeyPath::of("alarms");
    let url = hook(&at.child("url"), url, findings);
    let mut within = |name: &str, given: Option<u32>, least: u32, most: u32| {
        if given.is_some_and(|given| !(least..=most).contains(&given)) {
            findings.wrong(&at.child(name), format!("must be from {least} to {most}"));
        }
        given
    };
    let alarms = Alarms {
        url,
        silent_hours: within("silent_hours", silent_hours, 1, 8_760),
        fewer_guests_percent: within("fewer_guests_percent", fewer_guests_percent, 0, 100)
            .unwrap_or(10),
        fewer_guests_least: within("fewer_guests_least", fewer_guests_least, 1, u32::MAX)
            .unwrap_or(5),
        idle_cycles: within("idle_cycles", idle_cycles, 1, 100).unwrap_or(4),
        growing_cycles: within("growing_cycles", growing_cycles, 2, 100).unwrap_or(8),
        credential_days: within("credential_days", credential_days, 1, 730).unwrap_or(30),
        credential_days_again: within("credential_days_again", credential_days_again, 0, 730)
            .unwrap_or(7),
        repeat_hours: within("repeat_hours", repeat_hours, 1, 8_760).unwrap_or(24),
        repeat_days: within("repeat_days", repeat_days, 1, 365).unwrap_or(7),
    };
    if alarms.credential_days_again > alarms.credential_days {
        findings.wrong(
            &at.child("credential_days_again"),
            "must not be more than alarms.credential_days: it is the second time",
        );
    }
    alarms
}

pub(super) fn check_heartbeat(
    raw: RawHeartbeat,
    path: &KeyPath,
    findings: &mut Findings<'_>,
) -> Option<Heartbeat> {
    let RawHeartbeat { url, failure_url } = raw;
    let key = path.child("url");
    let url = findings.required(&key, url);
    let url = hook(&key, url, findings);
    let failure_url = hook(&path.child("failure_url"), failure_url, findings);
    Some(Heartbeat {
        url: url?,
        failure_url,
    })
}

fn hook(key: &KeyPath, url: Option<SecretString>, findings: &mut Findings<'_>) -> Option<Webhook> {
    let url = address::hook(url?.expose_secret()).map(Webhook);
    findings.check(key, url)
}
