//! Faults that take the connection, and those of single items of a batch.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::tenant::{Answer, PATIENCE, Tenant, text};

async fn a_guest(tenant: &Tenant) -> String {
    text(&tenant.guest(json!({})).await["id"])
}

async fn is_deleted(tenant: &Tenant, guest: &str) -> bool {
    !tenant.tell(&format!("truth/{guest}")).await["deleted"].is_null()
}

/// Whether no answer came.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's wire is what is tested"
)]
async fn failed(request: reqwest::RequestBuilder) -> bool {
    request.send().await.is_err()
}

fn by_id(answer: &Answer) -> BTreeMap<String, Value> {
    let responses = answer.body["responses"]
        .as_array()
        .expect("responses")
        .iter();
    responses
        .map(|response| (text(&response["id"]), response.clone()))
        .collect()
}

fn disable(id: &str, guest: &str) -> Value {
    json!({
        "id": id, "method": "PATCH", "url": format!("/users/{guest}"),
        "headers": { "Content-Type": "application/json" }, "body": { "accountEnabled": false },
    })
}

#[tokio::test]
async fn a_truncated_body_announces_more_than_it_brings() {
    let tenant = Tenant::quiet(120).await;
    tenant
        .fault(json!({ "kind": "truncate", "next": 1, "path": "/v1.0/users" }))
        .await;
    let opened = tenant.open(Method::GET, "/users?$top=100").await;
    let mut response = opened.expect("headers come");
    assert_eq!(response.status(), 200);
    let announced = response.content_length().expect("a length");
    let mut brought = 0;
    let error = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => brought += chunk.len() as u64,
            Ok(None) => panic!("the body ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert_eq!(brought, announced / 2, "half of it came");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_held_request_with_it() {
    let tenant = Arc::new(Tenant::quiet(20).await);
    for (when, done) in [("before", false), ("after", true)] {
        let guest = a_guest(&tenant).await;
        tenant
            .fault(json!({ "kind": "hold", "when": when, "next": 1, "method": "DELETE" }))
            .await;
        let mut tasks = JoinSet::new();
        let (client, path) = (Arc::clone(&tenant), format!("/users/{guest}"));
        tasks.spawn(async move { client.delete(&path).await.status });
        assert_eq!(
            tenant.tell("held?wait=20").await.as_array().unwrap().len(),
            1
        );
        tasks.shutdown().await;
        let gone = async {
            while tenant.tell("held").await != json!([]) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.expect("it is no longer held");
        assert_eq!(
            is_deleted(&tenant, &guest).await,
            done,
            "{when}: and stays as it was"
        );
    }
}

#[tokio::test]
async fn stopping_lets_go_of_held_requests() {
    let tenant = Tenant::quiet(20).await;
    tenant
        .fault(json!({ "kind": "hold", "path": "/users" }))
        .await;
    let request = tenant.request(Method::GET, "/users");
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { failed(request).await });
    tenant.tell("held?wait=20").await;
    timeout(PATIENCE, tenant.stop()).await.expect("it stops");
    let cut = timeout(PATIENCE, tasks.join_next()).await.expect("it ends");
    assert!(cut.unwrap().unwrap());
}

#[tokio::test]
async fn faults_befall_the_token_endpoint_as_well() {
    let tenant = Tenant::quiet(20).await;
    let own = innkeeper_simulator::DEFAULT_TENANT_ID.to_string();
    let path = format!("/{own}/");
    tenant
        .fault(json!({ "kind": "unavailable", "path": path, "next": 1 }))
        .await;
    assert_eq!(tenant.get("/users").await.status, 200);
    assert_eq!(tenant.ask_for_token(&own, &[]).await.status, 503);
    assert_eq!(tenant.ask_for_token(&own, &[]).await.status, 200);
}

#[tokio::test]
async fn faults_befall_single_items_and_connections_of_whole_batches() {
    let tenant = Tenant::quiet(20).await;
    let first = text(&tenant.guest(json!({})).await["id"]);
    let second = text(&tenant.guest(json!({})).await["id"]);
    let batch = json!({ "requests": [disable("1", &first), disable("2", &second)] });
    let fault = json!({ "kind": "throttle", "retry_after": "7", "path": format!("/users/{second}"), "next": 1 });
    tenant.fault(fault).await;
    let responses = by_id(&tenant.post("/$batch", &batch).await);
    assert_eq!(
        (&responses["1"]["status"], &responses["2"]["status"]),
        (&json!(204), &json!(429))
    );
    assert_eq!(responses["2"]["headers"]["Retry-After"], "7");

    tenant.fault(json!({ "kind": "drop", "path": format!("/users/{second}"), "after_effect": true, "next": 1 })).await;
    let request = tenant.request(Method::POST, "/$batch").json(&batch);
    assert!(
        failed(request).await,
        "one item takes the connection of all"
    );
    let targets: Vec<String> = tenant
        .targets()
        .await
        .into_iter()
        .map(|(_, target)| target)
        .collect();
    assert_eq!(
        targets,
        [first.clone(), first, second],
        "what was done stays done"
    );
}

#[tokio::test]
async fn a_malformed_batch_is_refused_whole_and_has_no_effect() {
    let tenant = Tenant::quiet(20).await;
    let guest = text(&tenant.guest(json!({})).await["id"]);
    let many: Vec<Value> = (0..21)
        .map(|number| disable(&number.to_string(), &guest))
        .collect();
    let mut bare = disable("2", &guest);
    bare.as_object_mut().unwrap().remove("headers");
    for batch in [
        json!({}),
        json!({ "requests": [] }),
        json!({ "requests": many }),
        json!({ "requests": [disable("a", &guest), disable("A", &guest)] }),
        json!({ "requests": [disable("1", &guest), { "id": "2", "method": "GET" }] }),
        json!({ "requests": [disable("1", &guest), bare] }),
    ] {
        let answer = tenant.post("/$batch", &batch).await;
        assert_eq!(answer.status, 400, "{batch}: {}", answer.body);
    }
    assert_eq!(tenant.targets().await, []);
}

#[tokio::test]
async fn an_item_may_not_do_what_the_token_may_not() {
    let mut tenant = Tenant::quiet(20).await;
    let guest = text(&tenant.guest(json!({})).await["id"]);
    let roles = json!({ "roles": ["User.Read.All"] });
    tenant.drive("PUT", "permissions", roles).await;
    tenant.renew().await;
    let batch = json!({ "requests": [disable("1", &guest)] });
    assert_eq!(
        by_id(&tenant.post("/$batch", &batch).await)["1"]["status"],
        403
    );
    tenant.forget_token();
    assert_eq!(tenant.post("/$batch", &batch).await.status, 401);
}
