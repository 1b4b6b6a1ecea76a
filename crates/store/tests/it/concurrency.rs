//! Several transactions, and several processes, at once.

use std::time::Duration;

use chrono::TimeDelta;
use innkeeper_domain::journal::{Anchors, Event};
use innkeeper_store::{LeaseGrant, Store, StoreError};
use uuid::Uuid;

use crate::databases::{self, at, begin, guest, on_both, tenant, with_guests};

on_both! {
    of_many_who_ask_at_once_one_gets_the_lease
    a_takeover_waits_for_the_transaction_that_checked_the_lease
    a_lease_that_was_given_back_is_not_renewed_and_nothing_is_written_under_it
    a_lease_ends_at_its_very_microsecond
    appends_of_several_transactions_make_one_chain
    a_reading_transaction_sees_one_state_of_the_database
    a_second_outcome_or_case_or_intent_is_a_conflict_and_not_a_failure
}

const TTL: TimeDelta = TimeDelta::seconds(30);

fn event() -> Event {
    Event::PolicyInForce { hash: "h".into() }
}

async fn of_many_who_ask_at_once_one_gets_the_lease(store: Store) {
    let ask = async |holder: u128| {
        let mut tx = begin(&store).await;
        let grant = tx
            .acquire_lease(tenant(), Uuid::from_u128(holder), at(1), TTL)
            .await
            .expect("asked");
        tx.commit().await.expect("a commit");
        grant
    };
    let grants = tokio::join!(ask(1), ask(2), ask(3), ask(4));
    let grants = [grants.0, grants.1, grants.2, grants.3];
    let held = grants
        .iter()
        .filter(|grant| **grant == LeaseGrant::Held { epoch: 1 })
        .count();
    let until = at(1) + TTL;
    let taken = grants
        .iter()
        .filter(|grant| **grant == LeaseGrant::Taken { until })
        .count();
    assert_eq!((held, taken), (1, 3), "{grants:?}");
}

async fn a_takeover_waits_for_the_transaction_that_checked_the_lease(store: Store) {
    let [slow, quick] = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let mut tx = begin(&store).await;
    tx.acquire_lease(tenant(), slow, at(1), TTL)
        .await
        .expect("asked");
    tx.commit().await.expect("a commit");

    let mut tx = begin(&store).await;
    tx.check_lease(tenant(), slow, 1).await.expect("held");
    let takeover = async {
        let mut tx = begin(&store).await;
        let grant = tx
            .acquire_lease(tenant(), quick, at(2), TTL)
            .await
            .expect("asked");
        let written = tx.journal(tenant(), 0, 9).await.expect("read").len();
        tx.commit().await.expect("a commit");
        (grant, written)
    };
    let finish = async {
        tx.append(tenant(), at(1), &[(None, event())])
            .await
            .expect("appended");
        tx.commit().await.expect("a commit");
    };
    let (taken, ()) = tokio::join!(takeover, finish);
    assert_eq!(taken, (LeaseGrant::Held { epoch: 2 }, 1));
    let mut tx = begin(&store).await;
    let checked = tx.check_lease(tenant(), slow, 1).await;
    assert!(matches!(checked, Err(StoreError::LeaseLost)), "{checked:?}");
}

async fn a_lease_that_was_given_back_is_not_renewed_and_nothing_is_written_under_it(store: Store) {
    let holder = Uuid::from_u128(1);
    let mut tx = begin(&store).await;
    tx.acquire_lease(tenant(), holder, at(1), TTL)
        .await
        .expect("asked");
    tx.release_lease(tenant(), holder, 1)
        .await
        .expect("given back");
    let renewed = tx.renew_lease(tenant(), holder, 1, at(1), TTL).await;
    assert!(!renewed.expect("asked"));
    let checked = tx.check_lease(tenant(), holder, 1).await;
    assert!(matches!(checked, Err(StoreError::LeaseLost)), "{checked:?}");
    let grant = tx
        .acquire_lease(tenant(), holder, at(1), TTL)
        .await
        .expect("asked");
    assert_eq!(grant, LeaseGrant::Held { epoch: 2 });
}

/// SQLite compares times as texts, which leave out a fraction that is nought.
async fn a_lease_ends_at_its_very_microsecond(store: Store) {
    let [one, two] = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let moment = TimeDelta::microseconds(1);
    let mut tx = begin(&store).await;
    let mut epoch = 0;
    let whole = chrono::DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    for (day, fraction) in [0, 1, 500_000, 123_456, 999_999].into_iter().enumerate() {
        let day = TimeDelta::days(i64::try_from(day).expect("a few"));
        let from = whole + day + TimeDelta::microseconds(fraction);
        epoch += 1;
        let grant = tx.acquire_lease(tenant(), one, from, TTL).await;
        assert_eq!(grant.expect("asked"), LeaseGrant::Held { epoch });
        let until = from + TTL;
        let grant = tx.acquire_lease(tenant(), two, until - moment, TTL).await;
        assert_eq!(grant.expect("asked"), LeaseGrant::Taken { until });
        epoch += 1;
        let grant = tx.acquire_lease(tenant(), two, until, TTL).await;
        assert_eq!(grant.expect("asked"), LeaseGrant::Held { epoch });
    }
}

