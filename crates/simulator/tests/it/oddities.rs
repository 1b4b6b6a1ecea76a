//! Faults that leave an answer standing and make it odd: pages, times, errors, replicas, pace.

use std::time::Instant;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{DAY, GUESTS, Tenant, start, text};

const ACTIVITY: &str = "/users?$select=id,signInActivity";

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["id"])).collect()
}

#[tokio::test]
async fn activity_cap_refuses_more_than_a_hundred_and_twenty() {
    let tenant = Tenant::still(3).await;
    tenant.fault(json!({ "kind": "activity_cap" })).await;
    let answer = tenant.get(&format!("{ACTIVITY}&$top=121")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.message(),
        "Cannot query data for more than 120 users at a time."
    );
    tenant.get(&format!("{ACTIVITY}&$top=120")).await.ok();
    tenant.get("/users?$select=id&$top=500").await.ok();
}

#[tokio::test]
async fn an_expansion_is_refused_or_left_out_and_other_listings_are_not() {
    let tenant = Tenant::still(3).await;
    let expanding = "/users?$filter=userType eq 'Guest'&$select=id&$expand=sponsors";
    let has_sponsors = |rows: &[Value]| rows.iter().any(|row| row.get("sponsors").is_some());
    assert!(has_sponsors(tenant.get(expanding).await.ok().rows()));
    let refused = json!({ "kind": "expand_refused", "next": 1 });
    tenant.fault(refused).await;
    tenant.get("/users?$select=id").await.ok();
    assert_eq!(tenant.get(expanding).await.status, 400);
    tenant.fault(json!({ "kind": "expand_ignored" })).await;
    let answer = tenant.get(expanding).await.ok();
    assert!(!answer.rows().is_empty() && !has_sponsors(answer.rows()));
}

#[tokio::test]
async fn a_fault_can_be_kept_for_those_who_lack_a_permission() {
    let mut tenant = Tenant::with(3, |options| options.throttling = false).await;
    let premium = json!({ "kind": "premium", "without_role": "Directory.Read.All", "share": 0.5 });
    tenant.fault(premium).await;
    let statuses = async |tenant: &Tenant| {
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(tenant.get(ACTIVITY).await.status);
        }
        statuses
    };
    assert_eq!(statuses(&tenant).await, [200; 20]);
    tenant.permit(&["User.Read.All", "AuditLog.Read.All"]).await;
    let now_and_then = statuses(&tenant).await;
    assert!(now_and_then.contains(&403) && now_and_then.contains(&200));
}

#[tokio::test]
async fn retried_page_loses_the_link_that_a_retried_request_was_given() {
    let tenant = Tenant::still(60).await;
    tenant.fault(json!({ "kind": "retried_page" })).await;
    let path = format!("/users?{GUESTS}&$select=id&$top=20");
    let first = tenant.get(&path).await.ok();
    let second = first.next().expect("a link");
    let outage = json!({ "kind": "unavailable", "next": 1 });
    tenant.fault(outage.clone()).await;
    assert_eq!(tenant.get(second).await.status, 503);
    let retried = tenant.get(second).await.ok();
    let third = retried.next().expect("a link");
    let answer = tenant.get(third).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .message()
            .starts_with("DirectoryPageTokenNotFoundException")
    );

    // The last link that came without a retry leads on.
    let again = tenant.get(second).await.ok();
    tenant.get(again.next().expect("a link")).await.ok();
    // And so does a link after a connection that broke, once the listing begins anew.
    tenant.fault(json!({ "kind": "drop", "next": 1 })).await;
    let broken = tenant.attempt(Method::GET, &path, None).await;
    broken.expect_err("no answer");
    let retried = tenant.get(&path).await.ok();
    assert_eq!(
        tenant.get(retried.next().expect("a link")).await.status,
        400
    );
    assert_eq!(tenant.all(&path).await.len(), tenant.all(&path).await.len());
}

#[tokio::test]
async fn empty_page_has_a_link_all_the_same() {
    let tenant = Tenant::still(60).await;
    let path = format!("/users?{GUESTS}&$select=id&$top=20");
    let all = tenant.all(&path).await;
    for skip in [0, 1, 2] {
        tenant
            .fault(json!({ "kind": "empty_page", "skip": skip, "next": 1 }))
            .await;
        assert_eq!(tenant.all(&path).await, all, "after {skip}");
        tenant.drive("DELETE", "faults", Value::Null).await;
    }
    tenant
        .fault(json!({ "kind": "empty_page", "next": 1 }))
        .await;
    let answer = tenant.get(&path).await.ok();
    assert_eq!(answer.rows(), [] as [Value; 0]);
    assert!(answer.next().is_some());
}

