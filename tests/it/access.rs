//! What guests were given access to: whom it protects, what it costs, and what follows when it cannot be read.

use serde_json::{Value, json};

use crate::tenant::{OLD, Tenant, shown};

const ELIGIBILITIES: &str = "roleEligibilityScheduleInstances";
const ASSIGNMENTS: &str = "entitlementManagement/assignments";

/// Every permission that the policies of these tests need but for those of the registers.
const PERMISSIONS: [&str; 8] = [
    "AccessReview.Read.All",
    "AuditLog.Read.All",
    "Directory.Read.All",
    "Mail.Send",
    "User.DeleteRestore.All",
    "User.EnableDisableAccount.All",
    "User.Read.All",
    "GroupMember.ReadWrite.All",
];

async fn set(tenant: &Tenant, guest: &str, body: Value) {
    let path = format!("users/{guest}");
    tenant
        .control(reqwest::Method::PATCH, &path, Some(body))
        .await;
}

async fn put(tenant: &Tenant, name: &str, body: Value) {
    tenant.control(reqwest::Method::PUT, name, Some(body)).await;
}

async fn permit(tenant: &Tenant, more: &[&str]) {
    let roles = [&PERMISSIONS[..], more].concat();
    put(tenant, "permissions", json!({ "roles": roles })).await;
}

async fn pass_hours(tenant: &Tenant, hours: i64) {
    let seconds = json!({ "seconds": hours * 3_600 });
    tenant.post("clock/advance", seconds).await;
}

/// How often the routes that hold this text were asked for since the last time.
async fn asked(tenant: &Tenant, route: &str) -> u64 {
    let requests = tenant.get("requests").await;
    let routes = requests["by_route"].as_object().expect("routes");
    let times = routes.iter().filter(|(name, _)| name.contains(route));
    times.map(|(_, times)| times.as_u64().unwrap_or(0)).sum()
}

async fn is_enabled(tenant: &Tenant, guest: &str) -> bool {
    tenant.get(&format!("truth/{guest}")).await["enabled"] == true
}

async fn explained(tenant: &Tenant, guest: &str) -> String {
    shown(&tenant.run(&["explain", guest]).await)
}

async fn fact(tenant: &Tenant, guest: &str, name: &str) -> Value {
    let explained = tenant.json(&["explain", guest]).await;
    let facts = explained["facts"].as_array().expect("a list").clone();
    let is_it = |fact: &&Value| fact["fact"] == name;
    facts.iter().find(is_it).expect("the fact")["value"].clone()
}

async fn databases() -> [String; 2] {
    [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ]
}

#[tokio::test]
async fn who_may_activate_a_role_or_is_governed_is_never_touched_and_is_told_why() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write("policy.toml", OLD);
        let ann = tenant.add_guest("ann", 1).await;
        let ben = tenant.add_guest("ben", 1).await;
        let cleo = tenant.add_guest("cleo", 1).await;
        set(
            &tenant,
            &ann,
            json!({ "eligible_roles": ["User Administrator"] }),
        )
        .await;
        let package = json!([{ "name": "Suppliers", "governed": true }]);
        set(&tenant, &ben, json!({ "access_packages": package })).await;
        tenant.apply().await;
        pass_hours(&tenant, 3).await;
        tenant.apply().await;
        assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
        assert!(!is_enabled(&tenant, &cleo).await);
        for (guest, why) in [
            (&ann, "may activate the directory role User Administrator"),
            (&ben, "came by the access package \"Suppliers\""),
        ] {
            let why_not = explained(&tenant, guest).await;
            assert!(why_not.contains(why), "{why_not}");
        }
        // What is over protects no longer, except that entitlement management has yet to remove whom it looks after.
        set(&tenant, &ann, json!({ "eligible_roles": [] })).await;
        let over =
            json!([{ "name": "Suppliers", "governed": true, "ended": "2027-01-04T08:00:00Z" }]);
        set(&tenant, &ben, json!({ "access_packages": over })).await;
        tenant.apply().await;
        pass_hours(&tenant, 3).await;
        tenant.apply().await;
        assert!(!is_enabled(&tenant, &ann).await);
        assert!(is_enabled(&tenant, &ben).await);
    }
}

