//! The sign-in log, and the sign-in activity that follows it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::tenant::{DAY, Tenant, days_ago, start, text, written};

fn times(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .map(|row| text(&row["createdDateTime"]))
        .collect()
}

async fn sign_in(tenant: &Tenant, id: &str, success: bool) {
    let body = json!({ "success": success });
    tenant
        .drive("POST", &format!("users/{id}/sign-in"), body)
        .await;
}

async fn log_of(tenant: &Tenant, id: &str) -> Vec<Value> {
    let path = format!("/auditLogs/signIns?$filter=userId eq '{id}'");
    tenant.all(&path).await
}

/// A tenant with a month of sign-ins behind it, and no limits in the way of reading them.
async fn busy() -> Tenant {
    Tenant::with(120, |options| {
        options.population.life = false;
        options.throttling = false;
    })
    .await
}

#[tokio::test]
async fn the_newest_sign_in_comes_first_and_paging_shows_each_once() {
    let tenant = busy().await;
    let whole = tenant.all("/auditLogs/signIns").await;
    assert!(whole.len() > 200, "{}", whole.len());
    assert!(times(&whole).is_sorted_by(|later, earlier| later >= earlier));
    let paged = tenant.all("/auditLogs/signIns?$top=37").await;
    assert_eq!(paged, whole);
    let ids: BTreeSet<String> = whole.iter().map(|row| text(&row["id"])).collect();
    assert_eq!(ids.len(), whole.len());
    let oldest = times(&whole).pop().expect("one");
    assert!(
        oldest >= days_ago(30),
        "{oldest} is kept no longer than a month"
    );
}

#[tokio::test]
async fn a_sign_in_has_seven_digits_and_none_of_the_beta_properties() {
    let tenant = busy().await;
    let page = tenant.get("/auditLogs/signIns?$top=1").await.ok();
    let row = &page.rows()[0];
    let time = text(&row["createdDateTime"]);
    assert_eq!(time.len(), "2027-01-04T06:00:00.1234567Z".len(), "{time}");
    for beta in ["userType", "signInEventTypes", "crossTenantAccessType"] {
        assert!(row.get(beta).is_none());
    }
    assert_eq!(row["isInteractive"], true);
}

#[tokio::test]
async fn the_log_is_filtered_by_time_and_by_user() {
    let tenant = busy().await;
    let whole = tenant.all("/auditLogs/signIns").await;
    let (from, to) = (days_ago(20), days_ago(10));
    let filter = format!("createdDateTime ge {from} and createdDateTime le {to}");
    let path = format!("/auditLogs/signIns?$filter={filter}&$top=20");
    let found = times(&tenant.all(&path).await);
    let expected: Vec<String> = times(&whole)
        .into_iter()
        .filter(|time| *time >= from && *time <= to)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);

    let user = text(&whole[0]["userId"]);
    let expected: Vec<Value> = whole
        .iter()
        .filter(|row| row["userId"] == user.as_str())
        .cloned()
        .collect();
    assert_eq!(log_of(&tenant, &user).await, expected);
    let answer = tenant
        .get("/auditLogs/signIns?$filter=userType eq 'guest'")
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_disabled_account_that_is_tried_logs_50057_and_no_success() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    sign_in(&tenant, &id, true).await;
    tenant.pass(60).await;
    sign_in(&tenant, &id, false).await;
    tenant.pass(60).await;
    let disable = json!({ "accountEnabled": false });
    tenant.patch(&format!("/users/{id}"), disable).await.ok();
    sign_in(&tenant, &id, true).await;
    let log = log_of(&tenant, &id).await;
    let errors: Vec<&Value> = log.iter().map(|row| &row["status"]["errorCode"]).collect();
    assert_eq!(errors, [50057, 50126, 0]);
    let path = format!("/users/{id}?$select=signInActivity");
    let activity = tenant.get(&path).await.body["signInActivity"].clone();
    let last = written(start() + TimeDelta::seconds(120));
    assert_eq!(
        activity["lastSignInDateTime"], last,
        "an attempt counts here"
    );
    assert_eq!(activity["lastSuccessfulSignInDateTime"], written(start()));
}

#[tokio::test]
async fn sign_in_activity_lags_behind_the_log_when_told_to() {
    let mut tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    tenant
        .drive("PUT", "sign-in-lag", json!({ "seconds": DAY }))
        .await;
    sign_in(&tenant, &id, true).await;
    assert_eq!(log_of(&tenant, &id).await.len(), 1);
    let path = format!("/users/{id}?$select=signInActivity");
    let property = "lastSuccessfulSignInDateTime";
    let activity = tenant.get(&path).await.body["signInActivity"].clone();
    assert_eq!(activity[property], days_ago(10));
    tenant.pass(DAY).await;
    tenant.renew().await;
    let activity = tenant.get(&path).await.body["signInActivity"].clone();
    assert_eq!(activity[property], written(start()));
}
