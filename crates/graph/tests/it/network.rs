//! What is between Innkeeper and Graph: names, certificates, proxies.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;

use innkeeper_graph::{Credential, Graph, GraphError, IdentitySource, Settings, WriteError};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::socket::{Socket, whole};
use crate::tenant::{guest_id, nowhere, plain_settings, shown};

/// A server with a certificate of its own, which it signed itself, and that certificate in PEM. It answers each request
/// with this.
fn server(answer: &'static str) -> (url::Url, String) {
    innkeeper_graph::install_crypto();
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private);
    let config = Arc::new(config.expect("a configuration"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = ServerConnection::new(config.clone()).expect("a connection");
            let mut stream = BufReader::new(StreamOwned::new(tls, stream));
            let mut line = String::new();
            // Nothing comes where the client does not trust the certificate.
            while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line.ends_with("\r\n\r\n") {
                    let answered = stream.get_mut().write_all(answer.as_bytes());
                    let answered = answered.and_then(|()| stream.get_mut().flush());
                    if answered.is_err() {
                        break;
                    }
                    line.clear();
                }
            }
        }
    });
    let url = format!("https://localhost:{port}").parse();
    (url.expect("an address"), certificate.pem())
}

fn connected(url: url::Url, ca_file: Option<PathBuf>, attempts: usize) -> Graph {
    let settings = Settings {
        ca_file,
        attempts,
        backoff: std::time::Duration::from_millis(1),
        ..plain_settings(url)
    };
    Graph::connect(settings).expect("a connection")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_certificate_nobody_vouches_for_is_told_nothing() {
    let (url, certificate) = server("HTTP/1.1 418 Trusted\r\ncontent-length: 0\r\n\r\n");
    let (_, strangers) = server("");
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder can be written");
        path
    };
    // Another certificate than its own does not vouch for it.
    let untrusting = connected(url.clone(), Some(file("other.pem", &strangers)), 2);
    let error = untrusting.reader().guest_count().await.unwrap_err();
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("localhost"), "{error}");
    assert!(shown(&error).contains("certificate"), "{}", shown(&error));
    let outcome = untrusting
        .writer(String::new())
        .delete(guest_id("ann"))
        .await;
    assert!(
        matches!(outcome, Err(WriteError::Refused(_))),
        "{outcome:?}"
    );

    let trusting = connected(url, Some(file("own.pem", &certificate)), 1);
    let error = trusting.reader().guest_count().await.unwrap_err();
    assert!(
        !matches!(error, GraphError::Unreachable { .. }),
        "it was asked: {error}"
    );
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_named_and_nothing_was_written() {
    let graph = connected(
        "http://nothing.invalid".parse().expect("an address"),
        None,
        2,
    );
    let error = graph.reader().guest_count().await.unwrap_err();
    assert!(matches!(error, GraphError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("nothing.invalid"), "{error}");
    let outcome = graph.writer(String::new()).delete(guest_id("ann")).await;
    assert!(
        matches!(outcome, Err(WriteError::Refused(_))),
        "{outcome:?}"
    );
}

/// Runs the test below in a process of its own, in whose environment this is.
fn run(address: &url::Url, also: &[(&str, &str)], proxy: &url::Url) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("this test's own path"));
    command
        .args(["--ignored", "--exact", "network::a_process_behind_a_proxy"])
        .env("GRAPH_AT", address.as_str())
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, proxy.as_str());
    }
    command
        .envs(also.iter().copied())
        .output()
        .expect("it runs")
}

#[tokio::test]
#[ignore = "is run by the tests below, in a process of its own"]
#[expect(
    clippy::disallowed_methods,
    reason = "what the tests below ask of their process"
)]
async fn a_process_behind_a_proxy() {
    let at = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<url::Url>().expect("an address"))
    };
    let settings = plain_settings(at("GRAPH_AT").expect("an address"));
    let credential = match at("IDENTITY_AT") {
        Some(endpoint) => Credential::ManagedIdentity {
            client_id: None,
            source: IdentitySource::Vm { endpoint },
        },
        None => settings.credential.clone(),
    };
    let graph = Graph::connect(Settings {
        credential,
        ca_file: std::env::var_os("CA_FILE").map(PathBuf::from),
        ..settings
    });
    let count = graph.expect("a connection").reader().guest_count().await;
    assert_eq!(count.expect("a count"), 7);
}

fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn hosts_elsewhere_are_reached_by_the_proxy() {
    let proxy = Socket::start([whole("200 OK", "", "7")]);
    let graph = "http://graph.invalid".parse().expect("an address");
    assert_passed(&run(&graph, &[], proxy.url()));
    let came = proxy.came();
    assert_eq!(came.len(), 2, "{came:?}");
    for (_, line) in came {
        assert!(line.contains(" http://graph.invalid/"), "{line}");
    }
}

#[test]
fn this_machine_is_never_reached_by_the_proxy() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("ca.pem");
    let (_, certificate) = server("");
    std::fs::write(&file, certificate).expect("the folder can be written");
    let file = file.to_str().expect("a path in UTF-8");
    for also in [&[][..], &[("CA_FILE", file)]] {
        let graph = Socket::start([whole("200 OK", "", "7")]);
        assert_passed(&run(graph.url(), also, &nowhere()));
        assert_eq!(graph.came().len(), 2);
    }
}

#[test]
fn a_machines_identity_is_never_asked_for_by_the_proxy() {
    // It says first what a token endpoint says, which is what the platform says too.
    let platform = Socket::start([]);
    let proxy = Socket::proxy([whole("200 OK", "", "7")]);
    let graph = "http://graph.invalid".parse().expect("an address");
    let endpoint = platform.url().join("metadata").expect("an address");
    assert_passed(&run(
        &graph,
        &[("IDENTITY_AT", endpoint.as_str())],
        proxy.url(),
    ));
    assert_eq!(platform.came().len(), 1);
    assert_eq!(proxy.came().len(), 1);
}

#[test]
fn hosts_elsewhere_are_reached_through_the_proxy_without_its_reading_along() {
    let proxy = Socket::proxy((0..20).map(|_| whole("502 Bad Gateway", "", "")));
    let graph = "https://graph.invalid".parse().expect("an address");
    let output = run(&graph, &[], proxy.url());
    assert!(!output.status.success());
    let came = proxy.came();
    assert!(!came.is_empty());
    for (_, line) in came {
        assert!(line.starts_with("CONNECT graph.invalid:443 "), "{line}");
    }
}

#[test]
fn hosts_that_no_proxy_names_are_not_reached_by_the_proxy() {
    let proxy = Socket::proxy([whole("200 OK", "", "7")]);
    let graph = "http://graph.invalid".parse().expect("an address");
    for name in ["NO_PROXY", "no_proxy"] {
        let output = run(&graph, &[(name, "other.example,.invalid")], proxy.url());
        assert!(!output.status.success(), "there is no such host");
    }
    assert!(proxy.came().is_empty(), "{:?}", proxy.came());
}
