//! What can forbid a step is asked again right before it: directory roles in whatever scope, ownership of a role-assignable
//! group, groups that exempt however deeply, and sponsors who joined the sponsor group. What cannot be read forbids it too.

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{OLD, Tenant, shown};

/// Everybody without a sponsor in the sponsor group.
fn policy() -> String {
    let unsponsored = OLD.replace(
        "guest.account_age_days >= 10",
        "guest.account_age_days >= 10 && guest.eligible_sponsor_count == 0",
    );
    format!("exempt_groups = [\"spared\"]\n{unsponsored}\n[sponsors]\ngroup = \"hosts\"\n")
}

async fn set(tenant: &Tenant, user: &str, body: Value) {
    let path = format!("users/{user}");
    tenant.control(Method::PATCH, &path, Some(body)).await;
}

async fn is_enabled(tenant: &Tenant, guest: &str) -> bool {
    tenant.get(&format!("truth/{guest}")).await["enabled"] == true
}

/// Why the disabling of a guest was skipped, as the journal has it.
async fn skipped(tenant: &Tenant, guest: &str) -> String {
    let output = tenant
        .run(&["report", "guest", guest, "--output", "json"])
        .await;
    let report = shown(&output);
    assert!(output.status.success(), "{report}");
    assert!(report.contains("skipped"), "{report}");
    report
}

/// Guests who are warned, with the disabling due in the next cycle, and somebody who sponsors one of them.
struct Place {
    tenant: Tenant,
    /// By the first letter of their names.
    guests: Vec<String>,
    sara: String,
}

impl Place {
    async fn on(database: String) -> Self {
        let tenant = Tenant::with(0, database).await;
        tenant.write("policy.toml", &policy());
        let sara = json!({ "mail": "sara@contoso.example", "user_type": "Member" });
        let sara = tenant.post("users", sara).await["id"].clone();
        let sara = sara.as_str().expect("an id").to_owned();
        let mut guests = Vec::new();
        for name in ["ann", "ben", "cleo", "dora", "evan"] {
            guests.push(tenant.add_guest(name, 1).await);
        }
        set(&tenant, &guests[3], json!({ "sponsors": [sara] })).await;
        for group in [
            json!({ "name": "inner" }),
            json!({ "name": "spared", "groups": ["inner"] }),
            json!({ "name": "staff" }),
            json!({ "name": "hosts", "groups": ["staff"] }),
        ] {
            tenant.post("groups", group).await;
        }
        tenant.apply().await;
        let hours = json!({ "seconds": 3 * 3_600 });
        tenant.post("clock/advance", hours).await;
        Self {
            tenant,
            guests,
            sara,
        }
    }
}

