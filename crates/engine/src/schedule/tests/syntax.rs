//! The language of the five fields.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::{schedule, utc};
use crate::schedule::{Schedule, ScheduleError};

/// The next runs after Tuesday 2026-11-24 12:00 UTC.
fn runs(text: &str, count: usize) -> Vec<String> {
    let runs = schedule(text, Tz::UTC).upcoming(utc("2026-11-24T12:00:00Z"), count);
    runs.iter()
        .map(|run| run.format("%a %F %H:%M").to_string())
        .collect()
}

fn refusal(text: &str) -> String {
    Schedule::parse(text, Tz::UTC).unwrap_err().to_string()
}

#[test]
fn sunday_is_0_and_7_and_sun() {
    for text in [
        "0 0 * * 0",
        "0 0 * * 7",
        "0 0 * * SUN",
        "0 0 * * sun",
        "@weekly",
    ] {
        assert_eq!(
            runs(text, 2),
            ["Sun 2026-11-29 00:00", "Sun 2026-12-06 00:00"],
            "{text}"
        );
    }
}

#[test]
fn ranges_reach_across_the_end_of_the_week() {
    let expected = [
        "Fri 2026-11-27 06:00",
        "Sat 2026-11-28 06:00",
        "Sun 2026-11-29 06:00",
        "Fri 2026-12-04 06:00",
    ];
    for text in [
        "0 6 * * 5-7",
        "0 6 * * FRI-SUN",
        "0 6 * * fri-7",
        "0 6 * * 0,5-6",
    ] {
        assert_eq!(runs(text, 4), expected, "{text}");
    }
}

#[test]
fn weekdays_are_counted_as_crontab_counts_them() {
    assert_eq!(runs("0 0 * * 1", 1), ["Mon 2026-11-30 00:00"]);
    assert_eq!(
        runs("0 0 * * 1-5", 2),
        ["Wed 2026-11-25 00:00", "Thu 2026-11-26 00:00"]
    );
    assert_eq!(
        runs("0 0 * * */3", 3),
        [
            "Wed 2026-11-25 00:00",
            "Sat 2026-11-28 00:00",
            "Sun 2026-11-29 00:00"
        ]
    );
}

#[test]
fn months_have_names_and_steps_have_ranges() {
    assert_eq!(
        runs("0 0 1 JAN,jul *", 2),
        ["Fri 2027-01-01 00:00", "Thu 2027-07-01 00:00"]
    );
    assert_eq!(
        runs("10-30/15 23 * * *", 3),
        [
            "Tue 2026-11-24 23:10",
            "Tue 2026-11-24 23:25",
            "Wed 2026-11-25 23:10"
        ]
    );
    assert_eq!(runs("0 0 29 2 *", 1), ["Tue 2028-02-29 00:00"]);
}

#[test]
fn a_day_of_the_month_and_a_weekday_are_alternatives() {
    assert_eq!(
        runs("0 0 1,2 * SUN", 4),
        [
            "Sun 2026-11-29 00:00",
            "Tue 2026-12-01 00:00",
            "Wed 2026-12-02 00:00",
            "Sun 2026-12-06 00:00"
        ]
    );
    // A field that begins with a star leaves the choice to the other, as in crontab(5).
    assert_eq!(
        runs("0 0 */2 * SUN", 2),
        ["Sun 2026-11-29 00:00", "Sun 2026-12-13 00:00"]
    );
    // There is no 30 February, but there are Mondays in February.
    assert_eq!(runs("0 0 30 2 MON", 1), ["Mon 2027-02-01 00:00"]);
}

#[test]
fn words_stand_for_five_fields() {
    assert_eq!(runs("@hourly", 1), ["Tue 2026-11-24 13:00"]);
    assert_eq!(runs("@daily", 1), ["Wed 2026-11-25 00:00"]);
    assert_eq!(runs("@monthly", 1), ["Tue 2026-12-01 00:00"]);
    assert_eq!(runs(" @yearly ", 1), ["Fri 2027-01-01 00:00"]);
    assert!(refusal("@reboot").contains("@hourly"));
}

#[test]
fn six_fields_are_refused_and_the_five_are_shown() {
    assert_eq!(
        refusal("0 0 */6 * * *"),
        "`0 0 */6 * * *` has 6 fields, a schedule has five: minute, hour, day of the month, month, weekday, as in \
         `0 */6 * * *` (there is no field for seconds)"
    );
    assert!(refusal("*/5").contains("has 1 field,"));
    assert!(matches!(
        Schedule::parse("", Tz::UTC),
        Err(ScheduleError::FieldCount { found: 0, .. })
    ));
}

#[test]
fn what_never_comes_true_is_refused() {
    for text in ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 FEB *"] {
        assert!(refusal(text).contains("never comes true"), "{text}");
    }
}

