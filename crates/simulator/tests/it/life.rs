//! The tenant goes on living, in the same way however the clock gets there.

use innkeeper_simulator::Options;
use serde_json::{Value, json};

use crate::tenant::{DAY, GUESTS, Tenant};

#[tokio::test]
async fn a_month_at_once_is_thirty_days_one_by_one() {
    let (leaps, walks) = (Tenant::alive(150).await, Tenant::alive(150).await);
    assert_eq!(leaps.truth().await, walks.truth().await);
    let before = leaps.truth().await;
    leaps.pass(30 * DAY).await;
    for _ in 0..30 {
        walks.pass(DAY).await;
        walks.truth().await;
    }
    let after = leaps.truth().await;
    assert_eq!(after, walks.truth().await);
    assert_ne!(before, after, "a month leaves traces");
    assert!(after.len() > before.len(), "somebody was invited");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_tenant_and_another_one_another() {
    let seeded = |seed: u64| {
        Tenant::with(100, move |options: &mut Options| {
            options.population.seed = seed;
        })
    };
    let (one, same, other) = (seeded(3).await, seeded(3).await, seeded(4).await);
    for tenant in [&one, &same, &other] {
        tenant.pass(45 * DAY).await;
    }
    assert_eq!(one.truth().await, same.truth().await);
    assert_eq!(one.tell("projects").await, same.tell("projects").await);
    assert_eq!(one.tell("info").await, same.tell("info").await);
    assert_ne!(one.truth().await, other.truth().await);
}

#[tokio::test]
async fn a_still_tenant_only_gets_older() {
    let tenant = Tenant::still(100).await;
    let undated = |mut truth: Vec<Value>| {
        // Being purged is a matter of time, not of life.
        truth.retain(|guest| guest["deleted"].is_null());
        truth
    };
    let before = undated(tenant.truth().await);
    tenant.pass(60 * DAY).await;
    assert_eq!(undated(tenant.truth().await), before);
}

const SELECT: &str = "id,mail,userPrincipalName,userType,accountEnabled,createdDateTime,creationType,\
externalUserState,externalUserStateChangeDateTime,onPremisesSyncEnabled,signInActivity";

/// What the wire must show of a guest, by what is true.
fn assert_agrees(row: &Value, truth: &Value) {
    for (property, fact) in [
        ("mail", "mail"),
        ("userPrincipalName", "upn"),
        ("userType", "user_type"),
        ("accountEnabled", "enabled"),
        ("createdDateTime", "created"),
        ("creationType", "creation_type"),
        ("externalUserState", "external_state"),
        ("externalUserStateChangeDateTime", "external_state_changed"),
        ("onPremisesSyncEnabled", "synced"),
    ] {
        assert_eq!(row[property], truth[fact], "{property} of {truth}");
    }
    let activity = &row["signInActivity"];
    for (property, fact) in [
        ("lastSuccessfulSignInDateTime", "last_success"),
        ("lastSignInDateTime", "last_interactive"),
        ("lastNonInteractiveSignInDateTime", "last_non_interactive"),
    ] {
        assert_eq!(activity[property], truth[fact], "{property} of {truth}");
    }
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list.as_array().expect("a list").iter();
    let mut ids: Vec<&str> = items.filter_map(|item| item["id"].as_str()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn the_truth_agrees_with_the_wire_about_every_guest() {
    let mut tenant = Tenant::with(250, |options| options.throttling = false).await;
    tenant.pass(40 * DAY).await;
    tenant.renew().await;
    let mut truth = tenant.truth().await;
    truth.retain(|guest| guest["deleted"].is_null() && guest["user_type"] == "Guest");
    let path = format!("/users?{GUESTS}&$select={SELECT}&$top=60");
    let rows = tenant.all(&path).await;
    assert_eq!(rows.len(), truth.len());
    for (row, truth) in rows.iter().zip(&truth) {
        assert_eq!(row["id"], truth["id"]);
        assert_agrees(row, truth);
    }

    let path = format!("/users?{GUESTS}&$select=id&$expand=sponsors($select=id)");
    for (row, truth) in tenant.all(&path).await.iter().zip(&truth) {
        let mut known = truth["sponsors"].clone();
        let known = known.as_array_mut().expect("a list");
        known.retain(|sponsor| sponsor["deleted"] == false);
        assert_eq!(ids(&row["sponsors"]), ids(&json!(known)), "{truth}");
    }
    for truth in truth.iter().step_by(10) {
        let id = truth["id"].as_str().expect("an id");
        let path = format!("/users/{id}/memberOf?$select=id");
        let mut groups = tenant.all(&path).await;
        groups.retain(|group| group["@odata.type"] == "#microsoft.graph.group");
        assert_eq!(ids(&json!(groups)), ids(&truth["groups"]), "{truth}");
    }
}

#[tokio::test]
async fn the_truth_agrees_with_the_wire_about_the_deleted() {
    let tenant = Tenant::still(800).await;
    let mut truth = tenant.truth().await;
    truth.retain(|guest| !guest["deleted"].is_null() && guest["purged"] == false);
    assert!(!truth.is_empty());
    let path = "/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime,userType";
    let mut rows = tenant.all(path).await;
    let known = json!(truth);
    rows.retain(|row| ids(&known).contains(&row["id"].as_str().expect("an id")));
    assert_eq!(rows.len(), truth.len());
    for (row, truth) in rows.iter().zip(&truth) {
        assert_eq!(row["deletedDateTime"], truth["deleted"]);
    }
}
