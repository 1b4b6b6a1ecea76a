//! The token endpoint, and what becomes of a token.

use innkeeper_simulator::{DEFAULT_PERMISSIONS, DEFAULT_TENANT_ID};
use serde_json::json;

use crate::tenant::{Answer, Tenant};

fn assert_refused(answer: &Answer, status: u16, error: &str, code: u32) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.body["error"], error);
    assert_eq!(answer.body["error_codes"], json!([code]));
    let description = answer.body["error_description"].as_str().expect("a text");
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    assert_eq!(answer.body["timestamp"], "2027-01-04 06:00:00Z");
}

#[tokio::test]
async fn a_token_says_what_its_holder_may_do_and_for_how_long() {
    use base64::Engine;
    let tenant = Tenant::still(0).await;
    let answer = tenant
        .ask_for_token(&DEFAULT_TENANT_ID.to_string(), &[])
        .await;
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3599);
    let token = answer.body["access_token"].as_str().expect("a token");
    let payload = token.split('.').nth(1).expect("three parts");
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .expect("base64");
    let claims: serde_json::Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(claims["roles"], json!(DEFAULT_PERMISSIONS));
    assert_eq!(claims["tid"], json!(DEFAULT_TENANT_ID));
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
}

#[tokio::test]
async fn each_mistake_in_a_request_for_a_token_has_its_code() {
    let tenant = Tenant::still(0).await;
    let id = DEFAULT_TENANT_ID.to_string();
    let nobody = "00000000-0000-0000-0000-00000000dead";
    let replaced = |name, value| [(name, value)];

    let answer = tenant.ask_for_token(nobody, &[]).await;
    assert_refused(&answer, 400, "invalid_request", 90_002);
    let answer = tenant
        .ask_for_token(&id, &replaced("grant_type", "password"))
        .await;
    assert_refused(&answer, 400, "unsupported_grant_type", 70_003);
    let answer = tenant
        .ask_for_token(&id, &replaced("client_id", nobody))
        .await;
    assert_refused(&answer, 400, "unauthorized_client", 700_016);
    let answer = tenant
        .ask_for_token(&id, &replaced("client_secret", "wrong"))
        .await;
    assert_refused(&answer, 401, "invalid_client", 7_000_215);
    let answer = tenant
        .ask_for_token(&id, &replaced("scope", "https://foo.example/.default"))
        .await;
    assert_refused(&answer, 400, "invalid_scope", 70_011);
}

#[tokio::test]
async fn a_token_ends_when_its_time_has_passed_on_the_virtual_clock() {
    let mut tenant = Tenant::still(3).await;
    tenant.pass(3598).await;
    assert_eq!(tenant.get("/users").await.status, 200);
    tenant.pass(1).await;
    let answer = tenant.get("/users").await;
    assert_eq!(answer.refusal(), (401, "InvalidAuthenticationToken"));
    tenant.renew().await;
    assert_eq!(tenant.get("/users").await.status, 200);
}

#[tokio::test]
async fn a_token_keeps_to_the_permissions_that_are_granted() {
    let mut tenant = Tenant::still(3).await;
    tenant
        .drive("PUT", "permissions", json!({ "roles": [] }))
        .await;
    assert_eq!(tenant.get("/users").await.status, 401, "it was taken back");
    tenant.renew().await;
    assert_eq!(tenant.get("/users").await.status, 403);
}

#[tokio::test]
async fn a_scope_names_the_simulator_with_or_without_its_port_or_graph() {
    let tenant = Tenant::still(0).await;
    let id = DEFAULT_TENANT_ID.to_string();
    let here = tenant.url();
    for root in [
        here.as_str(),
        "http://127.0.0.1",
        "https://graph.microsoft.com",
    ] {
        let scope = format!("{root}/.default");
        let answer = tenant.ask_for_token(&id, &[("scope", &scope)]).await;
        assert_eq!(answer.status, 200, "{scope}");
    }
}
