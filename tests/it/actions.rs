//! Roles in applications that are taken away and given back, and invitations that are sent again.

use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

/// A policy that takes roles in applications from guests who are long away.
const APP_ROLES: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "remove-app-roles", wait = "1d" },
]

[limits]
remove-app-roles = { guests = 1000, percent = 100 }
"#;

/// A policy that has invitations sent again.
const INVITATIONS: &str = r#"
[[rule]]
name = "never redeemed"
when = 'guest.pending_days >= 30'
stages = [
  { action = "resend-invitation" },
  { action = "notify", wait = "1d" },
]

[limits]
resend-invitation = { guests = 1000, percent = 100 }
"#;

async fn change(tenant: &Tenant, guest: &str, body: Value) {
    tenant
        .control(
            reqwest::Method::PATCH,
            &format!("users/{guest}"),
            Some(body),
        )
        .await;
}

async fn app_roles(tenant: &Tenant, guest: &str) -> Vec<String> {
    let truth = tenant.get(&format!("truth/{guest}")).await;
    let names = truth["app_roles"].as_array().expect("a list").iter();
    let mut names: Vec<String> = names
        .map(|name| name.as_str().expect("a name").to_owned())
        .collect();
    names.sort();
    names
}

/// A guest with these applications, who was away for long.
async fn away(tenant: &Tenant, name: &str, applications: &[&str]) -> String {
    let guest = tenant.add_guest(name, 100).await;
    for application in applications {
        change(tenant, &guest, json!({ "add_app_role": application })).await;
    }
    guest
}

async fn count(tenant: &Tenant, kind: &str) -> usize {
    let writes = tenant.writes().await;
    writes.iter().filter(|write| *write == kind).count()
}

pub async fn fault(tenant: &Tenant, method: &str, path: &str, body: Value) {
    let mut fault = json!({ "method": method, "path": path, "next": 1 });
    let object = fault.as_object_mut().expect("an object");
    object.extend(body.as_object().expect("an object").clone());
    tenant.post("faults", fault).await;
}

pub async fn with_app_roles() -> (Tenant, String) {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", APP_ROLES);
    tenant.add_guest("active", 1).await;
    let ann = away(&tenant, "ann", &["Supplier Portal", "Travel Desk"]).await;
    (tenant, ann)
}

#[tokio::test]
async fn roles_that_graph_lists_twice_are_taken_away_once() {
    let (tenant, ann) = with_app_roles().await;
    let before = app_roles(&tenant, &ann).await;
    tenant.apply().await;
    tenant.pass_days(1).await;
    tenant
        .post("faults", json!({ "kind": "duplicate_rows" }))
        .await;
    tenant.apply().await;
    assert_eq!(app_roles(&tenant, &ann).await, [""; 0]);
    assert_eq!(count(&tenant, "remove-app-role").await, before.len());
    let undone = tenant
        .json(&["undo", &ann, "--yes", "--reason", "a test", "--by", "jo"])
        .await;
    assert_eq!(undone["failures"], json!([]), "{undone:#}");
    assert_eq!(app_roles(&tenant, &ann).await, before);
}

