//! A Postgres server that goes away in the middle of a cycle, and comes back.

use std::sync::Arc;

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::daemon::Daemon;
use crate::tenant::Tenant;

/// Stands between the daemon and the server, and can be cut.
struct Cable {
    port: u16,
    whole: Arc<watch::Sender<bool>>,
}

impl Cable {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let (whole, _) = watch::channel(true);
        let whole = Arc::new(whole);
        let state = whole.clone();
        std::thread::spawn(move || {
            carry(listener.into_std().expect("a listener"), &server, &state);
        });
        Self { port, whole }
    }

    fn set(&self, whole: bool) {
        self.whole.send_replace(whole);
    }
}

/// Carries every connection until the cable is cut; refuses new ones while it is.
fn carry(listener: std::net::TcpListener, server: &str, state: &watch::Sender<bool>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = TcpListener::from_std(listener).expect("a listener");
        while let Ok((mut client, _)) = listener.accept().await {
            let mut cut = state.subscribe();
            if !*cut.borrow() {
                continue;
            }
            let server = server.to_owned();
            tokio::task::spawn_local(async move {
                let Ok(mut upstream) = TcpStream::connect(server).await else {
                    return;
                };
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut upstream) => {}
                    _ = cut.wait_for(|whole| !whole) => {}
                }
            });
        }
    });
}

/// The server's address and the URL with another port in its place.
fn through(url: &str, port: u16) -> (String, String) {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let (before, after) = rest.split_once('/').expect("a database");
    let (user, address) = before
        .rsplit_once('@')
        .map_or(("", before), |(user, address)| (user, address));
    let user = if user.is_empty() {
        String::new()
    } else {
        format!("{user}@")
    };
    (
        address.to_owned(),
        format!("{scheme}://{user}127.0.0.1:{port}/{after}"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_in_the_middle_of_a_cycle_ends_the_cycle_and_not_the_daemon() {
    let url = innkeeper_testdb::postgres_url().await;
    let cable = Cable::to(through(&url, 0).0).await;
    let tenant = Tenant::with(0, through(&url, cable.port).1).await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant.post("faults", json!({ "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users", "next": 1 })).await;
    let daemon = Daemon::start(&tenant);
    tenant.get("held?wait=60").await;
    cable.set(false);
    tenant
        .control(reqwest::Method::DELETE, "faults", None)
        .await;
    daemon.wait_for("the cycle failed");
    daemon.wait_for("the next cycle is scheduled");
    assert_eq!(tenant.writes().await, Vec::<String>::new());
    cable.set(true);
    tenant.pass_days(1).await;
    daemon.wait_for("the cycle is complete");
    assert!(daemon.stop("TERM").success());
    assert_eq!(tenant.writes().await, ["send-mail"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_died_halfway_is_gone_on_with_from_its_last_twenty_pages() {
    let tenant = Tenant::with(4_500, "sqlite://innkeeper.db".to_owned()).await;
    // As earlier services did: the client falls back to pages of a hundred.
    tenant
        .post("faults", json!({ "kind": "activity_cap" }))
        .await;
    tenant
        .post("faults", json!({ "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users", "skip": 35, "next": 1 }))
        .await;
    let mut child = tenant.start(&["plan"]);
    let held = tenant.get("held?wait=60").await;
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let faults = tenant.get("faults").await;
    for fault in faults.as_array().expect("faults") {
        if fault["kind"] == "hold" {
            let path = format!(
                "faults/{}",
                fault["id"]
                    .as_str()
                    .map_or_else(|| fault["id"].to_string(), str::to_owned)
            );
            tenant.control(reqwest::Method::DELETE, &path, None).await;
        }
    }
    let pages = async || -> u64 {
        tenant.post("reset", json!({})).await;
        let plan = tenant.json(&["plan"]).await;
        let health = &plan["observation"]["health"];
        assert_eq!(health["healthy"], true, "{health}");
        assert_eq!(
            plan["verdicts"].as_array().map(|all| all.len() as u64),
            plan["observation"]["guests"].as_u64()
        );
        let requests = tenant.get("requests").await;
        requests["by_route"]["GET /users"]
            .as_u64()
            .expect("a number")
    };
    let rest = pages().await;
    // The sponsors of a few guests are looked up by the same route, and the first page is asked for twice.
    let whole = pages().await;
    assert!(whole - rest >= 19, "{rest} of {whole}");
}
