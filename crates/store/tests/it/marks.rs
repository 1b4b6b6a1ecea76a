//! What was written into attributes of guests, and when it is forgotten.

use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{CaseId, GuestId, TenantId};
use innkeeper_domain::mark::{Mark, MarkAttribute, Written};
use innkeeper_domain::policy::RuleName;
use innkeeper_store::{Store, Tx};

use crate::databases::{at, begin, guest, on_both, tenant};

on_both! {
    a_mark_is_remembered_with_its_case_and_written_once
    a_cleared_mark_is_forgotten_for_every_case_and_another_stays
    the_marks_of_guests_who_are_gone_are_forgotten
    marks_do_not_cross_tenants
}

fn written(case: &str, attribute: &str, value: &str) -> Written {
    Written {
        case: CaseId::derived(&[case.as_bytes()]),
        rule: RuleName::from(case),
        stage: 1,
        mark: Mark {
            attribute: MarkAttribute::parse(attribute).expect("an attribute"),
            value: value.to_owned(),
        },
    }
}

async fn with_guests(tx: &mut Tx) -> [GuestId; 2] {
    let [ann, ben] = [guest(1), guest(2)];
    tx.save_guests(tenant(), &[&ann, &ben]).await.expect("kept");
    [ann.guest.id, ben.guest.id]
}

async fn save(tx: &mut Tx, guest: GuestId, written: &Written) {
    tx.save_mark(tenant(), guest, written, at(1))
        .await
        .expect("kept");
}

async fn marks(tx: &mut Tx, guest: GuestId) -> Vec<Written> {
    let row = tx.guest_row(tenant(), guest).await.expect("read");
    row.expect("a guest").view.marks
}

async fn a_mark_is_remembered_with_its_case_and_written_once(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let [tenth, second] = [
        written("quiet", "extensionAttribute10", "line with 'quotes'"),
        written("quiet", "extensionAttribute2", "\u{e9}t\u{e9}"),
    ];
    for mark in [&tenth, &second, &second] {
        save(&mut tx, ann, mark).await;
    }
    assert_eq!(marks(&mut tx, ann).await, [second.clone(), tenth.clone()]);
    assert_eq!(marks(&mut tx, ben).await, []);
    let edited = written("quiet", "extensionAttribute2", "new");
    save(&mut tx, ann, &edited).await;
    assert_eq!(marks(&mut tx, ann).await, [edited, tenth]);
    save(&mut tx, GuestId::derived(&[b"nobody"]), &second).await;
    tx.commit().await.expect("kept");
    let mut tx = store.read().await.expect("read");
    let rows = tx.guest_rows(tenant(), None, 10).await.expect("read");
    let counts: Vec<usize> = rows.iter().map(|row| row.view.marks.len()).collect();
    assert_eq!(counts, [2, 0]);
}

async fn a_cleared_mark_is_forgotten_for_every_case_and_another_stays(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let [one, other] = ["one", "other"].map(|case| written(case, "extensionAttribute7", "away"));
    let different = written("third", "extensionAttribute7", "Away");
    for mark in [&one, &other, &different] {
        save(&mut tx, ann, mark).await;
    }
    save(&mut tx, ben, &one).await;
    let forgotten = tx.forget_mark(tenant(), ann, &one.mark).await;
    assert_eq!(forgotten.expect("forgotten"), 2);
    assert_eq!(marks(&mut tx, ann).await, [different]);
    assert_eq!(marks(&mut tx, ben).await, std::slice::from_ref(&one));
    let again = tx.forget_mark(tenant(), ann, &one.mark).await;
    assert_eq!(again.expect("nothing left"), 0);
}

async fn the_marks_of_guests_who_are_gone_are_forgotten(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let mark = written("quiet", "extensionAttribute7", "away");
    for guest in [ann, ben] {
        save(&mut tx, guest, &mark).await;
    }
    let row = tx.guest_row(tenant(), ann).await.expect("read");
    let gone = GuestRecord {
        gone: Some(at(2)),
        ..row.expect("a guest").view.record
    };
    tx.save_guests(tenant(), &[&gone]).await.expect("kept");
    let forgotten = tx.forget_marks_of_gone(tenant()).await;
    assert_eq!(forgotten.expect("forgotten"), 1);
    assert_eq!(marks(&mut tx, ann).await, []);
    assert_eq!(marks(&mut tx, ben).await, [mark]);
}

async fn marks_do_not_cross_tenants(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, _] = with_guests(&mut tx).await;
    let mark = written("quiet", "extensionAttribute7", "away");
    save(&mut tx, ann, &mark).await;
    let other = TenantId::derived(&[b"other"]);
    tx.save_mark(other, ann, &mark, at(1))
        .await
        .expect("no guest");
    let forgotten = tx.forget_mark(other, ann, &mark.mark).await;
    assert_eq!(forgotten.expect("not its own"), 0);
    assert_eq!(tx.forget_marks_of_gone(other).await.expect("none"), 0);
    assert_eq!(marks(&mut tx, ann).await, [mark]);
}
