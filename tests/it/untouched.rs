//! Whom nothing is taken from, each with its reason: in a restricted management unit, under an access review that acts,
//! the only owner of a group, exempt by a group.

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{OLD, Tenant, shown};

async fn databases() -> [String; 2] {
    [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ]
}

async fn put(tenant: &Tenant, path: &str, body: Value) {
    tenant.control(Method::PUT, path, Some(body)).await;
}

async fn set(tenant: &Tenant, guest: &str, body: Value) {
    let path = format!("users/{guest}");
    tenant.control(Method::PATCH, &path, Some(body)).await;
}

async fn pass_hours(tenant: &Tenant, hours: i64) {
    let seconds = json!({ "seconds": hours * 3_600 });
    tenant.post("clock/advance", seconds).await;
}

/// Two cycles, far enough apart for the disabling to be due in the second.
async fn warn_and_disable(tenant: &Tenant) {
    tenant.apply().await;
    pass_hours(tenant, 3).await;
    tenant.apply().await;
}

async fn is_enabled(tenant: &Tenant, guest: &str) -> bool {
    tenant.get(&format!("truth/{guest}")).await["enabled"] == true
}

#[track_caller]
fn assert_said(explained: &str, why: &str) {
    assert!(explained.contains(why), "{explained}");
}

async fn explained(tenant: &Tenant, guest: &str) -> String {
    shown(&tenant.run(&["explain", guest]).await)
}

#[tokio::test]
async fn a_guest_in_a_restricted_management_unit_is_never_touched_and_is_told_why() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write("policy.toml", OLD);
        let ann = tenant.add_guest("ann", 1).await;
        let ben = tenant.add_guest("ben", 1).await;
        set(&tenant, &ann, json!({ "restricted": true })).await;
        warn_and_disable(&tenant).await;
        assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
        assert!(is_enabled(&tenant, &ann).await && !is_enabled(&tenant, &ben).await);
        let why = "restricted management administrative unit";
        assert_said(&explained(&tenant, &ann).await, why);
    }
}

#[tokio::test]
async fn nothing_is_taken_from_a_guest_while_a_review_that_acts_decides_on_it() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write("policy.toml", OLD);
        let ann = tenant.add_guest("ann", 1).await;
        let ben = tenant.add_guest("ben", 1).await;
        let cleo = tenant.add_guest("cleo", 1).await;
        let reviews = |status: &str| {
            json!({ "reviews": [
                { "name": "Quarterly", "guests": [ann], "status": status },
                { "name": "Recommends", "guests": [ben], "acts": false },
                { "name": "To come", "guests": [cleo], "status": "NotStarted" },
            ] })
        };
        put(&tenant, "reviews", reviews("InProgress")).await;
        warn_and_disable(&tenant).await;
        let writes = ["send-mail", "disable", "disable"];
        assert_eq!(tenant.writes().await, writes);
        assert!(is_enabled(&tenant, &ann).await);
        let why = "the access review \"Quarterly\" is running";
        assert_said(&explained(&tenant, &ann).await, why);
        // It decides, and has not acted yet.
        put(&tenant, "reviews", reviews("AutoReviewed")).await;
        tenant.apply().await;
        assert!(is_enabled(&tenant, &ann).await);
        put(&tenant, "reviews", reviews("Applied")).await;
        tenant.apply().await;
        assert!(!is_enabled(&tenant, &ann).await);
    }
}

#[tokio::test]
async fn reviews_that_may_not_be_read_hold_back_everything_and_a_tenant_without_the_licence_nothing()
 {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", OLD);
    let ann = tenant.add_guest("ann", 1).await;
    let roles = [
        "AuditLog.Read.All",
        "Directory.Read.All",
        "EntitlementManagement.Read.All",
        "Mail.Send",
        "RoleManagement.Read.Directory",
        "User.DeleteRestore.All",
        "User.EnableDisableAccount.All",
        "User.Read.All",
    ];
    put(&tenant, "permissions", json!({ "roles": roles })).await;
    warn_and_disable(&tenant).await;
    assert_eq!(tenant.writes().await, ["send-mail"]);
    let why = "AccessReview.Read.All";
    assert_said(&explained(&tenant, &ann).await, why);
    put(&tenant, "license", json!({ "governance": false })).await;
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}

