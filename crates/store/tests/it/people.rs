//! Who answers for guests beside their sponsors.

use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::sponsor::{Inviter, Manager, Membership, Sponsor, SponsorKind};
use innkeeper_store::{InvitedBy, SponsorGroup, Store, Tx};

use crate::databases::{at, begin, guest, on_both, tenant, with_guests};

on_both! {
    a_sponsor_lost_is_former_until_it_is_known_whether_it_was_deleted
    who_is_missing_from_the_sponsor_group_once_may_still_be_in_it
    a_look_at_one_sponsor_lets_them_into_the_group_at_once_and_never_out_of_it
    who_invited_is_kept_and_the_last_invitation_counts
}

fn person(name: &str) -> Sponsor {
    Sponsor {
        id: SponsorId::derived(&[name.as_bytes()]),
        kind: SponsorKind::User,
        display_name: Some(name.into()),
        mail: Some(format!("{name}@contoso.example")),
        enabled: Some(true),
        is_guest: false,
        membership: Membership::NotAsked,
    }
}

fn ann() -> GuestId {
    guest(1).guest.id
}

async fn a_sponsor_lost_is_former_until_it_is_known_whether_it_was_deleted(store: Store) {
    with_guests(&store, 3).await;
    let (sara, mona, carl) = (person("sara"), person("mona"), person("carl"));
    let mut tx = begin(&store).await;
    let both = [sara.clone(), carl.clone()];
    tx.save_sponsors(tenant(), &both).await.expect("kept");
    let links = [(ann(), vec![sara.id, carl.id])];
    tx.set_guest_sponsors(tenant(), &links).await.expect("kept");
    let mut sponsoring = tx.sponsoring_users(tenant()).await.expect("read");
    sponsoring.sort();
    let mut expected = vec![sara.id.0, carl.id.0];
    expected.sort();
    assert_eq!(sponsoring, expected);
    let managers = [(sara.id.0, Some(mona.clone())), (carl.id.0, None)];
    tx.save_managers(tenant(), &managers).await.expect("kept");

    tx.set_guest_sponsors(tenant(), &[(ann(), Vec::new())])
        .await
        .expect("kept");
    let circle = tx.circle(tenant(), ann(), &[]).await.expect("read");
    assert_eq!(circle.departed, [], "it is not known whether they are gone");
    assert_eq!(deleted_sponsors(&mut tx).await, None);
    let people = tx.people_to_read(tenant()).await.expect("read");
    for id in [sara.id, carl.id, mona.id] {
        assert!(people.contains(&id), "{people:?}");
    }
    // Carl was taken off; Sara is there no more.
    let found = [carl.clone(), mona.clone()];
    tx.save_people(tenant(), &found, &[sara.id])
        .await
        .expect("kept");
    let circle = tx.circle(tenant(), ann(), &[carl.id]).await.expect("read");
    assert_eq!(circle.departed, std::slice::from_ref(&sara));
    assert_eq!(deleted_sponsors(&mut tx).await, Some(1));
    let both = [sara.id, carl.id];
    let rest = tx.not_departed(tenant(), &both).await.expect("read");
    assert_eq!(rest, [carl.id]);
    assert!(!circle.named[&carl.id].deleted);
    let Some(Manager::Is(manager)) = circle.managers.get(&sara.id.0) else {
        panic!("{circle:?}");
    };
    assert_eq!((&manager.person, manager.deleted), (&mona, false));
    assert_eq!(tx.people_to_read(tenant()).await.expect("read").len(), 2);
    // She comes back, and is a sponsor again.
    tx.save_sponsors(tenant(), std::slice::from_ref(&sara))
        .await
        .expect("kept");
    tx.set_guest_sponsors(tenant(), &[(ann(), vec![sara.id])])
        .await
        .expect("kept");
    let circle = tx.circle(tenant(), ann(), &[]).await.expect("read");
    assert_eq!(circle.departed, []);
    assert_eq!(deleted_sponsors(&mut tx).await, Some(0));
}

async fn deleted_sponsors(tx: &mut Tx) -> Option<u32> {
    let row = tx.guest_row(tenant(), ann()).await.expect("read");
    row.expect("ann").view.deleted_sponsors
}

