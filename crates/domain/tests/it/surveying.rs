//! A written copy of a chain: everything that is wrong with it is named, and not only the first.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::{
    Anchor, Anchors, Entry, Event, Extent, Fault, Finding, GENESIS, Hash, Survey,
};
use innkeeper_domain::policy::RuleName;
use proptest::prelude::*;
use uuid::Uuid;

/// A line of the copy: an entry with the hash before it, or what is none.
type Line = Option<(Entry, Hash)>;

fn tenant() -> TenantId {
    TenantId::derived(&[b"contoso"])
}

fn guest() -> GuestId {
    GuestId::derived(&[b"ann"])
}

fn sealed(seq: i64, event: &Event, previous: &Hash) -> Entry {
    let at: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::days(seq);
    let salt = Uuid::from_u128(seq.unsigned_abs().into());
    let about = match event {
        Event::PolicyInForce { .. } => None,
        _ => Some(guest()),
    };
    Entry::sealed(tenant(), seq, at, about, event, salt, previous)
}

fn event(seq: i64) -> Event {
    if seq % 3 == 0 {
        Event::VerdictChanged {
            verdict: "act".into(),
            rule: Some(RuleName::from("inactive")),
            reason: format!("mail = ann{seq}@partner.example"),
            facts: Vec::new(),
        }
    } else {
        Event::PolicyInForce {
            hash: format!("h{seq}"),
        }
    }
}

fn ten() -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut previous = GENESIS;
    for seq in 1..=10 {
        let entry = sealed(seq, &event(seq), &previous);
        let hash = entry.hash;
        lines.push(Some((entry, previous)));
        previous = hash;
    }
    lines
}

fn at(lines: &mut [Line], seq: i64) -> &mut (Entry, Hash) {
    let place = usize::try_from(seq - 1).expect("a place");
    lines[place].as_mut().expect("an entry")
}

fn surveyed(lines: &[Line], anchors: &Anchors) -> Result<i64, Vec<Finding>> {
    let mut survey = Survey::of(tenant(), None);
    for (number, line) in (2..).zip(lines) {
        survey.add(number, line.as_ref().map(|(entry, hash)| (entry, *hash)));
    }
    let all: Vec<i64> = (1..=10).collect();
    let extent = Extent {
        entries: &all,
        before: Some(GENESIS),
        is_to_the_head: true,
    };
    survey.findings(&extent, anchors).map(|head| head.seq)
}

fn found(lines: &[Line]) -> Vec<(i64, Fault)> {
    let findings = surveyed(lines, &Anchors::default()).expect_err("something is wrong");
    let told = findings.iter().map(|of| (of.broken.seq, of.broken.fault));
    told.collect()
}

#[test]
fn a_whole_copy_has_nothing_wrong_with_it() {
    assert_eq!(surveyed(&ten(), &Anchors::default()), Ok(10));
}

#[test]
fn several_things_at_once_are_each_named() {
    let mut lines = ten();
    at(&mut lines, 2).0.body.push(' ');
    at(&mut lines, 4).0.at += TimeDelta::microseconds(1);
    at(&mut lines, 9).0.details = None;
    lines[6] = None;
    lines.remove(4);
    assert_eq!(
        found(&lines),
        [
            (2, Fault::Altered),
            (4, Fault::Altered),
            (5, Fault::Missing),
            (7, Fault::Unreadable),
            (9, Fault::DetailsMissing),
        ]
    );
}

#[test]
fn entries_that_changed_places_or_came_twice_are_named_in_their_lines() {
    let mut lines = ten();
    lines.swap(2, 3);
    let copy = lines[7].clone();
    lines.push(copy);
    let findings = surveyed(&lines, &Anchors::default()).expect_err("it is not in order");
    let told: Vec<_> = findings
        .iter()
        .map(|of| (of.broken.seq, of.broken.fault, of.line))
        .collect();
    assert_eq!(
        told,
        [(3, Fault::Moved, Some(5)), (8, Fault::Inserted, Some(12))]
    );
    let mut lines = ten();
    let first = lines.remove(0);
    lines.push(first);
    assert_eq!(found(&lines), [(1, Fault::Moved)]);
}

