//! `/metrics`: how the tenants are, in the text format of Prometheus, from the database alone.
//!
//! Labels are the tenants' names, which are plain, and the kinds of alarms: bounded, and never a person.

use std::fmt::Write;

use anyhow::Result;
use innkeeper_domain::alarm::{Ending, Kind, Work};
use innkeeper_store::{AlarmRow, Store};

use crate::alarms::Watch;

/// Name and meaning of each metric, all of them gauges.
const ALARM: (&str, &str) = ("innkeeper_alarm", "1 while the alarm is raised");
const HEALTHY_AT: (&str, &str) = (
    "innkeeper_last_healthy_cycle_timestamp_seconds",
    "when the last healthy cycle ended; absent before the first",
);
const HEALTHY: (&str, &str) = (
    "innkeeper_last_cycle_healthy",
    "1 when the last cycle was complete and its observation could be believed",
);
const GUESTS: (&str, &str) = (
    "innkeeper_guests",
    "guests of the last complete observation",
);
const DUE: (&str, &str) = (
    "innkeeper_steps_due",
    "steps that were due in the last cycle",
);
const DONE: (&str, &str) = (
    "innkeeper_steps_done",
    "steps that the last cycle carried out",
);
const LEFT: (&str, &str) = ("innkeeper_steps_left", "steps that the last cycle put off");

/// The page.
///
/// # Errors
/// When the database fails.
pub(super) async fn page(watch: &Watch, store: &Store) -> Result<String> {
    let mut samples: Vec<((&str, &str), String, i64)> = Vec::new();
    let mut tx = store.read().await?;
    for tenant in &watch.tenants {
        let name = &tenant.name;
        let label = format!("tenant=\"{name}\"");
        let raised = tx.alarms(tenant.id).await?;
        for kind in Kind::ALL {
            let is_raised = |row: &AlarmRow| row.kept.alarm.kind() == kind && row.kept.is_raised();
            let value = i64::from(raised.iter().any(is_raised));
            let label = format!("{label},kind=\"{}\"", kind.as_str());
            samples.push((ALARM, label, value));
        }
        if let Some(at) = tx.last_healthy_cycle(tenant.id).await? {
            samples.push((HEALTHY_AT, label.clone(), at.timestamp()));
        }
        let last = tx.cycle_ends(tenant.id, 1).await?.pop();
        let is_healthy = last.as_ref().is_some_and(|last| last.how.is_healthy());
        samples.push((HEALTHY, label.clone(), is_healthy.into()));
        if let Some(observation) = tx.last_observation(tenant.id).await? {
            samples.push((GUESTS, label.clone(), number(observation.counts.guests)));
        }
        let work = last.and_then(|last| match last.how {
            Ending::Complete { work, .. } => work,
            Ending::Failed => None,
        });
        let Work { due, done, left } = work.unwrap_or_default();
        for (metric, value) in [(DUE, due), (DONE, done), (LEFT, left)] {
            samples.push((metric, label.clone(), number(value)));
        }
    }
    let mut text = String::new();
    for (name, meaning) in [ALARM, HEALTHY_AT, HEALTHY, GUESTS, DUE, DONE, LEFT] {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# HELP {name} {meaning}\n# TYPE {name} gauge");
        for (_, label, value) in samples.iter().filter(|(metric, ..)| metric.0 == name) {
            let _ = writeln!(text, "{name}{{{label}}} {value}");
        }
    }
    Ok(text)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
