//! Cycles that read only what changed: what they cost, what they see, and when they give way to a whole reading.

use serde_json::{Value, json};

use crate::tenant::{POLICY, Tenant};

/// Requests to Graph by the last run, by route.
async fn requests(tenant: &Tenant) -> serde_json::Map<String, Value> {
    let requests = tenant.get("requests").await;
    requests["by_route"].as_object().expect("routes").clone()
}

fn count(requests: &serde_json::Map<String, Value>) -> u64 {
    let graph = requests
        .iter()
        .filter(|(route, _)| !route.contains("token"));
    graph.map(|(_, times)| times.as_u64().unwrap_or(0)).sum()
}

async fn plan_changes(tenant: &Tenant) -> Value {
    tenant.post("reset", json!({})).await;
    tenant.json(&["plan", "--changes"]).await
}

fn is_whole(plan: &Value) -> bool {
    plan["observation"]["changes_only"] == false
}

#[tokio::test]
async fn a_quiet_cycle_costs_three_requests_and_sees_everybody() {
    let tenant = Tenant::with(300, "sqlite://innkeeper.db".to_owned()).await;
    let first = plan_changes(&tenant).await;
    assert!(is_whole(&first));
    let second = plan_changes(&tenant).await;
    assert!(!is_whole(&second), "{:#}", second["observation"]);
    let asked = requests(&tenant).await;
    // Two kinds of changes, and who signed in.
    assert!(count(&asked) <= 3, "{asked:#?}");
    assert_eq!(
        second["observation"]["guests"],
        first["observation"]["guests"]
    );
    assert_eq!(second["plan_hash"], first["plan_hash"]);
    assert_eq!(
        second["verdicts"].as_array().map(Vec::len),
        first["verdicts"].as_array().map(Vec::len)
    );
}

#[tokio::test]
async fn what_changed_is_seen_without_reading_the_rest() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 100).await;
    let bob = tenant.add_guest("bob", 1).await;
    let cem = tenant.add_guest("cem", 1).await;
    let eve = tenant.add_guest("eve", 100).await;
    assert!(is_whole(&plan_changes(&tenant).await));

    // One is disabled, one deleted, one comes back, one joins a group, and one is new.
    let patch = json!({ "add_group": "bridge" });
    tenant
        .control(reqwest::Method::PATCH, &format!("users/{cem}"), Some(patch))
        .await;
    tenant
        .control(
            reqwest::Method::PATCH,
            &format!("users/{bob}"),
            Some(json!({ "enabled": false })),
        )
        .await;
    tenant
        .post(&format!("users/{ann}/sign-in"), json!({ "success": true }))
        .await;
    let dan = tenant.add_guest("dan", 100).await;
    let plan = plan_changes(&tenant).await;
    assert!(!is_whole(&plan));
    let verdict = |id: &str| -> Value {
        let verdicts = plan["verdicts"].as_array().expect("verdicts");
        let found = verdicts.iter().find(|verdict| verdict["guest_id"] == id);
        found.cloned().unwrap_or(Value::Null)
    };
    assert_eq!(verdict(&ann)["verdict"], "keep", "she came back: {plan:#}");
    assert_eq!(verdict(&cem)["rule"], "project ended", "{plan:#}");
    assert_eq!(verdict(&eve)["rule"], "inactive");
    // Nothing is known of the sign-ins of one who is new, until everything is read.
    assert_eq!(verdict(&dan)["verdict"], "unknown", "{}", verdict(&dan));
    let shown = tenant.json(&["guests", "show", &bob]).await;
    assert_eq!(shown["enabled"], false);
}

#[tokio::test]
async fn two_hundred_changes_are_one_more_page_and_a_deleted_guest_is_gone() {
    let tenant = Tenant::with(500, "sqlite://innkeeper.db".to_owned()).await;
    let gone = tenant.add_guest("gone", 1).await;
    plan_changes(&tenant).await;
    let truth = tenant.get("truth").await;
    let known: Vec<String> = truth
        .as_array()
        .expect("users")
        .iter()
        .filter(|user| user["user_type"] == "Guest" && user["deleted"] == Value::Null)
        .filter_map(|user| user["id"].as_str().map(str::to_owned))
        .take(250)
        .collect();
    for id in &known {
        let patch = json!({ "display_name": "Another" });
        tenant
            .control(reqwest::Method::PATCH, &format!("users/{id}"), Some(patch))
            .await;
    }
    let plan = plan_changes(&tenant).await;
    let asked = requests(&tenant).await;
    assert!(!is_whole(&plan));
    assert!(count(&asked) <= 3 + 2, "{asked:#?}");
    let shown = tenant.json(&["guests", "show", &known[0]]).await;
    assert_eq!(shown["display_name"], "Another");

    let policy = "[[rule]]\nname = \"all\"\nwhen = 'guest.account_age_days >= 0'\nstages = [ { action = \"flag\" } ]\n";
    tenant.write("policy.toml", policy);
    // The groups of the policy accepted last are read until the new one is accepted, which this cycle does.
    plan_changes(&tenant).await;
    assert!(
        is_whole(&plan_changes(&tenant).await),
        "the groups are others"
    );
    assert!(gone.len() > 30);
}

