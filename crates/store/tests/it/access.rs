//! What guests were given access to, and how it was read.

use std::collections::BTreeMap;

use innkeeper_domain::access::{Access, Assignment, Held, HeldRole, Register, Told};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_store::{Store, Tx};
use uuid::Uuid;

use crate::databases::{at, begin, guest, on_both, tenant};

on_both! {
    a_register_that_was_never_asked_for_may_be_full
    a_whole_list_takes_away_and_a_list_of_a_few_does_not
    packages_that_are_gone_are_remembered_with_the_day
    what_is_held_is_kept_beside_the_rest_and_erased_with_the_guest
    registers_do_not_cross_tenants
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

fn package(number: u128) -> Assignment {
    Assignment {
        id: Uuid::from_u128(number),
        package: format!("Package {number}"),
        ends: None,
        ended: None,
        governed: number == 7,
    }
}

async fn a_register_that_was_never_asked_for_may_be_full(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, _] = with_guests(&mut tx).await;
    let unread = access(&mut tx, ann).await;
    assert_eq!(unread.unread(), Some(Register::EligibleRoles));
    for (told, left) in [
        (Told::Read, Some(Register::AccessPackages)),
        (Told::NoLicence, Some(Register::AccessReviews)),
        (Told::Refused, Some(Register::AccessReviews)),
    ] {
        let register = match told {
            Told::Read => Register::EligibleRoles,
            Told::NoLicence => Register::AccessPackages,
            Told::Refused => Register::AccessReviews,
        };
        tx.set_register(tenant(), register, told, at(1))
            .await
            .expect("kept");
        assert_eq!(access(&mut tx, ann).await.unread(), left);
    }
    let known = tx.registers(tenant()).await.expect("read");
    assert_eq!(known[&Register::AccessPackages], (Told::NoLicence, at(1)));
}

async fn a_whole_list_takes_away_and_a_list_of_a_few_does_not(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let nobody = GuestId::derived(&[b"nobody"]);
    let roles = |of: &[GuestId]| -> BTreeMap<GuestId, Vec<String>> {
        let role = |guest: &GuestId| (*guest, vec!["Reports Reader".to_owned()]);
        of.iter().map(role).collect()
    };
    let set = |lists, all| (lists, all);
    for ((lists, all), expected) in [
        (set(roles(&[ann, ben, nobody]), true), [1, 1]),
        (set(BTreeMap::from([(ann, Vec::new())]), false), [0, 1]),
        (set(roles(&[ann]), true), [1, 0]),
        (set(BTreeMap::new(), true), [0, 0]),
    ] {
        tx.set_eligible_roles(tenant(), &lists, all)
            .await
            .expect("kept");
        let found = [
            access(&mut tx, ann).await.eligible_roles.len(),
            access(&mut tx, ben).await.eligible_roles.len(),
        ];
        assert_eq!(found, expected, "{lists:?} {all}");
    }
}

async fn packages_that_are_gone_are_remembered_with_the_day(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let both = BTreeMap::from([(ann, vec![package(7)]), (ben, vec![package(2)])]);
    tx.set_packages(tenant(), &both, true, at(1))
        .await
        .expect("kept");
    let of_ann = BTreeMap::from([(ann, Vec::new())]);
    tx.set_packages(tenant(), &of_ann, false, at(2))
        .await
        .expect("kept");
    let gone = |number, day| Assignment {
        ended: Some(at(day)),
        ..package(number)
    };
    assert_eq!(access(&mut tx, ann).await.packages, [gone(7, 2)]);
    assert!(access(&mut tx, ann).await.governed_by().is_some());
    assert_eq!(access(&mut tx, ben).await.packages, [package(2)]);
    tx.set_packages(tenant(), &BTreeMap::new(), true, at(3))
        .await
        .expect("kept");
    assert_eq!(access(&mut tx, ann).await.packages, [gone(7, 2)]);
    assert_eq!(access(&mut tx, ben).await.packages, [gone(2, 3)]);
}

async fn what_is_held_is_kept_beside_the_rest_and_erased_with_the_guest(store: Store) {
    let mut tx = begin(&store).await;
    let [ann, ben] = with_guests(&mut tx).await;
    let held = Held {
        app_roles: vec![HeldRole {
            application: "Supplier Portal".to_owned(),
            role: "default".to_owned(),
            role_name: None,
            resource: None,
            since: Some(at(0)),
        }],
        groups: 3,
        mail_groups: 1,
    };
    let packages = BTreeMap::from([(ann, vec![package(2)])]);
    tx.set_packages(tenant(), &packages, true, at(1))
        .await
        .expect("kept");
    tx.set_held(tenant(), &BTreeMap::from([(ann, held.clone())]))
        .await
        .expect("kept");
    let known = access(&mut tx, ann).await;
    assert_eq!((known.held, known.packages.len()), (Some(held), 1));
    assert_eq!(access(&mut tx, ben).await.held, None);
    tx.mark_these_gone(tenant(), &[ann], at(2))
        .await
        .expect("gone");
    tx.erase_guests(tenant(), at(3), at(4), 10)
        .await
        .expect("erased");
    let erased = access(&mut tx, ann).await;
    assert_eq!((erased.held, erased.packages.len()), (None, 0));
}

async fn registers_do_not_cross_tenants(store: Store) {
    let other = TenantId::derived(&[b"fabrikam"]);
    let mut tx = begin(&store).await;
    tx.set_register(other, Register::EligibleRoles, Told::Read, at(1))
        .await
        .expect("kept");
    assert!(tx.registers(tenant()).await.expect("read").is_empty());
}
