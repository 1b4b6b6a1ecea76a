//! When a guest's stay ends, and by which source.

use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

const RULE: &str = r#"
[[rule]]
name = "expired"
when = 'guest.expires_in_days < 0'
stages = [
  { action = "notify" },
  { action = "disable", wait = "1d" },
]

[[rule]]
name = "from within"
when = '!guest.external && guest.creation_type == "LocalAccount"'
stages = [{ action = "flag" }]
"#;

async fn patch(tenant: &Tenant, guest: &str, body: Value) {
    let path = format!("users/{guest}");
    tenant
        .control(reqwest::Method::PATCH, &path, Some(body))
        .await;
}

async fn fact(tenant: &Tenant, guest: &str, name: &str) -> Value {
    let explained = tenant.json(&["explain", guest]).await;
    let facts = explained["facts"].as_array().expect("a list").clone();
    let is_it = |fact: &&Value| fact["fact"] == name;
    facts.iter().find(is_it).expect("the fact")["value"].clone()
}

#[tokio::test]
async fn the_first_source_counts_and_a_bad_date_is_told_and_takes_nothing() {
    let tenant = Tenant::empty().await;
    let [ann, ben, cleo] = [
        tenant.add_guest("ann", 5).await,
        tenant.add_guest("ben", 5).await,
        tenant.add_guest("cleo", 5).await,
    ];
    tenant.write("policy.toml", RULE);
    tenant.apply().await;
    assert_eq!(fact(&tenant, &ann, "expires_in_days").await, "none");
    let attributes = |text: &str| json!({ "attributes": { "extensionAttribute3": text } });
    patch(&tenant, &ann, attributes("31.12.2026")).await;
    patch(&tenant, &ben, attributes("next year")).await;
    let expiry = "\n[expiry]\nattribute = \"extensionAttribute3\"\nformat = \"%d.%m.%Y\"\nmax_stay = \"800d\"\n";
    tenant.write("policy.toml", &format!("{RULE}{expiry}"));
    let plan = tenant.run(&["plan"]).await;
    let warned = "warning: extensionAttribute3 is no date as the policy has it (%d.%m.%Y)";
    assert!(shown(&plan).contains(warned), "{}", shown(&plan));
    for (guest, value) in [
        (&ann, "-4 (2026-12-31; extensionAttribute3)"),
        (&ben, "not known (\"next year\" is no date)"),
        // Redeemed 699 days ago.
        (&cleo, "101 (2027-04-15; longest stay)"),
    ] {
        assert_eq!(fact(&tenant, guest, "expires_in_days").await, value);
    }
    assert_eq!(fact(&tenant, &ann, "external").await, "true");
    tenant.apply().await;
    tenant.pass_days(2).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    // Somebody knows better; what was done because of the attribute is undone.
    let on = ["guests", "expire", &ann, "--on", "2027-06-30"];
    let output = tenant
        .run(&[&on[..], &["--reason", "prolonged", "--by", "olga"]].concat())
        .await;
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(
        fact(&tenant, &ann, "expires_in_days").await,
        "175 (2027-06-30; set by olga)"
    );
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "enable"]);
    let back = [
        "guests",
        "release",
        &ann,
        "--expiry",
        "--reason",
        "a mistake",
        "--by",
        "olga",
    ];
    let output = tenant.run(&back).await;
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(fact(&tenant, &ann, "expires_by").await, "attribute");
}

#[tokio::test]
async fn when_somebody_leaves_is_read_only_with_the_permission_and_only_if_the_policy_asks() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 5).await;
    let local = tenant.add_guest("local", 5).await;
    patch(&tenant, &ann, json!({ "leave": "2027-01-20T12:00:00Z" })).await;
    let expiry = "\n[expiry]\nattribute = \"employeeLeaveDateTime\"\n";
    tenant.write("policy.toml", &format!("{RULE}{expiry}"));
    tenant.apply().await;
    assert_eq!(
        fact(&tenant, &ann, "expires_in_days").await,
        "16 (2027-01-20; employeeLeaveDateTime)"
    );
    assert_eq!(fact(&tenant, &local, "expires_in_days").await, "none");
    let without = [
        "User.Read.All",
        "AuditLog.Read.All",
        "Directory.Read.All",
        "GroupMember.ReadWrite.All",
        "RoleManagement.Read.Directory",
        "Mail.Send",
        "User.EnableDisableAccount.All",
        "User.DeleteRestore.All",
    ];
    let permissions = Some(json!({ "roles": without }));
    tenant
        .control(reqwest::Method::PUT, "permissions", permissions)
        .await;
    let output = tenant.run(&["plan"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output));
    assert!(
        shown(&output).contains("User-LifeCycleInfo.Read.All"),
        "{}",
        shown(&output)
    );
    // A policy that does not ask does not need it.
    tenant.write("policy.toml", RULE);
    tenant.apply().await;
}
