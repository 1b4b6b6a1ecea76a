//! Flags that are written into an attribute of the guest, and cleared again.

use serde_json::{Value, json};

use crate::actions::fault;
use crate::kill::{hold_and_kill, hold_and_kill_running};
use crate::tenant::{Tenant, shown};

/// A policy that marks guests who are long away.
const MARKS: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "flag", attribute = "extensionAttribute7" },
  { action = "notify", to = ["operators"], wait = "30d" },
]
"#;

const ATTRIBUTE: &str = "extensionAttribute7";
const VALUE: &str = "innkeeper:inactive";

async fn marking(database: String) -> (Tenant, String) {
    let tenant = Tenant::with(0, database).await;
    tenant.write("policy.toml", MARKS);
    tenant.add_guest("active", 1).await;
    let ann = tenant.add_guest("ann", 100).await;
    (tenant, ann)
}

async fn on_sqlite() -> (Tenant, String) {
    marking("sqlite://innkeeper.db".to_owned()).await
}

async fn change(tenant: &Tenant, guest: &str, body: Value) {
    let path = format!("users/{guest}");
    tenant
        .control(reqwest::Method::PATCH, &path, Some(body))
        .await;
}

/// What the attribute really holds.
async fn held(tenant: &Tenant, guest: &str) -> Value {
    let truth = tenant.get(&format!("truth/{guest}")).await;
    truth["attributes"][ATTRIBUTE].clone()
}

async fn comes_back(tenant: &Tenant, guest: &str) {
    let path = format!("users/{guest}/sign-in");
    tenant.post(&path, json!({ "success": true })).await;
    // Sign-in times lag behind.
    tenant.pass_days(2).await;
}

async fn updates(tenant: &Tenant) -> usize {
    let writes = tenant.writes().await;
    writes.iter().filter(|write| *write == "update").count()
}

