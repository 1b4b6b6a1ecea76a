//! The fresh look: a few guests by one batch, whose parts come in any order and fail on their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use innkeeper_domain::ids::GroupId;
use innkeeper_graph::{Depth, GraphError, Reread};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, Respond, ResponseTemplate};

use crate::tenant::{Tenant, failure, guest, guest_id, ok, page};

/// Answers a batch from its last request to its first.
struct Batch {
    asked: AtomicUsize,
    member_of: fn(usize) -> Value,
}

impl Respond for Batch {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let nth = self.asked.fetch_add(1, Ordering::Relaxed);
        let body: Value = request.body_json().expect("a batch");
        let requests = body["requests"].as_array().expect("its requests");
        let answer = |request: &Value| {
            let url = request["url"].as_str().expect("an address");
            assert!(url.starts_with("/users/"), "relative to the version: {url}");
            let mut answer = if url.contains("/memberOf?") {
                (self.member_of)(nth)
            } else {
                json!({ "status": 200, "body": { "value": [] } })
            };
            answer["id"] = request["id"].clone();
            answer
        };
        // What fails in between is left out.
        let answers = requests.iter().rev().map(answer);
        let answers: Vec<Value> = answers
            .filter(|answer| !answer["status"].is_null())
            .collect();
        ok(&json!({ "responses": answers }))
    }
}

/// A tenant with one guest whose groups are answered so, by the number of the batch.
async fn with(member_of: fn(usize) -> Value) -> Tenant {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users", [page(&[guest("ann")], None)])
        .await;
    let batch = Batch {
        asked: AtomicUsize::new(0),
        member_of,
    };
    let mock = Mock::given(method("POST")).and(path("/v1.0/$batch"));
    mock.respond_with(batch).mount(&tenant.server).await;
    tenant
}

async fn look(tenant: &Tenant) -> Result<Reread, GraphError> {
    let mut answers = tenant
        .reader()
        .reread(&[guest_id("ann")], Depth::Whole)
        .await?;
    assert_eq!(answers.len(), 1);
    Ok(answers.remove(0))
}

fn group(name: &str) -> GroupId {
    GroupId::derived(&[name.as_bytes()])
}

fn bridge(_: usize) -> Value {
    let row = json!({ "@odata.type": "#microsoft.graph.group", "id": group("bridge") });
    json!({ "status": 200, "body": { "value": [row] } })
}

#[track_caller]
fn assert_in(look: &Reread, expected: &[GroupId]) {
    let Reread::Present { groups, .. } = look else {
        panic!("{look:?}");
    };
    assert_eq!(groups, expected);
}

#[tokio::test]
async fn parts_are_told_apart_by_their_id_and_not_by_their_order() {
    let tenant = with(bridge).await;
    assert_in(&look(&tenant).await.expect("a look"), &[group("bridge")]);
}

#[tokio::test]
async fn a_part_that_fails_for_a_passing_reason_is_asked_for_again() {
    let busy: [fn(usize) -> Value; 2] = [
        |nth| match nth {
            0 => json!({ "status": 429, "headers": { "Retry-After": "0" } }),
            _ => bridge(nth),
        },
        |nth| match nth {
            0 => json!({ "status": 503 }),
            _ => bridge(nth),
        },
    ];
    for member_of in busy {
        let look = look(&with(member_of).await).await;
        assert_in(&look.expect("a look"), &[group("bridge")]);
    }
}

