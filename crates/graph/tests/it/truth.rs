//! What is read of the simulated tenant, compared with what the simulator knows to be true.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_domain::group::{Found, Membership};
use innkeeper_domain::guest::Guest;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_graph::{Depth, GraphError, Reread};
use serde_json::{Value, json};

use crate::simulated::{Simulated, id, text, time};
use crate::tenant::{all, guest_id};

/// Kind, whether enabled, whether a guest: of each sponsor who is there.
type Answerable = BTreeMap<SponsorId, (SponsorKind, Option<bool>, bool)>;

fn true_sponsors(row: &Value) -> Answerable {
    let sponsors = row["sponsors"].as_array().expect("a list").iter();
    sponsors
        .filter(|sponsor| sponsor["deleted"] == false)
        .map(|sponsor| {
            let is_group = sponsor["kind"] == "group";
            let kind = if is_group {
                SponsorKind::Group
            } else {
                SponsorKind::User
            };
            let enabled = if is_group {
                Some(true)
            } else {
                sponsor["enabled"].as_bool()
            };
            let is_guest = sponsor["user_type"] == "Guest";
            (id(&sponsor["id"]), (kind, enabled, is_guest))
        })
        .collect()
}

fn read_sponsors(sponsors: &[Sponsor]) -> Answerable {
    let read = sponsors.iter();
    read.map(|of| (of.id, (of.kind, of.enabled, of.is_guest)))
        .collect()
}

#[track_caller]
fn assert_true(guest: &Guest, row: &Value) {
    let Guest {
        id: _,
        upn,
        mail,
        display_name: _,
        user_type: _,
        enabled,
        created,
        invitation: _,
        on_premises_sync,
        management_restricted,
        company: _,
        creation_type,
        external,
        attribute,
        sign_ins,
    } = guest;
    assert_eq!(Some(upn.clone()), text(&row["upn"]));
    assert_eq!(*mail, text(&row["mail"]), "{row}");
    assert_eq!(*enabled, row["enabled"].as_bool(), "{row}");
    assert_eq!(*creation_type, text(&row["creation_type"]), "{row}");
    assert_eq!((*external, attribute), (Some(upn.contains("#EXT#")), &None));
    assert_eq!(*management_restricted, row["restricted"].as_bool());
    assert_eq!(*on_premises_sync, row["synced"].as_bool(), "{row}");
    assert_eq!(*created, time(&row["created"]), "{row}");
    assert_eq!(sign_ins.successful, time(&row["last_success"]), "{row}");
    assert_eq!(
        sign_ins.interactive,
        time(&row["last_interactive"]),
        "{row}"
    );
    assert_eq!(
        sign_ins.non_interactive,
        time(&row["last_non_interactive"]),
        "{row}"
    );
}

#[tokio::test]
async fn every_guest_is_read_once_with_its_true_times() {
    let tenant = Simulated::start().await;
    let mut live = tenant.live().await;
    let count = tenant.reader().guest_count().await.expect("a count");
    assert_eq!(usize::try_from(count), Ok(live.len()));
    for page in all(tenant.reader().guests()).await.expect("the guests") {
        assert_eq!(page.unreadable, []);
        for guest in page.guests {
            let row = live.remove(&guest.id).expect("a guest, and only once");
            assert_true(&guest, &row);
        }
    }
    assert!(live.is_empty(), "{live:?}");
}

#[tokio::test]
async fn every_guest_is_read_with_its_true_sponsors() {
    let tenant = Simulated::start().await;
    let mut live = tenant.live().await;
    let mut found = 0;
    let mut told = BTreeMap::new();
    for page in all(tenant.reader().sponsors(7))
        .await
        .expect("the sponsors")
    {
        told.extend(page.sponsors.into_iter().map(|it| (it.id, it)));
        for (guest, sponsors) in page.guests {
            let row = live.remove(&guest).expect("a guest, and only once");
            let of = |id| told.get(id).cloned().expect("told of by then");
            let sponsors: Vec<Sponsor> = sponsors.iter().map(of).collect();
            assert_eq!(read_sponsors(&sponsors), true_sponsors(&row), "{row}");
            found += sponsors.len();
        }
    }
    assert!(live.is_empty(), "{live:?}");
    assert!(found > 0, "somebody has a sponsor");
}

#[tokio::test]
async fn a_fresh_look_tells_the_present_the_deleted_and_the_absent_apart() {
    let tenant = Simulated::start().await;
    let live = tenant.live().await;
    let deleted = *live.keys().next_back().expect("a guest");
    tenant
        .writer()
        .await
        .delete(deleted)
        .await
        .expect("it is deleted");
    let absent = guest_id("nobody");
    // More than fit into one request, in no order.
    let mut ids: Vec<GuestId> = live.keys().copied().take(40).collect();
    ids.insert(3, deleted);
    ids.insert(20, absent);
    ids.reverse();
    let looks = tenant
        .reader()
        .reread(&ids, Depth::Whole)
        .await
        .expect("a look");
    let order: Vec<GuestId> = looks.iter().map(Reread::guest_id).collect();
    assert_eq!(order, ids);
    for look in looks {
        match look {
            Reread::Present {
                guest,
                sponsors,
                groups,
                roles,
            } => {
                let row = &live[&guest.id];
                assert_true(&guest, row);
                assert_eq!(read_sponsors(&sponsors), true_sponsors(row), "{row}");
                let of = row["groups"].as_array().expect("a list").iter();
                let expected: BTreeSet<GroupId> = of.map(|group| id(&group["id"])).collect();
                assert_eq!(
                    groups.into_iter().collect::<BTreeSet<_>>(),
                    expected,
                    "{row}"
                );
                assert!(roles.is_empty() || row["privileged"] == true, "{row}");
            }
            Reread::Deleted(id) => assert_eq!(id, deleted),
            Reread::Absent(id) => assert_eq!(id, absent),
        }
    }
}

