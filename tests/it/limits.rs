//! How much is done at once, and what waits for a person.

use reqwest::Method;
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::tenant::{Tenant, shown};

/// Caps that a tenant of fifteen feels.
const POLICY: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "disable", wait = "14d" },
  { action = "delete", wait = "30d" },
]

[limits]
disable = { guests = 5, percent = 100 }
delete = { guests = 4, percent = 100 }
ceiling = { guests = 6, percent = 100 }
"#;

const STALE: usize = 12;

async fn neglected() -> Tenant {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", POLICY);
    for number in 0..STALE {
        tenant.add_guest(&format!("stale{number}"), 100).await;
    }
    for number in 0..3 {
        tenant.add_guest(&format!("active{number}"), 1).await;
    }
    tenant
}

async fn count(tenant: &Tenant, kind: &str) -> usize {
    let writes = tenant.writes().await;
    writes.iter().filter(|write| *write == kind).count()
}

fn of<'p>(plan: &'p Value, action: &str) -> &'p Value {
    plan["backlog"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|backlog| backlog["action"] == action)
        .unwrap_or_else(|| panic!("no {action} in {plan:#}"))
}

/// The plan's disabling is due, and waits; returns its id.
async fn waiting(tenant: &Tenant) -> String {
    tenant.apply().await;
    for _ in 0..2 {
        tenant.pass_days(7).await;
        tenant.json(&["plan"]).await;
    }
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["waiting"], STALE, "{plan:#}");
    plan["plan_id"].as_str().expect("an id").to_owned()
}

async fn decide(tenant: &Tenant, arguments: &[&str]) -> Value {
    let rest = ["--by", "ann", "--reason", "ticket 4711"];
    tenant.json(&[&["plans"], arguments, &rest].concat()).await
}

