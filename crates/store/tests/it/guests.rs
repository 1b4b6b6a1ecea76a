//! Guests and what hangs on them.

use innkeeper_domain::activity::Reading;
use innkeeper_domain::case::Case;
use innkeeper_domain::group::{Found, Group, Membership, NamedGroups};
use innkeeper_domain::guest::{Attribute, Guest, GuestRecord, Invitation};
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::policy::RuleName;
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_domain::watch::Watched;
use innkeeper_store::{Store, StoredVerdict};
use roaring::RoaringTreemap;

use crate::databases::{at, begin, guest, on_both, tenant, with_guests};

on_both! {
    guests_come_back_as_they_were_kept
    a_guest_is_found_by_id_upn_and_mail_whatever_the_case
    who_is_not_seen_is_gone_and_no_longer_among_the_present
    pages_hang_on_each_guest_what_belongs_to_it
    sponsors_groups_and_roles_are_exchanged_and_not_added_to
    nothing_crosses_tenants
    what_is_not_committed_is_not_kept
}

fn sponsor(name: &str) -> Sponsor {
    Sponsor {
        id: SponsorId::derived(&[name.as_bytes()]),
        kind: SponsorKind::User,
        display_name: Some(name.into()),
        mail: None,
        enabled: Some(true),
        is_guest: false,
        membership: innkeeper_domain::sponsor::Membership::NotAsked,
    }
}

fn group(name: &str) -> Group {
    Group {
        id: GroupId::derived(&[name.as_bytes()]),
        name: name.into(),
        membership: Membership::Assigned,
        expires: None,
    }
}

fn named() -> NamedGroups {
    NamedGroups::from([
        ("bridge".to_owned(), Found::One(group("bridge"))),
        ("gone".to_owned(), Found::Missing),
        ("twice".to_owned(), Found::Ambiguous),
    ])
}

async fn guests_come_back_as_they_were_kept(store: Store) {
    let mut records = with_guests(&store, 1_200).await;
    let odd = GuestRecord {
        guest: Guest {
            mail: None,
            enabled: None,
            created: None,
            invitation: Invitation::Unrecognised,
            on_premises_sync: Some(false),
            management_restricted: Some(false),
            creation_type: Some("Invitation".into()),
            external: Some(true),
            attribute: Some(Attribute {
                name: "extensionAttribute3".into(),
                value: Some("31.3.2027".into()),
            }),
            ..guest(0).guest
        },
        reading: Reading::Vanished,
        logged_in: Some(at(2)),
        revived: Some(at(1)),
        disabled_by_us: Some(at(2)),
        ..guest(0)
    };
    records[0] = odd.clone();
    let mut tx = begin(&store).await;
    tx.save_guests(tenant(), &[&odd]).await.expect("kept");
    let ids: Vec<GuestId> = records.iter().map(|record| record.guest.id).collect();
    let mut kept: Vec<GuestRecord> = tx
        .guests_by_id(tenant(), &ids)
        .await
        .expect("read")
        .into_iter()
        .map(|(_, record)| record)
        .collect();
    kept.sort_by_key(|record| record.guest.id);
    records.sort_by_key(|record| record.guest.id);
    assert_eq!(kept, records);
    assert_eq!(tx.guest_count(tenant()).await.expect("counted"), 1_200);
    assert_eq!(
        tx.save_guests(tenant(), &[]).await.expect("nothing"),
        vec![]
    );
    let (key, _) = tx.guests_by_id(tenant(), &ids[..1]).await.expect("read")[0];
    assert_eq!(
        tx.guest_ids(tenant(), &[key]).await.expect("read"),
        [ids[0]]
    );
}

async fn a_guest_is_found_by_id_upn_and_mail_whatever_the_case(store: Store) {
    let records = with_guests(&store, 3).await;
    let mut tx = begin(&store).await;
    let id = records[1].guest.id;
    for text in [
        id.to_string().as_str(),
        "GUEST1_partner.example#ext#@contoso.example",
        "guest1@PARTNER.example",
    ] {
        assert_eq!(
            tx.find_guests(tenant(), text).await.expect("read"),
            [id],
            "{text}"
        );
    }
    assert_eq!(tx.find_guests(tenant(), "guest1").await.expect("read"), []);
}

