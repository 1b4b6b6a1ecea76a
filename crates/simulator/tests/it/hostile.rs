//! Answers that no Graph would give, as they are on the wire.

use serde_json::{Value, json};

use crate::tenant::{GUESTS, Tenant, text};

async fn under(answer: &str) -> Tenant {
    let tenant = Tenant::still(20).await;
    tenant
        .fault(json!({ "kind": "hostile", "answer": answer, "path": "/users" }))
        .await;
    tenant
}

#[tokio::test]
async fn a_listing_without_an_end_has_a_next_page_and_other_guests_each_time() {
    let tenant = under("endless").await;
    let mut next = format!("/users?{GUESTS}");
    let mut seen = std::collections::BTreeSet::new();
    for page in 1..=3 {
        let answer = tenant.get(&next).await.ok();
        seen.extend(answer.rows().iter().map(|row| text(&row["id"])));
        assert_eq!(seen.len(), page * 500);
        next = answer.next().expect("a link").to_owned();
    }
    // Whoever counts is told the truth.
    let count = tenant
        .get_eventual(&format!("/users/$count?{GUESTS}"))
        .await;
    assert!(count.body.as_u64() < Some(30), "{count:?}");
}

#[tokio::test]
async fn names_and_sponsors_of_the_first_row_are_what_they_never_are() {
    let listing = format!("/users?{GUESTS}&$select=id,displayName");
    let name = |answer: crate::tenant::Answer| text(&answer.rows()[0]["displayName"]);
    let tenant = under("nul").await;
    assert_eq!(name(tenant.get(&listing).await.ok()), "Ann\u{0}Lee");
    let tenant = under("long_text").await;
    assert_eq!(name(tenant.get(&listing).await.ok()).len(), 1 << 20);
    let tenant = under("sponsors").await;
    let answer = tenant
        .get(&format!("/users?{GUESTS}&$select=id&$expand=sponsors"))
        .await
        .ok();
    let sponsors = answer.rows()[0]["sponsors"].as_array().map(Vec::len);
    assert_eq!(sponsors, Some(1_000_000));
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the client of the other tests follows redirections"
)]
async fn a_redirection_leads_to_another_host() {
    let tenant = under("redirect").await;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client");
    let request = tenant.request(reqwest::Method::GET, &format!("/users?{GUESTS}"));
    let request = request.build().expect("a request");
    let answer = client.execute(request).await.expect("an answer");
    assert_eq!(answer.status(), 302);
    assert_eq!(
        answer.headers()["location"],
        "http://stranger.invalid/v1.0/users"
    );
}

#[tokio::test]
async fn the_answers_of_a_batch_are_missing_double_unasked_for_or_empty() {
    for (answers, expected) in [
        ("missing", (1, 1)),
        ("twice", (3, 3)),
        ("unknown", (3, 3)),
        ("bodiless", (2, 1)),
    ] {
        let tenant = Tenant::still(3).await;
        tenant
            .fault(json!({ "kind": "batch_answers", "answers": answers }))
            .await;
        let item = |id: &str| json!({ "id": id, "method": "GET", "url": "/users?$select=id" });
        let batch = json!({ "requests": [item("0"), item("1")] });
        let answer = tenant.post("/$batch", batch).await.ok();
        let responses = answer.body["responses"].as_array().expect("answers");
        let with_body = responses.iter().filter(|one| !one["body"].is_null());
        assert_eq!((responses.len(), with_body.count()), expected, "{answers}");
        let unasked = |one: &&Value| !matches!(one["id"].as_str(), Some("0" | "1"));
        let unasked = responses.iter().filter(unasked).count();
        assert_eq!(unasked, usize::from(answers == "unknown"));
    }
}

#[tokio::test]
async fn a_stopped_log_has_nothing_newer() {
    let tenant = Tenant::with(120, |options| {
        options.population.life = false;
        options.throttling = false;
    })
    .await;
    tenant
        .fault(json!({ "kind": "stopped_log", "days": 4 }))
        .await;
    let rows = tenant.all("/auditLogs/signIns").await;
    assert!(!rows.is_empty());
    let bound = crate::tenant::days_ago(4);
    for row in rows {
        assert!(text(&row["createdDateTime"]) < bound, "{row}");
    }
}
