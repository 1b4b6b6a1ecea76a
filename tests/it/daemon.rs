//! `run`: starts with a cycle, answers for its health, survives broken files and a database that goes away, and stops in
//! order.

use std::io::{BufRead, BufReader};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::tenant::{POLICY, Tenant};

/// How long a line of the log is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running daemon and its log.
pub struct Daemon {
    child: Child,
    log: Receiver<Value>,
}

impl Daemon {
    pub fn start(tenant: &Tenant) -> Self {
        let mut child = tenant.start(&["run"]);
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let entry = serde_json::from_str(&line)
                    .unwrap_or_else(|_| json!({ "fields": { "message": line } }));
                if sender.send(entry).is_err() {
                    break;
                }
            }
        });
        Self { child, log }
    }

    /// The next entry of the log with this message.
    pub fn wait_for(&self, message: &str) -> Value {
        self.until(message).pop().expect("the entry itself")
    }

    /// Every entry of the log up to the next one with this message, which is the last.
    pub fn until(&self, message: &str) -> Vec<Value> {
        let mut passed = Vec::new();
        loop {
            let Ok(entry) = self.log.recv_timeout(PATIENCE) else {
                panic!("{message:?} never came; {passed:#?}")
            };
            if entry["fields"]["message"]
                .as_str()
                .is_some_and(|text| text.contains(message))
            {
                passed.push(entry);
                return passed;
            }
            passed.push(entry);
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.expect("kill exists").success());
    }

    /// Stops it in order; whatever it said that nobody waited for.
    pub fn stop_and_tell(mut self) -> String {
        self.signal("TERM");
        assert!(self.child.wait().expect("it ended").success());
        let rest: Vec<String> = self.log.iter().map(|entry| entry.to_string()).collect();
        rest.join("\n")
    }

    pub fn stop(mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        self.child.wait().expect("it ended")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the daemon's own health interface"
)]
pub async fn health(address: &str, path: &str) -> (u16, String) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client");
    let answer = client
        .get(format!("http://{address}/{path}"))
        .send()
        .await
        .expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a body"),
    )
}

async fn tenant(database: String) -> Tenant {
    let tenant = Tenant::with(0, database).await;
    tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant
}

#[tokio::test(flavor = "multi_thread")]
async fn it_begins_with_a_cycle_answers_for_its_health_and_stops_in_order() {
    let tenant = tenant("sqlite://innkeeper.db".to_owned()).await;
    for signal in ["TERM", "INT"] {
        let daemon = Daemon::start(&tenant);
        let listening = daemon.wait_for("health is served");
        let address = listening["fields"]["listen"]
            .as_str()
            .expect("an address")
            .to_owned();
        daemon.wait_for("the cycle is complete");
        assert_eq!(health(&address, "healthz").await, (200, "ok\n".to_owned()));
        let (status, ready) = health(&address, "readyz").await;
        assert_eq!(status, 200, "{ready}");
        assert!(daemon.stop(signal).success());
    }
    assert_eq!(tenant.writes().await, ["send-mail"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedule_activates_cycles_as_the_clock_goes_on() {
    let tenant = tenant("sqlite://innkeeper.db".to_owned()).await;
    let daemon = Daemon::start(&tenant);
    daemon.wait_for("the next cycle is scheduled");
    tenant.pass_days(7).await;
    daemon.wait_for("the next cycle is scheduled");
    tenant.pass_days(7).await;
    daemon.wait_for("the next cycle is scheduled");
    assert!(daemon.stop("TERM").success());
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_policy_is_not_taken_and_a_mended_one_is() {
    let tenant = tenant("sqlite://innkeeper.db".to_owned()).await;
    let daemon = Daemon::start(&tenant);
    daemon.wait_for("the next cycle is scheduled");
    tenant.write("policy.toml", "[[rule]]\nname = 3\n");
    daemon.signal("HUP");
    daemon.wait_for("the last good one stays in force");
    tenant.pass_days(7).await;
    daemon.wait_for("the next cycle is scheduled");
    tenant.write("policy.toml", &POLICY.replace("14d", "13d"));
    daemon.signal("HUP");
    daemon.wait_for("were read again");
    assert!(daemon.stop("TERM").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_that_fails_leaves_the_daemon_running_and_the_next_one_works() {
    let tenant = tenant("sqlite://innkeeper.db".to_owned()).await;
    tenant
        .control(
            reqwest::Method::PUT,
            "permissions",
            Some(json!({ "roles": [] })),
        )
        .await;
    let daemon = Daemon::start(&tenant);
    let listening = daemon.wait_for("health is served");
    let address = listening["fields"]["listen"]
        .as_str()
        .expect("an address")
        .to_owned();
    daemon.wait_for("the cycle failed");
    daemon.wait_for("the next cycle is scheduled");
    assert_eq!(health(&address, "readyz").await.0, 503);
    assert_eq!(health(&address, "healthz").await.0, 200);
    assert!(daemon.stop("TERM").success());
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_reading_is_in_order() {
    let tenant = tenant("sqlite://innkeeper.db".to_owned()).await;
    tenant.post("faults", json!({ "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users", "next": 1 })).await;
    let daemon = Daemon::start(&tenant);
    tenant.get("held?wait=60").await;
    assert!(daemon.stop("TERM").success());
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_personal_data_is_in_the_log() {
    let tenant = tenant("sqlite://innkeeper.db".to_owned()).await;
    let daemon = Daemon::start(&tenant);
    let mut entries = Vec::new();
    while let Ok(entry) = daemon.log.recv_timeout(PATIENCE) {
        let is_last = entry["fields"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("is scheduled"));
        entries.push(entry.to_string());
        if is_last {
            break;
        }
    }
    assert!(daemon.stop("TERM").success());
    assert!(entries.len() > 3);
    for entry in entries {
        assert!(
            !entry.contains("partner.example")
                && !entry.contains("#EXT#")
                && !entry.contains("simulated-secret"),
            "{entry}"
        );
    }
}
