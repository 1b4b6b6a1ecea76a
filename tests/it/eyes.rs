//! How fresh and how bounded the eyes are: the sign-in log as their measure, listings and readings without an end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{POLICY, Tenant, shown};

/// A policy by which a single guest's silence counts.
fn strict(more: &str) -> String {
    format!("{POLICY}newest_sign_in_guests = 1\n{more}\n")
}

async fn sign_in(tenant: &Tenant, user: &str) {
    tenant
        .post(&format!("users/{user}/sign-in"), json!({ "success": true }))
        .await;
}

async fn doubts(tenant: &Tenant) -> Vec<String> {
    let plan = tenant.json(&["plan"]).await;
    let doubts = plan["observation"]["health"]["doubts"].as_array();
    let doubts = doubts.unwrap_or_else(|| panic!("{plan}")).iter();
    doubts
        .map(|doubt| doubt.as_str().expect("a text").to_owned())
        .collect()
}

async fn silent_guests_are_believed(database: String) {
    let tenant = Tenant::with(0, database).await;
    tenant.write("policy.toml", &strict(""));
    tenant.add_guest("ann", 100).await;
    // Where the log does not tell, the guests' own times have to do.
    tenant
        .post("faults", json!({ "kind": "server_error", "status": 403, "empty": true, "path": "/v1.0/auditLogs/signIns" }))
        .await;
    let told = doubts(&tenant).await;
    assert!(
        told.len() == 1 && told[0].starts_with("the newest sign-in of 1 guests is 2400 hours old"),
        "{told:#?}"
    );
    tenant.control(Method::DELETE, "faults", None).await;
    assert_eq!(doubts(&tenant).await, [""; 0]);
    let output = tenant.run(&["plan"]).await;
    assert!(
        shown(&output).contains(", and by it the guests are truly silent"),
        "{}",
        shown(&output)
    );
    let journal = shown(&tenant.run(&["journal", "export"]).await);
    assert!(journal.contains("\"confirmed\""), "{journal}");

    // Then the times stop, and a guest whom the log has signed in is not shown by them.
    tenant
        .control(
            Method::PUT,
            "sign-in-lag",
            Some(json!({ "seconds": 90 * 86_400 })),
        )
        .await;
    let bob = tenant.add_guest("bob", 50).await;
    tenant.pass_days(1).await;
    sign_in(&tenant, &bob).await;
    tenant.pass_days(3).await;
    let told = doubts(&tenant).await;
    assert!(
        told.len() == 1 && told[0].starts_with("a guest signed in at 2027-01-05 06:00:0"),
        "{told:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_believed_to_be_silent_where_the_log_says_so_and_not_where_it_says_otherwise() {
    silent_guests_are_believed("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_believed_on_postgres() {
    silent_guests_are_believed(innkeeper_testdb::postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_which_nobody_signs_in_any_more_makes_an_observation_unhealthy() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 1).await;
    let stop = async |days: i64| {
        tenant.control(Method::DELETE, "faults", None).await;
        tenant
            .post("faults", json!({ "kind": "stopped_log", "days": days }))
            .await;
    };
    stop(6).await;
    assert_eq!(doubts(&tenant).await, [""; 0]);
    stop(8).await;
    let told = doubts(&tenant).await;
    assert!(
        told.len() == 1
            && told[0].starts_with("the newest entry of the tenant's sign-in log is 19"),
        "{told:#?}"
    );
    tenant.write(
        "policy.toml",
        &format!("{POLICY}newest_log_entry = \"30d\"\n"),
    );
    assert_eq!(doubts(&tenant).await, [""; 0]);
}

async fn endless_listings_end(database: String) {
    let tenant = Tenant::with(0, database).await;
    tenant.add_guest("ann", 5).await;
    tenant.apply().await;
    let pages = async || {
        tenant.post("reset", json!({})).await;
        let output = tenant.run(&["plan"]).await;
        let requests = tenant.get("requests").await;
        (output, requests["by_route"]["GET /users"].as_u64())
    };
    tenant
        .post("faults", json!({ "kind": "hostile", "answer": "endless" }))
        .await;
    for _ in 0..2 {
        let (output, pages) = pages().await;
        assert!(!output.status.success(), "{}", shown(&output));
        assert!(
            shown(&output).contains("where it counts 1 and 1 were known to be there"),
            "{}",
            shown(&output)
        );
        assert!(pages.is_some_and(|pages| pages <= 21), "{pages:?}");
    }
    tenant.control(Method::DELETE, "faults", None).await;
    // Those who were listed then are not missing now: nobody ever believed in them.
    assert_eq!(doubts(&tenant).await, [""; 0]);
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["observation"]["guests"], 1, "{plan}");
    assert_eq!(
        plan["observation"]["health"]["counts"]["before"], 1,
        "{plan}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_of_ever_new_guests_ends_and_leaves_nothing_behind() {
    endless_listings_end("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_listing_ends_on_postgres() {
    endless_listings_end(innkeeper_testdb::postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_takes_too_long_is_discarded_and_says_so() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 5).await;
    tenant.write(
        "policy.toml",
        &format!("{POLICY}longest_reading = \"1s\"\n"),
    );
    tenant
        .post(
            "faults",
            json!({ "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users" }),
        )
        .await;
    let output = tenant.run(&["plan"]).await;
    assert!(!output.status.success(), "{}", shown(&output));
    assert!(
        shown(&output).contains("limits.longest_reading"),
        "{}",
        shown(&output)
    );
    tenant.control(Method::DELETE, "faults", None).await;
    tenant.apply().await;
}

/// One name that no database takes, and one that none should.
async fn names_that_are_none(database: String) {
    let tenant = Tenant::with(0, database).await;
    let ann = tenant.add_guest("ann", 100).await;
    tenant
        .post(
            "faults",
            json!({ "kind": "hostile", "answer": "nul", "path": "/v1.0/users" }),
        )
        .await;
    let output = tenant.run(&["apply"]).await;
    assert!(!output.status.success(), "{}", shown(&output));
    assert!(shown(&output).contains("U+0000"), "{}", shown(&output));
    tenant.control(Method::DELETE, "faults", None).await;
    tenant.apply().await;
    tenant
        .post(
            "faults",
            json!({ "kind": "hostile", "answer": "long_text", "path": "/v1.0/users" }),
        )
        .await;
    tenant.pass_days(20).await;
    let plan = tenant.json(&["plan"]).await;
    let counts: &Value = &plan["observation"]["health"]["counts"];
    assert_eq!(counts["unreadable"], 1, "{plan}");
    tenant.run(&["apply"]).await;
    assert_eq!(tenant.writes().await, ["send-mail"], "{ann} stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_with_names_that_no_directory_has_stay() {
    names_that_are_none("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_guests_stay_on_postgres() {
    names_that_are_none(innkeeper_testdb::postgres_url().await).await;
}

#[tokio::test]
async fn an_observation_tells_its_pages_and_what_the_tenant_has_no_licence_for() {
    let tenant = Tenant::with(130, "sqlite://innkeeper.db".to_owned()).await;
    // Pages of a hundred.
    let cap = json!({ "kind": "activity_cap" });
    tenant.post("faults", cap).await;
    let counts = async || -> Value {
        let plan = tenant.json(&["plan"]).await;
        plan["observation"]["health"]["counts"].clone()
    };
    let licensed = counts().await;
    assert_eq!(licensed["pages"], 2, "{licensed}");
    let all = |told: &str| json!({ "eligible-roles": told, "access-packages": told, "access-reviews": told });
    assert_eq!(licensed["registers"], all("read"));
    let none = json!({ "licensed": true, "governance": false });
    tenant.control(Method::PUT, "license", Some(none)).await;
    assert_eq!(counts().await["registers"], all("no-licence"));
    let shown = shown(&tenant.run(&["plan"]).await);
    assert!(shown.contains("Everything was read: 2 pages, "), "{shown}");
    assert!(shown.contains("eligible-roles (no-licence)"), "{shown}");
    let journal = tenant.run(&["journal", "export"]).await;
    let journal = String::from_utf8_lossy(&journal.stdout).into_owned();
    assert!(journal.contains("\"pages\":2"), "{journal}");
}

async fn permit_more(tenant: &Tenant, role: &str) {
    let mut roles: Vec<&str> = innkeeper_simulator::DEFAULT_PERMISSIONS.to_vec();
    roles.push(role);
    let body = json!({ "roles": roles });
    tenant.control(Method::PUT, "permissions", Some(body)).await;
}

async fn credential(tenant: &Tenant) -> Value {
    let doctor = tenant.json(&["doctor"]).await;
    let checks = doctor["checks"].as_array().expect("checks").clone();
    let is_credential = |check: &Value| check["check"] == "credential";
    checks.into_iter().find(is_credential).expect("the check")
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_secret_ends_is_read_from_entra_where_the_application_may_read_itself() {
    let tenant = Tenant::empty().await;
    tenant.add_guest("ann", 5).await;
    let secrets = |secrets: Value| {
        let body = json!({ "secrets": secrets });
        tenant.control(Method::PUT, "secrets", Some(body))
    };
    secrets(json!([{ "ends": "2027-01-20T00:00:00Z" }, { "hint": "zzz", "ends": "2027-01-10T00:00:00Z" }])).await;
    let alarms = async || {
        tenant.apply().await;
        let alarms = tenant.json(&["alarms", "list"]).await;
        let texts = alarms.as_array().expect("alarms").iter();
        let texts: Vec<String> = texts.map(|alarm| alarm["text"].to_string()).collect();
        texts
    };
    assert_eq!(alarms().await, [""; 0]);
    let check = credential(&tenant).await;
    assert_eq!(check["state"], "warning", "{check}");
    assert!(
        check["what"].to_string().contains("nobody watches"),
        "{check}"
    );

    permit_more(&tenant, "Application.Read.All").await;
    let told = alarms().await;
    assert!(
        told.len() == 1 && told[0].contains("ends on 2027-01-20, in 15 days"),
        "{told:#?}"
    );
    let check = credential(&tenant).await;
    assert!(
        check["what"]
            .to_string()
            .contains("by Entra good until 2027-01-20"),
        "{check}"
    );

    // What cannot be told apart: the first to end counts, and that is said.
    secrets(json!([{ "hint": null, "ends": "2027-01-19T00:00:00Z" }, { "hint": null, "ends": "2027-01-12T00:00:00Z" }])).await;
    let told = alarms().await;
    assert!(
        told.len() == 1
            && told[0].contains("ends on 2027-01-12")
            && told[0].contains("which of several"),
        "{told:#?}"
    );
    // An answer that fails clears nothing.
    tenant
        .post(
            "faults",
            json!({ "kind": "server_error", "path": "/v1.0/applications", "status": 500 }),
        )
        .await;
    assert_eq!(alarms().await, told);
    tenant.control(Method::DELETE, "faults", None).await;

    secrets(json!([{ "ends": "2029-01-20T00:00:00Z" }])).await;
    assert_eq!(alarms().await, [""; 0]);
}
