//! Faults of the senses: broken rows, missing rows, lost pages, empty answers.

use serde_json::{Value, json};

use crate::tenant::{Tenant, text};

async fn a_guest(tenant: &Tenant) -> String {
    text(&tenant.guest(json!({})).await["id"])
}

async fn is_deleted(tenant: &Tenant, guest: &str) -> bool {
    !tenant.tell(&format!("truth/{guest}")).await["deleted"].is_null()
}

#[tokio::test]
async fn a_share_of_the_rows_can_be_broken_and_it_is_the_same_share_each_time() {
    let tenant = Tenant::quiet(300).await;
    let path = "/users?$filter=userType eq 'Guest'&$select=id,signInActivity&$top=500";
    let good = tenant.get(path).await;
    tenant
        .fault(json!({ "kind": "sign_in_activity", "encoding": "null", "rows": 0.25 }))
        .await;
    let broken = tenant.get(path).await;
    let hit = |row: &&Value| row.get("signInActivity") == Some(&Value::Null);
    let hits = broken.rows().iter().filter(hit).count();
    assert!((40..120).contains(&hits), "{hits} of {}", good.rows().len());
    assert_eq!(tenant.get(path).await.body["value"], broken.body["value"]);
    let single = broken.rows().iter().find(hit).unwrap();
    let path = format!("/users/{}?$select=id,signInActivity", text(&single["id"]));
    assert_eq!(
        tenant.get(&path).await.body["signInActivity"],
        Value::Null,
        "also read singly"
    );
}

#[tokio::test]
async fn rows_can_be_missing_while_the_count_is_right() {
    let tenant = Tenant::quiet(300).await;
    let path = "/users?$filter=userType eq 'Guest'&$select=id&$top=999&$count=true";
    let whole = tenant.get_eventual(path).await;
    tenant
        .fault(json!({ "kind": "missing_rows", "rows": 0.2 }))
        .await;
    let gappy = tenant.get_eventual(path).await;
    assert_eq!(gappy.body["@odata.count"], whole.body["@odata.count"]);
    assert!(gappy.rows().len() < whole.rows().len());
    assert!(gappy.rows().iter().all(|row| whole.rows().contains(row)));
}

#[tokio::test]
async fn a_gateway_answers_with_a_page_or_with_nothing() {
    let tenant = Tenant::quiet(20).await;
    for (status, empty) in [(500, false), (502, true), (504, false)] {
        tenant
            .fault(json!({ "kind": "server_error", "status": status, "empty": empty, "next": 1 }))
            .await;
        let answer = tenant.get("/users").await;
        assert_eq!(answer.status, status);
        assert_eq!((answer.body == Value::Null), empty);
        assert!(answer.body.is_null() || answer.body.is_string(), "no JSON");
    }
    let guest = a_guest(&tenant).await;
    tenant
        .fault(json!({ "kind": "server_error", "status": 504, "after_effect": true, "next": 1 }))
        .await;
    assert_eq!(tenant.delete(&format!("/users/{guest}")).await.status, 504);
    assert!(is_deleted(&tenant, &guest).await);
}

#[tokio::test]
async fn the_licence_seems_to_be_missing_now_and_then() {
    let tenant = Tenant::quiet(20).await;
    tenant.fault(json!({ "kind": "premium", "next": 1 })).await;
    assert_eq!(tenant.get("/users?$select=id").await.status, 200);
    let answer = tenant.get("/users?$select=id,signInActivity").await;
    assert_eq!(
        (answer.status, answer.code()),
        (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    );
    assert_eq!(
        tenant.get("/users?$select=id,signInActivity").await.status,
        200
    );
    assert_eq!(
        tenant.get("/organization").await.rows()[0]["assignedPlans"][0]["capabilityStatus"],
        "Enabled"
    );
}

#[tokio::test]
async fn conflicts_and_lost_pages_come_on_demand() {
    let tenant = Tenant::quiet(150).await;
    let guest = a_guest(&tenant).await;
    tenant
        .fault(json!({ "kind": "concurrency", "next": 1, "method": "DELETE" }))
        .await;
    let answer = tenant.delete(&format!("/users/{guest}")).await;
    assert_eq!(
        (answer.status, answer.code()),
        (409, "Directory_ConcurrencyViolation")
    );
    assert!(!is_deleted(&tenant, &guest).await);
    tenant
        .fault(json!({ "kind": "expired_page", "next": 1 }))
        .await;
    let first = tenant.get("/users?$top=100").await;
    assert_eq!(first.status, 200, "a first page has no token");
    let answer = tenant.get(first.next().unwrap()).await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "Directory_ExpiredPageToken")
    );
}