#[tokio::test]
async fn a_neglected_tenant_is_reported_waits_for_a_person_drains_under_the_caps_and_ends() {
    let tenant = neglected().await;
    tenant
        .configure(|config| config.replace("mode = \"enforce\"", "mode = \"observe\""))
        .await;
    let report = tenant.json(&["plan"]).await;
    assert_eq!(of(&report, "notify")["left"], STALE);
    assert!(of(&report, "notify")["finish"].is_string(), "{report:#}");
    tenant.configure(|config| config).await;

    let id = waiting(&tenant).await;
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["plan_id"], id.as_str(), "the same plan is kept once");
    assert_eq!(plan["approved"], false);
    assert_eq!(plan["refusals"][0]["refusal"], "over-ceiling");
    let backlog = of(&plan, "disable");
    // At five a cycle, three cycles; at twenty a day, one day.
    assert_eq!(
        (&backlog["left"], &backlog["cycles"], &backlog["days"]),
        (&json!(STALE), &json!(3), &json!(1))
    );
    let output = tenant.run(&["plan"]).await;
    assert!(
        shown(&output).contains(&format!("innkeeper plans approve {id} --reason")),
        "{}",
        shown(&output)
    );
    let output = tenant.run(&["apply"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(
        shown(&output).contains("innkeeper plans show"),
        "{}",
        shown(&output)
    );
    assert_eq!(count(&tenant, "disable").await, 0);

    let list = tenant.json(&["plans", "list"]).await;
    assert_eq!(list[0]["plan_id"], id.as_str());
    assert_eq!(
        (&list[0]["state"], &list[0]["actions"]["disable"]),
        (&json!("waiting"), &json!(STALE))
    );
    let plan = tenant.json(&["plans", "show", &id[..8]]).await;
    assert_eq!(plan["planned"].as_array().map(Vec::len), Some(STALE));
    assert_eq!(plan["planned"][0]["effect"]["effect"], "disable");
    assert!(plan["planned"][0]["upn"].is_string(), "{plan:#}");

    let approved = decide(&tenant, &["approve", &id]).await;
    assert_eq!(
        (&approved["decision"], &approved["steps"]),
        (&json!("approved"), &json!(STALE))
    );
    let mut disabled = Vec::new();
    for _ in 0..3 {
        tenant.apply().await;
        disabled.push(count(&tenant, "disable").await);
        tenant
            .post("clock/advance", json!({ "seconds": 6 * 3_600 }))
            .await;
    }
    assert_eq!(disabled, [5, 10, 12]);
    let list = tenant.json(&["plans", "list"]).await;
    let approved = list
        .as_array()
        .expect("a list")
        .iter()
        .find(|plan| plan["plan_id"] == id.as_str())
        .expect("it is kept");
    assert_eq!(
        (&approved["state"], &approved["decision"]["by"]),
        (&json!("approved"), &json!("ann"))
    );

    // Deleting is another step, and asks again.
    for _ in 0..5 {
        tenant.pass_days(7).await;
        tenant.json(&["plan"]).await;
    }
    let output = tenant.run(&["apply"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    let list = tenant.json(&["plans", "list"]).await;
    assert_eq!(list[0]["state"], "waiting");
    assert!(
        list.as_array()
            .expect("a list")
            .iter()
            .any(|plan| plan["plan_id"] == id.as_str() && plan["state"] == "expired"),
        "{list:#}"
    );
    let id = list[0]["plan_id"].as_str().expect("an id").to_owned();
    decide(&tenant, &["approve", &id, "--expires", "10d"]).await;
    let mut deleted = Vec::new();
    for _ in 0..4 {
        tenant.apply().await;
        deleted.push(count(&tenant, "delete").await);
        tenant.pass_days(1).await;
    }
    assert_eq!(deleted, [4, 8, 12, 12]);
    let output = tenant.run(&["plan"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
}

#[tokio::test]
async fn a_rejected_plan_stays_undone_until_it_is_approved_after_all() {
    let tenant = neglected().await;
    let id = waiting(&tenant).await;
    let rejected = decide(&tenant, &["reject", &id]).await;
    assert_eq!(rejected["decision"], "rejected");
    tenant.apply().await;
    assert_eq!(count(&tenant, "disable").await, 0);
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["refusals"][0]["refusal"], "rejected");
    assert_eq!(of(&plan, "disable")["held"], STALE);
    let list = tenant.run(&["plans", "list", "--output", "csv"]).await;
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    assert!(
        list.starts_with("plan_id,made,state,steps,actions,waiting,by,reason,expires\n")
            && list.contains(",rejected,12,disable 12,12,ann,ticket 4711,"),
        "{list}"
    );
    decide(&tenant, &["approve", &id]).await;
    tenant.apply().await;
    assert_eq!(count(&tenant, "disable").await, 5);
}

#[tokio::test]
async fn an_approval_that_ended_before_it_was_used_asks_again() {
    let tenant = neglected().await;
    let id = waiting(&tenant).await;
    decide(&tenant, &["approve", &id, "--expires", "1h"]).await;
    tenant.pass_days(1).await;
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["waiting"], STALE);
    assert_ne!(plan["plan_id"], id.as_str());
    let output = tenant
        .run(&["plans", "approve", &id, "--by", "ann", "--reason", "late"])
        .await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    assert!(shown(&output).contains("expired"), "{}", shown(&output));
    let id = plan["plan_id"].as_str().expect("an id");
    decide(&tenant, &["approve", id]).await;
    tenant.apply().await;
    assert_eq!(count(&tenant, "disable").await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_warns_of_a_plan_that_waits_with_the_command_that_approves_it() {
    let tenant = neglected().await;
    let id = waiting(&tenant).await;
    let daemon = Daemon::start(&tenant);
    let entry = daemon.wait_for("the plan waits for a person");
    assert_eq!(
        (&entry["level"], &entry["fields"]["plan.id"]),
        (&json!("WARN"), &json!(id))
    );
    let message = entry["fields"]["message"].as_str().expect("a text");
    assert!(
        message.contains(&format!("innkeeper plans approve {id} --reason")),
        "{message}"
    );
    daemon.wait_for("the cycle is complete");
    assert_eq!(count(&tenant, "disable").await, 0);
}

#[tokio::test]
async fn an_edit_of_the_policy_ends_what_was_approved() {
    let tenant = neglected().await;
    let id = waiting(&tenant).await;
    decide(&tenant, &["approve", &id]).await;
    tenant.write("policy.toml", &format!("{POLICY}\n# edited\n"));
    let output = tenant.run(&["apply"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert_eq!(count(&tenant, "disable").await, 0);
}

#[tokio::test]
async fn who_decides_and_why_is_asked_for() {
    let tenant = neglected().await;
    let id = waiting(&tenant).await;
    for (arguments, word) in [
        (&["plans", "approve", &id][..], "--reason"),
        (&["plans", "approve", &id, "--reason", "x"], "--by"),
        (
            &["plans", "approve", &id, "--by", "ann", "--reason", " "],
            "--reason",
        ),
        (
            &["plans", "approve", "ffff", "--by", "ann", "--reason", "x"],
            "ffff",
        ),
        (
            &[
                "plans",
                "approve",
                &id,
                "--by",
                "ann",
                "--reason",
                "x",
                "--expires",
                "1M",
            ],
            "months",
        ),
    ] {
        let output = tenant.run(arguments).await;
        assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
        assert!(shown(&output).contains(word), "{}", shown(&output));
    }
    for command in ["list", "show", "approve", "reject"] {
        let output = tenant.run(&["plans", command, "--help"]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(shown(&output).contains("Example"), "{}", shown(&output));
    }
}

#[tokio::test]
async fn a_guest_whom_somebody_brings_back_twice_is_left_to_a_person() {
    let tenant = Tenant::empty().await;
    tenant.write(
        "policy.toml",
        "[[rule]]\nname = \"old\"\nwhen = 'guest.account_age_days >= 10 && guest.mail == \"ann@partner.example\"'\n\
         stages = [{ action = \"notify\" }, { action = \"disable\", wait = \"1d\" }]\n\n[limits]\nimmunity = \"0s\"\n",
    );
    let guest = tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    let path = format!("users/{guest}");
    for _ in 0..12 {
        tenant.apply().await;
        tenant
            .control(Method::PATCH, &path, Some(json!({ "enabled": true })))
            .await;
        tenant.pass_days(1).await;
    }
    assert_eq!(count(&tenant, "disable").await, 2);
    let explained = tenant.json(&["explain", &guest]).await;
    assert_eq!(explained["verdict"], "unknown");
    assert!(
        explained["reason"]
            .as_str()
            .expect("a reason")
            .contains("brought the account back 2 times"),
        "{explained:#}"
    );
}
