//! Alarms: operators hear once of what is wrong, again with restraint, and once that it is over.

use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::daemon::Daemon;
use crate::tenant::{Tenant, shown};

/// Somebody else's service, which takes everything after it has refused a few.
pub struct Service {
    pub address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Service {
    pub async fn refusing(mut refused: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let taken = heard.clone();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let status = if refused > 0 {
                    "503 Service Unavailable"
                } else {
                    "204 No Content"
                };
                let request = answer(client, status).await;
                if refused > 0 {
                    refused -= 1;
                } else {
                    taken.lock().expect("no panic").push(request);
                }
            }
        });
        Self { address, heard }
    }

    /// The requests taken so far whose first line begins like this.
    pub fn heard(&self, start: &str) -> Vec<String> {
        let heard = self.heard.lock().expect("no panic");
        let found = heard.iter().filter(|request| request.starts_with(start));
        found.cloned().collect()
    }
}

/// Reads one request, and answers it.
async fn answer(mut client: TcpStream, status: &str) -> String {
    let mut text = String::new();
    loop {
        let mut part = [0; 1024];
        let read = client.read(&mut part).await.expect("a request");
        text += std::str::from_utf8(&part[..read]).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let is_whole = head.starts_with("GET ") || serde_json::from_str::<Value>(body).is_ok();
        if is_whole || read == 0 {
            let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n");
            client.write_all(answer.as_bytes()).await.expect("told");
            return text;
        }
    }
}

/// A tenant of two guests whose operators and services hear.
async fn watched(database: String, service: &Service) -> (Tenant, [String; 2]) {
    let tenant = Tenant::with(0, database).await;
    let guests = [
        tenant.add_guest("ann", 5).await,
        tenant.add_guest("bob", 3).await,
    ];
    let address = &service.address;
    tenant
        .configure(|config| {
            format!(
                "{config}\n[tenants.heartbeat]\nurl = \"http://{address}/alive?key=s3cret\"\n\
                 failure_url = \"http://{address}/failed\"\n\n[alarms]\nurl = \"http://{address}/alarms\"\n"
            )
        })
        .await;
    (tenant, guests)
}

/// Lets a minute pass, so that what follows is later.
async fn pass_a_minute(tenant: &Tenant) {
    tenant.post("clock/advance", json!({ "seconds": 60 })).await;
}

async fn see(tenant: &Tenant, guests: &[String], at: Value) {
    pass_a_minute(tenant).await;
    let patch = json!({ "last_success": at, "last_interactive": at, "last_non_interactive": at });
    for guest in guests {
        tenant
            .control(
                Method::PATCH,
                &format!("users/{guest}"),
                Some(patch.clone()),
            )
            .await;
    }
}

async fn mails(tenant: &Tenant) -> Vec<String> {
    let outbox = tenant.get("outbox").await;
    let text = |mail: &Value| format!("{} {}", mail["subject"], mail["body"]);
    outbox
        .as_array()
        .expect("a list")
        .iter()
        .map(text)
        .collect()
}

pub async fn kinds(tenant: &Tenant) -> Vec<String> {
    let raised = tenant.json(&["alarms", "list"]).await;
    let kind = |alarm: &Value| alarm["kind"].as_str().expect("a kind").to_owned();
    raised
        .as_array()
        .expect("a list")
        .iter()
        .map(kind)
        .collect()
}

