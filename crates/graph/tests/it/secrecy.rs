//! What no text shows: the secret, the token, and who a guest is.

use std::cell::RefCell;
use std::io::Write;

use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_graph::{Depth, Graph, GraphError, Mail, Settings, WriteError};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::tenant::{SECRET, TOKEN, Tenant, all, guest_id, nowhere, ok, shown, text};

const MAIL: &str = "ann@partner.example";

fn group() -> GroupId {
    GroupId::derived(&[b"bridge"])
}

fn assert_silent(text: &str) {
    let guest = guest_id("ann").to_string();
    for told in [SECRET, TOKEN, MAIL, &guest] {
        assert!(!text.contains(told), "{told} is told: {text}");
    }
}

/// A failure whose message tells everything.
fn telling(status: u16) -> ResponseTemplate {
    let message = format!("{MAIL} ({}): Bearer {TOKEN}", guest_id("ann"));
    let body = json!({ "error": { "code": "Request_Failed", "message": message } });
    ResponseTemplate::new(status).set_body_json(body)
}

/// Everything that fails where each answer is a failure.
async fn failures(graph: &Graph) -> Vec<String> {
    let (reader, writer) = (graph.reader(), graph.writer(MAIL.to_owned()));
    let ann: GuestId = guest_id("ann");
    let mail = Mail {
        to: vec![MAIL.to_owned()],
        subject: MAIL.to_owned(),
        text: MAIL.to_owned(),
    };
    let read: [Option<GraphError>; 7] = [
        reader.guest_count().await.err(),
        all(reader.guests()).await.err(),
        all(reader.sponsors(7)).await.err(),
        reader.reread(&[ann], Depth::Whole).await.err(),
        // A group's id is asked for like anything else; this one happens to be a guest's.
        reader.find_group(&ann.to_string()).await.err(),
        all(reader.members(ann.0.into())).await.err(),
        reader.owners(ann.0.into()).await.err(),
    ];
    let written: [Option<WriteError>; 6] = [
        writer.disable(ann).await.err(),
        writer.enable(ann).await.err(),
        writer.delete(ann).await.err(),
        writer.restore(ann).await.err(),
        writer.remove_from_group(group(), ann).await.err(),
        writer.send_mail(&mail).await.err(),
    ];
    let read = read.iter().flatten().map(shown);
    read.chain(written.iter().flatten().map(shown)).collect()
}

#[tokio::test]
async fn settings_and_connections_show_neither_secret_nor_token() {
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/users/$count", [text(200, "7")])
        .await;
    let graph = tenant.graph();
    graph.reader().guest_count().await.expect("a count");
    assert_silent(&format!("{:?} {:#?}", tenant.settings(), tenant.settings()));
    assert_silent(&format!("{graph:?} {graph:#?}"));
    assert_silent(&format!(
        "{:?} {:?}",
        graph.reader(),
        graph.writer(String::new())
    ));
}

#[tokio::test]
async fn errors_tell_neither_secret_nor_token_nor_guest() {
    for status in [302, 400, 401, 403, 404, 409, 410, 418, 429, 500, 503] {
        let tenant = Tenant::start().await;
        tenant.answers_everything(telling(status)).await;
        let failures = failures(&tenant.graph()).await;
        assert!(failures.len() >= 12, "{status}: {failures:?}");
        for failure in failures {
            assert_silent(&failure);
        }
    }
}

#[tokio::test]
async fn errors_of_answers_that_cannot_be_read_tell_nothing_of_them() {
    for body in [
        "{\"value\": [{\"id\": \"",
        "<html>ann@partner.example</html>",
    ] {
        let tenant = Tenant::start().await;
        tenant.answers_everything(text(200, body)).await;
        let failures = failures(&tenant.graph()).await;
        assert_eq!(failures.len(), 7, "the reads: {failures:?}");
        for failure in failures {
            assert_silent(&failure);
        }
    }
}

#[tokio::test]
async fn errors_of_lost_connections_tell_no_address_of_a_guest() {
    let tenant = Tenant::start().await;
    let graph = Graph::connect(Settings {
        graph_url: nowhere(),
        ..tenant.settings()
    });
    let failures = failures(&graph.expect("a connection")).await;
    assert_eq!(failures.len(), 13);
    for failure in failures {
        assert_silent(&failure);
    }
}

#[tokio::test]
async fn refusals_of_the_token_endpoint_tell_no_secret() {
    let descriptive = json!({
        "error": "invalid_client",
        "error_description": format!("The secret {SECRET} is wrong."),
        "error_codes": [7_000_215],
    });
    for answer in [
        ResponseTemplate::new(401).set_body_json(descriptive),
        text(401, SECRET),
        text(500, SECRET),
        text(200, SECRET),
        ok(&json!({ "access_token": TOKEN })),
    ] {
        let tenant = Tenant::locked().await;
        tenant.issues([answer]).await;
        let error = tenant.reader().guest_count().await.unwrap_err();
        assert_silent(&shown(&error));
    }
}

#[tokio::test]
async fn what_is_of_the_wrong_type_is_not_quoted() {
    let row = json!({ "id": guest_id("ann"), "accountEnabled": MAIL, "otherMails": MAIL });
    let tenant = Tenant::start().await;
    tenant
        .answers_everything(ok(&json!({ "value": [row], "responses": [MAIL] })))
        .await;
    let failures = failures(&tenant.graph()).await;
    assert!(failures.len() >= 2, "{failures:?}");
    for failure in failures {
        assert_silent(&failure);
    }
    for answer in [
        json!(TOKEN),
        json!({ "access_token": [TOKEN], "expires_in": TOKEN }),
    ] {
        let tenant = Tenant::locked().await;
        tenant.issues([ok(&answer)]).await;
        let error = tenant.reader().guest_count().await.unwrap_err();
        assert_silent(&shown(&error));
    }
}

thread_local! {
    /// What is logged on this thread, by a test that listens.
    static LOG: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to [`LOG`].
struct Log;

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| {
            if let Some(log) = log {
                log.extend_from_slice(text);
            }
        });
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_tell_neither_secret_nor_token_nor_guest_at_any_level() {
    // One for the whole process, since what logs is asked only once who listens.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(|| Log)
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("no other test listens");
    let tenant = Tenant::start().await;
    tenant.answers_everything(telling(503)).await;
    LOG.set(Some(Vec::new()));
    let failures = failures(&tenant.graph()).await;
    let log = LOG.take().expect("a log");
    assert_eq!(failures.len(), 13);
    let log = String::from_utf8_lossy(&log);
    for told in ["a request to Graph is tried again", "Graph answered"] {
        assert!(log.contains(told), "it logs: {log}");
    }
    for told in [SECRET, TOKEN] {
        assert!(!log.contains(told), "{told} is told");
    }
    let ours: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("innkeeper_graph"))
        .collect();
    assert_silent(&ours.join("\n"));
}