#[tokio::test]
async fn when_graph_forgets_the_point_or_a_day_is_over_everything_is_read() {
    let tenant = Tenant::with(100, "sqlite://innkeeper.db".to_owned()).await;
    plan_changes(&tenant).await;
    tenant
        .post("faults", json!({ "kind": "resync", "next": 1 }))
        .await;
    assert!(is_whole(&plan_changes(&tenant).await), "410");
    assert!(!is_whole(&plan_changes(&tenant).await));
    tenant.pass_days(2).await;
    assert!(is_whole(&plan_changes(&tenant).await), "two days later");
}

#[tokio::test]
async fn who_signs_in_without_a_prompt_is_not_disabled_between_two_whole_readings() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 100).await;
    tenant.add_guest("bob", 100).await;
    tenant.add_guest("active", 1).await;
    tenant.apply().await;
    tenant.pass_days(7).await;
    tenant.apply().await;
    let hours = |hours: u64| json!({ "seconds": hours * 3_600 });
    tenant.post("clock/advance", hours(7 * 24 - 1)).await;
    let whole = tenant.run(&["apply", "--changes"]).await;
    assert!(whole.status.success());
    assert_eq!(tenant.writes().await, ["send-mail"], "it is not due yet");

    // The log has interactive sign-ins alone, and no change of a user tells of this one.
    let now = tenant.get("clock").await["now"].clone();
    let sign_in = json!({ "last_non_interactive": now, "last_success": now });
    let path = format!("users/{ann}");
    tenant
        .control(reqwest::Method::PATCH, &path, Some(sign_in))
        .await;
    tenant.post("clock/advance", hours(6)).await;
    let report = tenant.json(&["apply", "--changes"]).await;
    let shown = tenant.json(&["plan", "--changes"]).await;
    assert!(!is_whole(&shown), "{:#}", shown["observation"]);
    // Bob is, as due.
    assert_eq!(
        tenant.writes().await,
        ["send-mail", "disable"],
        "{report:#}"
    );
    let ann = tenant.get(&format!("truth/{ann}")).await;
    assert_eq!(ann["enabled"], true, "{ann:#}");
}

#[tokio::test]
async fn between_whole_readings_a_log_is_asked_how_fresh_it_is_once_what_is_known_of_it_is_old() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 1).await;
    let policy = format!("{POLICY}newest_log_entry = \"1d\"\n");
    tenant.write("policy.toml", &policy);
    let rarely =
        |config: String| config.replace("[schedule]", "[schedule]\nwhole_reading_hours = 144");
    tenant.configure(rarely).await;
    let sign_in = format!("users/{ann}/sign-in");
    tenant.post(&sign_in, json!({ "success": true })).await;
    assert!(is_whole(&plan_changes(&tenant).await));
    let asked = async || requests(&tenant).await["GET /auditLogs/signIns"].clone();
    let hours = async |hours: u64| {
        let advance = json!({ "seconds": hours * 3_600 });
        tenant.post("clock/advance", advance).await;
        plan_changes(&tenant).await
    };
    let plan = hours(20).await;
    assert!(!is_whole(&plan), "{plan:#}");
    assert_eq!(asked().await, 1, "who signed in");
    // Somebody did meanwhile, so it is fresh after all.
    tenant.post(&sign_in, json!({ "success": true })).await;
    let plan = hours(6).await;
    assert!(!is_whole(&plan), "{plan:#}");
    assert_eq!(asked().await, 2, "who signed in, and when the last one did");
    assert_eq!(plan["observation"]["health"]["doubts"], json!([]));
    // And then the log stops.
    let stopped = json!({ "kind": "stopped_log", "days": 2 });
    tenant.post("faults", stopped).await;
    let plan = hours(30).await;
    let doubts = plan["observation"]["health"]["doubts"].to_string();
    assert!(doubts.contains("sign-in log"), "{doubts}");
}
