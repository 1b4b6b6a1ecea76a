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
        .chain([
            "per_domain",
            "per_sponsor",
            "ceiling",
            "longest_gap",
            "immunity",
        ])
        .chain(super::eyes::KEYS)
        .collect();
    reader.only_keys(table, "[limits]", &known);
    for action in Action::ALL {
        if let Some(item) = table.get(action.as_str()) {
            caps(reader, item, action, &mut limits);
        }
    }
    for (key, cap) in [
        ("per_domain", &mut limits.per_domain),
        ("per_sponsor", &mut limits.per_sponsor),
        ("ceiling", &mut limits.ceiling),
    ] {
        if let Some(item) = table.get(key)
            && let Some(table) = table_of(reader, item, key)
        {
            let what = format!("[limits] {key}");
            reader.only_keys(table, &what, &["guests", "percent"]);
            *cap = cap_of(reader, table, &what, ["guests", "percent"], *cap);
        }
    }
    super::eyes::eyes(reader, table, &mut limits.eyes);
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

/// The caps of an action: of one cycle, and of a day.
fn caps(reader: &mut Reader<'_>, item: &Item, action: Action, limits: &mut Limits) {
    let Some(table) = table_of(reader, item, action.as_str()) else {
        return;
    };
    let what = format!("[limits] {action}");
    let cycle = ["guests", "percent"];
    let day = ["guests_per_day", "percent_per_day"];
    reader.only_keys(table, &what, &[cycle, day].concat());
    let cap = cap_of(reader, table, &what, cycle, limits.cap(action));
    limits.set_cap(action, cap);
    let cap = cap_of(reader, table, &what, day, limits.day(action));
    limits.set_day(action, cap);
}

fn table_of<'i>(reader: &mut Reader<'_>, item: &'i Item, key: &str) -> Option<&'i dyn TableLike> {
    let table = item.as_table_like();
    if table.is_none() {
        reader.problem(
            start(item.span()),
            format!("[limits]: a cap is a table, such as {key} = {{ guests = 50, percent = 5 }}"),
        );
    }
    table
}

fn cap_of(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    what: &str,
    [guests, percent]: [&str; 2],
    customary: Cap,
) -> Cap {
    Cap {
        guests: table
            .get(guests)
            .and_then(|item| whole(reader, item, &format!("{what}: {guests}")))
            .unwrap_or(customary.guests),
        percent: table
            .get(percent)
            .and_then(|item| self::percent(reader, item, &format!("{what}: {percent}")))
            .unwrap_or(customary.percent),
    }
}

pub(super) fn whole(reader: &mut Reader<'_>, item: &Item, what: &str) -> Option<u64> {
    let number = item
        .as_integer()
        .and_then(|number| u64::try_from(number).ok());
    if number.is_none() {
        reader.problem(
            start(item.span()),
            format!("{what} is a whole number, 0 or more"),
        );
    }
    number
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
pub(super) fn percent(reader: &mut Reader<'_>, item: &Item, what: &str) -> Option<f64> {
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