#[tokio::test]
async fn empty_page_befalls_delta_queries_too() {
    let tenant = Tenant::still(3).await;
    tenant
        .fault(json!({ "kind": "empty_page", "next": 1 }))
        .await;
    let answer = tenant.get("/users/delta?$select=id").await.ok();
    assert_eq!(answer.rows(), [] as [Value; 0]);
    assert!(answer.body.get("@odata.deltaLink").is_none());
    let answer = tenant.get(answer.next().expect("a link")).await.ok();
    assert!(!answer.rows().is_empty());
    assert!(answer.body.get("@odata.deltaLink").is_some());
}

#[tokio::test]
async fn rows_come_twice_and_in_another_order() {
    let tenant = Tenant::still(60).await;
    let right = ids(tenant.get("/users?$select=id").await.ok().rows());
    let reordered = json!({ "kind": "reordered_rows", "next": 1 });
    tenant.fault(reordered).await;
    let mut shuffled = ids(tenant.get("/users?$select=id").await.ok().rows());
    assert_ne!(shuffled, right);
    shuffled.sort();
    let mut sorted = right.clone();
    sorted.sort();
    assert_eq!(shuffled, sorted);

    let duplicate = json!({ "kind": "duplicate_rows", "rows": 0.5, "next": 1 });
    tenant.fault(duplicate).await;
    let mut twice = ids(tenant.get("/users?$select=id").await.ok().rows());
    assert!(twice.len() > right.len() && twice.len() < 2 * right.len());
    twice.dedup();
    assert_eq!(twice, right);
}

#[tokio::test]
async fn errors_are_written_in_every_way() {
    let tenant = Tenant::still(3).await;
    let missing = "/users/00000000-0000-0000-0000-00000000dead";
    let refused = async |shape: &str| {
        tenant
            .fault(json!({ "kind": "error_shape", "shape": shape, "next": 1 }))
            .await;
        let answer = tenant.get(missing).await;
        assert_eq!(answer.status, 404, "{shape}");
        answer
    };
    assert_eq!(refused("empty_code").await.code(), "");
    assert_eq!(refused("status").await.code(), "404");
    assert_eq!(refused("unknown_error").await.code(), "UnknownError");
    let wrapped = refused("json_message").await;
    assert_eq!(wrapped.code(), "UnknownError");
    let inside: Value = serde_json::from_str(wrapped.message()).expect("JSON in a text");
    assert_eq!(inside["error"]["code"], "Request_ResourceNotFound");
    let lower = refused("lower_case").await.body;
    assert!(lower["error"]["innererror"]["request-id"].is_string());
    assert!(lower["error"].get("innerError").is_none());
    assert_eq!(tenant.get(missing).await.code(), "Request_ResourceNotFound");
    tenant.fault(json!({ "kind": "error_shape" })).await;
    tenant.get("/users").await.ok();
}

#[tokio::test]
async fn the_page_token_of_a_log_expires_without_a_code() {
    let tenant = Tenant::alive(60).await;
    let first = tenant.get("/auditLogs/signIns?$top=1").await.ok();
    tenant
        .fault(json!({ "kind": "expired_page", "next": 1 }))
        .await;
    let answer = tenant.get(first.next().expect("a link")).await;
    assert_eq!(answer.refusal(), (400, ""));
    assert!(answer.message().starts_with("Token not found"));
}

#[tokio::test]
async fn times_have_up_to_seven_digits() {
    let tenant = Tenant::with(3, |options| options.throttling = false).await;
    let id = tenant.add_guest("ann").await;
    let path = format!("/users/{id}?$select=createdDateTime,deletedDateTime,signInActivity");
    let whole = tenant.get(&path).await.ok().body;
    let created = text(&whole["createdDateTime"]);
    let created = created.trim_end_matches('Z');
    for digits in 0..=7 {
        let fault = json!({ "kind": "fractions", "digits": digits, "next": 1 });
        tenant.fault(fault).await;
        let body = tenant.get(&path).await.ok().body;
        let fraction = match digits {
            0 => String::new(),
            digits => format!(".{}", &"1234567"[..digits]),
        };
        assert_eq!(body["createdDateTime"], format!("{created}{fraction}Z"));
        let last = text(&body["signInActivity"]["lastSuccessfulSignInDateTime"]);
        assert!(last.ends_with(&format!("{fraction}Z")), "{last}");
        assert_eq!(body["deletedDateTime"], Value::Null);
    }
}