async fn appends_of_several_transactions_make_one_chain(store: Store) {
    let append = async |times: i64| {
        for day in 0..times {
            let mut tx = begin(&store).await;
            let events = vec![(None, event()); 3];
            tx.append(tenant(), at(day), &events)
                .await
                .expect("appended");
            tx.commit().await.expect("a commit");
        }
    };
    tokio::join!(append(5), append(7), append(9));
    let mut tx = store.read().await.expect("a transaction");
    assert_eq!(
        tx.verify_journal(tenant(), &Anchors::default())
            .await
            .expect("read")
            .map(|head| head.seq),
        Ok(63)
    );
}

async fn a_reading_transaction_sees_one_state_of_the_database(store: Store) {
    with_guests(&store, 2).await;
    let mut reading = store.read().await.expect("a transaction");
    assert_eq!(reading.guest_count(tenant()).await.expect("counted"), 2);
    let mut tx = begin(&store).await;
    tx.save_guests(tenant(), &[&guest(7)]).await.expect("kept");
    tx.commit().await.expect("a commit");
    assert_eq!(reading.guest_count(tenant()).await.expect("counted"), 2);
    let rows = reading.guest_rows(tenant(), None, 9).await.expect("read");
    assert_eq!(rows.len(), 2);
    assert!(reading.save_guests(tenant(), &[&guest(8)]).await.is_err());
    drop(reading);
    let mut reading = store.read().await.expect("a transaction");
    assert_eq!(reading.guest_count(tenant()).await.expect("counted"), 3);
}

async fn a_second_outcome_or_case_or_intent_is_a_conflict_and_not_a_failure(store: Store) {
    use innkeeper_domain::case::Case;
    use innkeeper_domain::ids::{IntentId, PlanId, TenantId};
    use innkeeper_domain::intent::{Call, Intent, Outcome};
    use innkeeper_domain::policy::RuleName;
    use innkeeper_domain::watch::Watched;

    let guest = with_guests(&store, 1).await[0].guest.id;
    let rule = RuleName::from("inactive");
    let case = |day| Case::open(tenant(), guest, &rule, at(day), Watched(0));
    let intent = Intent {
        id: IntentId::derived(&[b"1"]),
        plan: PlanId::derived(&[b"1"]),
        case: case(1).id,
        guest,
        rule: rule.clone(),
        stage: 0,
        call: Call::Disable,
        created: at(1),
    };
    let mut tx = begin(&store).await;
    tx.open_cases(tenant(), &[case(1)]).await.expect("opened");
    tx.begin_intents(tenant(), std::slice::from_ref(&intent))
        .await
        .expect("written");
    tx.commit().await.expect("a commit");

    let mut tx = begin(&store).await;
    let again = tx.open_cases(tenant(), &[case(2)]).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    drop(tx);
    let mut tx = begin(&store).await;
    let again = tx
        .begin_intents(tenant(), std::slice::from_ref(&intent))
        .await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "{again:?}");
    drop(tx);
    let mut tx = begin(&store).await;
    let other = TenantId::derived(&[b"fabrikam"]);
    let of_another = tx
        .conclude(other, &[intent.id], at(2), &Outcome::Already)
        .await;
    assert!(
        matches!(of_another, Err(StoreError::Concluded)),
        "{of_another:?}"
    );
    tx.conclude(tenant(), &[intent.id], at(2), &Outcome::Already)
        .await
        .expect("concluded");
}

/// A dropped `begin` must not hand its open transaction to the next caller: here one that only reads, in which the
/// write would fail.
#[tokio::test]
async fn a_transaction_whose_begin_was_dropped_is_not_handed_on() {
    let store = databases::postgres().await;
    for number in 0..100 {
        let wait = Duration::from_micros(number * 7);
        drop(tokio::time::timeout(wait, store.read()).await);
        let mut tx = begin(&store).await;
        tx.save_policy(tenant(), &number.to_string(), "", at(1))
            .await
            .expect("kept");
        tx.commit().await.expect("a commit");
    }
    let mut tx = store.read().await.expect("a transaction");
    for number in 0..100 {
        let text = tx.policy_text(tenant(), &number.to_string()).await;
        assert_eq!(text.expect("read").as_deref(), Some(""));
    }
}

#[tokio::test]
async fn a_lock_that_is_not_given_is_busy() {
    let Store::Postgres(pool) = databases::postgres().await else {
        panic!("it is Postgres")
    };
    let store = Store::Postgres(pool.clone());
    let mut first = begin(&store).await;
    let holder = Uuid::from_u128(1);
    first
        .acquire_lease(tenant(), holder, at(1), TTL)
        .await
        .expect("asked");
    let mut second = begin(&store).await;
    if let innkeeper_store::Tx::Postgres(tx) = &mut second {
        sqlx::query("SET LOCAL lock_timeout = '10ms'")
            .execute(&mut **tx)
            .await
            .expect("set");
    }
    let asked = second.acquire_lease(tenant(), holder, at(1), TTL).await;
    assert!(matches!(asked, Err(StoreError::Busy(_))), "{asked:?}");
}

#[tokio::test]
async fn two_processes_that_migrate_at_once_both_succeed() {
    let folder = tempfile::TempDir::new().expect("a folder");
    for url in [
        innkeeper_testdb::sqlite_url(folder.path()),
        innkeeper_testdb::postgres_url().await,
    ] {
        let one = Store::open(&url).await.expect("a database");
        let two = Store::open(&url).await.expect("a database");
        let (first, second) = tokio::join!(one.migrate(), two.migrate());
        first.expect("migrated");
        second.expect("migrated");
        assert!(one.pending().await.expect("read").is_empty());
    }
}
