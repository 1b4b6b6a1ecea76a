//! What those answerable for guests said.

use chrono::NaiveDate;
use innkeeper_domain::attestation::{Answer, Attestation, Means, Word};
use innkeeper_domain::case::Case;
use innkeeper_domain::ids::{IntentId, SponsorId, TenantId};
use innkeeper_domain::journal::Anchors;
use innkeeper_domain::policy::RuleName;
use innkeeper_domain::watch::Watched;
use innkeeper_store::Store;

use crate::databases::{at, begin, on_both, tenant, with_guests};

on_both! {
    the_newest_answer_of_each_person_hangs_on_its_guest_and_all_are_kept
    attestations_do_not_cross_tenants
    an_answer_by_link_is_confirmed_once
    who_said_it_and_why_is_erased_with_the_guest_and_the_answer_stays
}

fn said(by: &str, answer: Answer, day: i64) -> Attestation {
    Attestation {
        answer,
        means: Means::Link,
        at: at(day),
        until: NaiveDate::from_ymd_opt(2027, 3, 31).filter(|_| answer == Answer::Keep),
        sponsor: Some(SponsorId::derived(&[by.as_bytes()])),
        word: Word {
            by: by.to_owned(),
            reason: "the bridge".to_owned(),
        },
    }
}

async fn the_newest_answer_of_each_person_hangs_on_its_guest_and_all_are_kept(store: Store) {
    let guests = with_guests(&store, 3).await;
    let id = guests[1].guest.id;
    let mut tx = begin(&store).await;
    let all = [
        said("Sara", Answer::LetGo, 1),
        said("sven", Answer::LetGo, 2),
        said("sara", Answer::Keep, 3),
        // At the same instant: the one that came last.
        said("SARA", Answer::LetGo, 3),
    ];
    for attestation in &all {
        tx.attest(tenant(), id, attestation, None)
            .await
            .expect("kept");
    }
    assert_eq!(tx.attestations_of(tenant(), id).await.expect("read"), all);
    let newest = [all[1].clone(), all[3].clone()];
    for row in tx.guest_rows(tenant(), None, 10).await.expect("read") {
        let is_it = row.view.record.guest.id == id;
        assert_eq!(row.view.attestations, newest[..if is_it { 2 } else { 0 }]);
    }
    let listed = tx.attestations(tenant()).await.expect("read");
    assert_eq!(listed, all.map(|attestation| (id, attestation)));
    let journal = tx.journal_of(tenant(), id).await.expect("read");
    assert_eq!(journal.len(), 4);
    assert!(
        journal[0].body.contains("\"answer\":\"let-go\""),
        "{journal:?}"
    );
    assert!(!journal[0].body.contains("Sara"), "{journal:?}");
    let intact = tx.verify_journal(tenant(), &Anchors::default()).await;
    assert!(intact.expect("read").is_ok());
}

async fn attestations_do_not_cross_tenants(store: Store) {
    let id = with_guests(&store, 1).await[0].guest.id;
    let other = TenantId::derived(&[b"fabrikam"]);
    let mut tx = begin(&store).await;
    let attestation = said("sara", Answer::Keep, 1);
    tx.attest(other, id, &attestation, None)
        .await
        .expect("kept");
    assert_eq!(tx.attestations_of(tenant(), id).await.expect("read"), []);
    assert_eq!(tx.attestations(tenant()).await.expect("read"), []);
    let row = tx.guest_row(tenant(), id).await.expect("read").expect("it");
    assert_eq!(row.view.attestations, []);
    let there = tx.attestations_of(other, id).await.expect("read");
    assert_eq!(there, [attestation]);
}

async fn an_answer_by_link_is_confirmed_once(store: Store) {
    let record = &with_guests(&store, 1).await[0];
    let id = record.guest.id;
    let mut tx = begin(&store).await;
    let case = Case::open(
        tenant(),
        id,
        &RuleName::from("inactive"),
        at(1),
        Watched::default(),
    );
    tx.open_cases(tenant(), std::slice::from_ref(&case))
        .await
        .expect("kept");
    let by_link = said("sara", Answer::Keep, 2);
    let by_command = said("sven", Answer::Keep, 3);
    tx.attest(tenant(), id, &by_link, Some(case.id))
        .await
        .expect("kept");
    tx.attest(tenant(), id, &by_command, None)
        .await
        .expect("kept");
    let open = tx.unconfirmed(tenant(), 10).await.expect("read");
    let [one] = open.as_slice() else {
        panic!("{open:?}")
    };
    assert_eq!((&one.said, one.case, one.guest), (&by_link, case.id, id));
    assert_eq!(one.rule, case.rule);
    let intent = IntentId::derived(&[b"a mail"]);
    tx.confirm(tenant(), one.key, intent).await.expect("noted");
    assert_eq!(tx.unconfirmed(tenant(), 10).await.expect("read"), []);
}

async fn who_said_it_and_why_is_erased_with_the_guest_and_the_answer_stays(store: Store) {
    let id = with_guests(&store, 1).await[0].guest.id;
    let mut tx = begin(&store).await;
    let attestation = said("sara", Answer::Keep, 1);
    tx.attest(tenant(), id, &attestation, None)
        .await
        .expect("kept");
    tx.mark_these_gone(tenant(), &[id], at(2))
        .await
        .expect("gone");
    let erased = tx.erase_guests(tenant(), at(40), at(41), 10).await;
    assert_eq!(erased.expect("erased"), [id]);
    let kept = tx.attestations_of(tenant(), id).await.expect("read");
    let erased = Word {
        by: "erased".to_owned(),
        reason: String::new(),
    };
    let expected = Attestation {
        word: erased,
        ..attestation
    };
    assert_eq!(kept, [expected]);
    let intact = tx.verify_journal(tenant(), &Anchors::default()).await;
    assert!(intact.expect("read").is_ok());
}
