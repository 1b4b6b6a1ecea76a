//! Each fault, and that it befalls only what it names.

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{Tenant, days_ago};

const ACTIVITY: &str = "/users?$filter=userType eq 'Guest'&$select=id,signInActivity";

fn disable() -> Option<Value> {
    Some(json!({ "accountEnabled": false }))
}

#[tokio::test]
async fn a_fault_befalls_only_the_requests_that_it_names() {
    let tenant = Tenant::still(3).await;
    let fault = json!({ "kind": "throttle", "method": "GET", "path": "/v1.0/groups", "next": 2 });
    tenant.fault(fault).await;
    assert_eq!(tenant.get("/users").await.status, 200);
    assert_eq!(tenant.get("/groups").await.status, 429);
    assert_eq!(tenant.get("/groups").await.status, 429);
    assert_eq!(tenant.get("/groups").await.status, 200, "it was for two");
}

#[tokio::test]
async fn a_share_of_the_requests_is_the_same_share_every_time() {
    let hits = || async {
        let tenant = Tenant::still(3).await;
        tenant
            .fault(json!({ "kind": "throttle", "share": 0.5 }))
            .await;
        let mut hits = Vec::new();
        for _ in 0..40 {
            hits.push(tenant.get("/users?$select=id").await.status == 429);
        }
        hits
    };
    let first = hits().await;
    assert_eq!(first, hits().await);
    let count = first.iter().filter(|hit| **hit).count();
    assert!((8..=32).contains(&count), "{count}");
}

#[tokio::test]
async fn faults_are_listed_taken_back_one_by_one_and_all_at_once() {
    let tenant = Tenant::still(3).await;
    let first = tenant.fault(json!({ "kind": "throttle" })).await;
    let second = tenant
        .fault(json!({ "kind": "unavailable", "path": "/v1.0/groups" }))
        .await;
    let listed = tenant.tell("faults").await;
    assert_eq!(listed[0]["id"], first);
    assert_eq!(listed[1]["fault"]["path"], "/v1.0/groups");
    let path = format!("faults/{first}");
    tenant.drive("DELETE", &path, Value::Null).await;
    assert_eq!(tenant.get("/users").await.status, 200);
    assert_eq!(tenant.get("/groups").await.status, 503);
    let again = tenant.try_drive("DELETE", &path, Value::Null).await;
    assert_eq!(again.status, 400);
    tenant.drive("DELETE", "faults", Value::Null).await;
    assert_eq!(tenant.get("/groups").await.status, 200);
    assert_ne!(first, second);
}

#[tokio::test]
async fn a_fault_that_is_misspelt_is_refused() {
    let tenant = Tenant::still(0).await;
    for fault in [
        json!({ "kind": "flood" }),
        json!({ "kind": "throttle", "retryAfter": "3" }),
    ] {
        let answer = tenant.try_drive("POST", "faults", fault).await;
        assert_eq!(answer.status, 400);
    }
}

#[tokio::test]
async fn throttle_answers_429_with_the_wait_that_was_chosen() {
    let tenant = Tenant::still(3).await;
    let fault = json!({ "kind": "throttle", "retry_after": "2.128", "next": 1 });
    tenant.fault(fault).await;
    let answer = tenant.get("/users").await;
    assert_eq!(answer.refusal(), (429, "TooManyRequests"));
    assert_eq!(answer.header("retry-after"), Some("2.128"));
    tenant.fault(json!({ "kind": "throttle", "next": 1 })).await;
    assert_eq!(tenant.get("/users").await.header("retry-after"), None);
}

#[tokio::test]
async fn unavailable_comes_before_the_effect_or_after_it() {
    let tenant = Tenant::still(0).await;
    for (after_effect, enabled) in [(false, true), (true, false)] {
        let id = tenant.add_guest(&format!("ann-{after_effect}")).await;
        let fault = json!({ "kind": "unavailable", "after_effect": after_effect, "retry_after": "1", "next": 1 });
        tenant.fault(fault).await;
        let path = format!("/users/{id}");
        let answer = tenant
            .patch(&path, json!({ "accountEnabled": false }))
            .await;
        assert_eq!(answer.refusal(), (503, "ServiceUnavailable"));
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(tenant.truth_of(&id).await["enabled"], enabled);
    }
}

#[tokio::test]
async fn drop_closes_the_connection_before_the_effect_or_after_it() {
    let tenant = Tenant::still(0).await;
    for (after_effect, enabled) in [(false, true), (true, false)] {
        let id = tenant.add_guest(&format!("ann-{after_effect}")).await;
        let fault = json!({ "kind": "drop", "method": "PATCH", "after_effect": after_effect });
        tenant.fault(fault).await;
        let path = format!("/users/{id}");
        let answer = tenant.attempt(Method::PATCH, &path, disable()).await;
        assert!(answer.is_err(), "{answer:?}");
        tenant.drive("DELETE", "faults", Value::Null).await;
        assert_eq!(tenant.truth_of(&id).await["enabled"], enabled);
    }
}

#[tokio::test]
async fn truncate_cuts_the_body_of_what_took_effect() {
    let tenant = Tenant::still(3).await;
    tenant.fault(json!({ "kind": "truncate", "next": 1 })).await;
    let answer = tenant.attempt(Method::GET, "/users", None).await;
    let error = answer.expect_err("half a body");
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(tenant.get("/users").await.status, 200);
}

