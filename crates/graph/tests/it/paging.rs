//! Following a listing from page to page.

use innkeeper_graph::GraphError;
use serde_json::json;

use crate::tenant::{
    ATTEMPTS, TOKEN, Tenant, all, failure, guest, guest_id, ids, ok, page, text, token,
};

#[tokio::test]
async fn every_page_is_read_an_empty_one_among_them() {
    let tenant = Tenant::start().await;
    let (second, third) = (tenant.page("a%2Bb"), tenant.page("c+d%2f"));
    let pages = [
        page(&[guest("ann"), guest("bob")], Some(&second)),
        page(&[], Some(&third)),
        page(&[guest("cem")], None),
    ];
    tenant.answers("GET", "/users", pages).await;
    let read = all(tenant.reader().guests()).await.expect("three pages");
    assert_eq!(ids(&read), ["ann", "bob", "cem"].map(guest_id));
    let asked = tenant.asked().await;
    let links: Vec<_> = asked[1..].iter().map(|one| one.url.query()).collect();
    assert_eq!(
        links,
        [Some("$skiptoken=a%2Bb"), Some("$skiptoken=c+d%2f")],
        "links are followed verbatim"
    );
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let (tenant, stranger) = (Tenant::start().await, Tenant::start().await);
    let pages = [page(&[guest("ann")], Some(&stranger.page("2")))];
    tenant.answers("GET", "/users", pages).await;
    stranger.answers("GET", "/users", [page(&[], None)]).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(
        matches!(&error, GraphError::UntrustedLink { host, .. } if host == "127.0.0.1"),
        "{error}"
    );
    assert!(stranger.asked().await.is_empty());
}

#[tokio::test]
async fn a_redirection_to_another_host_is_not_followed() {
    let (tenant, stranger) = (Tenant::start().await, Tenant::start().await);
    let moved = text(302, "").insert_header("location", stranger.page("1"));
    tenant.answers("GET", "/users", [moved]).await;
    all(tenant.reader().guests()).await.unwrap_err();
    assert!(stranger.asked().await.is_empty());
}

#[tokio::test]
async fn a_link_back_to_an_earlier_page_is_an_error() {
    let tenant = Tenant::start().await;
    let (second, third) = (tenant.page("2"), tenant.page("3"));
    let pages = [
        page(&[guest("ann")], Some(&second)),
        page(&[guest("bob")], Some(&third)),
        page(&[guest("cem")], Some(&second)),
    ];
    tenant.answers("GET", "/users", pages).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::EndlessPaging { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), 3);
}

#[tokio::test]
async fn an_answer_without_value_is_not_an_empty_page() {
    let tenant = Tenant::start().await;
    for answer in [json!({}), json!({ "value": null }), json!([])] {
        tenant.server.reset().await;
        tenant.issues([token(TOKEN)]).await;
        tenant.answers("GET", "/users", [ok(&answer)]).await;
        let error = all(tenant.reader().guests()).await.unwrap_err();
        assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
        assert_eq!(tenant.asked().await.len(), ATTEMPTS, "it is asked again");
    }
}

#[tokio::test]
async fn a_row_without_what_was_selected_is_named_and_not_dropped() {
    let tenant = Tenant::start().await;
    let rows = [guest("ann"), json!({ "id": guest_id("bob") })];
    tenant.answers("GET", "/users", [page(&rows, None)]).await;
    let read = all(tenant.reader().guests()).await.expect("a page");
    assert_eq!(ids(&read), [guest_id("ann")]);
    assert_eq!(read[0].unreadable, [guest_id("bob")]);
}

#[tokio::test]
async fn a_listing_whose_place_is_lost_begins_anew() {
    let tenant = Tenant::start().await;
    let second = tenant.page("2");
    let pages = [
        page(&[guest("ann")], Some(&second)),
        failure(400, "Directory_ExpiredPageToken"),
        page(&[guest("ann")], Some(&second)),
        page(&[guest("bob")], None),
    ];
    tenant.answers("GET", "/users", pages).await;
    let read = all(tenant.reader().guests()).await.expect("it begins anew");
    assert_eq!(ids(&read), ["ann", "ann", "bob"].map(guest_id));
    let asked = tenant.asked().await;
    assert_eq!(asked[0].url, asked[2].url, "from its first page");
}

#[tokio::test]
async fn a_listing_whose_place_is_lost_again_and_again_is_an_error() {
    let tenant = Tenant::start().await;
    let lost = failure(400, "Directory_ExpiredPageToken");
    tenant.answers("GET", "/users", [lost]).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::PageTokenLost { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), 3);
}

#[tokio::test]
async fn a_link_that_is_called_bad_is_lost_whatever_the_code() {
    for code in ["", "Request_BadRequest", "400"] {
        let tenant = Tenant::start().await;
        let second = tenant.page("2");
        let pages = [
            page(&[guest("ann")], Some(&second)),
            failure(400, code),
            page(&[guest("ann")], Some(&second)),
            page(&[guest("bob")], None),
        ];
        tenant.answers("GET", "/users", pages).await;
        let read = all(tenant.reader().guests()).await.expect("a page back");
        assert_eq!(ids(&read), ["ann", "ann", "bob"].map(guest_id), "{code}");

        let tenant = Tenant::start().await;
        let answers = [page(&[guest("ann")], Some(&second)), failure(400, code)];
        tenant.answers("GET", "/users", answers).await;
        all(tenant.reader().guests())
            .await
            .expect_err("not for ever");
    }
}

#[tokio::test]
async fn an_empty_page_that_links_to_itself_is_asked_for_again_but_not_for_ever() {
    let second = |tenant: &Tenant| tenant.page("2");
    let tenant = Tenant::start().await;
    let answers = [
        page(&[guest("ann")], Some(&second(&tenant))),
        page(&[], Some(&second(&tenant))),
        page(&[guest("bob")], None),
    ];
    tenant.answers("GET", "/users", answers).await;
    let read = all(tenant.reader().guests()).await.expect("two guests");
    assert_eq!(ids(&read), ["ann", "bob"].map(guest_id));

    let tenant = Tenant::start().await;
    let empty = page(&[], Some(&second(&tenant)));
    tenant.answers("GET", "/users", [empty]).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::EndlessPaging { .. }), "{error}");
}