async fn databases() -> [String; 2] {
    [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_forbids_a_step_and_came_after_the_listing_spares_the_guest_with_the_reason() {
    for database in databases().await {
        let Place {
            tenant,
            guests,
            sara,
        } = Place::on(database).await;
        // The listing is over when something is asked for in a batch.
        let hold = json!({ "kind": "hold", "when": "before", "method": "POST", "path": "/v1.0/$batch", "next": 1 });
        tenant.post("faults", hold).await;
        let mut applying = tenant.start(&["apply"]);
        let held = tenant.get("held?wait=60").await;
        assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
        let role = json!({ "scoped_roles": ["Reports Reader"] });
        set(&tenant, &guests[0], role).await;
        let admins =
            json!({ "name": "admins", "kind": "role-assignable", "owners": [guests[1], sara] });
        tenant.post("groups", admins).await;
        set(&tenant, &guests[2], json!({ "add_group": "inner" })).await;
        set(&tenant, &sara, json!({ "add_group": "staff" })).await;
        tenant.control(Method::DELETE, "faults", None).await;
        assert!(applying.wait().expect("it ends").success());

        assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
        assert!(!is_enabled(&tenant, &guests[4]).await);
        for (guest, why) in [
            (&guests[0], "Reports Reader"),
            (&guests[1], "of the role-assignable group admins"),
            (&guests[2], "is in the group \\\"spared\\\""),
            (&guests[3], "guest.eligible_sponsor_count"),
        ] {
            assert!(is_enabled(&tenant, guest).await, "{why}");
            let report = skipped(&tenant, guest).await;
            assert!(report.contains(why), "{why}: {report}");
        }
    }
}

#[tokio::test]
async fn whoever_cannot_be_asked_about_again_stays_and_the_others_do_not() {
    let Place {
        tenant,
        guests,
        sara,
    } = Place::on("sqlite://innkeeper.db".to_owned()).await;
    for user in [&guests[2], &sara] {
        let path = format!("/users/{user}/transitiveMemberOf");
        let fault = json!({ "kind": "server_error", "status": 403, "path": path });
        tenant.post("faults", fault).await;
    }
    let output = tenant.run(&["apply"]).await;
    let said = shown(&output);
    assert!(output.status.success(), "{said}");
    let mut enabled = Vec::new();
    for (guest, why) in [
        (
            &guests[2],
            "whether it is in a group whose members no rule touches could not be read again",
        ),
        (
            &guests[3],
            "whether its sponsors are in the sponsor group could not be read again",
        ),
    ] {
        assert!(is_enabled(&tenant, guest).await, "{why}");
        assert!(said.contains(why), "{said}");
        let report = skipped(&tenant, guest).await;
        assert!(report.contains(why), "{report}");
        enabled.push(guest);
    }
    for guest in guests.iter().filter(|guest| !enabled.contains(guest)) {
        assert!(!is_enabled(&tenant, guest).await, "{said}");
    }
    // As soon as they can be asked about, they follow.
    tenant.control(Method::DELETE, "faults", None).await;
    tenant.apply().await;
    for guest in &guests {
        assert!(!is_enabled(&tenant, guest).await);
    }
}

#[tokio::test]
async fn where_roles_cannot_be_asked_for_again_nothing_is_taken_from_anybody() {
    let Place { tenant, guests, .. } = Place::on("sqlite://innkeeper.db".to_owned()).await;
    // The listing is spared.
    let path = "/roleManagement/directory/roleAssignments";
    let fault = json!({ "kind": "server_error", "status": 403, "path": path, "skip": 1 });
    tenant.post("faults", fault).await;
    let output = tenant.run(&["apply"]).await;
    assert_eq!(tenant.writes().await, ["send-mail"], "{}", shown(&output));
    for guest in &guests {
        let report = skipped(&tenant, guest).await;
        let why = "whether it holds a directory role could not be read again";
        assert!(report.contains(why), "{report}");
    }
}

#[tokio::test]
async fn whoever_is_new_among_the_changes_is_protected_by_whatever_role_it_has() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", OLD);
    let eve = tenant.add_guest("eve", 1).await;
    set(&tenant, &eve, json!({ "roles": ["Reports Reader"] })).await;
    tenant.apply().await;
    let ann = tenant.add_guest("ann", 1).await;
    let ben = tenant.add_guest("ben", 1).await;
    let role = json!({ "scoped_roles": ["Reports Reader"] });
    set(&tenant, &ben, role).await;
    let admins = json!({ "name": "admins", "kind": "role-assignable", "owners": [ann] });
    tenant.post("groups", admins).await;
    for _ in 0..2 {
        let hours = json!({ "seconds": 3 * 3_600 });
        tenant.post("clock/advance", hours).await;
        let output = tenant.run(&["apply", "--changes"]).await;
        assert!(output.status.success(), "{}", shown(&output));
    }
    assert_eq!(tenant.writes().await, [""; 0]);
    for (guest, why) in [
        (&ann, "of the role-assignable group admins"),
        (&ben, "Reports Reader"),
    ] {
        let explained = shown(&tenant.run(&["explain", guest]).await);
        assert!(explained.contains(why), "{explained}");
    }
}