async fn who_is_not_seen_is_gone_and_no_longer_among_the_present(store: Store) {
    let records = with_guests(&store, 3).await;
    let mut tx = begin(&store).await;
    let rows = tx.guest_rows(tenant(), None, 10).await.expect("read");
    let seen: RoaringTreemap = rows[..2].iter().map(|row| u64::from(row.key)).collect();
    let case = Case::open(
        tenant(),
        rows[2].view.record.guest.id,
        &RuleName::from("inactive"),
        at(1),
        Watched(5),
    );
    tx.open_cases(tenant(), std::slice::from_ref(&case))
        .await
        .expect("opened");
    assert_eq!(
        tx.mark_gone(tenant(), &seen, at(1)).await.expect("marked"),
        1
    );
    assert_eq!(
        tx.mark_gone(tenant(), &seen, at(2)).await.expect("marked"),
        0
    );
    assert_eq!(
        tx.guest_rows(tenant(), None, 10).await.expect("read").len(),
        2
    );
    for (since, many) in [(at(1), 3), (at(2), 2)] {
        let rows = tx.guest_rows_since(tenant(), since, None, 10).await;
        assert_eq!(rows.expect("read").len(), many, "since {since}");
    }
    assert_eq!(
        tx.guest_count(tenant()).await.expect("counted"),
        records.len() as u64 - 1
    );
    assert_eq!(tx.cases_of_gone(tenant()).await.expect("read"), [case]);
    let gone = tx
        .guest_row(tenant(), rows[2].view.record.guest.id)
        .await
        .expect("read")
        .expect("still known");
    assert_eq!(gone.view.record.gone, Some(at(1)));
}

async fn pages_hang_on_each_guest_what_belongs_to_it(store: Store) {
    let records = with_guests(&store, 5).await;
    let ids: Vec<GuestId> = records.iter().map(|record| record.guest.id).collect();
    let mut tx = begin(&store).await;
    tx.save_sponsors(tenant(), &[sponsor("sara"), sponsor("omar")])
        .await
        .expect("kept");
    let links = [
        (ids[1], vec![sponsor("sara").id]),
        (ids[3], vec![sponsor("sara").id, sponsor("omar").id]),
    ];
    assert_eq!(
        tx.set_guest_sponsors(tenant(), &links)
            .await
            .expect("kept")
            .len(),
        2
    );
    tx.set_named_groups(tenant(), &named()).await.expect("kept");
    tx.set_members(
        tenant(),
        group("bridge").id,
        &[ids[2], ids[3], GuestId::derived(&[b"an employee"])],
    )
    .await
    .expect("kept");
    tx.set_roles(tenant(), &[(ids[3], vec!["Global Reader".into()])])
        .await
        .expect("kept");
    let case = Case::open(
        tenant(),
        ids[3],
        &RuleName::from("inactive"),
        at(1),
        Watched(5),
    );
    tx.open_cases(tenant(), std::slice::from_ref(&case))
        .await
        .expect("opened");
    tx.commit().await.expect("a commit");

    let mut tx = store.read().await.expect("a transaction");
    let first = tx.guest_rows(tenant(), None, 2).await.expect("read");
    let mut rows = first.clone();
    rows.extend(
        tx.guest_rows(tenant(), first.last().map(|row| row.key), 10)
            .await
            .expect("read"),
    );
    assert_eq!(rows.len(), 5);
    let of = |id: GuestId| {
        &rows
            .iter()
            .find(|row| row.view.record.guest.id == id)
            .expect("it is there")
            .view
    };
    assert_eq!(of(ids[1]).sponsors, [sponsor("sara")]);
    let mut both = [sponsor("sara"), sponsor("omar")];
    both.sort_by_key(|sponsor| sponsor.id);
    assert_eq!(of(ids[3]).sponsors, both);
    assert_eq!(of(ids[2]).groups, [group("bridge")]);
    assert_eq!(of(ids[3]).roles, ["Global Reader"]);
    assert_eq!(of(ids[3]).cases, [case]);
    assert!(
        of(ids[0]).sponsors.is_empty()
            && of(ids[0]).groups.is_empty()
            && of(ids[0]).cases.is_empty()
    );
    assert_eq!(
        tx.guest_row(tenant(), ids[3])
            .await
            .expect("read")
            .expect("known")
            .view,
        *of(ids[3])
    );
}