#[tokio::test]
async fn who_holds_a_role_is_seen_by_listing_and_by_a_fresh_look() {
    let tenant = Simulated::start().await;
    let live = tenant.live().await;
    let mut ids = live.keys().copied();
    let (direct, plain) = (ids.next().expect("a guest"), ids.next().expect("a guest"));
    let member = ids.next().expect("a guest");
    let admins =
        json!({ "name": "Admins of guests", "kind": "role-assignable", "members": [member] });
    tenant.post("groups", &admins).await;
    let body = json!({ "roles": ["Guest Inviter"] });
    tenant.patch(&format!("users/{direct}"), &body).await;
    let holders = tenant.reader().role_holders().await.expect("the holders");
    let of = |id: GuestId| -> Vec<&str> {
        let held = holders.iter().filter(|(holder, _)| *holder == id);
        held.map(|(_, role)| role.as_str()).collect()
    };
    assert_eq!(of(direct), ["Guest Inviter"]);
    assert_eq!(
        of(member),
        ["of the role-assignable group Admins of guests"]
    );
    assert!(of(plain).is_empty() || live[&plain]["privileged"] == true);
    for look in tenant
        .reader()
        .reread(&[direct, member], Depth::Whole)
        .await
        .expect("a look")
    {
        let Reread::Present { guest, roles, .. } = look else {
            panic!("{look:?}");
        };
        assert_eq!(roles, of(guest.id));
    }
}

#[tokio::test]
async fn a_group_is_found_by_its_id_or_by_exactly_its_name() {
    let tenant = Simulated::start().await;
    let bridge = tenant.group("O'Hara Bridge & Co", &[], &[]).await;
    tenant.group("o'hara bridge & co", &[], &[]).await;
    tenant.group("Twins", &[], &[]).await;
    tenant.group("Twins", &[], &[]).await;
    let reader = tenant.reader();
    for key in [bridge.to_string(), "O'Hara Bridge & Co".to_owned()] {
        let found = reader.find_group(&key).await.expect("an answer");
        let group = found.group().expect("one group");
        assert_eq!((group.id, group.membership), (bridge, Membership::Assigned));
    }
    let absent = guest_id("nobody").to_string();
    for key in ["O'HARA BRIDGE & CO", "Nothing", &absent] {
        assert_eq!(
            reader.find_group(key).await.expect("an answer"),
            Found::Missing,
            "{key}"
        );
    }
    assert_eq!(
        reader.find_group("Twins").await.expect("an answer"),
        Found::Ambiguous
    );
}

#[tokio::test]
async fn members_and_owners_of_a_group_are_read_whole() {
    let tenant = Simulated::start().await;
    let guests: Vec<GuestId> = tenant.live().await.into_keys().collect();
    let owners = &guests[..2];
    let bridge = tenant.group("Bridge", &guests, owners).await;
    let empty = tenant.group("Empty", &[], &[]).await;
    let reader = tenant.reader();
    let mut members = all(reader.members(bridge))
        .await
        .expect("the members")
        .concat();
    members.sort();
    assert_eq!(members, guests);
    let read = reader.owners(bridge).await.expect("the owners");
    let ids: Vec<GuestId> = read.iter().map(|owner| GuestId(owner.id.0)).collect();
    assert_eq!(ids, owners);
    assert!(
        read.iter()
            .all(|owner| owner.is_guest && owner.enabled.is_some())
    );
    assert_eq!(
        all(reader.members(empty))
            .await
            .expect("the members")
            .concat(),
        []
    );
    assert_eq!(reader.owners(empty).await.expect("the owners"), []);
    let error = all(reader.members(guest_id("nobody").0.into()))
        .await
        .unwrap_err();
    assert!(matches!(error, GraphError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn sponsors_read_in_parts_or_guest_by_guest_are_those_of_one_chain() {
    let simulated = Simulated::start().await;
    let reader = simulated.reader();
    let sorted = |pages: Vec<innkeeper_graph::SponsorPage>| {
        let (mut sponsors, mut guests) = (BTreeMap::new(), BTreeMap::new());
        for page in pages {
            sponsors.extend(page.sponsors.into_iter().map(|it| (it.id, it)));
            for (guest, of) in page.guests {
                let told = of.iter().all(|id| sponsors.contains_key(id));
                assert!(told, "a sponsor is told of before it is named");
                guests.insert(guest, of);
            }
        }
        (sponsors, guests)
    };
    let one = sorted(all(reader.sponsors(7)).await.expect("one chain"));
    let parts = sorted(all(reader.sponsors(1_000_000)).await.expect("parts"));
    assert!(one.1.len() > 200);
    assert_eq!(one, parts);
    let mut ids: Vec<GuestId> = one.1.keys().copied().collect();
    ids.insert(30, guest_id("nobody"));
    let each = all(reader.sponsors_of_each(&ids)).await.expect("each");
    assert_eq!(one, sorted(each), "who is not there is left out");
}
