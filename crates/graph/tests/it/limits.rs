//! What is bounded: the pace of sign-in reads, attempts, time, pages, and the size of an answer.

use std::time::{Duration, Instant};

use innkeeper_graph::{Depth, Graph, GraphError, Limit, Limits, Quota, Settings};

use crate::tenant::{Tenant, all, failure, guest, guest_id, page, plain_settings, text};

fn paced(tenant: &Tenant, requests: u32, within: Duration) -> Graph {
    let sign_ins = Quota {
        limits: vec![Limit { requests, within }],
        at_best_percent: 100,
    };
    let settings = Settings {
        limits: Limits {
            sign_ins,
            ..Limits::none()
        },
        ..tenant.settings()
    };
    Graph::connect(settings).expect("a connection")
}

#[tokio::test]
async fn reads_of_sign_in_activity_keep_their_pace_and_others_do_not_wait() {
    let within = Duration::from_millis(40);
    let tenant = Tenant::start().await;
    let links = ["2", "3"].map(|token| tenant.page(token));
    let pages = [
        page(&[guest("ann")], Some(&links[0])),
        page(&[guest("bob")], Some(&links[1])),
        page(&[guest("cem")], None),
    ];
    tenant.answers("GET", "/users", pages).await;
    let count = [text(200, "3")];
    tenant.answers("GET", "/users/$count", count).await;
    let reader = paced(&tenant, 1, within).reader();
    let started = Instant::now();
    all(reader.guests()).await.expect("three pages");
    assert!(started.elapsed() >= within * 2);

    // One that is never free again holds up nothing else.
    let reader = paced(&tenant, 1, Duration::from_secs(86_400)).reader();
    all(reader.guests()).await.expect("the last page");
    for _ in 0..3 {
        assert_eq!(reader.guest_count().await.expect("a count"), 3);
    }
}

#[test]
fn only_a_simulator_on_this_machine_is_not_paced() {
    let limits = |url: &str| plain_settings(url.parse().expect("an address")).limits;
    assert!(limits("http://127.0.0.1:8080") == Limits::none());
    assert!(limits("http://localhost") == Limits::none());
    assert!(limits("http://[::1]:80") == Limits::none());
    for url in [
        "https://graph.microsoft.com",
        "https://127.0.0.1",
        "http://simulator",
    ] {
        assert_eq!(limits(url), Limits::documented(), "{url}");
    }
}

#[test]
fn limits_are_shortened_with_their_margin_and_allow_as_much() {
    let documented = Limits::documented();
    let shortened = Limits::documented().shortened(60);
    for (whole, part) in [
        (&documented.sign_ins, &shortened.sign_ins),
        (&documented.reports, &shortened.reports),
        (&documented.directory, &shortened.directory),
        (&documented.writes, &shortened.writes),
        (&documented.mail, &shortened.mail),
    ] {
        let whole = whole.limits.iter().map(|of| (of.requests, of.within / 60));
        let part = part.limits.iter().map(|of| (of.requests, of.within));
        assert!(whole.eq(part));
    }
    assert_eq!(Limits::documented().shortened(0), documented);
}

#[tokio::test]
async fn after_the_longest_time_nothing_is_tried_again() {
    let tenant = Tenant::start().await;
    let busy = failure(429, "TooManyRequests").insert_header("retry-after", "1");
    tenant.answers("GET", "/users/$count", [busy]).await;
    let graph = Graph::connect(Settings {
        longest: Duration::from_millis(500),
        ..tenant.settings()
    });
    let error = graph.expect("a connection").reader().guest_count().await;
    assert!(
        matches!(error, Err(GraphError::Throttled { .. })),
        "{error:?}"
    );
    assert_eq!(tenant.asked().await.len(), 1);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let tenant = Tenant::start().await;
    let late = text(200, "7").set_delay(Duration::from_secs(600));
    tenant.answers("GET", "/users/$count", [late]).await;
    tenant.writer();
    let graph = Graph::connect(Settings {
        timeout: Duration::from_millis(50),
        attempts: 1,
        ..tenant.settings()
    });
    let error = graph.expect("a connection").reader().guest_count().await;
    let error = error.unwrap_err();
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error}");
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_is_larger_than_any_of_graph_is_not_read() {
    let tenant = Tenant::start().await;
    let huge = text(200, &" ".repeat((64 << 20) + 1));
    tenant.answers("GET", "/users", [huge]).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::TooLarge { .. }), "{error}");
    assert_eq!(tenant.asked().await.len(), 1, "it is not asked for again");
}

#[tokio::test]
async fn an_answer_that_is_nested_deeper_than_any_of_graph_is_malformed() {
    let tenant = Tenant::start().await;
    let (open, close) = (r#"{"a":"#.repeat(200_000), "}".repeat(200_000));
    let deep = format!(r#"{{"value":[{open}null{close}]}}"#);
    tenant
        .answers("GET", "/users", vec![text(200, &deep); 8])
        .await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn empty_pages_do_not_go_on_for_ever() {
    let tenant = Tenant::start().await;
    let mut pages: Vec<_> = (0..1_100)
        .map(|nth| page(&[], Some(&tenant.page(&nth.to_string()))))
        .collect();
    pages.push(page(&[guest("ann")], None));
    tenant.answers("GET", "/users", pages).await;
    let error = all(tenant.reader().guests()).await.unwrap_err();
    assert!(matches!(error, GraphError::EndlessPaging { .. }), "{error}");
}

#[tokio::test]
async fn a_look_is_as_old_as_its_request_which_was_sent_when_its_turn_came() {
    let within = Duration::from_millis(80);
    let tenant = Tenant::start().await;
    let pages = [page(&[], None), page(&[], None)];
    tenant.answers("GET", "/users", pages).await;
    for path in [
        format!("/directory/deletedItems/{}", guest_id("ann")),
        format!("/users/{}", guest_id("ann")),
    ] {
        let gone = || failure(404, "Request_ResourceNotFound");
        tenant.answers("GET", &path, [gone(), gone()]).await;
    }
    let reader = paced(&tenant, 1, within).reader();
    let ann = [guest_id("ann")];
    let look = || reader.look(&ann, Depth::Whole);
    let began = tokio::time::Instant::now();
    let first = look().await.expect("an answer").sent;
    let answered = tokio::time::Instant::now();
    let second = look().await.expect("an answer").sent;
    assert!(first >= began && first <= answered);
    assert!(
        second >= first + within,
        "it waited for its turn before it was sent"
    );
    assert!(second <= tokio::time::Instant::now());
}
