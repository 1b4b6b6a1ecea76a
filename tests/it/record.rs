//! What the journal holds: why a verdict changed, by which ids a call is found, what was read back, who was alarmed, and
//! every decision of a person with who and why.

use innkeeper_domain::journal::Event;
use reqwest::Method;
use serde_json::{Value, json};

use crate::actions::fault;
use crate::tenant::{POLICY, Tenant, shown};

/// The events of the whole journal, each of which this version must understand.
async fn events(tenant: &Tenant) -> Vec<Value> {
    let output = tenant.run(&["journal", "export"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    let text = String::from_utf8(output.stdout).expect("text");
    let event = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let mut event = line["event"].clone();
        let object = event.as_object_mut().expect("an object");
        object.remove("details_sha256");
        for (key, value) in line["details"].as_object().into_iter().flatten() {
            match (object.get_mut(key), value) {
                (Some(Value::Object(outer)), Value::Object(inner)) => outer.extend(inner.clone()),
                _ => drop(object.insert(key.clone(), value.clone())),
            }
        }
        let understood: Event = serde_json::from_value(event.clone()).expect("an event");
        assert_eq!(serde_json::to_value(understood).expect("JSON"), event);
        event
    };
    text.lines().skip(1).map(event).collect()
}

fn of<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events
        .iter()
        .filter(|event| event["kind"] == kind)
        .collect()
}

#[tokio::test]
async fn a_changed_verdict_is_kept_with_the_facts_behind_it() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    let now = tenant.get("clock").await["now"].clone();
    let back = json!({ "last_success": now, "last_interactive": now });
    tenant
        .control(Method::PATCH, &format!("users/{guest}"), Some(back))
        .await;
    tenant.pass_days(1).await;
    tenant.apply().await;
    let events = events(&tenant).await;
    let told: Vec<_> = of(&events, "verdict-changed")
        .iter()
        .map(|event| {
            let fact = &event["facts"][0];
            assert!(
                fact["source"]
                    .as_str()
                    .is_some_and(|of| of.contains("signInActivity"))
            );
            [&event["verdict"], &fact["fact"], &fact["value"]].map(|of| of.as_str().expect("text"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ["act", "inactive_days", "100"],
            // What no longer holds tells why the guest is kept.
            ["keep", "inactive_days", "1"]
        ]
    );
    let report = tenant.json(&["report", "guest", &guest]).await;
    let shown = report["journal"].to_string();
    assert!(shown.contains("\"value\":\"100\""), "{report:#}");
}

#[tokio::test]
async fn every_call_is_found_by_the_id_that_it_was_sent_with_whatever_the_answer() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", &format!("{POLICY}longest_gap = \"60d\"\n"));
    let done = tenant.add_guest("done", 100).await;
    tenant.apply().await;
    tenant.pass_days(16).await;
    let refused = json!({ "kind": "server_error", "status": 403 });
    fault(&tenant, "PATCH", "/users/", refused).await;
    tenant.run(&["apply"]).await;
    // Done, and answered as if it were not: the directory is read.
    let unclear = json!({ "kind": "unavailable", "after_effect": true });
    fault(&tenant, "PATCH", "/users/", unclear).await;
    tenant.apply().await;
    let events = events(&tenant).await;
    let concluded = of(&events, "concluded");
    let outcomes: Vec<_> = concluded
        .iter()
        .map(|event| event["outcome"]["outcome"].as_str().expect("a word"))
        .collect();
    assert_eq!(outcomes, ["done", "failed", "found-done"], "{concluded:#?}");
    for event in &concluded {
        assert_eq!(
            event["graph"]["client_request_id"], event["intent"],
            "{event:#}"
        );
        assert!(event["graph"]["request_id"].is_string(), "{event:#}");
    }
    let read_back = of(&events, "read-back");
    assert_eq!(read_back.len(), 1, "{read_back:#?}");
    assert_eq!(read_back[0]["intent"], concluded[2]["intent"]);
    assert_eq!(
        read_back[0]["shown"],
        "the guest is there, and its account is disabled"
    );
    assert!(
        read_back[0]["because"]
            .as_str()
            .is_some_and(|of| of.contains("503")),
        "{read_back:#?}"
    );
    // The other side was told the same.
    let writes = tenant.get("writes").await;
    let known: Vec<_> = writes
        .as_array()
        .expect("a list")
        .iter()
        .map(|write| &write["client_request_id"])
        .collect();
    assert_eq!(known, [&concluded[0]["intent"], &concluded[2]["intent"]]);
    let report = tenant.json(&["report", "guest", &done]).await;
    for (action, event) in report["actions"]
        .as_array()
        .expect("a list")
        .iter()
        .zip(&concluded)
    {
        assert_eq!(action["client_request_id"], event["intent"], "{report:#}");
    }
}

