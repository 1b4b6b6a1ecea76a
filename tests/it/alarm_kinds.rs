//! Each kind of alarm from what raises it to what clears it: told once, told again with restraint, and told to be over.

use reqwest::Method;
use serde_json::{Value, json};

use crate::alarms::{Service, kinds};
use crate::tenant::{Tenant, shown};

/// Everybody is told of once, as far as the cap lets them.
const NOTICES: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [{ action = "notify", to = ["operators"] }]
"#;

/// A tenant whose alarms a service hears, with these bounds.
async fn watched(service: &Service, policy: &str, bounds: &str) -> Tenant {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", policy);
    let address = &service.address;
    tenant
        .configure(|config| {
            format!(
                "{config}\n[tenants.heartbeat]\nurl = \"http://{address}/alive\"\n\n\
                 [alarms]\nurl = \"http://{address}/alarms\"\n{bounds}\n"
            )
        })
        .await;
    tenant
}

/// A cycle, some time after the one before.
async fn cycle(tenant: &Tenant) -> String {
    tenant
        .post("clock/advance", json!({ "seconds": 3600 }))
        .await;
    shown(&tenant.run(&["apply"]).await)
}

/// What the webhook heard of this kind, in order.
fn heard(service: &Service, kind: &str) -> Vec<String> {
    let mut told = Vec::new();
    for request in service.heard("POST /alarms ") {
        let (_, body) = request.split_once("\r\n\r\n").expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        for alarm in body["alarms"].as_array().expect("alarms") {
            if alarm["kind"] == kind {
                told.push(alarm["message"].as_str().expect("a word").to_owned());
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_guests_than_before_are_told_of_once_and_are_over_with_the_next_observation() {
    let service = Service::refusing(0).await;
    let tenant = watched(&service, NOTICES, "").await;
    let mut guests = Vec::new();
    for number in 0..30 {
        guests.push(tenant.add_guest(&format!("guest{number}"), 5).await);
    }
    cycle(&tenant).await;
    for guest in &guests[..5] {
        tenant
            .control(
                Method::PATCH,
                &format!("users/{guest}"),
                Some(json!({ "deleted": true })),
            )
            .await;
    }
    let told = cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, ["fewer-guests"], "{told}");
    assert_eq!(heard(&service, "fewer-guests"), ["raised"]);
    cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, [""; 0]);
    cycle(&tenant).await;
    assert_eq!(heard(&service, "fewer-guests"), ["raised", "cleared"]);
    assert_eq!(service.heard("GET /alive ").len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_that_are_due_and_never_done_are_told_of_until_one_is() {
    let service = Service::refusing(0).await;
    let tenant = watched(&service, NOTICES, "idle_cycles = 3\n").await;
    tenant.add_guest("ann", 100).await;
    tenant
        .post("faults", json!({ "kind": "server_error", "status": 403, "empty": true, "method": "POST", "path": "/v1.0/users" }))
        .await;
    for _ in 0..2 {
        cycle(&tenant).await;
        assert_eq!(kinds(&tenant).await, [""; 0]);
    }
    let told = cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, ["nothing-done"], "{told}");
    cycle(&tenant).await;
    cycle(&tenant).await;
    assert_eq!(heard(&service, "nothing-done"), ["raised"]);
    // After a day it is told again, once.
    tenant.pass_days(1).await;
    cycle(&tenant).await;
    cycle(&tenant).await;
    assert_eq!(heard(&service, "nothing-done"), ["raised", "still"]);
    tenant.control(Method::DELETE, "faults", None).await;
    cycle(&tenant).await;
    cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, [""; 0]);
    assert_eq!(
        heard(&service, "nothing-done"),
        ["raised", "still", "cleared"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_that_grows_is_told_of_until_it_falls() {
    let service = Service::refusing(0).await;
    let policy = format!(
        "{NOTICES}\n[limits]\nnotify = {{ guests = 1, percent = 100, guests_per_day = 1000 }}\n"
    );
    let tenant = watched(&service, &policy, "growing_cycles = 3\n").await;
    let mut number = 0;
    let mut come = async |guests: usize| {
        for _ in 0..guests {
            number += 1;
            tenant.add_guest(&format!("guest{number}"), 100).await;
        }
    };
    come(4).await;
    cycle(&tenant).await;
    come(2).await;
    cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, [""; 0]);
    come(2).await;
    let told = cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, ["backlog-grows"], "{told}");
    come(2).await;
    cycle(&tenant).await;
    assert_eq!(heard(&service, "backlog-grows"), ["raised"]);
    cycle(&tenant).await;
    cycle(&tenant).await;
    assert_eq!(kinds(&tenant).await, [""; 0]);
    assert_eq!(heard(&service, "backlog-grows"), ["raised", "cleared"]);
}
