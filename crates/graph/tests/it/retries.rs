//! What is asked again, what is not, and what a failure means.

use std::time::Duration;

use innkeeper_graph::{Graph, GraphError, Settings};

use crate::tenant::{ATTEMPTS, Tenant, all, failure, guest, guest_id, ids, page, text, token};

/// So long a wait that a test which waits for it never ends.
const NEVER: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn an_answer_that_is_cut_short_or_is_html_is_asked_for_again() {
    for body in ["{\"value\": [{\"id\"", "<html>Bad Gateway</html>", ""] {
        let tenant = Tenant::start().await;
        let answers = [text(200, body), page(&[guest("ann")], None)];
        tenant.answers("GET", "/users", answers).await;
        let read = all(tenant.reader().guests()).await.expect("the second one");
        assert_eq!(ids(&read), [guest_id("ann")]);

        let tenant = Tenant::start().await;
        tenant.answers("GET", "/users", [text(200, body)]).await;
        let error = all(tenant.reader().guests()).await.unwrap_err();
        assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
        assert_eq!(tenant.asked().await.len(), ATTEMPTS);
    }
}

#[tokio::test]
async fn what_fails_in_the_middle_of_a_listing_fails_all_of_it() {
    let tenant = Tenant::start().await;
    let second = tenant.page("2");
    let answers = [page(&[guest("ann")], Some(&second)), text(502, "<html>")];
    tenant.answers("GET", "/users", answers).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn retry_after_is_waited_for_instead_of_the_backoff() {
    for seconds in ["0", "0.001"] {
        for status in [429, 503] {
            let tenant = Tenant::start().await;
            let wait = failure(status, "Slow").insert_header("retry-after", seconds);
            let answers = [wait, text(200, "7")];
            tenant.answers("GET", "/users/$count", answers).await;
            let graph = Graph::connect(Settings {
                backoff: NEVER,
                ..tenant.settings()
            });
            let graph = graph.expect("a connection");
            assert_eq!(graph.reader().guest_count().await.expect("a count"), 7);
        }
    }
}

#[tokio::test]
async fn without_a_usable_retry_after_the_backoff_is_waited_for() {
    for header in [None, Some("soon"), Some("-1"), Some("NaN")] {
        let tenant = Tenant::start().await;
        let mut wait = failure(429, "TooManyRequests");
        if let Some(header) = header {
            wait = wait.insert_header("retry-after", header);
        }
        tenant
            .answers("GET", "/users/$count", [wait, text(200, "7")])
            .await;
        let graph = tenant.graph();
        assert_eq!(graph.reader().guest_count().await.expect("a count"), 7);
        let counted = graph.requests();
        assert_eq!((counted.retries, counted.throttled), (1, 1));
        assert_eq!(counted.requests, 3, "the token's among them");
    }
}

#[tokio::test]
async fn longer_than_the_patience_nothing_is_waited_for() {
    let tenant = Tenant::start().await;
    let wait = failure(429, "TooManyRequests").insert_header("retry-after", "86400");
    tenant.answers("GET", "/users/$count", [wait]).await;
    let error = tenant.reader().guest_count().await.unwrap_err();
    assert!(
        matches!(error, GraphError::Throttled { retry_after, .. } if retry_after == Some(NEVER)),
        "{error}"
    );
    assert_eq!(tenant.asked().await.len(), 1);
}

#[tokio::test]
async fn an_outage_that_passes_is_not_noticed_and_one_that_stays_is_an_error() {
    let tenant = Tenant::start().await;
    let answers = [text(503, ""), text(504, ""), text(200, "7")];
    tenant.answers("GET", "/users/$count", answers).await;
    assert_eq!(tenant.reader().guest_count().await.expect("a count"), 7);

    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users/$count", [text(503, "")])
        .await;
    let error = tenant.reader().guest_count().await.unwrap_err();
    assert!(matches!(error, GraphError::Unavailable { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), ATTEMPTS);
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_renewed_once() {
    let tenant = Tenant::locked().await;
    tenant.issues([token("first"), token("second")]).await;
    let refused = failure(401, "InvalidAuthenticationToken");
    let answers = [refused.clone(), text(200, "7")];
    tenant.answers("GET", "/users/$count", answers).await;
    assert_eq!(tenant.reader().guest_count().await.expect("a count"), 7);
    let asked = tenant.asked().await;
    let carried: Vec<_> = asked
        .iter()
        .map(|one| &one.headers["authorization"])
        .collect();
    assert_eq!(carried, ["Bearer first", "Bearer second"]);

    let tenant = Tenant::start().await;
    tenant.answers("GET", "/users/$count", [refused]).await;
    let error = tenant.reader().guest_count().await.unwrap_err();
    assert!(matches!(error, GraphError::Unauthorized { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), 2);
    assert_eq!(tenant.asked_for_tokens().await.len(), 2);
}

#[tokio::test]
async fn a_tenant_without_a_licence_is_told_from_a_missing_permission() {
    let tenant = Tenant::start().await;
    let premium = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    let answers = [
        failure(403, premium),
        failure(403, "Authorization_RequestDenied"),
    ];
    tenant.answers("GET", "/users", answers).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::NoLicence { .. }), "{error}");
    assert!(error.to_string().contains("Directory.Read.All"), "{error}");
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::Forbidden { .. }), "{error}");
    let text = error.to_string();
    for part in [
        "GET /users: 403 Authorization_RequestDenied, request-id req-1",
        "User.Read.All and AuditLog.Read.All",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(tenant.asked().await.len(), 2, "neither is asked again");
}