/// The calls about the guest, each with its outcome.
async fn actions(tenant: &Tenant, guest: &str) -> Vec<(String, String)> {
    let shown = tenant.json(&["guests", "show", guest]).await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let actions = shown["actions"].as_array().expect("a list").iter();
    actions
        .map(|action| {
            (
                text(&action["call"]["call"]),
                text(&action["outcome"]["outcome"]),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_flag_is_written_into_the_attribute_once_and_cleared_when_the_guest_comes_back() {
    for database in [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ] {
        let (tenant, ann) = marking(database).await;
        change(
            &tenant,
            &ann,
            json!({ "attributes": { "extensionAttribute8": "theirs" } }),
        )
        .await;
        let planned = tenant.run(&["plan"]).await;
        assert!(shown(&planned).contains("mark"), "{}", shown(&planned));
        tenant.apply().await;
        assert_eq!(held(&tenant, &ann).await, VALUE);
        tenant.apply().await;
        assert_eq!(updates(&tenant).await, 1);
        comes_back(&tenant, &ann).await;
        tenant.apply().await;
        assert_eq!(held(&tenant, &ann).await, Value::Null);
        tenant.apply().await;
        assert_eq!(updates(&tenant).await, 2);
        let truth = tenant.get(&format!("truth/{ann}")).await;
        assert_eq!(truth["attributes"]["extensionAttribute8"], "theirs");
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_is_never_overwritten_and_no_call_is_repeated() {
    let (tenant, ann) = on_sqlite().await;
    let theirs = json!({ "attributes": { ATTRIBUTE: "theirs" } });
    change(&tenant, &ann, theirs).await;
    let output = tenant.run(&["apply"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    let told = "holds what somebody else wrote, which is not overwritten";
    assert!(shown(&output).contains(told), "{}", shown(&output));
    let before = actions(&tenant, &ann).await;
    assert_eq!(before, [("mark".to_owned(), "skipped".to_owned())]);
    for _ in 0..2 {
        tenant.pass_days(1).await;
        tenant.apply().await;
    }
    assert_eq!(actions(&tenant, &ann).await, before);
    comes_back(&tenant, &ann).await;
    tenant.apply().await;
    assert_eq!(held(&tenant, &ann).await, "theirs");
    assert_eq!(updates(&tenant).await, 0);
}

#[tokio::test]
async fn a_text_that_stood_there_before_or_was_changed_since_is_not_cleared() {
    let (tenant, ann) = on_sqlite().await;
    let ours = json!({ "attributes": { ATTRIBUTE: VALUE } });
    change(&tenant, &ann, ours).await;
    let ben = tenant.add_guest("ben", 100).await;
    tenant.apply().await;
    // Under the cap of a small tenant one follows the other.
    tenant.apply().await;
    assert_eq!(held(&tenant, &ben).await, VALUE);
    assert_eq!(updates(&tenant).await, 1);
    let theirs = json!({ "attributes": { ATTRIBUTE: "theirs" } });
    change(&tenant, &ben, theirs).await;
    comes_back(&tenant, &ann).await;
    comes_back(&tenant, &ben).await;
    for _ in 0..3 {
        tenant.apply().await;
    }
    assert_eq!(held(&tenant, &ann).await, VALUE);
    assert_eq!(held(&tenant, &ben).await, "theirs");
    assert_eq!(updates(&tenant).await, 1);
    let ben = actions(&tenant, &ben).await;
    let unmarks: Vec<_> = ben.iter().filter(|(call, _)| call == "unmark").collect();
    assert_eq!(unmarks.len(), 1, "{ben:?}");
}

#[tokio::test]
async fn an_account_that_was_mastered_on_premises_keeps_the_flag_in_innkeeper_alone() {
    let (tenant, ann) = on_sqlite().await;
    change(&tenant, &ann, json!({ "synced": false })).await;
    let output = tenant.run(&["apply"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    let told = "can be written on-premises alone";
    assert!(shown(&output).contains(told), "{}", shown(&output));
    tenant.apply().await;
    assert_eq!(actions(&tenant, &ann).await.len(), 1);
    let requests = tenant.get("requests").await;
    let has_patch = |requests: &Value| requests["by_route"].to_string().contains("PATCH");
    assert!(!has_patch(&requests), "{requests}");
    let ben = tenant.add_guest("ben", 100).await;
    tenant.apply().await;
    assert_eq!(held(&tenant, &ben).await, VALUE);
    assert!(has_patch(&tenant.get("requests").await));
}

#[tokio::test]
async fn before_mode_enforce_the_flag_stays_in_innkeeper_and_is_written_later() {
    let (tenant, ann) = on_sqlite().await;
    let mode = |mode: &'static str| {
        move |config: String| config.replace("mode = \"enforce\"", &format!("mode = \"{mode}\""))
    };
    for (word, calls) in [("observe", 0), ("warn", 1), ("warn", 1)] {
        tenant.configure(mode(word)).await;
        let output = tenant.run(&["apply"]).await;
        assert_eq!(actions(&tenant, &ann).await.len(), calls, "{word}");
        assert_eq!(held(&tenant, &ann).await, Value::Null, "{word}");
        assert!(shown(&output).contains(word), "{}", shown(&output));
    }
    tenant.configure(mode("enforce")).await;
    tenant.apply().await;
    assert_eq!(held(&tenant, &ann).await, VALUE);
    tenant.apply().await;
    assert_eq!(updates(&tenant).await, 1);
}

#[tokio::test]
async fn an_unclear_answer_is_settled_by_looking_and_a_refusal_is_tried_again() {
    let (tenant, ann) = on_sqlite().await;
    let lost = json!({ "kind": "unavailable", "after_effect": true });
    fault(&tenant, "PATCH", "/v1.0/users/", lost).await;
    tenant.apply().await;
    assert_eq!(held(&tenant, &ann).await, VALUE);
    assert_eq!(updates(&tenant).await, 1);
    comes_back(&tenant, &ann).await;
    let refused = json!({ "kind": "server_error", "status": 403 });
    fault(&tenant, "PATCH", "/v1.0/users/", refused).await;
    let output = tenant.run(&["apply"]).await;
    assert!(!output.status.success(), "{}", shown(&output));
    assert_eq!(held(&tenant, &ann).await, VALUE);
    tenant.apply().await;
    assert_eq!(held(&tenant, &ann).await, Value::Null);
    assert_eq!(updates(&tenant).await, 2);
}

#[tokio::test]
async fn a_rule_that_is_edited_or_removed_still_clears_what_it_wrote() {
    let (tenant, ann) = on_sqlite().await;
    tenant.apply().await;
    let edited = MARKS.replace("7\"", "9\", value = \"else\"");
    tenant.write("policy.toml", &edited);
    tenant.apply().await;
    assert_eq!(held(&tenant, &ann).await, VALUE);
    let removed = MARKS.replace("inactive\"", "other\"").replace("90", "900");
    tenant.write("policy.toml", &removed);
    tenant.apply().await;
    assert_eq!(held(&tenant, &ann).await, Value::Null);
    assert_eq!(updates(&tenant).await, 2);
}

#[tokio::test]
async fn a_person_who_undoes_clears_the_mark_and_the_guest_is_spared_for_a_while() {
    let (tenant, ann) = on_sqlite().await;
    tenant.apply().await;
    let preview = tenant.run(&["undo", &ann]).await;
    let told = format!("clear {ATTRIBUTE}");
    assert!(shown(&preview).contains(&told), "{}", shown(&preview));
    let undo = ["undo", &ann, "--yes", "--reason", "a test", "--by", "jo"];
    let undone = tenant.json(&undo).await;
    assert_eq!(undone["failures"], json!([]), "{undone:#}");
    assert_eq!(held(&tenant, &ann).await, Value::Null);
    let again = tenant.json(&undo).await;
    assert_eq!(again["outcomes"], json!([]), "{again:#}");
    tenant.apply().await;
    assert_eq!(updates(&tenant).await, 2);
}

#[tokio::test]
async fn the_mark_of_a_deleted_guest_is_cleared_when_an_undo_restores_it() {
    let (tenant, ann) = on_sqlite().await;
    let whole = MARKS.replace(
        "  { action = \"notify\", to = [\"operators\"], wait = \"30d\" },",
        "  { action = \"notify\" },\n  { action = \"disable\", wait = \"1d\" },\n  { action = \"delete\", wait = \"1d\" },",
    );
    tenant.write("policy.toml", &whole);
    for _ in 0..5 {
        tenant.apply().await;
        tenant.pass_days(1).await;
    }
    let writes = tenant.writes().await;
    assert_eq!(writes.last().map(String::as_str), Some("delete"));
    tenant.apply().await;
    let undo = ["undo", &ann, "--yes", "--reason", "a test", "--by", "jo"];
    let undone = tenant.json(&undo).await;
    assert_eq!(undone["failures"], json!([]), "{undone:#}");
    assert_eq!(held(&tenant, &ann).await, Value::Null);
    assert_eq!(updates(&tenant).await, 2);
}

#[tokio::test]
async fn the_attribute_is_read_only_where_something_is_about_to_be_written_or_cleared() {
    let (tenant, ann) = on_sqlite().await;
    let reads = async || {
        let requests = tenant.get("requests").await;
        let routes = requests["by_route"].as_object().expect("routes");
        let batches = routes.iter().filter(|(route, _)| route.contains("$batch"));
        batches.filter_map(|(_, count)| count.as_u64()).sum::<u64>()
    };
    tenant.apply().await;
    let before = reads().await;
    tenant.apply().await;
    assert!(before > 0, "it was read before it was written");
    assert_eq!(reads().await, before, "nothing is due for {ann}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_writing_or_clearing_each_happens_once_and_is_remembered() {
    for point in ["before", "after"] {
        let (tenant, ann) = on_sqlite().await;
        hold_and_kill(&tenant, "PATCH", "/v1.0/users/", point).await;
        tenant.apply().await;
        tenant.apply().await;
        assert_eq!(held(&tenant, &ann).await, VALUE, "{point}");
        assert_eq!(updates(&tenant).await, 1, "{point}");
        comes_back(&tenant, &ann).await;
        hold_and_kill(&tenant, "PATCH", "/v1.0/users/", point).await;
        tenant.apply().await;
        tenant.apply().await;
        assert_eq!(held(&tenant, &ann).await, Value::Null, "{point}");
        assert_eq!(updates(&tenant).await, 2, "{point}");
        let actions = actions(&tenant, &ann).await;
        assert!(
            actions.iter().all(|(_, outcome)| !outcome.is_empty()),
            "{actions:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_around_an_undo_the_mark_is_cleared_once() {
    for point in ["before", "after"] {
        let (tenant, ann) = on_sqlite().await;
        tenant.apply().await;
        let undo = ["undo", &ann, "--yes", "--reason", "a test", "--by", "jo"];
        hold_and_kill_running(&tenant, &undo, "PATCH", "/v1.0/users/", point).await;
        let undone = tenant.json(&undo).await;
        assert_eq!(undone["failures"], json!([]), "{undone:#}");
        assert_eq!(held(&tenant, &ann).await, Value::Null, "{point}");
        assert_eq!(updates(&tenant).await, 2, "{point}");
    }
}
