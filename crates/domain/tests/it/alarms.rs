//! Alarms: from which numbers each is raised, and when it is told, told again and cleared.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::alarm::telling::{Channel, Kept, Message, Pace};
use innkeeper_domain::alarm::{Alarm, Bounds, CycleEnd, Ending, Kind, Signs, WaitingPolicy, Work};
use innkeeper_domain::ids::{ObservationId, PlanId};
use innkeeper_domain::observation::{Counts, Health, Observation, SecretEnd};
use innkeeper_domain::policy::Eyes;
use innkeeper_domain::watch::Watched;

const PACE: Pace = Pace {
    first: TimeDelta::days(1),
    later: TimeDelta::days(7),
};

fn noon() -> DateTime<Utc> {
    "2027-01-04T12:00:00Z".parse().expect("a time")
}

fn bounds() -> Bounds {
    Bounds {
        silent: TimeDelta::hours(24),
        fewer_percent: 10,
        fewer_least: 5,
        idle_cycles: 3,
        growing_cycles: 4,
        credential_days: 30,
        credential_days_again: 7,
    }
}

fn observation(counts: Counts) -> Observation {
    Observation {
        id: ObservationId::derived(&[]),
        started: noon(),
        finished: noon(),
        health: Health::of(&counts, &Eyes::default(), noon()),
        counts,
        watched: Watched::default(),
    }
}

fn quiet() -> Signs {
    Signs {
        began: noon() - TimeDelta::days(100),
        last_healthy: Some(noon()),
        observation: Some(observation(Counts {
            guests: 100,
            before: Some(100),
            with_sign_ins: 80,
            ..Counts::default()
        })),
        cycles: Vec::new(),
        credential_ends: None,
        waiting: None,
    }
}

