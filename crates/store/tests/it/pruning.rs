//! What is let go of besides observations and plans, and what must stay for a verdict or an undoing.

use innkeeper_domain::attestation::{Answer, Attestation, Means, Word};
use innkeeper_domain::case::{Case, Closing};
use innkeeper_domain::decision::{Decision, Order};
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{CaseId, GuestId, IntentId, PlanId, SponsorId};
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_domain::policy::{Notice, RuleName};
use innkeeper_domain::snapshot::Snapshot;
use innkeeper_domain::sponsor::{Membership, Sponsor, SponsorKind};
use innkeeper_domain::watch::Watched;
use innkeeper_store::{Store, Tx};
use roaring::RoaringTreemap;

use crate::databases::{at, begin, guest, on_both, tenant, with_guests};

on_both! {
    actions_go_when_they_can_no_longer_be_undone_and_count_for_nothing
    closed_cases_go_and_are_counted_on
    an_answer_goes_when_a_newer_one_of_the_same_person_has_replaced_it
    a_guest_goes_last_of_all_and_never_while_on_hold
    people_go_who_have_left_and_whom_nobody_has
}

/// Everything that is old at this time is from before this one.
const OLD: i64 = 50;
const NOW: i64 = 100;

fn notice() -> Call {
    Call::Notify {
        to: vec!["sara@contoso.example".into()],
        notice: Notice::Stage,
    }
}

/// An action that happened on a day, with what the guest had before.
async fn acted(tx: &mut Tx, guest: GuestId, call: Call, day: i64) {
    let id = IntentId::derived(&[
        guest.0.as_bytes(),
        call.as_str().as_bytes(),
        &day.to_be_bytes(),
    ]);
    let intent = Intent {
        id,
        plan: PlanId::derived(&[b"plan"]),
        case: CaseId::derived(&[b"case"]),
        guest,
        rule: RuleName::from("inactive"),
        stage: 0,
        call,
        created: at(day),
    };
    tx.begin_intents(tenant(), &[intent])
        .await
        .expect("written");
    let snapshot = (id, guest, Snapshot::default());
    tx.save_snapshots(tenant(), at(day), &[snapshot])
        .await
        .expect("kept");
    let done = Outcome::Done { request_id: None };
    tx.conclude(tenant(), &[id], at(day), &done)
        .await
        .expect("concluded");
}

async fn actions_of(tx: &mut Tx, guest: GuestId) -> Vec<&'static str> {
    let rows = tx.intents_of(tenant(), guest).await.expect("read");
    rows.iter().map(|row| row.intent.call.as_str()).collect()
}

async fn actions_go_when_they_can_no_longer_be_undone_and_count_for_nothing(store: Store) {
    let plain = guest(0);
    let disabled = GuestRecord {
        disabled_by_us: Some(at(1)),
        ..guest(1)
    };
    let revived = GuestRecord {
        revived: Some(at(2)),
        ..guest(2)
    };
    let just_deleted = GuestRecord {
        gone: Some(at(80)),
        deleted_by_us: Some(at(80)),
        ..guest(3)
    };
    let long_deleted = GuestRecord {
        gone: Some(at(60)),
        deleted_by_us: Some(at(60)),
        ..guest(4)
    };
    let records = [plain, disabled, revived, just_deleted, long_deleted];
    let mut tx = begin(&store).await;
    tx.save_guests(tenant(), &records.iter().collect::<Vec<_>>())
        .await
        .expect("kept");
    let gone: Vec<GuestId> = records
        .iter()
        .filter(|record| record.gone.is_some())
        .map(|record| record.guest.id)
        .collect();
    let rows = tx.guest_rows(tenant(), None, 9).await.expect("read");
    let present: RoaringTreemap = rows
        .iter()
        .filter(|row| !gone.contains(&row.view.record.guest.id))
        .map(|row| u64::from(row.key))
        .collect();
    tx.mark_gone(tenant(), &present, at(60))
        .await
        .expect("marked");
    for record in &records {
        for (call, day) in [(notice(), 0), (Call::Disable, 1), (notice(), 70)] {
            acted(&mut tx, record.guest.id, call, day).await;
        }
    }
    // One at a time, the oldest first.
    let pruned = tx.prune_actions(tenant(), at(OLD), at(NOW), 1).await;
    assert_eq!(pruned.expect("pruned"), 1);
    let pruned = tx.prune_actions(tenant(), at(OLD), at(NOW), 100).await;
    assert_eq!(pruned.expect("pruned"), 6);
    let mut left = Vec::new();
    for record in &records {
        left.push(actions_of(&mut tx, record.guest.id).await.join(" "));
    }
    assert_eq!(
        left,
        [
            "notify",
            "disable notify",
            "disable notify",
            "disable notify",
            "notify"
        ]
    );
    let snapshot = tx.snapshot(tenant(), records[1].guest.id, at(-1)).await;
    assert!(snapshot.expect("read").is_some());
}

