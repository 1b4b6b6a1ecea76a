//! A policy replayed over the past of one guest.

use chrono::TimeDelta;
use innkeeper_domain::activity::Reading;
use innkeeper_domain::backtest::{How, Instant, Replay, replay};
use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::past::{Since, State};
use innkeeper_domain::policy::Action;
use innkeeper_domain::watch::Watched;

use crate::tenant::{Tenant, exempt, group, guest, start};

/// A guest who signs in on these days, watched daily for so long, with its past.
fn lived(
    sign_ins: &[i64],
    days: i64,
    edit: impl Fn(i64, &mut GuestView),
) -> (GuestView, Vec<Since>) {
    let mut view = guest(1);
    let named = Tenant::of([]).named_groups;
    let mut states: Vec<Since> = Vec::new();
    for day in 0..=days {
        let now = start() + TimeDelta::days(day);
        if sign_ins.contains(&day) {
            view.record.guest.sign_ins.successful = Some(now);
        }
        edit(day, &mut view);
        if let Some(next) = State::next(states.last(), &view, &named, now) {
            states.retain(|state| state.since != next.since);
            states.push(next);
        }
    }
    (view, states)
}

fn replayed(view: &GuestView, states: &[Since], from: i64, days: i64) -> Replay {
    let tenant = Tenant::of([]);
    let instant = |day| Instant {
        at: start() + TimeDelta::days(day),
        watched: Watched(day * 86_400),
    };
    let instants: Vec<Instant> = (from..=days).map(instant).collect();
    replay(&tenant.judge(), view, states, &instants)
}

#[test]
fn an_active_guest_is_one_state_whatever_the_number_of_sign_ins_and_is_never_taken() {
    let every_day: Vec<i64> = (0..300).collect();
    let (view, states) = lived(&every_day, 300, |_, _| {});
    assert_eq!(states.len(), 1);
    let replay = replayed(&view, &states, 0, 300);
    assert_eq!((replay.taken, replay.notified), (None, None));
}

#[test]
fn who_stays_away_is_warned_and_then_taken_and_who_signs_in_later_came_back() {
    let (view, states) = lived(&[0, 150], 200, |_, _| {});
    let replay = replayed(&view, &states, 0, 200);
    assert_eq!(replay.notified, Some(start() + TimeDelta::days(90)));
    let taken = replay.taken.expect("it is taken");
    assert_eq!(taken.at, start() + TimeDelta::days(104));
    assert_eq!(taken.action, Action::Disable);
    let back = taken.came_back.expect("it came back");
    assert_eq!(
        (back.at, back.how),
        (start() + TimeDelta::days(150), How::SignIn)
    );
    let (view, states) = lived(&[0], 200, |_, _| {});
    let taken = replayed(&view, &states, 0, 200).taken.expect("it is taken");
    assert_eq!(taken.came_back, None);
}

#[test]
fn who_has_left_since_counts_like_the_others_and_nothing_is_done_to_it_after_it_left() {
    let left = |day| start() + TimeDelta::days(day);
    let (mut view, states) = lived(&[0, 110], 150, |_, _| {});
    view.record.gone = Some(left(150));
    view.record.deleted_by_us = Some(left(150));
    let taken = replayed(&view, &states, 0, 200).taken.expect("it is taken");
    assert_eq!(taken.at, left(104));
    assert_eq!(taken.came_back.map(|back| back.at), Some(left(110)));
    assert_eq!(taken.left, Some(left(150)));
    view.record.gone = Some(left(104));
    let replay = replayed(&view, &states, 0, 200);
    assert_eq!((replay.taken, replay.from), (None, Some(start())));
    assert_eq!(replay.notified, Some(left(90)));
}

#[test]
fn whom_a_person_exempted_or_brought_back_after_that_came_back() {
    let exempted = lived(&[0], 200, |day, view| {
        if day == 120 {
            let mut decision = exempt(400);
            decision.at = start() + TimeDelta::days(day);
            view.decisions.push(decision);
        }
    });
    let revived = lived(&[0], 200, |day, view| {
        if day == 130 {
            view.record.revived = Some(start() + TimeDelta::days(day));
        }
    });
    for ((view, states), day, how) in [(exempted, 120, How::Exempted), (revived, 130, How::Revived)]
    {
        let taken = replayed(&view, &states, 0, 200).taken.expect("it is taken");
        let back = taken.came_back.expect("it came back");
        assert_eq!((back.at, back.how), (start() + TimeDelta::days(day), how));
    }
}

#[test]
fn what_was_not_known_then_takes_nothing_and_nothing_is_guessed_for_the_time_before() {
    let (view, states) = lived(&[0], 200, |_, view| view.record.reading = Reading::Vanished);
    let replay = replayed(&view, &states, 0, 200);
    assert_eq!((replay.taken, replay.unknown), (None, 201));
    let (view, states) = lived(&[0], 200, |_, _| {});
    assert_eq!(replayed(&view, &states, -100, -1), Replay::default());
}

#[test]
fn a_protection_of_then_counts_then() {
    let (view, states) = lived(&[0], 300, |day, view| {
        view.groups = if day < 250 {
            vec![group("exempt")]
        } else {
            Vec::new()
        };
    });
    let taken = replayed(&view, &states, 0, 300).taken.expect("it is taken");
    assert_eq!(taken.at, start() + TimeDelta::days(264));
}

#[test]
fn a_guest_never_looks_less_active_in_the_past_than_it_was() {
    // Twice a week, then away, then twice a week again.
    let sign_ins: Vec<i64> = (0..60).chain(160..220).filter(|day| day % 3 == 0).collect();
    let (view, states) = lived(&sign_ins, 220, |_, _| {});
    assert!(states.len() <= 3, "{states:#?}");
    let named = Tenant::of([]).named_groups;
    for day in 0..=220 {
        let at = start() + TimeDelta::days(day);
        let place = states.partition_point(|state| state.since <= at) - 1;
        let shown = states[place]
            .state
            .view(&view, &named, at)
            .record
            .guest
            .sign_ins
            .successful;
        let truth = sign_ins
            .iter()
            .filter(|of| **of <= day)
            .max()
            .map(|of| start() + TimeDelta::days(*of));
        assert!(
            shown >= truth && shown <= Some(at),
            "day {day}: {shown:?} {truth:?}"
        );
    }
}

#[test]
fn a_group_that_was_not_read_then_leaves_unknown_what_depends_on_it() {
    let mut view = guest(1);
    view.record.guest.sign_ins.successful = Some(start());
    let unread = State::next(None, &view, &NamedGroups::new(), start()).expect("the first state");
    let replay = replayed(&view, &[unread], 0, 200);
    assert_eq!((replay.taken, replay.unknown), (None, 201));
}