async fn sponsors_groups_and_roles_are_exchanged_and_not_added_to(store: Store) {
    let records = with_guests(&store, 2).await;
    let [one, two] = [records[0].guest.id, records[1].guest.id];
    let mut tx = begin(&store).await;
    tx.set_named_groups(tenant(), &named()).await.expect("kept");
    assert_eq!(tx.named_groups(tenant()).await.expect("read"), named());
    tx.save_sponsors(tenant(), &[sponsor("sara"), sponsor("omar")])
        .await
        .expect("kept");
    tx.save_sponsors(
        tenant(),
        &[Sponsor {
            enabled: Some(false),
            ..sponsor("omar")
        }],
    )
    .await
    .expect("kept");
    tx.set_guest_sponsors(tenant(), &[(one, vec![sponsor("sara").id])])
        .await
        .expect("kept");
    tx.set_guest_sponsors(tenant(), &[(one, vec![sponsor("omar").id]), (two, vec![])])
        .await
        .expect("kept");
    tx.set_members(tenant(), group("bridge").id, &[one])
        .await
        .expect("kept");
    tx.set_members(tenant(), group("bridge").id, &[two])
        .await
        .expect("kept");
    tx.set_roles(tenant(), &[(one, vec!["Global Reader".into()])])
        .await
        .expect("kept");
    tx.set_guest_roles(tenant(), one, &[]).await.expect("kept");
    tx.set_owners(tenant(), group("bridge").id, &[sponsor("sara")])
        .await
        .expect("kept");
    tx.set_owners(tenant(), group("bridge").id, &[sponsor("omar")])
        .await
        .expect("kept");
    assert_eq!(
        tx.owners(tenant(), group("bridge").id).await.expect("read"),
        [sponsor("omar")]
    );
    let view = tx
        .guest_row(tenant(), one)
        .await
        .expect("read")
        .expect("known")
        .view;
    assert_eq!(view.sponsors, [sponsor("omar")]);
    assert!(view.groups.is_empty() && view.roles.is_empty());
    tx.set_guest_groups(tenant(), one, &[group("bridge").id, group("unnamed").id])
        .await
        .expect("kept");
    assert_eq!(
        tx.guest_row(tenant(), one)
            .await
            .expect("read")
            .expect("known")
            .view
            .groups,
        [group("bridge")]
    );
    tx.set_guest_groups(tenant(), one, &[]).await.expect("kept");
    assert!(
        tx.guest_row(tenant(), one)
            .await
            .expect("read")
            .expect("known")
            .view
            .groups
            .is_empty()
    );
    tx.set_named_groups(tenant(), &NamedGroups::new())
        .await
        .expect("kept");
    assert!(
        tx.guest_row(tenant(), two)
            .await
            .expect("read")
            .expect("known")
            .view
            .groups
            .is_empty()
    );
}

async fn nothing_crosses_tenants(store: Store) {
    let records = with_guests(&store, 2).await;
    let other = TenantId::derived(&[b"fabrikam"]);
    let mut tx = begin(&store).await;
    let id = records[0].guest.id;
    assert_eq!(tx.guests_by_id(other, &[id]).await.expect("read"), []);
    assert_eq!(tx.guest_rows(other, None, 10).await.expect("read"), []);
    assert_eq!(tx.guest_row(other, id).await.expect("read"), None);
    assert_eq!(
        tx.mark_gone(other, &RoaringTreemap::new(), at(1))
            .await
            .expect("marked"),
        0
    );
    assert_eq!(tx.guest_count(tenant()).await.expect("counted"), 2);
    // Both were first seen at 0.
    for (tenant, day, expected) in [(tenant(), 0, 2), (tenant(), -1, 0), (other, 0, 0)] {
        let seen = tx.guest_count_seen_by(tenant, at(day)).await;
        assert_eq!(seen.expect("counted"), expected);
    }
}

async fn what_is_not_committed_is_not_kept(store: Store) {
    let records = with_guests(&store, 1).await;
    let mut tx = begin(&store).await;
    let rows = tx.guest_rows(tenant(), None, 10).await.expect("read");
    let verdict = StoredVerdict {
        verdict: "wait".into(),
        rule: Some(RuleName::from("inactive")),
    };
    tx.save_verdicts(tenant(), &[(rows[0].key, verdict.clone())])
        .await
        .expect("kept");
    tx.save_guests(tenant(), &[&guest(7)]).await.expect("kept");
    drop(tx);
    let mut tx = begin(&store).await;
    assert_eq!(tx.guest_count(tenant()).await.expect("counted"), 1);
    assert_eq!(
        tx.guest_row(tenant(), records[0].guest.id)
            .await
            .expect("read")
            .expect("known")
            .verdict,
        None
    );
    tx.save_verdicts(tenant(), &[(rows[0].key, verdict.clone())])
        .await
        .expect("kept");
    assert_eq!(
        tx.guest_row(tenant(), records[0].guest.id)
            .await
            .expect("read")
            .expect("known")
            .verdict,
        Some(verdict)
    );
}
