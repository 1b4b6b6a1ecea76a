//! The policy that was accepted last, and the one that waits.

use innkeeper_domain::acceptance::Acceptance;
use innkeeper_domain::ids::TenantId;
use innkeeper_store::{AcceptedPolicy, Store, WaitingPolicy};
use roaring::RoaringTreemap;

use crate::databases::{at, begin, on_both, tenant, with_guests};

on_both! {
    what_edits_newly_affected_adds_up_until_a_person_accepts_one
    a_policy_waits_until_it_is_accepted_or_forgotten
}

fn accepted(day: i64, acceptance: &Acceptance) -> AcceptedPolicy {
    AcceptedPolicy::of(&format!("hash{day}"), "text", 1, at(day), acceptance)
}

async fn what_edits_newly_affected_adds_up_until_a_person_accepts_one(store: Store) {
    let within = |before, affected| Acceptance::WithinLimit {
        affected,
        before,
        allowed: 50,
    };
    let person = Acceptance::Person {
        by: "ann".to_owned(),
        reason: "agreed on".to_owned(),
    };
    with_guests(&store, 3).await;
    let mut tx = begin(&store).await;
    let rows = tx.guest_rows(tenant(), None, 10).await.expect("read");
    let rows: Vec<u64> = rows.iter().map(|row| row.key.into()).collect();
    assert_eq!(tx.accepted_policy(tenant()).await.expect("read"), None);
    let other = TenantId::derived(&[b"fabrikam"]);
    for (day, acceptance, affected) in [
        (1, Acceptance::First, &rows[..0]),
        (2, within(0, 2), &rows[..2]),
        (3, within(2, 1), &rows[..3]),
        (4, person, &rows[..0]),
    ] {
        let policy = accepted(day, &acceptance);
        let affected: RoaringTreemap = affected.iter().collect();
        tx.accept_policy(tenant(), &policy).await.expect("kept");
        let kept = tx.add_affected_guests(tenant(), &affected).await;
        kept.expect("kept");
        let read = tx.accepted_policy(tenant()).await;
        assert_eq!(read.expect("read"), Some(policy));
        let read = tx.affected_guests(tenant()).await;
        assert_eq!(read.expect("read"), affected);
        let of_others = tx.affected_guests(other).await.expect("read");
        assert!(of_others.is_empty());
    }
    assert_eq!(tx.accepted_policy(other).await.expect("read"), None);
}

async fn a_policy_waits_until_it_is_accepted_or_forgotten(store: Store) {
    let mut tx = begin(&store).await;
    for (day, held) in [(1, false), (2, true)] {
        let waiting = WaitingPolicy {
            hash: format!("hash{day}"),
            decision_version: 1,
            affected: 20,
            before: 18,
            allowed: 25,
            since: at(day),
            held,
        };
        let saved = tx.save_waiting_policy(tenant(), &waiting).await;
        saved.expect("kept");
        assert_eq!(
            tx.waiting_policy(tenant()).await.expect("read"),
            Some(waiting)
        );
    }
    let policy = accepted(3, &Acceptance::First);
    tx.accept_policy(tenant(), &policy).await.expect("kept");
    assert_eq!(tx.waiting_policy(tenant()).await.expect("read"), None);
    tx.forget_waiting_policy(tenant()).await.expect("forgotten");
}
