//! Projects that people set.

use innkeeper_domain::group::{Found, Group, Membership, NamedGroups};
use innkeeper_domain::ids::{GroupId, TenantId};
use innkeeper_domain::policy::SetProject;
use innkeeper_store::Store;

use crate::databases::{at, begin, on_both, tenant};

on_both! {
    a_project_is_set_changed_and_removed
    projects_do_not_cross_tenants
    when_a_group_expires_is_kept_with_it
}

fn project(group: &str, ends: &str, day: i64) -> SetProject {
    SetProject {
        group: group.into(),
        ends: ends.parse().expect("a day"),
        by: "olga".into(),
        at: at(day),
    }
}

async fn a_project_is_set_changed_and_removed(store: Store) {
    let mut tx = begin(&store).await;
    for (set, changes) in [
        (project("tunnel", "2027-03-31", 1), true),
        (project("Bridge", "2027-03-31", 1), true),
        (project("tunnel", "2027-03-31", 2), false),
        (project("tunnel", "2027-06-30", 3), true),
    ] {
        assert_eq!(
            tx.save_project(tenant(), &set).await.expect("kept"),
            changes,
            "{set:?}"
        );
    }
    let expected = [
        project("Bridge", "2027-03-31", 1),
        project("tunnel", "2027-06-30", 3),
    ];
    assert_eq!(tx.projects(tenant()).await.expect("read"), expected);
    for removed in [Some(expected[0].clone()), None] {
        let found = tx.remove_project(tenant(), "Bridge").await;
        assert_eq!(found.expect("removed"), removed);
    }
    assert_eq!(tx.projects(tenant()).await.expect("read"), expected[1..]);
}

async fn projects_do_not_cross_tenants(store: Store) {
    let other = TenantId::derived(&[b"fabrikam"]);
    let mut tx = begin(&store).await;
    let set = project("tunnel", "2027-03-31", 1);
    tx.save_project(other, &set).await.expect("kept");
    assert_eq!(tx.projects(tenant()).await.expect("read"), []);
    let removed = tx.remove_project(tenant(), "tunnel").await;
    assert_eq!(removed.expect("read"), None);
    assert_eq!(tx.projects(other).await.expect("read"), [set]);
}

async fn when_a_group_expires_is_kept_with_it(store: Store) {
    let mut tx = begin(&store).await;
    for day in [1, 2] {
        let group = Group {
            id: GroupId::derived(&[b"bridge"]),
            name: "bridge".into(),
            membership: Membership::Assigned,
            expires: Some(at(day)),
        };
        let named = NamedGroups::from([("bridge".to_owned(), Found::One(group))]);
        tx.set_named_groups(tenant(), &named).await.expect("kept");
        assert_eq!(tx.named_groups(tenant()).await.expect("read"), named);
    }
}