async fn closed_cases_go_and_are_counted_on(store: Store) {
    let records = with_guests(&store, 1).await;
    let id = records[0].guest.id;
    let mut tx = begin(&store).await;
    for day in [1, 2, 80] {
        let rule = RuleName::from("inactive");
        let case = Case::open(tenant(), id, &rule, at(day), Watched(0));
        let case_id = case.id;
        tx.open_cases(tenant(), &[case]).await.expect("opened");
        tx.close_case(tenant(), case_id, at(day), &Closing::RuleNoLongerHolds)
            .await
            .expect("closed");
    }
    let open = Case::open(tenant(), id, &RuleName::from("inactive"), at(3), Watched(0));
    tx.open_cases(tenant(), &[open]).await.expect("opened");
    for (pruned, left) in [(2, 2), (0, 2)] {
        let gone = tx.prune_cases(tenant(), at(OLD), 100).await;
        assert_eq!(gone.expect("pruned"), pruned);
        let cases = tx.cases_of(tenant(), id).await.expect("read");
        assert_eq!(cases.len(), left);
        let row = tx.guest_row(tenant(), id).await.expect("read");
        assert_eq!(row.expect("a row").view.previous_cases, 3);
    }
}

async fn an_answer_goes_when_a_newer_one_of_the_same_person_has_replaced_it(store: Store) {
    let records = with_guests(&store, 1).await;
    let id = records[0].guest.id;
    let mut tx = begin(&store).await;
    for (by, day) in [("sara", 1), ("sven", 2), ("Sara", 3), ("sara", 80)] {
        let said = Attestation {
            answer: Answer::Keep,
            means: Means::Command,
            at: at(day),
            until: None,
            sponsor: None,
            word: Word {
                by: by.to_owned(),
                reason: String::new(),
            },
        };
        tx.attest(tenant(), id, &said, None).await.expect("kept");
    }
    let pruned = tx.prune_attestations(tenant(), at(OLD), 100).await;
    assert_eq!(pruned.expect("pruned"), 2);
    let left = tx.attestations_of(tenant(), id).await.expect("read");
    let left: Vec<_> = left.iter().map(|said| said.word.by.as_str()).collect();
    assert_eq!(left, ["sven", "sara"]);
}

async fn a_guest_goes_last_of_all_and_never_while_on_hold(store: Store) {
    let records = with_guests(&store, 3).await;
    let [gone, held] = [records[0].guest.id, records[1].guest.id];
    let mut tx = begin(&store).await;
    let rows = tx.guest_rows(tenant(), None, 9).await.expect("read");
    let present: RoaringTreemap = rows
        .iter()
        .filter(|row| ![gone, held].contains(&row.view.record.guest.id))
        .map(|row| u64::from(row.key))
        .collect();
    tx.mark_gone(tenant(), &present, at(1))
        .await
        .expect("marked");
    acted(&mut tx, gone, notice(), 0).await;
    let pruned = |pruned: Result<u64, _>| pruned.expect("pruned");
    assert_eq!(
        pruned(tx.prune_guests(tenant(), at(OLD), 9).await),
        0,
        "nothing was erased yet"
    );
    tx.erase_guests(tenant(), at(OLD), at(NOW), 9)
        .await
        .expect("erased");
    // Whoever comes under a hold later stays as it is.
    let hold = Decision {
        order: Order::Hold,
        reason: "a lawsuit".into(),
        by: "olga".into(),
        at: at(NOW),
    };
    tx.save_decision(tenant(), held, &hold).await.expect("kept");
    assert_eq!(
        pruned(tx.prune_guests(tenant(), at(OLD), 9).await),
        0,
        "an action is kept"
    );
    assert_eq!(
        pruned(tx.prune_actions(tenant(), at(OLD), at(NOW), 9).await),
        1
    );
    assert_eq!(pruned(tx.prune_guests(tenant(), at(OLD), 9).await), 1);
    assert!(tx.guest_row(tenant(), gone).await.expect("read").is_none());
    assert!(tx.guest_row(tenant(), held).await.expect("read").is_some());
    let known = tx.guest_rows(tenant(), None, 9).await.expect("read");
    assert_eq!(known.len(), 1);
}

async fn people_go_who_have_left_and_whom_nobody_has(store: Store) {
    let records = with_guests(&store, 1).await;
    let sponsor = |name: &str| Sponsor {
        id: SponsorId::derived(&[name.as_bytes()]),
        kind: SponsorKind::User,
        display_name: Some(name.to_owned()),
        mail: None,
        enabled: Some(true),
        is_guest: false,
        membership: Membership::NotAsked,
    };
    let (sara, sven) = (sponsor("sara"), sponsor("sven"));
    let mut tx = begin(&store).await;
    tx.save_sponsors(tenant(), &[sara.clone(), sven.clone()])
        .await
        .expect("kept");
    tx.set_guest_sponsors(tenant(), &[(records[0].guest.id, vec![sara.id])])
        .await
        .expect("set");
    assert_eq!(
        tx.prune_sponsors(tenant()).await.expect("pruned"),
        0,
        "both are there"
    );
    tx.save_people(tenant(), &[], &[sara.id, sven.id])
        .await
        .expect("noted");
    assert_eq!(tx.prune_sponsors(tenant()).await.expect("pruned"), 1);
    // Whom a guest has, or had, stays.
    for sponsors in [vec![sara.id], vec![]] {
        tx.set_guest_sponsors(tenant(), &[(records[0].guest.id, sponsors)])
            .await
            .expect("set");
        assert_eq!(tx.prune_sponsors(tenant()).await.expect("pruned"), 0);
    }
}