#[tokio::test]
async fn the_only_owner_of_a_group_stays_until_the_group_has_another_and_is_looked_at_once_a_cycle()
{
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write("policy.toml", OLD);
        let ann = tenant.add_guest("ann", 1).await;
        let ben = tenant.add_guest("ben", 1).await;
        let group = |name: &str, owners: &[&str]| json!({ "name": name, "owners": owners });
        tenant.post("groups", group("alone", &[&ann])).await;
        // Two guests who would go together leave nobody either.
        tenant
            .post("groups", group("together", &[&ann, &ben]))
            .await;
        warn_and_disable(&tenant).await;
        assert_eq!(tenant.writes().await, ["send-mail"]);
        let why = "is the only owner of the group \"alone\"";
        assert_said(&explained(&tenant, &ann).await, why);
        let why = "is the only owner of the group \"together\"";
        assert_said(&explained(&tenant, &ben).await, why);
        let plan = tenant.json(&["plan"]).await;
        let verdicts = plan["verdicts"].as_array().expect("a list");
        assert!(!verdicts.iter().any(|verdict| verdict["verdict"] == "act"));

        let dora = json!({ "mail": "dora@contoso.example", "user_type": "Member" });
        let dora = tenant.post("users", dora).await["id"].clone();
        for name in ["alone", "together"] {
            let path = format!("groups/{name}/owners");
            put(&tenant, &path, json!({ "owners": [ann, dora] })).await;
        }
        tenant.apply().await;
        assert!(!is_enabled(&tenant, &ann).await && !is_enabled(&tenant, &ben).await);
    }
}

#[tokio::test]
async fn whoever_is_in_a_group_that_exempts_stays_also_by_a_group_in_it_and_when_it_joins_right_before()
 {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write(
            "policy.toml",
            &format!("exempt_groups = [\"spared\"]\n{OLD}"),
        );
        let ann = tenant.add_guest("ann", 1).await;
        let ben = tenant.add_guest("ben", 1).await;
        let inner = json!({ "name": "inner", "members": [ann] });
        tenant.post("groups", inner).await;
        let middle = json!({ "name": "middle", "groups": ["inner"] });
        tenant.post("groups", middle).await;
        let spared = json!({ "name": "spared", "groups": ["middle"] });
        tenant.post("groups", spared).await;
        let output = tenant.run(&["apply"]).await;
        assert!(output.status.success(), "{}", shown(&output));
        let why = "is in the group \"spared\", whose members no rule touches";
        assert_said(&explained(&tenant, &ann).await, why);
        // Changes of members of the inner group are not told to who follows the outer one.
        set(&tenant, &ben, json!({ "add_group": "inner" })).await;
        pass_hours(&tenant, 3).await;
        let output = tenant.run(&["apply", "--changes"]).await;
        assert!(output.status.success(), "{}", shown(&output));
        assert_eq!(tenant.writes().await, ["send-mail"], "{}", shown(&output));
        set(&tenant, &ann, json!({ "remove_group": "inner" })).await;
        warn_and_disable(&tenant).await;
        assert!(!is_enabled(&tenant, &ann).await && is_enabled(&tenant, &ben).await);
    }
}

#[tokio::test]
async fn while_a_group_that_exempts_cannot_be_found_nothing_is_taken_from_anybody_and_it_is_said() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write(
            "policy.toml",
            &format!("exempt_groups = [\"spared\"]\n{OLD}"),
        );
        let ann = tenant.add_guest("ann", 1).await;
        tenant.apply().await;
        pass_hours(&tenant, 3).await;
        let output = tenant.run(&["apply"]).await;
        let said = shown(&output);
        assert_said(&said, "nothing is taken away from any guest");
        assert_eq!(tenant.writes().await, ["send-mail"]);
        assert_said(&explained(&tenant, &ann).await, "exempt_groups");
        // Found, it may not be read: the cycle fails as a whole.
        let group = tenant.post("groups", json!({ "name": "spared" })).await;
        let path = group["id"].as_str().expect("an id");
        let path = format!("/groups/{path}/transitiveMembers");
        let fault = json!({ "kind": "server_error", "status": 403, "path": path });
        tenant.post("faults", fault).await;
        let output = tenant.run(&["apply"]).await;
        assert!(!output.status.success(), "{}", shown(&output));
        assert_eq!(tenant.writes().await, ["send-mail"]);
        tenant.control(Method::DELETE, "faults", None).await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    }
}
