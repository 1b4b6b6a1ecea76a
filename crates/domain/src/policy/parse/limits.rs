//! `[limits]`.

use toml_edit::{Item, TableLike};

use super::reader::{Reader, start};
use crate::policy::{Action, Cap, Limits};

pub(super) fn limits(reader: &mut Reader<'_>, root: &dyn TableLike) -> Limits {
    let mut limits = Limits::default();
    let Some(item) = root.get("limits") else {
        return limits;
    };
    let Some(table) = item.as_table_like() else {
        reader.problem(start(item.span()), "limits is a table: write [limits]");
        return limits;
    };
    let known: Vec<&str> = Action::ALL
        .into_iter()
        .map(Action::as_str)
        .chain(["shrink_percent", "longest_gap"])
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
            percent(reader, item, "shrink_percent").unwrap_or(limits.shrink_percent);
    }
    if let Some(gap) = reader.span(table, "longest_gap", "[limits]") {
        if gap.is_zero() {
            let item = table.get("longest_gap");
            reader.problem(
                start(item.and_then(Item::span)),
                "[limits]: with a longest_gap of nothing no wait would ever end",
            );
        }
        limits.longest_gap = gap;
    }
    limits
}

fn cap(reader: &mut Reader<'_>, item: &Item, action: Action, customary: Cap) -> Cap {
    let Some(table) = item.as_table_like() else {
        reader.problem(
            start(item.span()),
            format!("a cap is a table, such as {action} = {{ guests = 50, percent = 5 }}"),
        );
        return customary;
    };
    reader.only_keys(table, "a cap", &["guests", "percent"]);
    let guests = table.get("guests").map_or(Some(customary.guests), |item| {
        let guests = item
            .as_integer()
            .and_then(|guests| u64::try_from(guests).ok());
        if guests.is_none() {
            reader.problem(
                start(item.span()),
                "guests is a number of guests, 0 or more",
            );
        }
        guests
    });
    let percent = table
        .get("percent")
        .map_or(Some(customary.percent), |item| {
            percent(reader, item, "percent")
        });
    Cap {
        guests: guests.unwrap_or(customary.guests),
        percent: percent.unwrap_or(customary.percent),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn percent(reader: &mut Reader<'_>, item: &Item, key: &str) -> Option<f64> {
    let percent = item
        .as_float()
        .or_else(|| item.as_integer().map(|percent| percent as f64));
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    if percent.is_none() {
        reader.problem(
            start(item.span()),
            format!("{key} is a number from 0 to 100"),
        );
    }
    percent
}