#[tokio::test]
async fn a_list_that_is_refused_takes_nothing_from_anybody_until_it_is_not() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", OLD);
    let ann = tenant.add_guest("ann", 1).await;
    for (missing, granted) in [
        (
            "RoleEligibilitySchedule.Read.Directory",
            ["EntitlementManagement.Read.All"],
        ),
        (
            "EntitlementManagement.Read.All",
            ["RoleManagement.Read.Directory"],
        ),
    ] {
        permit(&tenant, &granted).await;
        tenant.apply().await;
        pass_hours(&tenant, 3).await;
        tenant.apply().await;
        // The notice went out; nothing else happened.
        assert_eq!(tenant.writes().await, ["send-mail"]);
        let why_not = explained(&tenant, &ann).await;
        assert!(why_not.contains(missing), "{why_not}");
    }
    permit(
        &tenant,
        &[
            "RoleManagement.Read.Directory",
            "EntitlementManagement.Read.All",
        ],
    )
    .await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}

#[tokio::test]
async fn without_the_licence_guests_go_as_before_and_it_is_asked_for_once_a_day() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", OLD);
    let ann = tenant.add_guest("ann", 1).await;
    put(&tenant, "license", json!({ "governance": false })).await;
    tenant.apply().await;
    assert_eq!(asked(&tenant, ELIGIBILITIES).await, 1);
    assert_eq!(asked(&tenant, ASSIGNMENTS).await, 1);
    pass_hours(&tenant, 3).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    assert_eq!(asked(&tenant, ELIGIBILITIES).await, 1);
    assert_eq!(asked(&tenant, ASSIGNMENTS).await, 1);
    for name in ["eligible_roles", "access_packages", "lost_access_packages"] {
        assert_eq!(fact(&tenant, &ann, name).await, "not known", "{name}");
    }
    // Neither is it asked for without the permission, where the tenant's plans show no licence.
    permit(&tenant, &["RoleManagement.Read.Directory"]).await;
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(asked(&tenant, ASSIGNMENTS).await, 2);
    let verdict = explained(&tenant, &ann).await;
    assert!(!verdict.contains("cannot be read"), "{verdict}");
}

#[tokio::test]
async fn what_is_given_after_the_reading_is_seen_right_before_the_step() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", OLD);
    let ann = tenant.add_guest("ann", 1).await;
    let ben = tenant.add_guest("ben", 1).await;
    let run = |arguments: &'static [&'static str]| tenant.run(arguments);
    let output = run(&["apply", "--changes"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    set(
        &tenant,
        &ann,
        json!({ "eligible_roles": ["Guest Inviter"] }),
    )
    .await;
    let package = json!([{ "name": "Suppliers", "governed": true }]);
    set(&tenant, &ben, json!({ "access_packages": package })).await;
    pass_hours(&tenant, 3).await;
    let output = run(&["apply", "--changes"]).await;
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(tenant.writes().await, ["send-mail"], "{}", shown(&output));
    assert!(is_enabled(&tenant, &ann).await && is_enabled(&tenant, &ben).await);
}

#[tokio::test]
async fn what_guests_hold_is_asked_for_only_where_the_policy_asks() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", OLD);
    let ann = tenant.add_guest("ann", 1).await;
    set(&tenant, &ann, json!({ "add_group": "bridge" })).await;
    let list = json!({ "name": "newsletter", "kind": "mail-enabled", "members": [ann] });
    tenant.post("groups", list).await;
    tenant.json(&["plan"]).await;
    for route in ["appRoleAssignments", "memberOf"] {
        assert_eq!(asked(&tenant, route).await, 0, "{route}");
    }
    assert_eq!(fact(&tenant, &ann, "group_count").await, "not known");

    let asks = "\n[[rule]]\nname = \"mail only\"\nwhen = 'guest.group_count > 0 && guest.group_count == guest.mail_group_count'\n\
                stages = [{ action = \"flag\" }]\n";
    tenant.write("policy.toml", &format!("{OLD}{asks}"));
    tenant.json(&["plan"]).await;
    for route in ["appRoleAssignments", "memberOf"] {
        assert_eq!(asked(&tenant, route).await, 1, "{route}");
    }
    assert_eq!(fact(&tenant, &ann, "group_count").await, "2");
    assert_eq!(fact(&tenant, &ann, "mail_group_count").await, "1");
    set(&tenant, &ann, json!({ "remove_group": "bridge" })).await;
    let plan = tenant.json(&["plan"]).await;
    let rules: Vec<&Value> = plan["verdicts"]
        .as_array()
        .expect("verdicts")
        .iter()
        .map(|verdict| &verdict["rule"])
        .collect();
    assert_eq!(rules, ["mail only"], "{plan:#}");
}