#[tokio::test]
async fn an_alarm_is_kept_when_it_comes_when_it_is_told_and_when_it_is_over() {
    let tenant = Tenant::empty().await;
    for name in ["ann", "bob"] {
        tenant.add_guest(name, 1).await;
    }
    tenant.apply().await;
    tenant.pass_days(3).await;
    tenant.post("faults", json!({ "kind": "server_error", "status": 403, "empty": true, "method": "GET", "path": "/v1.0/users" })).await;
    tenant.run(&["apply"]).await;
    tenant.control(Method::DELETE, "faults", None).await;
    tenant.apply().await;
    let events = events(&tenant).await;
    let told: Vec<String> = events
        .iter()
        .filter(|event| event["alarm"]["alarm"] == "silent")
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap_or_default();
            format!("{} {} {}", text("kind"), text("message"), text("by"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "alarm-raised  ",
            "alarm-told raised log",
            "alarm-told raised mail",
            "alarm-cleared  ",
            "alarm-told cleared log",
            "alarm-told cleared mail"
        ],
        "{events:#?}"
    );
    let all = tenant.json(&["journal", "verify"]).await;
    assert_eq!(all[0]["intact"], true, "{all:#}");
}

#[tokio::test]
async fn every_decision_of_a_person_is_kept_with_who_and_why() {
    let tenant = Tenant::empty().await;
    let policy = format!("{POLICY}longest_gap = \"60d\"\n");
    tenant.write("policy.toml", &policy);
    let ann = tenant.add_guest("ann", 100).await;
    tenant.add_guest("bob", 100).await;
    tenant.apply().await;
    let why = ["--by", "olga", "--reason", "because I say so"];
    let decided = async |command: &[&str]| {
        let output = tenant.run(&[command, &why].concat()).await;
        assert!(output.status.success(), "{command:?}: {}", shown(&output));
    };
    decided(&["guests", "exempt", &ann, "--until", "2027-12-31"]).await;
    decided(&["guests", "hold", &ann]).await;
    decided(&["guests", "expire", &ann, "--on", "2027-12-31"]).await;
    decided(&["guests", "release", &ann, "--hold"]).await;
    decided(&["guests", "release", &ann]).await;
    decided(&["guests", "attest", &ann, "--keep"]).await;
    decided(&["projects", "set", "bridge", "--ends", "2027-12-31"]).await;
    decided(&["projects", "remove", "bridge"]).await;
    tenant.pass_days(14).await;
    tenant.write(
        "policy.toml",
        &policy.replace(
            "ceiling = { guests = 1000, percent = 100 }",
            "ceiling = { guests = 0, percent = 0 }",
        ),
    );
    tenant.run(&["apply"]).await;
    tenant.run(&["apply"]).await;
    let plans = tenant.json(&["plans", "list"]).await;
    let plan = plans[0]["plan_id"].as_str().unwrap_or_default().to_owned();
    decided(&["plans", "reject", &plan]).await;
    decided(&["plans", "approve", &plan]).await;
    tenant.apply().await;
    let bob = tenant.json(&["guests", "list"]).await;
    let bob = bob
        .as_array()
        .expect("a list")
        .iter()
        .find(|guest| guest["mail"] == "bob@partner.example")
        .expect("bob")["guest_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    decided(&["undo", &bob, "--yes"]).await;
    let events = events(&tenant).await;
    for (kind, many) in [
        ("decided", 3),
        ("released", 2),
        ("attested", 1),
        ("project-set", 1),
        ("project-removed", 1),
        ("plan-rejected", 1),
        ("plan-approved", 1),
        ("undo-asked", 1),
    ] {
        let found = of(&events, kind);
        assert_eq!(found.len(), many, "{kind}: {events:#?}");
        for event in found {
            let text = event.to_string();
            assert!(
                text.contains("\"olga\"") && text.contains("because I say so"),
                "{event:#}"
            );
        }
    }
}

#[tokio::test]
async fn a_periods_report_has_exceptions_and_every_decision_with_who_why_and_when() {
    let tenant = Tenant::empty().await;
    let policy = POLICY.replace("ceiling = { guests = 1000", "ceiling = { guests = 0");
    tenant.write("policy.toml", &format!("{policy}longest_gap = \"60d\"\n"));
    let ann = tenant.add_guest("ann", 100).await;
    let held = tenant.add_guest("held", 1).await;
    for name in ["bob", "cleo"] {
        tenant.add_guest(name, 100).await;
    }
    tenant.apply().await;
    let hostile = "<script>alert(1)</script>";
    let decided = async |command: &[&str]| {
        let why = ["--by", "olga", "--reason", hostile];
        let output = tenant.run(&[command, &why].concat()).await;
        assert!(output.status.success(), "{command:?}: {}", shown(&output));
    };
    decided(&["guests", "exempt", &ann, "--until", "2027-12-31"]).await;
    decided(&["guests", "hold", &held]).await;
    tenant.pass_days(14).await;
    tenant.run(&["apply"]).await;
    let plans = tenant.json(&["plans", "list"]).await;
    let plan = plans[0]["plan_id"].as_str().expect("an id");
    decided(&["plans", "approve", plan]).await;
    let period = [
        "report",
        "period",
        "--from",
        "2027-01-01",
        "--to",
        "2027-03-31",
    ];
    let report = tenant.json(&period).await;
    let told =
        |list: &str| -> Vec<Value> { report["lists"][list].as_array().expect("a list").clone() };
    let exceptions = told("exceptions");
    assert_eq!(exceptions.len(), 2, "{report:#}");
    for (guest, until) in [(&ann, "2027-12-31"), (&held, "until it is released")] {
        let found = exceptions
            .iter()
            .find(|item| item["guest_id"] == guest.as_str());
        let found = found.expect("it is an exception");
        assert_eq!(found["by"], "olga");
        assert_eq!(found["reason"], hostile);
        assert_eq!(found["until"], until);
    }
    assert_eq!(told("decisions").len(), 2, "{report:#}");
    let approved = told("plan-decisions");
    assert_eq!(approved.len(), 1, "{report:#}");
    assert_eq!(
        (&approved[0]["by"], &approved[0]["reason"]),
        (&json!("olga"), &json!(hostile))
    );
    assert!(
        approved[0]["detail"]
            .as_str()
            .is_some_and(|of| of.starts_with("approved: 2 steps"))
    );
    let page = shown(&tenant.run(&period).await);
    assert!(
        !page.contains("<script>") && page.contains("&lt;script&gt;"),
        "{page}"
    );
    let csv = shown(
        &tenant
            .run(&[&period[..], &["--output", "csv"]].concat())
            .await,
    );
    assert_eq!(csv.matches(",olga,").count(), 5, "{csv}");
    let earlier = [
        "report",
        "period",
        "--from",
        "2026-01-01",
        "--to",
        "2026-12-31",
    ];
    assert_eq!(tenant.json(&earlier).await["counts"]["decisions"], 0);
}
