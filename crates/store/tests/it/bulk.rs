//! Many rows at once: more than one statement takes, the same twice, the same again.

use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::journal::{Anchors, Event};
use innkeeper_domain::policy::RuleName;
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_store::{Added, RowKey, Store, StoreError, StoredVerdict, Tx};
use roaring::RoaringTreemap;

use crate::databases::{at, begin, guest, on_both, tenant, with_guests};

on_both! {
    more_rows_than_one_statement_takes_are_all_kept
    a_guest_given_twice_is_kept_once_as_it_was_given_last
    a_sponsor_of_whom_nothing_was_told_is_an_error_and_not_none
    what_is_stored_already_is_not_written_again
    only_who_is_new_is_added
    whoever_is_added_has_the_key_that_is_told
    nothing_given_is_nothing_done
}

/// More than either database takes in one statement.
const MANY: u32 = 5_001;

/// Something that differs as soon as any row is written.
async fn fingerprint(tx: &mut Tx) -> String {
    match tx {
        Tx::Sqlite(tx) => sqlx::query_scalar::<_, i64>("SELECT total_changes()")
            .fetch_one(&mut **tx)
            .await
            .expect("read")
            .to_string(),
        Tx::Postgres(tx) => {
            let places = "SELECT (SELECT string_agg(ctid::text, ' ' ORDER BY ctid) FROM guests) || \
                          (SELECT string_agg(ctid::text, ' ' ORDER BY ctid) FROM guest_sponsors) || \
                          (SELECT string_agg(ctid::text, ' ' ORDER BY ctid) FROM sponsors)";
            sqlx::query_scalar(places)
                .fetch_one(&mut **tx)
                .await
                .expect("read")
        }
    }
}

fn sponsor(name: &str) -> Sponsor {
    Sponsor {
        id: SponsorId::derived(&[b"sponsor"]),
        kind: SponsorKind::User,
        display_name: Some(name.into()),
        mail: None,
        enabled: None,
        is_guest: false,
        membership: innkeeper_domain::sponsor::Membership::NotAsked,
    }
}

async fn more_rows_than_one_statement_takes_are_all_kept(store: Store) {
    let ids: Vec<GuestId> = with_guests(&store, MANY)
        .await
        .iter()
        .map(|record| record.guest.id)
        .collect();
    let mut tx = begin(&store).await;
    let known = tx.guests_by_id(tenant(), &ids).await.expect("read");
    assert_eq!(known.len(), ids.len());
    assert!(known.is_sorted_by_key(|(key, _)| *key));

    let verdict = StoredVerdict {
        verdict: "wait".into(),
        rule: Some(RuleName::from("inactive")),
    };
    let verdicts: Vec<_> = known
        .iter()
        .map(|(key, _)| (*key, verdict.clone()))
        .collect();
    tx.save_verdicts(tenant(), &verdicts).await.expect("kept");

    let links: Vec<_> = ids
        .iter()
        .map(|id| (*id, vec![sponsor("Sara").id]))
        .collect();
    tx.save_sponsors(tenant(), &[sponsor("Sara")])
        .await
        .expect("kept");
    let rows = tx.set_guest_sponsors(tenant(), &links).await.expect("kept");
    assert_eq!(rows.len(), ids.len());

    let group = GroupId::derived(&[b"group"]);
    tx.set_members(tenant(), group, &ids).await.expect("kept");
    tx.set_members(tenant(), group, &[]).await.expect("emptied");

    let events: Vec<_> = ids
        .iter()
        .map(|id| (Some(*id), Event::PolicyInForce { hash: "h".into() }))
        .collect();
    tx.append(tenant(), at(1), &events).await.expect("appended");
    let entries = tx
        .verify_journal(tenant(), &Anchors::default())
        .await
        .expect("read");
    assert_eq!(entries.map(|head| head.seq), Ok(i64::from(MANY)));

    let page = tx.guest_rows(tenant(), None, MANY * 2).await.expect("read");
    assert_eq!(page.len(), ids.len());
    assert!(page.iter().all(
        |row| row.verdict.as_ref() == Some(&verdict) && row.view.sponsors == [sponsor("Sara")]
    ));

    let seen: RoaringTreemap = known
        .iter()
        .skip(1_000)
        .map(|(key, _)| u64::from(*key))
        .collect();
    assert_eq!(
        tx.mark_gone(tenant(), &seen, at(2)).await.expect("marked"),
        1_000
    );
    assert_eq!(
        tx.guest_count(tenant()).await.expect("counted"),
        u64::from(MANY) - 1_000
    );
}

async fn a_guest_given_twice_is_kept_once_as_it_was_given_last(store: Store) {
    let first = guest(1);
    let mut second = guest(1);
    second.guest.upn = "renamed@contoso.example".into();
    let mut tx = begin(&store).await;
    let other = guest(2);
    let keys = tx
        .save_guests(tenant(), &[&first, &other, &second])
        .await
        .expect("kept");
    assert_eq!(keys.len(), 2);
    let known = tx
        .guests_by_id(tenant(), &[first.guest.id])
        .await
        .expect("read");
    assert_eq!(
        known
            .into_iter()
            .map(|(_, record)| record)
            .collect::<Vec<_>>(),
        [second]
    );

    let twice = [sponsor("Sara"), sponsor("Sara Berg")];
    tx.save_sponsors(tenant(), &twice).await.expect("kept");
    let group = GroupId::derived(&[b"group"]);
    tx.set_owners(tenant(), group, &twice).await.expect("kept");
    assert_eq!(
        tx.owners(tenant(), group).await.expect("read"),
        [sponsor("Sara Berg")]
    );
}