async fn who_is_missing_from_the_sponsor_group_once_may_still_be_in_it(store: Store) {
    with_guests(&store, 3).await;
    let (sara, carl) = (person("sara"), person("carl"));
    let mut tx = begin(&store).await;
    let both = [sara.clone(), carl.clone()];
    tx.save_sponsors(tenant(), &both).await.expect("kept");
    let links = [(ann(), vec![sara.id])];
    tx.set_guest_sponsors(tenant(), &links).await.expect("kept");
    let members =
        |who: &[&Sponsor]| SponsorGroup::Members(who.iter().map(|sponsor| sponsor.id).collect());
    for (group, expected) in [
        (SponsorGroup::NotAsked, Membership::NotAsked),
        (members(&[&carl]), Membership::Out),
        (members(&[&carl, &sara]), Membership::In),
        (members(&[&carl]), Membership::Unknown),
        (members(&[&carl, &sara]), Membership::In),
        (members(&[]), Membership::Unknown),
        (SponsorGroup::Unknown, Membership::Unknown),
        (members(&[&carl]), Membership::Out),
        (SponsorGroup::NotAsked, Membership::NotAsked),
    ] {
        tx.set_sponsor_group(tenant(), &group).await.expect("kept");
        let row = tx.guest_row(tenant(), ann()).await.expect("read");
        let sponsors = row.expect("ann").view.sponsors;
        assert_eq!(sponsors[0].membership, expected, "{group:?}");
    }
}

async fn a_look_at_one_sponsor_lets_them_into_the_group_at_once_and_never_out_of_it(store: Store) {
    with_guests(&store, 3).await;
    let sara = person("sara");
    let mut tx = begin(&store).await;
    tx.save_sponsors(tenant(), std::slice::from_ref(&sara))
        .await
        .expect("kept");
    let links = [(ann(), vec![sara.id])];
    tx.set_guest_sponsors(tenant(), &links).await.expect("kept");
    let whole = SponsorGroup::Members(vec![person("carl").id]);
    for (group, is_in, expected) in [
        // Where nobody asks for a group, a look is none of it.
        (Some(SponsorGroup::NotAsked), true, Membership::NotAsked),
        (Some(whole.clone()), false, Membership::Out),
        (None, true, Membership::In),
        (None, false, Membership::Unknown),
        (None, false, Membership::Unknown),
        (None, true, Membership::In),
        (Some(whole.clone()), false, Membership::Unknown),
        (Some(whole), false, Membership::Out),
    ] {
        if let Some(group) = &group {
            tx.set_sponsor_group(tenant(), group).await.expect("kept");
        }
        let looked = [(sara.id, is_in)].into();
        tx.note_sponsor_group(tenant(), &looked)
            .await
            .expect("kept");
        let row = tx.guest_row(tenant(), ann()).await.expect("read");
        let sponsors = row.expect("ann").view.sponsors;
        assert_eq!(sponsors[0].membership, expected, "{group:?} {is_in}");
    }
}

async fn who_invited_is_kept_and_the_last_invitation_counts(store: Store) {
    with_guests(&store, 3).await;
    let ivo = person("ivo");
    let by = |by: Option<SponsorId>, day: i64| InvitedBy {
        guest: ann(),
        by,
        at: at(day),
    };
    let mut tx = begin(&store).await;
    assert_eq!(tx.audit_read_until(tenant()).await.expect("read"), None);
    let first = [by(Some(ivo.id), 2), by(None, 1)];
    tx.save_inviters(tenant(), &first, at(3))
        .await
        .expect("kept");
    assert_eq!(
        tx.audit_read_until(tenant()).await.expect("read"),
        Some(at(3))
    );
    let circle = tx.circle(tenant(), ann(), &[]).await.expect("read");
    assert_eq!(circle.inviter, Inviter::Unread(ivo.id));
    tx.save_people(tenant(), &[], &[ivo.id])
        .await
        .expect("kept");
    let circle = tx.circle(tenant(), ann(), &[]).await.expect("read");
    assert!(matches!(circle.inviter, Inviter::Is(known) if known.deleted));
    tx.save_inviters(tenant(), &[by(None, 4)], at(5))
        .await
        .expect("kept");
    let circle = tx.circle(tenant(), ann(), &[]).await.expect("read");
    assert_eq!(circle.inviter, Inviter::Application);
    let upn = guest(1).guest.upn.to_uppercase();
    let found = tx.guest_named(tenant(), &upn).await.expect("read");
    assert_eq!(found, Some(ann()));
}