#[tokio::test]
async fn a_stale_read_shows_what_was_before_the_last_write() {
    let tenant = Tenant::still(0).await;
    tenant
        .fault(json!({ "kind": "stale_read", "path": "/users", "share": 0.0 }))
        .await;
    let id = tenant.add_guest("ann").await;
    let path = format!("/users/{id}?$select=accountEnabled");
    let disable = json!({ "accountEnabled": false });
    tenant.patch(&format!("/users/{id}"), &disable).await.ok();
    assert_eq!(tenant.get(&path).await.body["accountEnabled"], false);
    let stale = json!({ "kind": "stale_read", "next": 1 });
    tenant.fault(stale.clone()).await;
    assert_eq!(tenant.get(&path).await.body["accountEnabled"], true);
    assert_eq!(tenant.get(&path).await.body["accountEnabled"], false);
    assert_eq!(tenant.truth_of(&id).await["enabled"], false);

    // Deleted, and still there; restored, and still gone.
    tenant.delete(&format!("/users/{id}")).await.ok();
    tenant.fault(stale.clone()).await;
    assert_eq!(tenant.get(&path).await.status, 200);
    assert_eq!(tenant.get(&path).await.status, 404);
    let restore = format!("/directory/deletedItems/{id}/restore");
    tenant.post(&restore, json!({})).await.ok();
    tenant.fault(stale).await;
    assert_eq!(tenant.get(&path).await.status, 404);
    assert_eq!(tenant.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_stale_read_shows_the_members_of_before() {
    let tenant = Tenant::still(0).await;
    let (ann, bob) = (tenant.add_guest("ann").await, tenant.add_guest("bob").await);
    let group = tenant.add_group("security", &ann).await;
    tenant
        .fault(json!({ "kind": "stale_read", "path": "/never" }))
        .await;
    let members = format!("/groups/{group}/members");
    tenant.delete(&format!("{members}/{ann}/$ref")).await.ok();
    let link = format!("https://graph.microsoft.com/v1.0/directoryObjects/{bob}");
    tenant
        .post(&format!("{members}/$ref"), json!({ "@odata.id": link }))
        .await
        .ok();
    tenant
        .fault(json!({ "kind": "stale_read", "next": 1 }))
        .await;
    assert_eq!(ids(tenant.get(&members).await.ok().rows()), [ann]);
    assert_eq!(ids(tenant.get(&members).await.ok().rows()), [bob]);
}

#[tokio::test]
async fn throttled_batch_answers_424_for_the_whole() {
    let tenant = Tenant::still(3).await;
    tenant.fault(json!({ "kind": "throttled_batch" })).await;
    let item = |id: &str| json!({ "id": id, "method": "GET", "url": "/users?$select=id" });
    let batch = json!({ "requests": [item("1"), item("2")] });
    assert_eq!(tenant.post("/$batch", &batch).await.status, 200);
    let throttle = json!({ "kind": "throttle", "path": "/users", "retry_after": "1", "next": 1 });
    tenant.fault(throttle).await;
    let answer = tenant.post("/$batch", &batch).await;
    assert_eq!(answer.status, 424);
    let responses = answer.body["responses"].as_array().expect("a list");
    let mut statuses: Vec<&Value> = responses.iter().map(|one| &one["status"]).collect();
    statuses.sort_by_key(ToString::to_string);
    assert_eq!(statuses, [200, 429]);
}

#[tokio::test]
async fn the_date_of_an_answer_can_be_off() {
    let tenant = Tenant::still(3).await;
    let date = async || {
        let answer = tenant.get("/users?$select=id").await.ok();
        let date = answer.header("date").expect("a date").to_owned();
        DateTime::parse_from_rfc2822(&date)
            .expect("a date")
            .to_utc()
    };
    assert_eq!(date().await, start());
    for seconds in [DAY, -300, 0] {
        tenant
            .drive("PUT", "date-skew", json!({ "seconds": seconds }))
            .await;
        let skew: DateTime<Utc> = start() + chrono::TimeDelta::seconds(seconds);
        assert_eq!(date().await, skew);
    }
    let answer = tenant.try_drive("PUT", "date-skew", json!({})).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn slow_body_comes_whole_in_the_end() {
    let tenant = Tenant::still(60).await;
    let prompt = tenant.get("/users").await.ok().body;
    tenant
        .fault(json!({ "kind": "slow_body", "millis": 80, "next": 1 }))
        .await;
    let began = Instant::now();
    let response = tenant.open(Method::GET, "/users").await.expect("a head");
    let body: Value = response.json().await.expect("a body");
    assert!(began.elapsed().as_millis() >= 80);
    assert_eq!(body, prompt);
}