#[test]
fn a_refusal_says_what_to_write() {
    assert_eq!(
        refusal("60 * * * *"),
        "the minute `60` is not understood: `60` is not between 0 and 59"
    );
    assert!(refusal("0 0 * * FRI-MON").ends_with("runs backwards; write `5-6,0-1`"));
    assert!(refusal("0 0 * * 5-0").ends_with("write `5-7`"));
    assert!(refusal("0 0 1 NOV-FEB *").ends_with("write `11-12,1-2`"));
    assert!(refusal("5/10 * * * *").ends_with("such as `5-59` or `*`"));
    assert!(refusal("*/0 * * * *").contains("above 0"));
    assert!(refusal("*/90 * * * *").contains("end at 59"));
    assert!(refusal("0 0 * * monday").contains("one of SUN, MON"));
    for text in [
        "1,, * * * *",
        "-1 * * * *",
        "1- * * * *",
        "+1 * * * *",
        "*/ * * * *",
        "** * * * *",
        "? * * * *",
        "L * * * *",
    ] {
        assert!(Schedule::parse(text, Tz::UTC).is_err(), "{text}");
    }
}

#[test]
fn after_the_last_year_there_is_no_run() {
    let schedule = schedule("0 0 29 2 *", Tz::UTC);
    assert_eq!(
        schedule.next_after(utc("2099-01-01T00:00:00Z")),
        DateTime::<Utc>::MAX_UTC
    );
    assert_eq!(schedule.upcoming(utc("2095-01-01T00:00:00Z"), 3).len(), 1);
}

/// A field in the test's own words: its text and what it means.
#[derive(Clone, Debug)]
enum Item {
    All,
    Each(u32),
    One(u32),
    Range(u32, u32),
    EachOf(u32, u32, u32),
}

impl Item {
    fn text(&self) -> String {
        match self {
            Self::All => "*".into(),
            Self::Each(step) => format!("*/{step}"),
            Self::One(value) => value.to_string(),
            Self::Range(first, last) => format!("{first}-{last}"),
            Self::EachOf(first, last, step) => format!("{first}-{last}/{step}"),
        }
    }

    fn holds(&self, low: u32, value: u32) -> bool {
        match self {
            Self::All => true,
            Self::Each(step) => (value - low).is_multiple_of(*step),
            Self::One(one) => value == *one,
            Self::Range(first, last) => (*first..=*last).contains(&value),
            Self::EachOf(first, last, step) => {
                (*first..=*last).contains(&value) && (value - first).is_multiple_of(*step)
            }
        }
    }
}

fn item(low: u32, high: u32) -> impl Strategy<Value = Item> {
    let range = (low..=high, low..=high).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop_oneof![
        3 => Just(Item::All),
        1 => (1..=high).prop_map(Item::Each),
        2 => (low..=high).prop_map(Item::One),
        1 => range.clone().prop_map(|(a, b)| Item::Range(a, b)),
        1 => (range, 1..=high).prop_map(|((a, b), step)| Item::EachOf(a, b, step)),
    ]
}

type Field = Vec<Item>;

fn field(low: u32, high: u32) -> impl Strategy<Value = Field> {
    proptest::collection::vec(item(low, high), 1..3)
}

fn text(field: &Field) -> String {
    field.iter().map(Item::text).collect::<Vec<_>>().join(",")
}

fn holds(field: &Field, low: u32, value: u32) -> bool {
    field.iter().any(|item| item.holds(low, value))
}

proptest! {
    #[test]
    fn the_next_run_is_the_one_that_a_watcher_of_every_minute_sees(
        (minute, hour, day, month, weekday) in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
        seconds in 1_767_225_600_i64..1_893_456_000,
    ) {
        let now = DateTime::from_timestamp(seconds, 0).unwrap();
        let line = [text(&minute), text(&hour), text(&day), text(&month), text(&weekday)].join(" ");
        let is_open = |field: &Field| matches!(field[0], Item::All | Item::Each(_));
        let today = |at: DateTime<Utc>| {
            let sunday = at.weekday().num_days_from_sunday();
            let on_weekday = holds(&weekday, 0, sunday) || (sunday == 0 && holds(&weekday, 0, 7));
            let on_day = holds(&day, 1, at.day());
            if is_open(&day) || is_open(&weekday) { on_day && on_weekday } else { on_day || on_weekday }
        };
        let matches = |at: DateTime<Utc>| {
            holds(&minute, 0, at.minute())
                && holds(&hour, 0, at.hour())
                && holds(&month, 1, at.month())
                && today(at)
        };
        let horizon = now + TimeDelta::days(45);
        let first = now.with_second(0).unwrap() + TimeDelta::minutes(1);
        let minutes = std::iter::successors(Some(first), |at| Some(*at + TimeDelta::minutes(1)));
        let expected = minutes.take_while(|at| *at <= horizon).find(|at| matches(*at));
        match Schedule::parse(&line, Tz::UTC) {
            Ok(schedule) => {
                let next = schedule.next_after(now);
                prop_assert_eq!((next <= horizon).then_some(next), expected, "{}", line);
            }
            Err(ScheduleError::Never { .. }) => prop_assert_eq!(expected, None, "{}", line),
            Err(error) => prop_assert!(false, "{line}: {error}"),
        }
    }
}
