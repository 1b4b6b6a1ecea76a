//! The token: how often it is asked for, and what Entra's refusals mean.

use futures_util::future::join_all;
use innkeeper_graph::{Graph, GraphError, Reader, Settings, WriteError};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::tenant::{ATTEMPTS, SECRET, TOKEN, Tenant, guest_id, nowhere, text, token};

/// Entra's refusal with this code.
fn refusal(code: u64) -> ResponseTemplate {
    let body = json!({
        "error": "invalid_client",
        "error_description": format!("AADSTS{code}: Something that nobody parses."),
        "error_codes": [code],
    });
    ResponseTemplate::new(401).set_body_json(body)
}

#[tokio::test]
async fn many_readers_at_once_ask_for_one_token() {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users/$count", [text(200, "7")])
        .await;
    let graph = tenant.graph();
    let readers: Vec<_> = (0..50).map(|_| graph.reader()).collect();
    for count in join_all(readers.iter().map(Reader::guest_count)).await {
        assert_eq!(count.expect("a count"), 7);
    }
    let asked = tenant.asked_for_tokens().await;
    assert_eq!(asked.len(), 1);
    let form = String::from_utf8_lossy(&asked[0].body).into_owned();
    for part in [
        "grant_type=client_credentials",
        "client_id=innkeeper",
        &format!("client_secret={SECRET}"),
        "%2F.default",
    ] {
        assert!(form.contains(part), "{part}: {form}");
    }
    assert!(!asked[0].headers.contains_key("authorization"));
    let carried = format!("Bearer {TOKEN}");
    assert!(
        tenant
            .asked()
            .await
            .iter()
            .all(|one| one.headers["authorization"] == carried.as_str())
    );
}

#[tokio::test]
async fn a_token_whose_life_is_over_is_renewed() {
    let tenant = Tenant::locked().await;
    let brief = json!({ "token_type": "Bearer", "expires_in": 0, "access_token": "brief" });
    let brief = ResponseTemplate::new(200).set_body_json(brief);
    tenant.issues([brief, token(TOKEN)]).await;
    tenant
        .answers("GET", "/users/$count", [text(200, "7")])
        .await;
    let reader = tenant.reader();
    for _ in 0..3 {
        reader.guest_count().await.expect("a count");
    }
    assert_eq!(tenant.asked_for_tokens().await.len(), 2);
}

#[tokio::test]
async fn each_refusal_says_what_to_do() {
    for (code, what) in [
        (7_000_215, "the client secret is wrong"),
        (7_000_222, "the client secret has expired"),
        (700_016, "the tenant does not know the application"),
        (90_002, "there is no such tenant"),
        (70_011, "the scope is not valid"),
        (53_003, "Conditional Access"),
        (50_034, "look the code up"),
    ] {
        let tenant = Tenant::locked().await;
        tenant.issues([refusal(code)]).await;
        let error = tenant.reader().guest_count().await.unwrap_err();
        let GraphError::BadCredential { code: told, advice } = &error else {
            panic!("{error}");
        };
        assert_eq!(told, &format!("AADSTS{code}"));
        assert!(advice.contains(what), "{advice}");
        assert!(error.to_string().contains(advice), "{error}");
        assert_eq!(tenant.asked_for_tokens().await.len(), 1, "not asked again");
        assert!(tenant.asked().await.is_empty());
    }
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_that_passes_is_not_noticed() {
    let tenant = Tenant::locked().await;
    let wait = text(429, "").insert_header("retry-after", "0.001");
    let html = text(500, "<html>Service unavailable</html>");
    tenant.issues([html, wait, token(TOKEN)]).await;
    tenant
        .answers("GET", "/users/$count", [text(200, "7")])
        .await;
    assert_eq!(tenant.reader().guest_count().await.expect("a count"), 7);
}

#[tokio::test]
async fn an_outage_of_the_token_endpoint_that_stays_is_an_error() {
    let tenant = Tenant::locked().await;
    let html = text(500, "<html>Service unavailable</html>");
    tenant.issues([html]).await;
    let error = tenant.reader().guest_count().await.unwrap_err();
    assert!(matches!(error, GraphError::Unavailable { .. }), "{error}");
    assert_eq!(tenant.asked_for_tokens().await.len(), ATTEMPTS);
    assert!(tenant.asked().await.is_empty());
}

#[tokio::test]
async fn who_is_not_there_is_unreachable() {
    let tenant = Tenant::start().await;
    let graph = Graph::connect(Settings {
        graph_url: nowhere(),
        ..tenant.settings()
    });
    let graph = graph.expect("a connection");
    let error = graph.reader().guest_count().await.unwrap_err();
    assert!(
        matches!(&error, GraphError::Unreachable { host, .. } if host == "127.0.0.1"),
        "{error}"
    );
    let outcome = graph.writer(String::new()).delete(guest_id("ann")).await;
    assert!(
        matches!(outcome, Err(WriteError::Refused(_))),
        "nothing was sent: {outcome:?}"
    );
}