#[test]
fn a_forged_entry_is_told_from_the_true_one_with_its_number() {
    let mut lines = ten();
    let previous = at(&mut lines, 5).1;
    let forged = sealed(5, &Event::PolicyInForce { hash: "x".into() }, &previous);
    // Before the true one, so that it comes first.
    lines.insert(4, Some((forged, previous)));
    let findings = surveyed(&lines, &Anchors::default()).expect_err("it is one too many");
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].broken.fault, Fault::Inserted);
    assert_eq!(findings[0].line, Some(6));
}

#[test]
fn an_entry_that_was_sealed_anew_is_not_vouched_for_by_the_next() {
    let mut lines = ten();
    let previous = at(&mut lines, 5).1;
    let forged = sealed(5, &Event::PolicyInForce { hash: "x".into() }, &previous);
    at(&mut lines, 5).0 = forged;
    assert_eq!(found(&lines), [(5, Fault::Rewritten)]);
}

#[test]
fn a_copy_that_was_written_anew_to_its_end_is_found_by_an_anchor_alone() {
    let mut lines = ten();
    let mut anchors = Anchors::default();
    for seq in [4, 8] {
        let (entry, _) = at(&mut lines, seq);
        assert!(anchors.add(&Anchor::of(tenant(), seq, &entry.hash, entry.at)));
    }
    let mut previous = at(&mut lines, 6).1;
    for seq in 6..=10 {
        let forged = sealed(seq, &Event::PolicyInForce { hash: "x".into() }, &previous);
        let hash = forged.hash;
        *at(&mut lines, seq) = (forged, previous);
        previous = hash;
    }
    assert_eq!(surveyed(&lines, &Anchors::default()), Ok(10));
    let findings = surveyed(&lines, &anchors).expect_err("it was anchored");
    let told: Vec<_> = findings
        .iter()
        .map(|of| (of.broken.seq, of.broken.fault))
        .collect();
    assert_eq!(told, [(8, Fault::NotAnchored)]);
}

#[test]
fn erased_details_are_no_fault_where_a_later_entry_says_so() {
    let mut lines = ten();
    for seq in [3, 6] {
        at(&mut lines, seq).0.details = None;
    }
    assert_eq!(
        found(&lines),
        [(3, Fault::DetailsMissing), (6, Fault::DetailsMissing)]
    );
    let previous = at(&mut lines, 10).1;
    *at(&mut lines, 10) = (sealed(10, &Event::Erased, &previous), previous);
    assert_eq!(surveyed(&lines, &Anchors::default()), Ok(10));
}

proptest! {
    #[test]
    fn whatever_is_done_to_one_line_is_found_and_only_that_line_is_blamed(place in 0usize..10, kind in 0usize..6) {
        let mut lines = ten();
        let seq = i64::try_from(place + 1).expect("small");
        match kind {
            0 => at(&mut lines, seq).0.body.push(' '),
            1 => at(&mut lines, seq).0.hash[0] ^= 1,
            2 => at(&mut lines, seq).1[0] ^= 1,
            3 => lines[place] = None,
            4 => drop(lines.remove(place)),
            _ => lines.insert(place, lines[place].clone()),
        }
        let found = found(&lines);
        prop_assert!(found.iter().all(|(at, _)| *at == seq), "{:?}", found);
    }

    #[test]
    fn any_order_but_the_right_one_is_found(lines in Just(ten()).prop_shuffle()) {
        let is_sorted = lines.iter().flatten().is_sorted_by_key(|(entry, _)| entry.seq);
        prop_assert_eq!(surveyed(&lines, &Anchors::default()).is_ok(), is_sorted);
    }
}