/// A guest who was invited so many days ago and has not redeemed.
pub async fn with_invitation() -> (Tenant, String) {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", INVITATIONS);
    tenant.add_guest("active", 1).await;
    let guest = json!({
        "mail": "ann@partner.example",
        "created": "2026-11-01T06:00:00Z",
        "external_state": "PendingAcceptance",
        "external_state_changed": "2026-11-01T06:00:00Z",
    });
    let ann = tenant.post("users", guest).await["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    (tenant, ann)
}

#[tokio::test]
async fn roles_in_applications_are_taken_away_once_and_an_undo_assigns_the_same_again() {
    let (tenant, ann) = with_app_roles().await;
    let before = app_roles(&tenant, &ann).await;
    assert!(before.len() >= 2, "{before:?}");
    tenant.apply().await;
    assert_eq!(
        app_roles(&tenant, &ann).await,
        before,
        "she is warned first"
    );
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(app_roles(&tenant, &ann).await, [""; 0]);
    assert_eq!(count(&tenant, "remove-app-role").await, before.len());
    tenant.pass_days(1).await;
    tenant.apply().await;
    tenant.apply().await;
    assert_eq!(count(&tenant, "remove-app-role").await, before.len());
    assert_eq!(count(&tenant, "delete").await, 0);

    let undo = ["undo", &ann, "--yes", "--reason", "a test", "--by", "jo"];
    let undone = tenant.json(&undo).await;
    assert_eq!(undone["failures"], json!([]), "{undone:#}");
    assert_eq!(app_roles(&tenant, &ann).await, before);
    let again = tenant.json(&undo).await;
    assert_eq!(again["outcomes"], json!([]), "{again:#}");
    assert_eq!(count(&tenant, "add-app-role").await, before.len());
}

#[tokio::test]
async fn only_the_applications_that_are_named_are_taken() {
    let (tenant, ann) = with_app_roles().await;
    let named = APP_ROLES.replace("wait = \"1d\" }", "wait = \"1d\", of = [\"Travel Desk\"] }");
    tenant.write("policy.toml", &named);
    let mut left = app_roles(&tenant, &ann).await;
    left.retain(|name| name != "Travel Desk");
    tenant.apply().await;
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(app_roles(&tenant, &ann).await, left);
    assert_eq!(count(&tenant, "remove-app-role").await, 1);
}

#[tokio::test]
async fn an_unclear_answer_to_a_removal_is_settled_by_looking_and_a_refusal_is_tried_again() {
    let (tenant, ann) = with_app_roles().await;
    let had = app_roles(&tenant, &ann).await.len();
    tenant.apply().await;
    tenant.pass_days(1).await;
    fault(
        &tenant,
        "DELETE",
        "/v1.0/users/",
        json!({ "kind": "unavailable", "after_effect": true }),
    )
    .await;
    tenant.apply().await;
    assert_eq!(count(&tenant, "remove-app-role").await, had);
    assert_eq!(app_roles(&tenant, &ann).await, [""; 0]);

    let bob = away(&tenant, "bob", &["Design Vault"]).await;
    tenant.apply().await;
    tenant.pass_days(1).await;
    let had = app_roles(&tenant, &bob).await;
    fault(
        &tenant,
        "DELETE",
        "/v1.0/users/",
        json!({ "kind": "server_error", "status": 403 }),
    )
    .await;
    let output = tenant.run(&["apply"]).await;
    assert!(!output.status.success(), "{}", shown(&output));
    assert!(!app_roles(&tenant, &bob).await.is_empty(), "of {had:?}");
    tenant.apply().await;
    assert_eq!(app_roles(&tenant, &bob).await, [""; 0]);
}

#[tokio::test]
async fn an_invitation_is_sent_again_once_to_the_same_account() {
    let (tenant, ann) = with_invitation().await;
    tenant.apply().await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["invite"]);
    let writes = tenant.get("writes").await;
    assert_eq!(writes[0]["target"], ann.as_str());
    assert_eq!(writes[0]["changed"], false, "no new account: {writes}");
    let outbox = tenant.get("outbox").await;
    assert_eq!(outbox[0]["to"], json!(["ann@partner.example"]), "{outbox}");
    let body = outbox[0]["body"].as_str().expect("a text");
    assert!(body.contains("myapplications.microsoft.com"), "{body}");
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["invite", "send-mail"]);
}

#[tokio::test]
async fn who_redeems_in_the_last_moment_or_was_never_invited_gets_no_invitation() {
    let (tenant, ann) = with_invitation().await;
    let everybody = INVITATIONS.replace("guest.pending_days >= 30", "guest.account_age_days >= 30");
    tenant.write("policy.toml", &everybody);
    for state in [json!("Accepted"), Value::Null] {
        change(&tenant, &ann, json!({ "external_state": state })).await;
        tenant.apply().await;
        assert_eq!(count(&tenant, "invite").await, 0, "{state}");
    }
}

#[tokio::test]
async fn an_invitation_leads_to_where_the_configuration_says() {
    let (tenant, _) = with_invitation().await;
    tenant
        .configure(|config| {
            format!("{config}invitation_redirect = \"https://portal.contoso.example/hello\"\n")
        })
        .await;
    tenant.apply().await;
    let outbox = tenant.get("outbox").await;
    let body = outbox[0]["body"].as_str().expect("a text");
    assert!(body.contains("portal.contoso.example/hello"), "{body}");
}
