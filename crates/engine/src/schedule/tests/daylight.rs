//! Two years of runs in zones that put their clocks forward and back, each in its own way.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc, Weekday};
use chrono_tz::Tz;

use super::{schedule, utc};

const ZONES: [Tz; 7] = [
    Tz::UTC,
    Tz::Europe__Berlin,
    Tz::America__New_York,
    Tz::America__St_Johns,
    // Puts its clocks forward by half an hour.
    Tz::Australia__Lord_Howe,
    Tz::Asia__Kathmandu,
    // Puts them back for Ramadan.
    Tz::Africa__Casablanca,
];

type Matches = fn(NaiveDateTime) -> bool;

const SCHEDULES: [(&str, Matches); 5] = [
    ("0 */6 * * *", |at| at.minute() == 0 && at.hour() % 6 == 0),
    ("30 2 * * *", |at| (at.hour(), at.minute()) == (2, 30)),
    ("*/30 * * * *", |at| at.minute() % 30 == 0),
    ("15 3 * * 1-5", |at| {
        (at.hour(), at.minute()) == (3, 15) && !matches!(at.weekday(), Weekday::Sat | Weekday::Sun)
    }),
    ("0 0 1 * *", |at| {
        (at.day(), at.hour(), at.minute()) == (1, 0, 0)
    }),
];

const FROM: &str = "2025-12-31T20:05:00Z";
const UNTIL: &str = "2028-01-01T20:05:00Z";

/// Zone, schedule and runs.
type Expected = (Tz, &'static str, Vec<DateTime<Utc>>);

/// The runs of each schedule in each zone between [`FROM`] and [`UNTIL`], as the oracle has them.
static EXPECTED: LazyLock<Vec<Expected>> = LazyLock::new(|| {
    let mut expected = Vec::new();
    for zone in ZONES {
        let texts = SCHEDULES.iter().map(|(text, _)| *text);
        let runs = oracle(zone, utc(FROM), utc(UNTIL));
        expected.extend(texts.zip(runs).map(|(text, runs)| (zone, text, runs)));
    }
    expected
});

/// Looks at the clock every five minutes, between which no schedule here and no change of a zone falls. A run is due
/// when the wall clock arrives at, or jumps over, a time that it has not shown before.
fn oracle(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<Vec<DateTime<Utc>>> {
    let tick = TimeDelta::minutes(5);
    let mut runs = vec![Vec::new(); SCHEDULES.len()];
    let mut shown = from.with_timezone(&zone).naive_local();
    let mut instant = from + tick;
    while instant < until {
        let wall = instant.with_timezone(&zone).naive_local();
        let mut new = shown + tick;
        while new <= wall {
            for (runs, (_, matches)) in runs.iter_mut().zip(&SCHEDULES) {
                if matches(new) && runs.last() != Some(&instant) {
                    runs.push(instant);
                }
            }
            shown = new;
            new += tick;
        }
        instant += tick;
    }
    runs
}

#[test]
fn two_years_have_exactly_the_runs_that_a_watched_clock_has() {
    for (zone, text, expected) in EXPECTED.iter() {
        let schedule = schedule(text, *zone);
        let runs = schedule.upcoming(utc(FROM), expected.len());
        assert!(runs.is_sorted_by(|a, b| a < b), "{text} {zone}");
        assert_eq!(&runs, expected, "{text} {zone}");
        assert!(schedule.next_after(*runs.last().unwrap()) >= utc(UNTIL));
    }
}

#[test]
fn every_wall_clock_day_has_its_one_run_of_a_daily_schedule() {
    let days = NaiveDate::from_ymd_opt(2026, 1, 1)
        .unwrap()
        .iter_days()
        .take(730);
    let days: Vec<_> = days.collect();
    for zone in ZONES {
        let schedule = schedule("30 2 * * *", zone);
        let runs = schedule.upcoming(utc("2025-12-30T12:00:00Z"), 733);
        let runs = runs.iter().map(|run| run.with_timezone(&zone).date_naive());
        let runs: Vec<_> = runs.skip_while(|day| day.year() < 2026).take(730).collect();
        assert_eq!(runs, days, "{zone}");
    }
}

#[test]
fn the_next_run_lies_ahead_and_no_run_lies_between() {
    for (zone, text, runs) in EXPECTED.iter() {
        let schedule = schedule(text, *zone);
        for change in changes(*zone) {
            let mut now = change - TimeDelta::hours(3);
            while now < change + TimeDelta::hours(3) {
                let next = schedule.next_after(now);
                assert!(next > now, "{text} {zone} {now}: {next}");
                let expected = runs.iter().find(|run| **run > now);
                assert_eq!(Some(&next), expected, "{text} {zone} {now}");
                now += TimeDelta::milliseconds(7 * 60 * 1000 + 500);
            }
        }
    }
}

/// When the offset changes, to the hour, and not so late that the next run is beyond the oracle.
fn changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let offset = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local() - at.naive_utc();
    let hours = std::iter::successors(Some(utc(FROM)), |at| Some(*at + TimeDelta::hours(1)));
    hours
        .take_while(|at| *at < utc(UNTIL) - TimeDelta::days(40))
        .filter(|at| offset(*at) != offset(*at + TimeDelta::hours(1)))
        .collect()
}

#[test]
fn the_zones_put_their_clocks_forward_and_back() {
    let counts: Vec<_> = ZONES.map(|zone| changes(zone).len()).to_vec();
    assert_eq!(counts, [0, 4, 4, 4, 4, 0, 4]);
}

#[test]
fn a_time_that_does_not_exist_runs_at_the_first_instant_after_the_gap() {
    let schedule = schedule("30 2 * * *", Tz::Europe__Berlin);
    let runs = schedule.upcoming(utc("2027-03-27T12:00:00Z"), 2);
    assert_eq!(
        runs,
        [utc("2027-03-28T01:00:00Z"), utc("2027-03-29T00:30:00Z")]
    );
}

#[test]
fn a_time_that_exists_twice_runs_the_first_time() {
    let berlin = schedule("30 2 * * *", Tz::Europe__Berlin);
    let runs = berlin.upcoming(utc("2026-10-24T12:00:00Z"), 2);
    assert_eq!(
        runs,
        [utc("2026-10-25T00:30:00Z"), utc("2026-10-26T01:30:00Z")]
    );
    // Asked within the second pass, at 02:10, the half hour that has passed is not offered again.
    let half_hours = schedule("*/30 * * * *", Tz::Europe__Berlin);
    let next = half_hours.next_after(utc("2026-10-25T01:10:00Z"));
    assert_eq!(next, utc("2026-10-25T02:00:00Z"));
}

#[test]
fn a_day_that_a_country_leaves_out_runs_when_it_would_have_ended() {
    let schedule = schedule("0 9 * * *", Tz::Pacific__Apia);
    let runs = schedule.upcoming(utc("2011-12-29T00:00:00Z"), 3);
    let walls: Vec<_> = runs
        .iter()
        .map(|run| {
            run.with_timezone(&Tz::Pacific__Apia)
                .naive_local()
                .to_string()
        })
        .collect();
    assert_eq!(
        walls,
        [
            "2011-12-29 09:00:00",
            "2011-12-31 00:00:00",
            "2011-12-31 09:00:00"
        ]
    );
}
