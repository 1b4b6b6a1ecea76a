//! Undoing what was done: one guest, or a whole bad wave.

use serde_json::Value;

use crate::tenant::{Tenant, shown};

async fn undo(tenant: &Tenant, what: &str) -> Value {
    tenant
        .json(&["undo", what, "--yes", "--reason", "a test", "--by", "jo"])
        .await
}

/// A cycle a week: a longer gap does not count towards a wait.
async fn weeks(tenant: &Tenant, weeks: usize) {
    for _ in 0..weeks {
        tenant.pass_days(7).await;
        tenant.apply().await;
    }
}

fn times(undone: &Value, call: &str) -> u64 {
    let outcomes = undone["outcomes"].as_array().expect("outcomes");
    let of_call = outcomes
        .iter()
        .filter(|outcome| outcome["call"] == call && outcome["outcome"] == "done");
    of_call
        .map(|outcome| outcome["times"].as_u64().expect("a number"))
        .sum()
}

#[tokio::test]
async fn a_bad_wave_of_forty_disabled_and_twelve_deleted_guests_is_undone_by_one_command() {
    let tenant = Tenant::empty().await;
    let mut early = Vec::new();
    for number in 0..12 {
        early.push(tenant.add_guest(&format!("early{number}"), 100).await);
    }
    tenant.add_guest("active", 1).await;
    tenant.apply().await;
    weeks(&tenant, 4).await;
    // Disabled after two weeks, they are deleted in the seventh. Forty more are disabled in the very same cycle.
    for number in 0..40 {
        tenant.add_guest(&format!("late{number}"), 100).await;
    }
    weeks(&tenant, 3).await;
    let writes = tenant.writes().await;
    let count = |kind: &str| writes.iter().filter(|write| *write == kind).count();
    assert_eq!((count("disable"), count("delete")), (52, 12), "{writes:?}");

    // What is shown first does nothing.
    let output = tenant.run(&["undo", "last"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", shown(&output));
    assert!(shown(&output).contains("Nothing was done yet"));
    assert_eq!(tenant.writes().await.len(), writes.len());

    let undone = undo(&tenant, "last").await;
    assert_eq!(times(&undone, "restore"), 12, "{undone:#}");
    assert_eq!(times(&undone, "enable"), 52, "{undone:#}");
    assert_eq!(undone["failures"], serde_json::json!([]), "{undone:#}");
    let truth = tenant.get("truth").await;
    for user in truth.as_array().expect("users") {
        assert_eq!(user["deleted"], Value::Null, "{user}");
        assert_eq!(user["enabled"], true, "{user}");
    }

    // Twice does nothing more, and the next cycles let the guests be.
    let again = undo(&tenant, "last").await;
    assert_eq!(again["outcomes"], serde_json::json!([]), "{again:#}");
    let before = tenant.writes().await.len();
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await.len(), before);
    let explained = tenant.json(&["guests", "show", &early[0]]).await;
    assert_eq!(explained["verdict"], "keep", "{explained:#}");
}

#[tokio::test]
async fn a_guest_gets_back_into_its_group_and_what_is_lost_for_good_is_said() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 1).await;
    let patch = serde_json::json!({ "add_group": "bridge" });
    tenant
        .control(reqwest::Method::PATCH, &format!("users/{ann}"), Some(patch))
        .await;
    tenant.apply().await;
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "remove-member"]);
    let undone = undo(&tenant, &ann).await;
    assert_eq!(times(&undone, "add-to-group"), 1, "{undone:#}");
    assert_eq!(
        tenant.writes().await,
        ["send-mail", "remove-member", "add-member"]
    );

    let bob = tenant.add_guest("bob", 100).await;
    weeks(&tenant, 8).await;
    let truth = tenant.get(&format!("truth/{bob}")).await;
    assert!(truth["deleted"].is_string(), "{truth:#}");
    tenant.pass_days(31).await;
    let undone = undo(&tenant, &bob).await;
    assert_eq!(undone["outcomes"], serde_json::json!([]));
    let said = undone["remarks"][0]["remark"].as_str().expect("a remark");
    assert!(said.contains("30 days"), "{said}");

    // Meanwhile ann was taken out again. What was taken twice is given back once.
    let writes = tenant.writes().await;
    let removed = writes.iter().filter(|write| *write == "remove-member");
    assert_eq!(removed.count(), 2, "{writes:?}");
    let undone = undo(&tenant, &ann).await;
    assert_eq!(times(&undone, "add-to-group"), 1, "{undone:#}");
}

#[tokio::test]
async fn an_undo_needs_a_reason_and_something_to_undo() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    let output = tenant.run(&["undo", &ann]).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    assert!(
        shown(&output).contains("nothing to undo"),
        "{}",
        shown(&output)
    );
    weeks(&tenant, 2).await;
    let output = tenant.run(&["undo", &ann, "--yes"]).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    // The mode may have been set back because of the very wave that is undone.
    tenant
        .configure(|config| config.replace("\"enforce\"", "\"observe\""))
        .await;
    let undone = undo(&tenant, &ann).await;
    assert_eq!(times(&undone, "enable"), 1, "{undone:#}");
}
