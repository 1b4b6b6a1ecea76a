//! What spares a guest, and the guests whose deletion can soon not be undone any more.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use innkeeper_domain::access::Access;
use innkeeper_domain::guest::{Guest, GuestRecord};
use innkeeper_domain::ids::{GroupId, GuestId, TenantId};
use innkeeper_store::{Store, Tx};

use crate::databases::{at, begin, guest, on_both, tenant};

on_both! {
    a_whole_list_of_what_spares_guests_takes_away_and_one_of_a_few_does_not
    sole_owners_are_known_until_they_are_none_or_gone
    who_was_deleted_between_two_times_comes_in_that_order_and_of_one_tenant
    whether_a_guest_is_restricted_is_kept_with_its_three_values
}

async fn with_guests(tx: &mut Tx) -> [GuestId; 2] {
    let [ann, ben] = [guest(1), guest(2)];
    tx.save_guests(tenant(), &[&ann, &ben]).await.expect("kept");
    [ann.guest.id, ben.guest.id]
}

async fn access(tx: &mut Tx, of: GuestId) -> Access {
    let row = tx.guest_row(tenant(), of).await.expect("read");
    row.expect("a guest").view.access
}

async fn a_whole_list_of_what_spares_guests_takes_away_and_one_of_a_few_does_not(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let spared = GroupId::derived(&[b"spared"]);
    let reviews = |guest| BTreeMap::from([(guest, vec!["Quarterly".to_owned()])]);
    let groups = |guest| BTreeMap::from([(guest, vec![spared])]);
    for (guest, all) in [(ann, true), (ben, false)] {
        let (reviews, groups) = (reviews(guest), groups(guest));
        tx.set_reviews(tenant(), &reviews, all).await.expect("kept");
        tx.set_exempt_by(tenant(), &groups, all)
            .await
            .expect("kept");
    }
    for guest in [ann, ben] {
        let known = access(&mut tx, guest).await;
        assert_eq!(known.reviews, ["Quarterly"]);
        assert_eq!(known.exempt_by, [spared]);
    }
    let (reviews, groups) = (reviews(ben), groups(ben));
    tx.set_reviews(tenant(), &reviews, true)
        .await
        .expect("kept");
    tx.set_exempt_by(tenant(), &groups, true)
        .await
        .expect("kept");
    let known = access(&mut tx, ann).await;
    assert!(known.reviews.is_empty() && known.exempt_by.is_empty());
    assert_eq!(access(&mut tx, ben).await.exempt_by, [spared]);
}

async fn sole_owners_are_known_until_they_are_none_or_gone(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let alone = vec!["Bridge".to_owned()];
    let found = BTreeMap::from([(ann, alone.clone()), (ben, alone.clone())]);
    tx.set_sole_owners(tenant(), &found).await.expect("kept");
    assert_eq!(access(&mut tx, ann).await.sole_owner_of, alone);
    assert_eq!(tx.sole_owners(tenant()).await.expect("read"), [ann, ben]);
    let none = BTreeMap::from([(ann, Vec::new())]);
    tx.set_sole_owners(tenant(), &none).await.expect("kept");
    assert_eq!(tx.sole_owners(tenant()).await.expect("read"), [ben]);
    tx.mark_these_gone(tenant(), &[ben], at(2))
        .await
        .expect("gone");
    assert!(tx.sole_owners(tenant()).await.expect("read").is_empty());
}

async fn who_was_deleted_between_two_times_comes_in_that_order_and_of_one_tenant(store: Store) {
    let mut tx = begin(&store).await;
    let deleted = |number, day| GuestRecord {
        gone: Some(at(day)),
        deleted_by_us: Some(at(day)),
        ..guest(number)
    };
    let [late, early, before] = [deleted(1, 9), deleted(2, 5), deleted(3, 1)];
    let all = [&late, &early, &before, &guest(4)];
    tx.save_guests(tenant(), &all).await.expect("kept");
    let other = TenantId::derived(&[b"fabrikam"]);
    tx.save_guests(other, &[&deleted(5, 6)])
        .await
        .expect("kept");
    let found = tx.deleted_by_us_between(tenant(), at(1), at(9), 10).await;
    assert_eq!(found.expect("read"), [early.clone(), late]);
    let found = tx.deleted_by_us_between(tenant(), at(1), at(9), 1).await;
    assert_eq!(found.expect("read"), [early]);
    let soon = at(9) - TimeDelta::seconds(1);
    let found = tx.deleted_by_us_between(tenant(), at(5), soon, 10).await;
    assert!(found.expect("read").is_empty());
}

async fn whether_a_guest_is_restricted_is_kept_with_its_three_values(store: Store) {
    let mut tx = begin(&store).await;
    for said in [Some(true), None, Some(false)] {
        let before = guest(1);
        let record = GuestRecord {
            guest: Guest {
                management_restricted: said,
                ..before.guest
            },
            ..before
        };
        tx.save_guests(tenant(), &[&record]).await.expect("kept");
        let row = tx.guest_row(tenant(), record.guest.id).await;
        let known = row.expect("read").expect("a guest").view.record.guest;
        assert_eq!(known.management_restricted, said);
    }
}
