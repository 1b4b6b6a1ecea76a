//! What is due and not done yet, as `plan` and `plans` show it.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::approve::Backlog;
use innkeeper_engine::schedule::Schedule;
use serde_json::{Value, json};

use crate::output::Rows;

/// More cycles than that a day make no estimate better.
const MOST: u64 = 288;

/// How fast backlogs drain: since when, and at how many cycles a day.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    now: DateTime<Utc>,
    cycles_a_day: u64,
}

impl Pace {
    pub(super) fn of(schedule: &Schedule, now: DateTime<Utc>) -> Self {
        let (mut at, mut cycles) = (now, 0);
        while cycles < MOST {
            at = schedule.next_after(at);
            if at > now + TimeDelta::days(1) {
                break;
            }
            cycles += 1;
        }
        Self {
            now,
            cycles_a_day: cycles.max(1),
        }
    }

    /// The same pace from another moment on.
    pub(super) fn from(self, now: DateTime<Utc>) -> Self {
        Self { now, ..self }
    }

    /// The earliest end of a backlog; `None` when a cap lets nothing through.
    pub(super) fn finish(self, backlog: &Backlog) -> Option<DateTime<Utc>> {
        backlog.finish(self.now, self.cycles_a_day)
    }

    /// Each backlog as `--output json` shows it.
    pub(super) fn objects(self, backlog: &[Backlog]) -> Vec<Value> {
        let object = |of: &Backlog| {
            let mut object = json!(of);
            object["left"] = json!(of.left());
            object["finish"] = json!(self.finish(of));
            object
        };
        backlog.iter().map(object).collect()
    }

    /// Those with anything left or held, as a table shows them.
    pub(super) fn rows(self, backlog: &[Backlog]) -> Rows {
        let mut rows = Rows::new([
            "action", "due", "approved", "waiting", "held", "left", "done by",
        ]);
        for of in backlog.iter().filter(|of| of.left() + of.held > 0) {
            let Backlog {
                action,
                due,
                approved,
                waiting,
                held,
                cycles: _,
                days: _,
            } = of;
            let finish = match (of.left(), self.finish(of)) {
                (0, _) => String::new(),
                (_, Some(at)) => at.format("%Y-%m-%d").to_string(),
                (_, None) => "never: a cap is 0".to_owned(),
            };
            rows.push([
                action.clone(),
                due.to_string(),
                approved.to_string(),
                waiting.to_string(),
                held.to_string(),
                of.left().to_string(),
                finish,
            ]);
        }
        rows
    }
}
