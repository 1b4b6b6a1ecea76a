//! The chain of the journal: whatever is done to an entry is found and named.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::case::Closing;
use innkeeper_domain::facts::FactTold;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::intent::{Call, Outcome, Trace};
use innkeeper_domain::journal::{
    Anchor, Anchors, Broken, Chain, Details, Entry, Event, Fault, GENESIS, Head, parse_hash,
};
use innkeeper_domain::policy::{Notice, RuleName};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

fn tenant() -> TenantId {
    TenantId::derived(&[b"contoso"])
}

fn guest() -> GuestId {
    GuestId::derived(&[b"ann"])
}

fn chain(events: Vec<(Option<GuestId>, Event)>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (seq, (guest, event)) in (1..).zip(events) {
        let previous = entries.last().map_or(GENESIS, |entry| entry.hash);
        let at: DateTime<Utc> = DateTime::UNIX_EPOCH + TimeDelta::days(seq);
        let salt = Uuid::from_u128(seq.unsigned_abs().into());
        entries.push(Entry::sealed(
            tenant(),
            seq,
            at,
            guest,
            &event,
            salt,
            &previous,
        ));
    }
    entries
}

fn five() -> Vec<Entry> {
    let policy = |hash: &str| (None, Event::PolicyInForce { hash: hash.into() });
    let verdict = Event::VerdictChanged {
        verdict: "wait".into(),
        rule: Some(RuleName::from("inactive")),
        reason: "mail = ann@partner.example".into(),
        facts: Vec::new(),
    };
    chain(vec![
        policy("a"),
        (Some(guest()), verdict),
        policy("b"),
        policy("c"),
        policy("d"),
    ])
}

fn followed(entries: &[Entry], anchors: &Anchors) -> Result<Head, Broken> {
    let mut chain = Chain::after(tenant(), 0, GENESIS, anchors);
    for entry in entries {
        chain.follow(entry)?;
    }
    chain.end()
}

fn fault(entries: &[Entry]) -> (i64, Fault) {
    let Broken { seq, fault } =
        followed(entries, &Anchors::default()).expect_err("the chain is broken");
    (seq, fault)
}

#[test]
fn a_whole_chain_ends_with_its_head() {
    let entries = five();
    let head = followed(&entries, &Anchors::default()).expect("it is whole");
    assert_eq!((head.seq, head.hash), (5, entries[4].hash));
    assert_eq!(followed(&[], &Anchors::default()), Ok(Head::EMPTY));
}

#[test]
fn an_altered_removed_inserted_or_moved_entry_is_named() {
    let mut altered = five();
    altered[2].body = altered[2].body.replace('b', "x");
    assert_eq!(fault(&altered), (3, Fault::Altered));

    let mut altered = five();
    altered[1].at += TimeDelta::microseconds(1);
    assert_eq!(fault(&altered), (2, Fault::Altered));

    let mut removed = five();
    removed.remove(2);
    assert_eq!(fault(&removed), (3, Fault::Missing));

    let mut inserted = five();
    inserted.insert(3, inserted[2].clone());
    assert_eq!(fault(&inserted), (3, Fault::Inserted));

    let mut moved = five();
    moved.swap(2, 3);
    assert_eq!(fault(&moved), (3, Fault::Missing));

    let mut renumbered = five();
    renumbered.swap(2, 3);
    renumbered[2].seq = 3;
    renumbered[3].seq = 4;
    assert_eq!(fault(&renumbered), (3, Fault::Altered));
}

proptest! {
    #[test]
    fn no_change_of_an_entry_goes_unseen(place in 0usize..5, other in 0usize..5, kind in 0usize..8, at in 0usize..32) {
        let mut entries = five();
        let entry = &mut entries[place];
        let mut first = place;
        match kind {
            0 => {
                let at = at % entry.body.len();
                let changed = if &entry.body[at..=at] == "x" { "y" } else { "x" };
                entry.body.replace_range(at..=at, changed);
            }
            1 => entry.hash[at] ^= 1,
            2 => entry.at += TimeDelta::microseconds(1),
            3 => entry.guest = match entry.guest {
                Some(_) => None,
                None => Some(guest()),
            },
            4 => entry.seq += 1 + i64::try_from(at).expect("small"),
            5 => entry.details = match entry.details.take() {
                Some(_) => None,
                None => Some(Details { text: "{}".into(), salt: Uuid::nil() }),
            },
            6 if other != place => {
                entries.swap(place, other);
                first = place.min(other);
            }
            _ => {
                let copy = entries[place].clone();
                entries.insert(place + 1, copy);
            }
        }
        let broken = followed(&entries, &Anchors::default()).expect_err("it is found");
        prop_assert_eq!(broken.seq, i64::try_from(first + 1).expect("small"));
    }
}

#[test]
fn an_entry_of_another_tenant_does_not_fit() {
    let other = TenantId::derived(&[b"fabrikam"]);
    let mut chain = Chain::after(other, 0, GENESIS, &Anchors::default());
    let broken = chain.follow(&five()[0]).expect_err("it is another's");
    assert_eq!((broken.seq, broken.fault), (1, Fault::Altered));
}