async fn what_cannot_be_believed_is_told(database: String) {
    let service = Service::refusing(0).await;
    let (tenant, guests) = watched(database, &service).await;
    tenant.apply().await;
    assert_eq!(service.heard("GET /alive?key=s3cret ").len(), 1);
    assert_eq!(kinds(&tenant).await, Vec::<String>::new());

    see(&tenant, &guests, Value::Null).await;
    for _ in 0..3 {
        let output = tenant.run(&["apply"]).await;
        assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    }
    assert_eq!(kinds(&tenant).await, ["unhealthy"]);
    let told = mails(&tenant).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("the sign-in times of 2 guests vanished"),
        "{told:#?}"
    );
    assert_eq!(service.heard("POST /alarms ").len(), 1);
    assert!(service.heard("POST /alarms ")[0].contains("\"message\":\"raised\""));
    assert_eq!(service.heard("GET /failed ").len(), 3);
    assert_eq!(service.heard("GET /alive").len(), 1);

    tenant.pass_days(1).await;
    tenant.run(&["apply"]).await;
    tenant.run(&["apply"]).await;
    let told = mails(&tenant).await;
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[1].contains("no healthy cycle for 24 hours") && told[1].contains("unhealthy: since"),
        "{told:#?}"
    );
    let doctor = tenant.json(&["doctor"]).await.to_string();
    assert!(doctor.contains("no healthy cycle for 24 hours"), "{doctor}");

    see(&tenant, &guests, json!("2027-01-05T05:00:00Z")).await;
    tenant.apply().await;
    tenant.apply().await;
    assert_eq!(kinds(&tenant).await, Vec::<String>::new());
    let told = mails(&tenant).await;
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(
        told[2].contains("silent: over") && told[2].contains("unhealthy: over"),
        "{told:#?}"
    );
    assert_eq!(service.heard("GET /alive").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_believed_is_told_once_again_after_a_day_and_once_when_it_is_over() {
    what_cannot_be_believed_is_told("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_told_on_postgres() {
    what_cannot_be_believed_is_told(innkeeper_testdb::postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_is_given_again_where_it_was_refused_and_its_failure_fails_no_cycle() {
    let service = Service::refusing(2).await;
    let (tenant, _) = watched("sqlite://innkeeper.db".to_owned(), &service).await;
    tenant.apply().await;
    assert_eq!(service.heard("GET /alive").len(), 1);
    tenant
        .configure(|config| {
            format!("{config}\n[tenants.heartbeat]\nurl = \"http://127.0.0.1:1/s3cret\"\n")
        })
        .await;
    let output = tenant.run(&["apply"]).await;
    let told = shown(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("tenants.heartbeat.url"), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ends_soon_and_a_plan_that_waits_are_told_of() {
    let service = Service::refusing(0).await;
    let (tenant, _) = watched("sqlite://innkeeper.db".to_owned(), &service).await;
    tenant
        .configure(|config| {
            config.replace(
                "kind = \"client-secret\"",
                "kind = \"client-secret\"\nsecret_expires_on = \"2027-01-20\"",
            )
        })
        .await;
    let policy = crate::tenant::POLICY.replace(
        "ceiling = { guests = 1000, percent = 100 }",
        "ceiling = { guests = 0, percent = 0 }",
    );
    tenant.write("policy.toml", &policy);
    tenant.add_guest("carl", 200).await;
    tenant.apply().await;
    let told =
        |mails: Vec<String>, what: &str| mails.iter().filter(|mail| mail.contains(what)).count();
    let ends = "ends on 2027-01-21, in 16 days";
    assert_eq!(told(mails(&tenant).await, ends), 1);
    for _ in 0..2 {
        tenant.pass_days(7).await;
        tenant.run(&["apply"]).await;
        tenant.run(&["apply"]).await;
    }
    assert_eq!(told(mails(&tenant).await, "1 steps of the plan"), 1);
    assert_eq!(
        told(mails(&tenant).await, "ends on 2027-01-21, in 2 days"),
        1
    );
    assert_eq!(kinds(&tenant).await, ["credential-ends", "plan-waits"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_mode_observe_no_mail_is_sent_and_the_webhook_hears() {
    let service = Service::refusing(0).await;
    let (tenant, guests) = watched("sqlite://innkeeper.db".to_owned(), &service).await;
    let address = &service.address;
    tenant
        .configure(|config| {
            let config = config.replace("mode = \"enforce\"", "mode = \"observe\"");
            format!("{config}\n[alarms]\nurl = \"http://{address}/alarms\"\n")
        })
        .await;
    tenant.apply().await;
    see(&tenant, &guests, Value::Null).await;
    tenant.run(&["apply"]).await;
    assert_eq!(mails(&tenant).await, Vec::<String>::new());
    assert_eq!(service.heard("POST /alarms ").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_cycle_hangs_says_so_itself() {
    let service = Service::refusing(0).await;
    let (tenant, _) = watched("sqlite://innkeeper.db".to_owned(), &service).await;
    let daemon = Daemon::start(&tenant);
    let listening = daemon.wait_for("health is served");
    let address = listening["fields"]["listen"].as_str().expect("an address");
    daemon.wait_for("the next cycle is scheduled");
    tenant
        .post("faults", json!({ "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users", "next": 1 }))
        .await;
    tenant.pass_days(2).await;
    tenant.get("held?wait=60").await;
    daemon.wait_for("alarm: no healthy cycle for 48 hours");
    let (status, metrics) = crate::daemon::health(address, "metrics").await;
    assert_eq!(status, 200);
    assert!(
        metrics.contains("innkeeper_alarm{tenant=\"contoso\",kind=\"silent\"} 1")
            && metrics.contains("innkeeper_guests{tenant=\"contoso\"} 2"),
        "{metrics}"
    );
    assert!(daemon.stop("TERM").success());
    assert_eq!(service.heard("POST /alarms ").len(), 1);
    // The cycle that ended gave a sign of life, and the one that hangs none.
    assert_eq!(service.heard("GET /alive").len(), 1);
}

#[tokio::test]
async fn a_group_whose_listing_lacks_many_members_keeps_them_until_it_can_be_believed() {
    let tenant = Tenant::empty().await;
    tenant.write(
        "policy.toml",
        "[[rule]]\nname = \"in a project\"\nwhen = '\"tunnel\" in guest.groups'\nstages = [{ action = \"flag\" }]\n",
    );
    let mut guests = Vec::new();
    for index in 0..10 {
        guests.push(tenant.add_guest(&format!("guest{index}"), 2).await);
    }
    let group = json!({ "name": "tunnel", "kind": "security", "members": guests });
    let group = tenant.post("groups", group).await;
    let group = group["id"].as_str().expect("an id");
    tenant.apply().await;
    tenant
        .post(
            "faults",
            json!({ "kind": "missing_rows", "path": format!("/groups/{group}/members") }),
        )
        .await;
    let output = tenant.run(&["apply"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let told = mails(&tenant).await;
    let lacks = format!("the listing of group {group} lacks 10 of 10 guests who were in it");
    assert!(told.len() == 1 && told[0].contains(&lacks), "{told:#?}");
    for guest in &guests {
        let case = tenant.json(&["guests", "show", guest]).await["cases"][0].clone();
        assert_eq!(case["closed"], Value::Null, "{case}");
    }
    tenant.control(Method::DELETE, "faults", None).await;
    tenant.apply().await;
    assert_eq!(kinds(&tenant).await, Vec::<String>::new());
}