/// A PATCH that is held: what the directory shows meanwhile, and what comes of it.
async fn held_patch(when: &str, enabled_meanwhile: bool) {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let fault = json!({ "kind": "hold", "when": when, "method": "PATCH", "next": 1 });
    tenant.fault(fault).await;
    let path = format!("/users/{id}");
    let patch = tenant.patch(&path, json!({ "accountEnabled": false }));
    let meanwhile = async {
        let held = tenant.tell("held?wait=60").await;
        let seen = json!([{ "method": "PATCH", "path": format!("/v1.0/users/{id}") }]);
        assert_eq!(held, seen);
        let truth = tenant.truth_of(&id).await;
        assert_eq!(truth["enabled"], enabled_meanwhile);
        tenant.drive("DELETE", "faults", Value::Null).await;
    };
    let (answer, ()) = tokio::join!(patch, meanwhile);
    assert_eq!(answer.status, 204);
    assert_eq!(tenant.truth_of(&id).await["enabled"], false);
    assert_eq!(tenant.tell("held").await, json!([]));
}

#[tokio::test]
async fn hold_keeps_a_request_before_its_effect() {
    held_patch("before", true).await;
}

#[tokio::test]
async fn hold_keeps_a_request_after_its_effect() {
    held_patch("after", false).await;
}

#[tokio::test]
async fn a_held_request_goes_on_when_its_own_fault_is_taken_back() {
    let tenant = Tenant::still(3).await;
    let fault = tenant.fault(json!({ "kind": "hold", "next": 1 })).await;
    let get = tenant.get("/users");
    let release = async {
        tenant.tell("held?wait=60").await;
        let path = format!("faults/{fault}");
        tenant.drive("DELETE", &path, Value::Null).await;
        assert_eq!(tenant.tell("held").await, json!([]));
        // Whatever comes of it, nothing is left to wait for.
        tenant.drive("DELETE", "faults", Value::Null).await;
    };
    let (answer, ()) = tokio::join!(get, release);
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn sign_in_activity_can_be_anything_but_right() {
    let tenant = Tenant::with(0, |options| options.throttling = false).await;
    let id = tenant.add_guest("ann").await;
    let min = "0001-01-01T00:00:00Z";
    let times = |at: Value| {
        let names = [
            "lastSignInDateTime",
            "lastNonInteractiveSignInDateTime",
            "lastSuccessfulSignInDateTime",
        ];
        names.map(|name| (name, at.clone()))
    };
    for (encoding, expected) in [("min_date", times(json!(min))), ("empty", times(json!("")))] {
        let fault = json!({ "kind": "sign_in_activity", "encoding": encoding, "next": 1 });
        tenant.fault(fault).await;
        let answer = tenant.get(ACTIVITY).await;
        for (name, value) in expected {
            assert_eq!(
                answer.rows()[0]["signInActivity"][name],
                value,
                "{encoding}"
            );
        }
    }
    for (encoding, expected) in [("absent", None), ("null", Some(&Value::Null))] {
        let fault = json!({ "kind": "sign_in_activity", "encoding": encoding, "next": 1 });
        tenant.fault(fault).await;
        let answer = tenant.get(ACTIVITY).await;
        assert_eq!(answer.rows()[0].get("signInActivity"), expected);
    }
    let fault = json!({ "kind": "sign_in_activity", "encoding": "stale", "next": 1 });
    tenant.fault(fault).await;
    let single = format!("/users/{id}?$select=signInActivity");
    let stale = tenant.get(&single).await.body["signInActivity"].clone();
    assert_eq!(stale["lastSuccessfulSignInDateTime"], days_ago(375));
    let right = tenant.get(&single).await.body["signInActivity"].clone();
    assert_eq!(right["lastSuccessfulSignInDateTime"], days_ago(10));
}

#[tokio::test]
async fn server_error_answers_with_a_page_of_html() {
    let tenant = Tenant::still(3).await;
    for (fault, status) in [
        (json!({ "kind": "server_error", "next": 1 }), 502),
        (
            json!({ "kind": "server_error", "status": 504, "next": 1 }),
            504,
        ),
    ] {
        tenant.fault(fault).await;
        let answer = tenant.get("/users").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), Some("text/html"));
        assert!(
            answer
                .body
                .as_str()
                .is_some_and(|page| page.starts_with("<html>"))
        );
    }
}

#[tokio::test]
async fn premium_denies_a_licence_that_the_tenant_has() {
    let tenant = Tenant::still(3).await;
    let fault = json!({ "kind": "premium", "path": "/v1.0/users", "next": 1 });
    tenant.fault(fault).await;
    let answer = tenant.get(ACTIVITY).await;
    assert_eq!(
        answer.refusal(),
        (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    );
    assert_eq!(tenant.get(ACTIVITY).await.status, 200);
    assert_eq!(tenant.get("/subscribedSkus").await.rows().len(), 1);
}

#[tokio::test]
async fn latency_delays_an_answer_and_changes_nothing_in_it() {
    let tenant = Tenant::still(3).await;
    let prompt = tenant.get("/users").await.body;
    tenant
        .fault(json!({ "kind": "latency", "millis": 1, "next": 1 }))
        .await;
    assert_eq!(tenant.get("/users").await.body, prompt);
}