#[tokio::test]
async fn throttled_parts_alone_are_asked_for_again_after_the_longest_of_their_waits() {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users", [page(&[guest("ann"), guest("bob")], None)])
        .await;
    let none = |id: &str| json!({ "id": id, "status": 200, "body": { "value": [] } });
    let busy = |id: &str, seconds: &str| json!({ "id": id, "status": 429, "headers": { "Retry-After": seconds } });
    let first = json!({ "responses": [busy("3", "0.01"), none("2"), busy("1", "0.3"), none("0")] });
    let second = json!({ "responses": [none("3"), none("1")] });
    tenant
        .answers("POST", "/$batch", [ok(&first), ok(&second)])
        .await;
    let began = Instant::now();
    let guests = [guest_id("ann"), guest_id("bob")];
    let looks = tenant.reader().reread(&guests, Depth::Whole).await;
    assert_eq!(looks.expect("a look").len(), 2);
    assert!(began.elapsed() >= Duration::from_millis(300));
    let sent = tenant.server.received_requests().await.expect("requests");
    let batches = sent
        .iter()
        .filter(|one| one.url.path().ends_with("/$batch"));
    let ids = batches.map(|batch| {
        let body: Value = batch.body_json().expect("a batch");
        let parts = body["requests"].as_array().expect("its requests").clone();
        parts.iter().map(|part| part["id"].clone()).collect()
    });
    let ids: Vec<Vec<Value>> = ids.collect();
    assert_eq!(json!(ids), json!([["0", "1", "2", "3"], ["1", "3"]]));
}

#[tokio::test]
async fn a_part_that_is_refused_fails_the_look_and_names_the_permission() {
    let tenant = with(
        |_| json!({ "status": 403, "body": { "error": { "code": "Authorization_RequestDenied" } } }),
    );
    let error = look(&tenant.await).await.unwrap_err();
    assert!(
        matches!(
            error,
            GraphError::Forbidden {
                needs: "Directory.Read.All",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_part_without_an_answer_fails_the_look() {
    let error = look(&with(|_| json!({ "status": null })).await)
        .await
        .unwrap_err();
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_part_without_value_is_not_a_guest_without_groups() {
    let error = look(&with(|_| json!({ "status": 200, "body": {} })).await)
        .await
        .unwrap_err();
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_part_that_points_to_another_host_is_not_followed() {
    let tenant = with(|_| {
        let link = "https://stranger.example/v1.0/users";
        json!({ "status": 200, "body": { "value": [], "@odata.nextLink": link } })
    });
    let error = look(&tenant.await).await.unwrap_err();
    assert!(
        matches!(&error, GraphError::UntrustedLink { host, .. } if host == "stranger.example"),
        "{error}"
    );
}

#[tokio::test]
async fn a_guest_whose_absence_cannot_be_told_is_not_absent() {
    let tenant = Tenant::start().await;
    tenant.answers("GET", "/users", [page(&[], None)]).await;
    let deleted = format!("/directory/deletedItems/{}", guest_id("ann"));
    let refused = failure(403, "Authorization_RequestDenied");
    tenant.answers("GET", &deleted, [refused]).await;
    let error = look(&tenant).await.unwrap_err();
    assert!(matches!(error, GraphError::Forbidden { .. }), "{error}");
}

#[tokio::test]
async fn somebody_is_gone_only_if_their_own_address_says_so_too() {
    let nowhere = || failure(404, "Request_ResourceNotFound");
    let is_gone = async |deleted, itself| {
        let tenant = Tenant::start().await;
        let id = guest_id("sara").0;
        let among_deleted = format!("/directory/deletedItems/{id}");
        tenant.answers("GET", &among_deleted, [deleted]).await;
        tenant
            .answers("GET", &format!("/users/{id}"), [itself])
            .await;
        let gone = tenant.reader().gone(&[id.into()]).await;
        gone.map(|gone| gone == [id.into()])
    };
    let sara = || ok(&json!({ "id": guest_id("sara") }));
    assert!(is_gone(sara(), nowhere()).await.expect("it is told"));
    assert!(is_gone(nowhere(), nowhere()).await.expect("it is told"));
    assert!(!is_gone(nowhere(), sara()).await.expect("it is told"));
    let refused = failure(403, "Authorization_RequestDenied");
    let error = is_gone(nowhere(), refused).await.unwrap_err();
    assert!(matches!(error, GraphError::Forbidden { .. }), "{error}");
}
