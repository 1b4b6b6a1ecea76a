//! What is asked for differently where Graph does not accept the first way.

use innkeeper_graph::{Depth, GraphError, Reread};
use serde_json::json;

use crate::tenant::{Tenant, all, failure, guest, guest_id, ids, ok, page};

fn option(request: &wiremock::Request, name: &str) -> Option<String> {
    let mut pairs = request.url.query_pairs();
    let (_, value) = pairs.find(|(option, _)| option == name)?;
    Some(value.into_owned())
}

#[tokio::test]
async fn a_page_that_is_too_large_for_an_older_service_is_asked_for_smaller() {
    let tenant = Tenant::start().await;
    let answers = [
        failure(400, "Request_BadRequest"),
        page(&[guest("ann")], None),
    ];
    tenant.answers("GET", "/users", answers).await;
    let read = all(tenant.reader().guests()).await.expect("a smaller page");
    assert_eq!(ids(&read), [guest_id("ann")]);
    let asked = tenant.asked().await;
    let tops: Vec<_> = asked.iter().map(|one| option(one, "$top")).collect();
    assert_eq!(tops, [Some("500".to_owned()), Some("100".to_owned())]);
}

#[tokio::test]
async fn a_request_that_is_bad_in_any_size_is_an_error() {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users", [failure(400, "Request_BadRequest")])
        .await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::BadRequest { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), 2);
}

#[tokio::test]
async fn a_lost_place_in_the_middle_takes_one_page_back_and_not_all() {
    let tenant = Tenant::start().await;
    let [second, third, renewed] = ["2", "3", "3-again"].map(|token| tenant.page(token));
    let pages = [
        page(&[guest("ann")], Some(&second)),
        page(&[guest("bob")], Some(&third)),
        failure(400, "DirectoryPageTokenNotFoundException"),
        page(&[guest("bob")], Some(&renewed)),
        page(&[guest("cem")], None),
    ];
    tenant.answers("GET", "/users", pages).await;
    let read = all(tenant.reader().guests()).await.expect("all pages");
    assert_eq!(ids(&read), ["ann", "bob", "bob", "cem"].map(guest_id));
    let asked = tenant.asked().await;
    let tokens: Vec<_> = asked
        .iter()
        .map(|one| option(one, "$skiptoken").unwrap_or_default())
        .collect();
    assert_eq!(tokens, ["", "2", "3", "2", "3-again"]);
}

#[tokio::test]
async fn where_a_list_of_ids_is_not_accepted_guests_are_read_again_one_by_one() {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users", [failure(400, "Request_UnsupportedQuery")])
        .await;
    let [ann, bob] = ["ann", "bob"].map(guest_id);
    let missing = failure(404, "Request_ResourceNotFound");
    tenant
        .answers("GET", &format!("/users/{ann}"), [ok(&guest("ann"))])
        .await;
    tenant
        .answers("GET", &format!("/users/{bob}"), [missing])
        .await;
    let deleted = json!({ "id": bob });
    tenant
        .answers(
            "GET",
            &format!("/directory/deletedItems/{bob}"),
            [ok(&deleted)],
        )
        .await;
    let none = json!({ "status": 200, "body": { "value": [] } });
    let responses: Vec<_> = ["0", "1"]
        .map(|id| {
            let mut response = none.clone();
            response["id"] = id.into();
            response
        })
        .to_vec();
    tenant
        .answers("POST", "/$batch", [ok(&json!({ "responses": responses }))])
        .await;
    let looks = tenant
        .reader()
        .reread(&[bob, ann], Depth::Whole)
        .await
        .expect("a look");
    assert_eq!(looks[0], Reread::Deleted(bob));
    assert_eq!(looks[1].guest_id(), ann);
    assert!(matches!(looks[1], Reread::Present { .. }));
}

#[tokio::test]
async fn a_guest_whom_only_a_listing_lacks_is_not_absent() {
    let tenant = Tenant::start().await;
    let ann = guest_id("ann");
    tenant.answers("GET", "/users", [page(&[], None)]).await;
    let missing = failure(404, "Request_ResourceNotFound");
    tenant
        .answers(
            "GET",
            &format!("/directory/deletedItems/{ann}"),
            [missing.clone()],
        )
        .await;
    tenant
        .answers(
            "GET",
            &format!("/users/{ann}"),
            [ok(&json!({ "id": ann })), missing],
        )
        .await;
    let error = tenant
        .reader()
        .reread(&[ann], Depth::Whole)
        .await
        .unwrap_err();
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
    let looks = tenant
        .reader()
        .reread(&[ann], Depth::Whole)
        .await
        .expect("a look");
    assert_eq!(looks, [Reread::Absent(ann)]);
}
