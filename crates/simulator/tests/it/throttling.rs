//! Graph's limits, and how they are told.

use futures_util::future::join_all;
use innkeeper_simulator::{DEFAULT_CLIENT_ID, DEFAULT_TENANT_ID};
use serde_json::{Value, json};

use crate::tenant::Tenant;

const ACTIVITY: &str = "/users?$select=id,signInActivity";

/// Spends what reports are allowed in their ten seconds, and lets them pass.
async fn five_in_ten_seconds(tenant: &Tenant) {
    for _ in 0..5 {
        assert_eq!(tenant.get(ACTIVITY).await.status, 200);
    }
    tenant.pass(10).await;
}

#[tokio::test]
async fn the_eleventh_request_for_sign_in_activity_in_a_minute_waits() {
    let tenant = Tenant::still(3).await;
    five_in_ten_seconds(&tenant).await;
    five_in_ten_seconds(&tenant).await;
    let answer = tenant.get(ACTIVITY).await;
    assert_eq!(answer.refusal(), (429, "UnknownError"));
    let wait: u64 = answer
        .header("retry-after")
        .and_then(|wait| wait.parse().ok())
        .expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(
        tenant.get("/users?$select=id").await.status,
        200,
        "it is another limit"
    );
    assert_eq!(tenant.tell("requests").await["throttled"], 1);
    tenant.pass(60).await;
    assert_eq!(tenant.get(ACTIVITY).await.status, 200);
}

#[tokio::test]
async fn the_sixth_request_for_sign_ins_in_ten_seconds_waits() {
    let tenant = Tenant::still(3).await;
    for _ in 0..5 {
        assert_eq!(tenant.get("/auditLogs/signIns").await.status, 200);
    }
    let answer = tenant.get("/auditLogs/signIns").await;
    assert_eq!(answer.refusal(), (429, "UnknownError"));
    tenant.pass(10).await;
    assert_eq!(tenant.get("/auditLogs/signIns").await.status, 200);
}

#[tokio::test]
async fn the_writes_of_a_batch_run_into_the_limit_of_writes() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let item = |number: usize| {
        json!({
            "id": number.to_string(),
            "method": "PATCH",
            "url": format!("/users/{id}"),
            "headers": { "Content-Type": "application/json" },
            "body": { "accountEnabled": true },
        })
    };
    let batch = json!({ "requests": (0..20).map(item).collect::<Vec<_>>() });
    let batches = (0..150).map(|_| tenant.post("/$batch", batch.clone()));
    let statuses = |answers: &[crate::tenant::Answer]| -> Vec<Value> {
        let responses = answers.iter().map(|answer| &answer.body["responses"]);
        let responses = responses.flat_map(|list| list.as_array().expect("a list"));
        responses.map(|one| one["status"].clone()).collect()
    };
    // Only the items of a batch are counted: these are the 3,000, and not one more.
    let answers = join_all(batches).await;
    let statuses = statuses(&answers);
    let done = statuses.iter().filter(|status| **status == 204).count();
    assert_eq!(done, 3_000);

    let disable = json!({ "accountEnabled": true });
    let answer = tenant.patch(&format!("/users/{id}"), disable.clone()).await;
    assert_eq!(answer.refusal(), (429, "TooManyRequests"));
    let scope = format!("Tenant_Application/Write/{DEFAULT_CLIENT_ID}/{DEFAULT_TENANT_ID}");
    assert_eq!(answer.header("x-ms-throttle-scope"), Some(scope.as_str()));
    assert_eq!(
        answer.header("x-ms-throttle-information"),
        Some("WriteLimitExceeded")
    );
    assert!(answer.header("retry-after").is_some());
    assert_eq!(
        tenant.get("/users?$select=id").await.status,
        200,
        "reading goes on"
    );
    tenant.pass(150).await;
    let answer = tenant.patch(&format!("/users/{id}"), disable).await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn a_request_says_what_it_costs_and_when_a_limit_is_near() {
    let tenant = Tenant::still(3).await;
    for (path, units) in [
        ("/users", "2"),
        ("/users?$select=id", "1"),
        ("/users?$expand=sponsors", "3"),
        ("/users?$select=id&$top=10", "1"),
    ] {
        let answer = tenant.get(path).await.ok();
        assert_eq!(answer.header("x-ms-resource-unit"), Some(units), "{path}");
        assert_eq!(answer.header("x-ms-throttle-limit-percentage"), None);
    }
    five_in_ten_seconds(&tenant).await;
    for _ in 0..4 {
        tenant.get(ACTIVITY).await.ok();
    }
    let answer = tenant.get(ACTIVITY).await.ok();
    assert_eq!(
        answer.header("x-ms-throttle-limit-percentage"),
        Some("1.00")
    );
}

#[tokio::test]
async fn throttling_can_be_switched_off() {
    let tenant = Tenant::still(3).await;
    tenant
        .drive("PUT", "throttling", json!({ "enabled": false }))
        .await;
    for _ in 0..12 {
        assert_eq!(tenant.get(ACTIVITY).await.status, 200);
    }
}

#[tokio::test]
async fn windows_can_be_shortened_and_tell_fractions_of_a_second() {
    let tenant = Tenant::still(3).await;
    let settings = json!({ "enabled": true, "shorten": 2 });
    tenant.drive("PUT", "throttling", settings).await;
    for _ in 0..5 {
        tenant.get(ACTIVITY).await.ok();
    }
    let answer = tenant.get(ACTIVITY).await;
    assert_eq!(answer.refusal(), (429, "UnknownError"));
    let wait = answer.header("retry-after").expect("a wait");
    let seconds: f64 = wait.parse().expect("seconds");
    assert!(wait.contains('.') && seconds <= 5.0, "{wait}");
    tenant.pass(5).await;
    tenant.get(ACTIVITY).await.ok();
}

#[tokio::test]
async fn a_bucket_leaks_where_a_window_begins_anew() {
    for (kind, passing) in [("window", 0), ("bucket", 3)] {
        let tenant = Tenant::still(3).await;
        tenant
            .drive(
                "PUT",
                "throttling",
                json!({ "enabled": true, "kind": kind }),
            )
            .await;
        for _ in 0..5 {
            tenant.get(ACTIVITY).await.ok();
        }
        tenant.pass(7).await;
        let answers = [1, 2, 3].map(|_| tenant.get(ACTIVITY));
        let answers = join_all(answers).await;
        let passed = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(passed.count(), passing, "{kind}");
    }
}

#[tokio::test]
async fn what_cannot_be_enforced_is_refused() {
    let tenant = Tenant::still(3).await;
    for body in [
        json!({}),
        json!({ "enabled": true, "shorten": 0 }),
        json!({ "enabled": true, "kind": "sieve" }),
        json!({ "enabled": true, "window": 5 }),
    ] {
        let answer = tenant.try_drive("PUT", "throttling", body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
    }
}