async fn a_sponsor_of_whom_nothing_was_told_is_an_error_and_not_none(store: Store) {
    let records = with_guests(&store, 2).await;
    let mut tx = begin(&store).await;
    tx.save_sponsors(tenant(), &[sponsor("Sara")])
        .await
        .expect("kept");
    let nobody = SponsorId::derived(&[b"nobody"]);
    let links = [
        (records[0].guest.id, vec![sponsor("Sara").id]),
        (records[1].guest.id, vec![sponsor("Sara").id, nobody]),
    ];
    let error = tx.set_guest_sponsors(tenant(), &links).await;
    let error = error.expect_err("nobody told of one");
    assert!(
        matches!(error, StoreError::UntoldSponsors { sponsors: 1 }),
        "{error}"
    );
}

async fn what_is_stored_already_is_not_written_again(store: Store) {
    let records = with_guests(&store, 3).await;
    let mut tx = begin(&store).await;
    let links = [(records[0].guest.id, vec![sponsor("Sara").id])];
    tx.save_sponsors(tenant(), &[sponsor("Sara")])
        .await
        .expect("kept");
    tx.set_guest_sponsors(tenant(), &links).await.expect("kept");
    let mut changed = records[1].clone();
    changed.guest.enabled = Some(false);

    let before = fingerprint(&mut tx).await;
    let given: Vec<&GuestRecord> = records.iter().collect();
    let keys = tx.save_guests(tenant(), &given).await.expect("known");
    assert_eq!(keys.len(), 3);
    tx.save_sponsors(tenant(), &[sponsor("Sara")])
        .await
        .expect("known");
    tx.set_guest_sponsors(tenant(), &links)
        .await
        .expect("known");
    assert_eq!(fingerprint(&mut tx).await, before);

    let again = tx
        .save_guests(tenant(), &[&records[0], &changed, &records[2]])
        .await
        .expect("kept");
    assert_ne!(fingerprint(&mut tx).await, before);
    let in_order = |mut keys: Vec<_>| {
        keys.sort();
        keys
    };
    assert_eq!(in_order(again), in_order(keys));
}

async fn only_who_is_new_is_added(store: Store) {
    let records = with_guests(&store, 2).await;
    let mut tx = begin(&store).await;
    let mut changed = records[0].clone();
    changed.guest.enabled = Some(false);
    let new = guest(7);
    let given = [&changed, &new, &records[1]];
    let added = tx.add_guests(tenant(), &given).await.expect("kept");
    let known = [records[0].guest.id, records[1].guest.id];
    assert_eq!(added.known, known.into());
    let ids = [records[0].guest.id, new.guest.id];
    let known = tx.guests_by_id(tenant(), &ids).await.expect("read");
    let is_same = known
        .iter()
        .map(|(_, record)| record)
        .eq([&records[0], &new]);
    assert!(is_same, "{known:?}");
    assert_eq!(added.keys, [known[1].0]);
    let nobody = tx.add_guests(tenant(), &[]).await.expect("nothing");
    assert_eq!(nobody, Added::default());
}

async fn whoever_is_added_has_the_key_that_is_told(store: Store) {
    let mut tx = begin(&store).await;
    // More than one statement takes, beside those of another tenant.
    let records: Vec<GuestRecord> = (0..1_200).map(guest).collect();
    let other = TenantId::derived(&[b"fabrikam"]);
    for of in [other, tenant()] {
        let given: Vec<&GuestRecord> = records.iter().collect();
        let Added { mut keys, known } = tx.add_guests(of, &given).await.expect("kept");
        assert!(known.is_empty(), "{known:?}");
        keys.sort();
        let ids: Vec<GuestId> = records.iter().map(|record| record.guest.id).collect();
        let kept = tx.guests_by_id(of, &ids).await.expect("read");
        let kept: Vec<RowKey> = kept.into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, kept);
    }
}

async fn nothing_given_is_nothing_done(store: Store) {
    let mut tx = begin(&store).await;
    assert!(
        tx.save_guests(tenant(), &[])
            .await
            .expect("nothing")
            .is_empty()
    );
    assert!(
        tx.guests_by_id(tenant(), &[])
            .await
            .expect("nothing")
            .is_empty()
    );
    tx.save_verdicts(tenant(), &[]).await.expect("nothing");
    tx.save_sponsors(tenant(), &[]).await.expect("nothing");
    tx.open_cases(tenant(), &[]).await.expect("nothing");
    tx.add_blind(tenant(), &[]).await.expect("nothing");
    tx.begin_intents(tenant(), &[]).await.expect("nothing");
    tx.append(tenant(), at(1), &[]).await.expect("nothing");
}