#[tokio::test]
async fn an_access_package_ends_a_stay_and_its_loss_is_remembered() {
    let policy = include_str!("../../config/policies/loss-of-access-packages.toml");
    let expiry = "\n[expiry]\naccess_packages = true\n\n[[rule]]\nname = \"soon\"\nwhen = 'guest.expires_in_days < 0'\nstages = [{ action = \"flag\" }]\n\n\
                  [limits]\ndisable = { guests = 10, percent = 100 }\nper_domain = { guests = 10 }\nceiling = { guests = 10, percent = 100 }\n";
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        tenant.write("policy.toml", &format!("{policy}{expiry}"));
        let ann = tenant.add_guest("ann", 1).await;
        let ben = tenant.add_guest("ben", 1).await;
        let package = json!([{ "name": "Suppliers", "ends": "2027-01-10T06:00:00Z" }]);
        set(&tenant, &ann, json!({ "access_packages": package })).await;
        tenant.apply().await;
        let expires = fact(&tenant, &ann, "expires_in_days").await;
        assert_eq!(expires, "6 (2027-01-10; end of the last access package)");
        assert_eq!(fact(&tenant, &ann, "lost_access_packages").await, "false");
        // It ends by itself; then Graph forgets it, and Innkeeper does not.
        tenant.pass_days(8).await;
        tenant.apply().await;
        set(&tenant, &ann, json!({ "access_packages": [] })).await;
        tenant.pass_days(6).await;
        tenant.apply().await;
        assert_eq!(fact(&tenant, &ann, "access_packages").await, "[]");
        assert_eq!(fact(&tenant, &ann, "lost_access_packages_days").await, "8");
        assert_eq!(fact(&tenant, &ben, "lost_access_packages").await, "false");
        assert_eq!(tenant.writes().await, ["send-mail"]);
        for _ in 0..8 {
            tenant.pass_days(2).await;
            tenant.apply().await;
        }
        assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
        assert!(!is_enabled(&tenant, &ann).await && is_enabled(&tenant, &ben).await);
        // Another one brings it back.
        let package = json!([{ "name": "Auditors" }]);
        set(&tenant, &ann, json!({ "access_packages": package })).await;
        tenant.apply().await;
        assert!(is_enabled(&tenant, &ann).await);
    }
}

#[tokio::test]
async fn what_an_application_calls_a_role_is_read_only_where_the_policy_asks_and_is_permitted() {
    let rule = |when: &str| {
        format!(
            "\n[[rule]]\nname = \"audits\"\nwhen = '{when}'\nstages = [{{ action = \"flag\" }}]\n"
        )
    };
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 1).await;
    let register = json!({ "add_app_role": "Asset Register" });
    set(&tenant, &ann, register).await;
    let by_application = rule("guest.app_roles.exists(r, r.application == \"Asset Register\")");
    tenant.write("policy.toml", &by_application);
    tenant.json(&["plan"]).await;
    assert_eq!(asked(&tenant, "servicePrincipals").await, 0);
    let registers = [
        "EntitlementManagement.Read.All",
        "RoleManagement.Read.Directory",
    ];
    permit(
        &tenant,
        &[&registers[..], &["Application.Read.All"]].concat(),
    )
    .await;
    let audits = "guest.app_roles.exists(r, r.role_name == \"Auditor\")";
    tenant.write("policy.toml", &rule(audits));
    let plan = tenant.json(&["plan"]).await;
    assert_eq!(plan["verdicts"][0]["verdict"], "act", "{plan:#}");
    assert_eq!(asked(&tenant, "servicePrincipals").await, 1);
    let roles = fact(&tenant, &ann, "app_roles").await.to_string();
    assert!(roles.contains("Asset Register (Auditor"), "{roles}");

    permit(&tenant, &registers).await;
    let output = tenant.run(&["plan"]).await;
    let said = shown(&output);
    assert!(said.contains("Application.Read.All"), "{said}");
    let explained = tenant.json(&["explain", &ann]).await;
    assert_eq!(explained["verdict"], "unknown", "{explained:#}");
    let doctor = shown(&tenant.run(&["doctor"]).await);
    let missing = "the application permission Application.Read.All is missing";
    assert!(doctor.contains(missing), "{doctor}");
    tenant.write("policy.toml", &by_application);
    let doctor = shown(&tenant.run(&["doctor"]).await);
    assert!(!doctor.contains(missing), "{doctor}");
}