fn told(signs: &Signs) -> Vec<String> {
    Alarm::all(signs, &bounds(), noon())
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// Cycles that had so much work, the oldest first.
fn cycles(works: &[(u64, u64, u64)]) -> Vec<CycleEnd> {
    let end = |(index, &(due, done, left)): (usize, &(u64, u64, u64))| CycleEnd {
        at: noon() + TimeDelta::hours(i64::try_from(index).expect("few")),
        how: Ending::Complete {
            healthy: true,
            work: Some(Work { due, done, left }),
            left_alone: 0,
            waiting: None,
        },
    };
    let mut cycles: Vec<_> = works.iter().enumerate().map(end).collect();
    cycles.reverse();
    cycles
}

#[test]
fn all_is_quiet_while_cycles_are_healthy() {
    assert_eq!(told(&quiet()), Vec::<String>::new());
}

#[test]
fn a_day_without_a_healthy_cycle_is_an_alarm_from_the_last_one_or_from_the_start() {
    let silent = |last: Option<i64>, began| {
        told(&Signs {
            began: noon() - TimeDelta::hours(began),
            last_healthy: last.map(|hours| noon() - TimeDelta::hours(hours)),
            ..quiet()
        })
    };
    assert_eq!(silent(Some(23), 500), Vec::<String>::new());
    assert_eq!(
        silent(Some(24), 500),
        ["no healthy cycle for 24 hours, since 2027-01-03 12:00 UTC"]
    );
    assert_eq!(silent(None, 23), Vec::<String>::new());
    assert_eq!(
        silent(None, 30),
        ["no healthy cycle yet, 30 hours after the start at 2027-01-03 06:00 UTC"]
    );
}

#[test]
fn fewer_guests_are_told_of_by_share_and_number_and_not_twice_when_they_are_a_doubt_already() {
    let read = |guests, before| {
        told(&Signs {
            observation: Some(observation(Counts {
                guests,
                before: Some(before),
                with_sign_ins: 1,
                ..Counts::default()
            })),
            ..quiet()
        })
    };
    assert_eq!(read(90, 100), Vec::<String>::new());
    assert_eq!(
        read(89, 100),
        ["89 guests were read where 100 were known to be there"]
    );
    assert_eq!(read(4, 5), Vec::<String>::new());
    assert_eq!(
        read(50, 100),
        [
            "the observation cannot be believed: 50 guests were read where 100 were known to be there"
        ]
    );
}

#[test]
fn nothing_done_is_told_of_after_three_cycles_with_something_due_in_each() {
    let idle = |works: &[(u64, u64, u64)]| {
        told(&Signs {
            cycles: cycles(works),
            ..quiet()
        })
    };
    assert_eq!(idle(&[(5, 0, 0), (5, 0, 0)]), Vec::<String>::new());
    assert_eq!(
        idle(&[(5, 0, 0), (5, 0, 0), (6, 0, 0)]),
        ["6 steps are due, and for 3 cycles not one was carried out"]
    );
    assert_eq!(
        idle(&[(5, 0, 0), (5, 1, 0), (6, 0, 0)]),
        Vec::<String>::new()
    );
    assert_eq!(
        idle(&[(5, 0, 0), (0, 0, 0), (6, 0, 0)]),
        Vec::<String>::new()
    );
}

#[test]
fn a_backlog_that_grows_and_never_falls_is_told_of_and_one_leap_is_not() {
    let left = |lefts: [u64; 4]| {
        told(&Signs {
            cycles: cycles(&lefts.map(|left| (left + 1, 1, left))),
            ..quiet()
        })
    };
    assert_eq!(
        left([10, 10, 12, 15]),
        ["the backlog grew from 10 to 15 steps within 4 cycles"]
    );
    assert_eq!(left([10, 10, 10, 10]), Vec::<String>::new());
    assert_eq!(left([10, 20, 19, 30]), Vec::<String>::new());
    assert_eq!(left([0, 0, 500, 500]), Vec::<String>::new());
}

#[test]
fn a_credential_is_told_of_thirty_days_ahead_and_grows_graver_a_week_ahead_and_at_its_end() {
    let ends = |days: i64| {
        let signs = Signs {
            credential_ends: Some(noon() + TimeDelta::days(days)),
            ..quiet()
        };
        let alarms = Alarm::all(&signs, &bounds(), noon());
        alarms.first().map(Alarm::gravity)
    };
    assert_eq!(
        [30, 29, 7, 6, 1, 0, -3].map(ends),
        [None, Some(0), Some(0), Some(1), Some(1), Some(2), Some(2)]
    );
}

#[test]
fn what_entra_says_of_a_secret_counts_before_what_was_written_down_and_a_doubt_is_told() {
    let ends = |is_certain| {
        let counts = Counts {
            guests: 100,
            with_sign_ins: 80,
            secret_ends: Some(SecretEnd {
                at: noon() + TimeDelta::days(5),
                is_certain,
            }),
            ..Counts::default()
        };
        told(&Signs {
            observation: Some(observation(counts)),
            credential_ends: Some(noon() + TimeDelta::days(300)),
            ..quiet()
        })
    };
    let day = (noon() + TimeDelta::days(5)).format("%Y-%m-%d");
    let told = format!("the certificate or client secret ends on {day}, in 5 days");
    assert_eq!(ends(true), [told.as_str()]);
    assert_eq!(
        ends(false),
        [format!(
            "{told}; which of several secrets is in use cannot be told, and this is the first of them to end"
        )]
    );
}

#[test]
fn a_plan_that_waits_and_guests_left_alone_are_told_of_until_a_complete_cycle_has_none() {
    let plan = PlanId::derived(&[]);
    let complete = |waiting, left_alone| CycleEnd {
        at: noon(),
        how: Ending::Complete {
            healthy: true,
            work: None,
            left_alone,
            waiting,
        },
    };
    let failed = CycleEnd {
        at: noon(),
        how: Ending::Failed,
    };
    let kinds = |cycles: Vec<CycleEnd>| -> Vec<Kind> {
        let signs = Signs { cycles, ..quiet() };
        let alarms = Alarm::all(&signs, &bounds(), noon());
        alarms.iter().map(Alarm::kind).collect()
    };
    let both = [Kind::PlanWaits, Kind::LeftAlone];
    assert_eq!(kinds(vec![complete(Some((plan, 7)), 1)]), both);
    assert_eq!(kinds(vec![failed, complete(Some((plan, 7)), 1)]), both);
    assert_eq!(
        kinds(vec![complete(None, 0), complete(Some((plan, 7)), 1)]),
        []
    );
}

/// Lives through hours; `lasts` says in which the alarm is there. Returns what was told, and when.
fn tellings(hours: i64, lasts: impl Fn(i64) -> Option<Alarm>) -> Vec<(i64, Message)> {
    let mut kept: Option<Kept> = None;
    let mut told = Vec::new();
    for hour in 0..hours {
        let now = noon() + TimeDelta::hours(hour);
        kept = match (kept, lasts(hour)) {
            (None, alarm) => alarm.map(|alarm| Kept::raised(alarm, now)),
            (Some(kept), alarm) => Some(kept.judged(alarm, now)),
        };
        if let Some(before) = kept.take() {
            kept = Some(match before.due(Channel::Mail, PACE, now) {
                Some(message) => {
                    told.push((hour, message));
                    before.after(Channel::Mail, message, now)
                }
                None => before,
            });
        }
    }
    told
}

fn fewer() -> Alarm {
    Alarm::FewerGuests {
        guests: 1,
        before: 2,
    }
}

#[test]
fn an_alarm_is_told_once_again_after_a_day_then_weekly_and_once_when_it_is_over() {
    let day = 24;
    assert_eq!(
        tellings(40 * day, |hour| (hour < 20 * day).then(fewer)),
        [
            (0, Message::Raised),
            (day, Message::Still),
            (8 * day, Message::Still),
            (15 * day, Message::Still),
            (20 * day, Message::Cleared),
        ]
    );
}

#[test]
fn an_alarm_that_comes_and_goes_is_told_of_no_more_than_once_a_day() {
    let told = tellings(72, |hour| (hour % 2 == 0).then(fewer));
    assert_eq!(
        told,
        [
            (0, Message::Raised),
            (1, Message::Cleared),
            (24, Message::Raised),
            (25, Message::Cleared),
            (48, Message::Raised),
            (49, Message::Cleared),
        ]
    );
}

#[test]
fn what_has_become_graver_is_told_at_once() {
    let ends = |hour: i64| {
        Some(Alarm::CredentialEnds {
            at: noon(),
            days: 8,
            soon: hour >= 5,
            first_of_several: false,
        })
    };
    assert_eq!(
        tellings(20, ends),
        [(0, Message::Raised), (5, Message::Still)]
    );
}

#[test]
fn a_policy_that_waits_is_told_of_with_its_numbers_and_at_once_when_nothing_decides_any_more() {
    let waiting = |before, held| WaitingPolicy {
        hash: "c0ffee".to_owned(),
        affected: 20,
        before,
        allowed: 25,
        held,
    };
    let told_of = |waiting| {
        told(&Signs {
            waiting: Some(waiting),
            ..quiet()
        })
    };
    assert_eq!(
        told_of(waiting(0, false)),
        [
            "the policy c0ffee waits to be accepted: it newly affects 20 guests, and more than 25 need a person; until then the \
             policy accepted last decides"
        ]
    );
    assert_eq!(
        told_of(waiting(18, true)),
        [
            "the policy c0ffee waits to be accepted: it newly affects 20 guests, after 18 by the edits since a person accepted \
             a policy last, and more than 25 together need a person; until then nothing is taken away"
        ]
    );
    let waits = |hour: i64| (hour < 20).then(|| Alarm::PolicyWaits(waiting(18, hour >= 5)));
    assert_eq!(
        tellings(30, waits),
        [
            (0, Message::Raised),
            (5, Message::Still),
            (20, Message::Cleared)
        ]
    );
    let advice = Alarm::PolicyWaits(waiting(0, false)).advice();
    assert!(advice.contains("innkeeper policy accept"), "{advice}");
}

#[test]
fn a_channel_that_heard_nothing_is_not_told_that_it_is_over() {
    let kept = Kept::raised(fewer(), noon()).judged(None, noon());
    assert_eq!(kept.due(Channel::Webhook, PACE, noon()), None);
    let text = serde_json::to_string(&kept).expect("JSON");
    let read: Kept = serde_json::from_str(&text).expect("the same");
    assert_eq!(read, kept);
}