#[test]
fn a_rewritten_or_shortened_chain_is_found_by_an_anchor() {
    let entries = five();
    let mut anchors = Anchors::default();
    for entry in &entries[3..] {
        assert!(anchors.add(&Anchor::of(tenant(), entry.seq, &entry.hash, entry.at)));
    }
    assert_eq!(
        followed(&entries, &anchors).map(|head| head.anchored),
        Ok(2)
    );
    let rewritten = chain(
        ["a", "b", "c", "x", "y"]
            .map(|hash| (None, Event::PolicyInForce { hash: hash.into() }))
            .to_vec(),
    );
    assert!(followed(&rewritten, &Anchors::default()).is_ok());
    let broken = followed(&rewritten, &anchors).expect_err("it was rewritten");
    assert_eq!((broken.seq, broken.fault), (4, Fault::NotAnchored));
    let broken = followed(&entries[..4], &anchors).expect_err("it was shortened");
    assert_eq!((broken.seq, broken.fault), (5, Fault::Missing));
}

#[test]
fn the_hash_covers_no_personal_data_and_the_seal_does() {
    let entries = five();
    let entry = &entries[1];
    assert!(!entry.body.contains("partner.example"), "{}", entry.body);
    assert_eq!(entry.event()["reason"], "mail = ann@partner.example");
    let to = vec!["sara@contoso.example".to_owned()];
    for event in [
        Event::Intended {
            intent: Uuid::nil().into(),
            case: Uuid::nil().into(),
            rule: RuleName::from("inactive"),
            call: Call::Notify {
                to,
                notice: Notice::Stage,
            },
        },
        Event::Concluded {
            intent: Uuid::nil().into(),
            outcome: Outcome::Skipped {
                because: "sara@contoso.example".into(),
            },
            graph: Trace::default(),
        },
    ] {
        let entry = &chain(vec![(Some(guest()), event.clone())])[0];
        assert!(!entry.body.contains("contoso.example"), "{}", entry.body);
        let whole = serde_json::to_value(event).expect("JSON");
        assert_eq!(entry.event(), whole);
    }

    let mut altered = five();
    if let Some(details) = &mut altered[1].details {
        details.text = details.text.replace("ann", "bob");
    }
    assert_eq!(fault(&altered), (2, Fault::Details));
}

#[test]
fn details_may_be_missing_only_when_the_chain_says_that_they_were_erased() {
    let mut bare = five();
    bare[1].details = None;
    assert_eq!(fault(&bare), (2, Fault::DetailsMissing));
    let erased = Entry::sealed(
        tenant(),
        6,
        bare[4].at,
        Some(guest()),
        &Event::Erased,
        Uuid::nil(),
        &bare[4].hash,
    );
    bare.push(erased);
    assert_eq!(
        followed(&bare, &Anchors::default()).map(|head| head.seq),
        Ok(6)
    );
}

/// Entries as versions wrote them that knew fewer fields, exported line by line.
const OLD: &str = include_str!("old_journal.jsonl");

fn old() -> Vec<(TenantId, Entry, [u8; 32])> {
    let text = |line: &Value, key: &str| line[key].as_str().map(str::to_owned);
    let entry = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let details = text(&line, "salt").map(|salt| Details {
            text: line["details"].to_string(),
            salt: salt.parse().expect("a salt"),
        });
        let hash = |key| parse_hash(&text(&line, key).expect("a hash")).expect("a hash");
        let entry = Entry {
            seq: line["seq"].as_i64().expect("a number"),
            at: text(&line, "at").expect("a time").parse().expect("a time"),
            guest: text(&line, "guest_id").map(|id| id.parse().expect("an id")),
            body: line["event"].to_string(),
            details,
            hash: hash("hash"),
        };
        let tenant = "5d0a7f3e-2f64-4c39-9a51-6b0de1c7a001";
        (tenant.parse().expect("an id"), entry, hash("previous"))
    };
    OLD.lines().map(entry).collect()
}

#[test]
fn what_older_versions_wrote_is_still_whole_and_is_sealed_the_same_today() {
    let mut kinds = BTreeSet::new();
    for (tenant, entry, previous) in old() {
        let mut chain = Chain::after(tenant, entry.seq - 1, previous, &Anchors::default());
        assert_eq!(chain.follow(&entry), Ok(()), "{}", entry.body);
        let event: Event = serde_json::from_value(entry.event()).expect("it is understood");
        kinds.insert(entry.event()["kind"].to_string());
        let salt = entry.details.as_ref().map_or(Uuid::nil(), |of| of.salt);
        let sealed = Entry::sealed(
            tenant,
            entry.seq,
            entry.at,
            entry.guest,
            &event,
            salt,
            &previous,
        );
        assert_eq!(sealed, entry);
    }
    for kind in [
        "verdict-changed",
        "concluded",
        "project-set",
        "intended",
        "case-closed",
    ] {
        assert!(kinds.contains(&format!("{kind:?}")), "{kinds:?}");
    }
}

#[test]
fn facts_and_reasons_of_a_person_are_sealed_and_not_hashed() {
    let told = FactTold {
        fact: "mail".into(),
        value: "ann@partner.example".into(),
        source: "user.mail".into(),
    };
    let case = Uuid::nil().into();
    let rule = RuleName::from("inactive");
    for event in [
        Event::VerdictChanged {
            verdict: "act".into(),
            rule: Some(rule.clone()),
            reason: "ann@partner.example".into(),
            facts: vec![told],
        },
        Event::CaseClosed {
            case,
            rule,
            closing: Closing::Protected {
                by: "exempt, by olga: ann@partner.example asked".into(),
            },
        },
        Event::ReadBack {
            intent: Uuid::nil().into(),
            because: "ann@partner.example".into(),
            shown: "the guest is there".into(),
        },
    ] {
        let entry = &chain(vec![(Some(guest()), event.clone())])[0];
        assert!(!entry.body.contains("partner.example"), "{}", entry.body);
        let whole = serde_json::to_value(event).expect("JSON");
        assert_eq!(entry.event(), whole);
    }
}
