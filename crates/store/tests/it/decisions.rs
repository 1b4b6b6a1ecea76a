//! What people decided about guests.

use chrono::NaiveDate;
use innkeeper_domain::decision::{Decision, Order, OrderKind};
use innkeeper_domain::ids::TenantId;
use innkeeper_store::Store;

use crate::databases::{at, begin, on_both, tenant, with_guests};

on_both! {
    a_decision_is_replaced_by_one_of_its_kind_and_hangs_on_its_guest
    a_decision_is_taken_back_once
    decisions_do_not_cross_tenants
}

fn exempt(day: u32, at_day: i64) -> Decision {
    Decision {
        order: Order::Exempt {
            until: NaiveDate::from_ymd_opt(2027, 3, day).expect("a day"),
        },
        reason: "an audit – until spring".into(),
        by: "olga".into(),
        at: at(at_day),
    }
}

fn expire() -> Decision {
    Decision {
        order: Order::Expire {
            on: NaiveDate::from_ymd_opt(2027, 6, 30).expect("a day"),
        },
        ..hold()
    }
}

fn hold() -> Decision {
    Decision {
        order: Order::Hold,
        reason: "a lawsuit".into(),
        by: "legal".into(),
        at: at(3),
    }
}

async fn a_decision_is_replaced_by_one_of_its_kind_and_hangs_on_its_guest(store: Store) {
    let guests = with_guests(&store, 3).await;
    let id = guests[1].guest.id;
    let mut tx = begin(&store).await;
    for decision in [exempt(1, 1), hold(), expire(), exempt(2, 2)] {
        tx.save_decision(tenant(), id, &decision)
            .await
            .expect("kept");
    }
    let expected = [exempt(2, 2), expire(), hold()];
    assert_eq!(tx.decisions_of(tenant(), id).await.expect("read"), expected);
    for row in tx.guest_rows(tenant(), None, 10).await.expect("read") {
        let is_it = row.view.record.guest.id == id;
        assert_eq!(row.view.decisions, expected[..if is_it { 3 } else { 0 }]);
    }
    let row = tx.guest_row(tenant(), id).await.expect("read").expect("it");
    assert_eq!(row.view.decisions, expected);
    let all = tx.decisions(tenant()).await.expect("read");
    assert_eq!(all, expected.map(|decision| (id, decision)));
}

async fn a_decision_is_taken_back_once(store: Store) {
    let id = with_guests(&store, 1).await[0].guest.id;
    let mut tx = begin(&store).await;
    tx.save_decision(tenant(), id, &exempt(1, 1))
        .await
        .expect("kept");
    tx.save_decision(tenant(), id, &hold()).await.expect("kept");
    for expected in [Some(exempt(1, 1)), None] {
        let removed = tx.remove_decision(tenant(), id, OrderKind::Exempt).await;
        assert_eq!(removed.expect("removed"), expected);
    }
    assert_eq!(tx.decisions_of(tenant(), id).await.expect("read"), [hold()]);
}

async fn decisions_do_not_cross_tenants(store: Store) {
    let id = with_guests(&store, 1).await[0].guest.id;
    let other = TenantId::derived(&[b"fabrikam"]);
    let mut tx = begin(&store).await;
    tx.save_decision(other, id, &hold()).await.expect("kept");
    assert_eq!(tx.decisions_of(tenant(), id).await.expect("read"), []);
    assert_eq!(tx.decisions(tenant()).await.expect("read"), []);
    let row = tx.guest_row(tenant(), id).await.expect("read").expect("it");
    assert_eq!(row.view.decisions, []);
    let removed = tx.remove_decision(tenant(), id, OrderKind::Hold).await;
    assert_eq!(removed.expect("read"), None);
    assert_eq!(tx.decisions_of(other, id).await.expect("read"), [hold()]);
}
