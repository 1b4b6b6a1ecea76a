//! Listings, page by page.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tenant::{DAY, GUESTS, Tenant, text};

#[tokio::test]
async fn paging_shows_every_user_once() {
    let tenant = Tenant::still(230).await;
    let count = tenant.get_eventual("/users/$count").await.ok().body;
    for top in [7, 50, 999] {
        let rows = tenant.all(&format!("/users?$select=id&$top={top}")).await;
        let ids: BTreeSet<String> = rows.iter().map(|row| text(&row["id"])).collect();
        assert_eq!(ids.len(), rows.len(), "{top}: nobody twice");
        assert_eq!(rows.len() as u64, count.as_u64().expect("a number"));
    }
}

#[tokio::test]
async fn a_page_has_a_hundred_rows_unless_it_is_asked_for_more() {
    let tenant = Tenant::still(230).await;
    assert_eq!(tenant.get("/users").await.rows().len(), 100);
    assert_eq!(tenant.get("/users?$top=150").await.rows().len(), 150);
    for top in ["0", "1000", "many"] {
        let answer = tenant.get(&format!("/users?$top={top}")).await;
        assert_eq!(answer.refusal(), (400, "Request_BadRequest"), "{top}");
    }
}

#[tokio::test]
async fn a_page_with_sign_in_activity_has_at_most_five_hundred_rows() {
    let tenant = Tenant::still(700).await;
    let path = format!("/users?{GUESTS}&$select=id,signInActivity&$top=999");
    let answer = tenant.get(&path).await;
    assert_eq!(answer.rows().len(), 500);
    assert!(answer.next().is_some());
    let path = format!("/users?{GUESTS}&$select=id&$top=999");
    assert!(tenant.get(&path).await.rows().len() > 500);
}

#[tokio::test]
async fn a_page_with_sponsors_has_at_most_a_hundred_rows() {
    let tenant = Tenant::still(230).await;
    let answer = tenant
        .get("/users?$select=id&$expand=sponsors($select=id)&$top=999")
        .await;
    assert_eq!(answer.rows().len(), 100);
    assert!(answer.next().is_some());
}

#[tokio::test]
async fn the_count_comes_with_the_first_page_only() {
    let tenant = Tenant::still(30).await;
    let first = tenant
        .get_eventual("/users?$count=true&$select=id&$top=20")
        .await;
    assert!(first.body["@odata.count"].as_u64() > Some(20));
    let next = tenant.get_eventual(first.next().expect("a link")).await;
    assert!(next.body.get("@odata.count").is_none());
}

#[tokio::test]
async fn a_user_deleted_between_two_pages_moves_nobody_else() {
    let tenant = Tenant::still(60).await;
    let path = format!("/users?{GUESTS}&$select=id&$top=20");
    let first = tenant.get(&path).await.ok();
    let expected = tenant.all(&path).await.len();
    let truth = tenant.truth().await;
    let is_privileged = |row: &Value| {
        let mut privileged = truth.iter().filter(|guest| guest["privileged"] == true);
        privileged.any(|guest| guest["id"] == row["id"])
    };
    let victim = first.rows().iter().find(|row| !is_privileged(row));
    let victim = text(&victim.expect("an ordinary guest")["id"]);
    tenant.delete(&format!("/users/{victim}")).await.ok();
    let rest = tenant.all(first.next().expect("a link")).await;
    assert_eq!(first.rows().len() + rest.len(), expected);
}

#[tokio::test]
async fn a_page_token_expires_and_a_made_up_one_is_refused() {
    let mut tenant = Tenant::still(30).await;
    let first = tenant.get("/users?$select=id&$top=20").await.ok();
    let next = first.next().expect("a link");
    tenant.pass(DAY + 1).await;
    tenant.renew().await;
    let answer = tenant.get(next).await;
    assert_eq!(answer.refusal(), (400, "Directory_ExpiredPageToken"));
    let answer = tenant.get("/users?$skiptoken=abc").await;
    assert_eq!(answer.status, 400);
}
