//! The bounds of the eyes, among the `[limits]`.

use chrono::TimeDelta;
use toml_edit::{Item, TableLike};

use super::limits::{percent, whole};
use super::reader::{Reader, start};
use crate::policy::Eyes;

/// Their keys.
pub(super) const KEYS: [&str; 12] = [
    "shrink_percent",
    "count_percent",
    "regressed_percent",
    "unreadable_percent",
    "retry_percent",
    "members_percent",
    "newest_sign_in",
    "newest_sign_in_guests",
    "newest_log_entry",
    "surplus_percent",
    "longest_reading",
    "clock_skew",
];

/// Sign-in times come late by up to a day: a shorter bound would be passed on every day.
const SHORTEST_SILENCE: TimeDelta = TimeDelta::days(1);

/// With none no reading would ever end.
const SHORTEST_READING: TimeDelta = TimeDelta::seconds(1);

/// Clocks that are set by NTP still differ by some seconds, and an answer takes its time.
const LEAST_SKEW: TimeDelta = TimeDelta::minutes(1);

pub(super) fn eyes(reader: &mut Reader<'_>, table: &dyn TableLike, eyes: &mut Eyes) {
    for (key, share) in [
        ("shrink_percent", &mut eyes.shrink_percent),
        ("count_percent", &mut eyes.count_percent),
        ("regressed_percent", &mut eyes.regressed_percent),
        ("unreadable_percent", &mut eyes.unreadable_percent),
        ("retry_percent", &mut eyes.retry_percent),
        ("members_percent", &mut eyes.members_percent),
        ("surplus_percent", &mut eyes.surplus_percent),
    ] {
        if let Some(item) = table.get(key) {
            *share = percent(reader, item, &format!("[limits]: {key}")).unwrap_or(*share);
        }
    }
    for (key, span, least, told) in [
        (
            "newest_sign_in",
            &mut eyes.newest_sign_in,
            SHORTEST_SILENCE,
            "1d, since sign-in times come late by up to a day",
        ),
        (
            "newest_log_entry",
            &mut eyes.newest_log_entry,
            SHORTEST_SILENCE,
            "1d, since few sign in on a day off",
        ),
        (
            "longest_reading",
            &mut eyes.longest_reading,
            SHORTEST_READING,
            "1s, and for 100000 guests no less than 30m",
        ),
        (
            "clock_skew",
            &mut eyes.clock_skew,
            LEAST_SKEW,
            "1m, since no two clocks are quite alike",
        ),
    ] {
        if let Some(given) = reader.span(table, key, "[limits]") {
            if given < least {
                reader.problem(
                    start(table.get(key).and_then(Item::span)),
                    format!("[limits]: {key} is at least {told}"),
                );
            }
            *span = given;
        }
    }
    if let Some(item) = table.get("newest_sign_in_guests") {
        eyes.newest_sign_in_guests = whole(reader, item, "[limits]: newest_sign_in_guests")
            .unwrap_or(eyes.newest_sign_in_guests);
    }
}
