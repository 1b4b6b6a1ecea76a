//! `[limits]`.

use chrono::TimeDelta;
use toml_edit::{Item, TableLike};

use super::reader::{Reader, start};
use crate::policy::{Action, Cap, Limits};

/// With a gap shorter than the time between two cycles waits take longer than they say; with none they never end.
const SHORTEST_GAP: TimeDelta = TimeDelta::hours(1);

pub(super) fn limits(reader: &mut Reader<'_>, root: &dyn TableLike) -> Limits {
    let mut limits = Limits::default();
    let Some(item) = root.get("limits") else {
        return limits;
    };
    let Some(table) = item.as_table_like() else {
        reader.problem(
            start(item.span()),
            "[limits] is a table, with one pair of brackets",
        );
        return limits;
    };
    let known: Vec<&str> = Action::ALL
        .into_iter()
        .map(Action::as_str)
        .chain(["shrink_percent", "longest_gap", "immunity"])
        .collect();
    reader.only_keys(table, "[limits]", &known);
    for action in Action::ALL {
        if let Some(item) = table.get(action.as_str()) {
            let cap = cap(reader, item, action, limits.cap(action));
            limits.set_cap(action, cap);
        }
    }
    if let Some(item) = table.get("shrink_percent") {
        limits.shrink_percent =
            percent(reader, item, "[limits]: shrink_percent").unwrap_or(limits.shrink_percent);
    }
    if let Some(gap) = reader.span(table, "longest_gap", "[limits]") {
        if gap < SHORTEST_GAP {
            reader.problem(
                start(table.get("longest_gap").and_then(Item::span)),
                "[limits]: longest_gap is at least 1h, or no wait would ever end",
            );
        }
        limits.longest_gap = gap;
    }
    if let Some(immunity) = reader.span(table, "immunity", "[limits]") {
        limits.immunity = immunity;
    }
    limits
}

fn cap(reader: &mut Reader<'_>, item: &Item, action: Action, customary: Cap) -> Cap {
    let Some(table) = item.as_table_like() else {
        reader.problem(
            start(item.span()),
            format!(
                "[limits]: a cap is a table, such as {action} = {{ guests = 50, percent = 5 }}"
            ),
        );
        return customary;
    };
    let what = format!("[limits] {action}");
    reader.only_keys(table, &what, &["guests", "percent"]);
    let guests = table.get("guests").map_or(Some(customary.guests), |item| {
        let guests = item
            .as_integer()
            .and_then(|guests| u64::try_from(guests).ok());
        if guests.is_none() {
            reader.problem(
                start(item.span()),
                format!("{what}: guests is a whole number, 0 or more"),
            );
        }
        guests
    });
    let percent = table
        .get("percent")
        .map_or(Some(customary.percent), |item| {
            percent(reader, item, &format!("{what}: percent"))
        });
    Cap {
        guests: guests.unwrap_or(customary.guests),
        percent: percent.unwrap_or(customary.percent),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn percent(reader: &mut Reader<'_>, item: &Item, what: &str) -> Option<f64> {
    let percent = item
        .as_float()
        .or_else(|| item.as_integer().map(|percent| percent as f64));
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    if percent.is_none() {
        reader.problem(
            start(item.span()),
            format!("{what} is a number from 0 to 100"),
        );
    }
    percent
}
