//! What is left of a guest whose personal data was erased: nothing, in any column of any table, on both databases.

use std::collections::BTreeSet;

use innkeeper_store::Store;
use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

/// Every kind of thing that is kept of a guest, with its mail address in the reasons.
const POLICY: &str = r#"
[[rule]]
name = "leaving"
when = 'guest.mail.startsWith("za") && guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "flag", attribute = "extensionAttribute7" },
  { action = "remove-from-group", from = ["bridge"] },
  { action = "remove-app-roles" },
  { action = "disable", wait = "14d" },
  { action = "delete", wait = "30d" },
]

[[rule]]
name = "invited"
when = 'guest.mail.startsWith("zp") && guest.pending_days >= 1'
stages = [{ action = "resend-invitation" }]

[limits]
longest_gap = "60d"
shrink_percent = 90
disable = { guests = 100, percent = 100 }
delete = { guests = 100, percent = 100 }
ceiling = { guests = 0, percent = 0 }
"#;

/// In every name and address of those whose data is erased.
const NEEDLE: &str = "zanzibar";

/// The columns of text, by table, of a database as it is.
async fn text_columns(store: &Store) -> Vec<(String, String)> {
    match store {
        Store::Sqlite { read, .. } => {
            let sql = "SELECT m.name, p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
                       WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%' AND p.type = 'TEXT'";
            sqlx::query_as(sql).fetch_all(read).await.expect("read")
        }
        Store::Postgres(pool) => {
            let sql = "SELECT table_name::text, column_name::text FROM information_schema.columns \
                       WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' AND data_type = 'text'";
            sqlx::query_as(sql).fetch_all(pool).await.expect("read")
        }
    }
}

/// The columns in which a text stands, in whatever case.
async fn found(tenant: &Tenant, text: &str) -> BTreeSet<String> {
    let store = Store::open(tenant.database()).await.expect("it opens");
    let columns = text_columns(&store).await;
    assert!(columns.len() > 40, "{columns:?}");
    let mut found = BTreeSet::new();
    for (table, column) in columns {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE LOWER({column}) LIKE '%{text}%'");
        let sql = sqlx::AssertSqlSafe(sql);
        let count: i64 = match &store {
            Store::Sqlite { read, .. } => sqlx::query_scalar(sql).fetch_one(read).await,
            Store::Postgres(pool) => sqlx::query_scalar(sql).fetch_one(pool).await,
        }
        .expect("counted");
        if count > 0 {
            found.insert(format!("{table}.{column}"));
        }
    }
    store.close().await;
    found
}

/// A cycle whose steps a person then approves, and another that takes them; where the needle was in between.
async fn approved_cycle(tenant: &Tenant) -> BTreeSet<String> {
    tenant.run(&["apply"]).await;
    let found = found(tenant, NEEDLE).await;
    let plans = tenant.json(&["plans", "list"]).await;
    let plan = plans[0]["plan_id"].as_str().expect("an id").to_owned();
    tenant
        .run(&[
            "plans",
            "approve",
            &plan,
            "--by",
            "olga",
            "--reason",
            "as agreed",
        ])
        .await;
    tenant.run(&["apply"]).await;
    found
}

async fn change(tenant: &Tenant, guest: &str, body: Value) {
    tenant
        .control(Method::PATCH, &format!("users/{guest}"), Some(body))
        .await;
}

#[tokio::test]
async fn nothing_is_left_of_a_guest_whose_data_was_erased_but_its_id() {
    let databases = [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ];
    for database in databases {
        let mut tenant = Tenant::with(0, database.clone()).await;
        if database.starts_with("sqlite:") {
            let file = tenant.path("innkeeper.db");
            tenant.move_to(format!("sqlite://{}", file.display())).await;
        }
        tenant.write("policy.toml", POLICY);
        for name in ["active", "quiet"] {
            tenant.add_guest(name, 1).await;
        }
        let ann = tenant.add_guest("zanzibar.ann", 100).await;
        let other = tenant.add_guest("other", 1).await;
        change(
            &tenant,
            &ann,
            json!({ "display_name": "Ann Zanzibar", "sponsors": [other], "add_group": "bridge" }),
        )
        .await;
        change(&tenant, &ann, json!({ "add_app_role": "Travel Desk" })).await;
        let pat = tenant.add_guest("zp.zanzibar", 1).await;
        change(
            &tenant,
            &pat,
            json!({ "display_name": "Pat Zanzibar", "external_state": "PendingAcceptance" }),
        )
        .await;
        // Pat is a sponsor itself.
        change(&tenant, &other, json!({ "sponsors": [pat] })).await;
        tenant.run(&["apply"]).await;
        for command in [
            &["guests", "exempt", &ann, "--until", "2027-12-31"][..],
            &["guests", "attest", &pat],
            &["guests", "expire", &pat, "--on", "2027-12-31"],
        ] {
            let why = [
                "--by",
                "olga",
                "--reason",
                "Zanzibar.Ann@partner.example says so",
            ];
            let output = tenant.run(&[command, &why].concat()).await;
            assert!(output.status.success(), "{command:?}: {}", shown(&output));
        }
        tenant.run(&["apply"]).await;
        let why = [
            "--by",
            "olga",
            "--reason",
            "zanzibar.ann@partner.example says so",
        ];
        let release = [&["guests", "release", &ann], &why[..]].concat();
        tenant.run(&release).await;
        let mut before = BTreeSet::new();
        for days in [1, 1, 1, 1, 15, 1] {
            before.extend(approved_cycle(&tenant).await);
            tenant.pass_days(days).await;
        }
        tenant.pass_days(30).await;
        let exempt = ["guests", "exempt", &ann, "--until", "2027-12-31"];
        tenant.run(&[&exempt[..], &why].concat()).await;
        tenant.run(&["apply"]).await;
        tenant.run(&release).await;
        before.extend(found(&tenant, NEEDLE).await);
        for column in [
            "guests.upn",
            "guests.mail",
            "guests.display_name",
            "sponsors.mail",
            "plan_steps.because",
            "plans.body",
            "journal.details",
            "cases.closing",
            "intents.call",
            "decisions.reason",
            "attestations.reason",
        ] {
            assert!(before.contains(column), "{column}: {before:?}");
        }
        let is_in = found(&tenant, &ann).await;
        assert!(is_in.contains("plans.body"), "{is_in:?}");

        // Somebody else takes both away.
        for guest in [&ann, &pat] {
            change(&tenant, guest, json!({ "deleted": true })).await;
        }
        tenant.run(&["apply"]).await;
        tenant
            .configure(|config| format!("{config}\n[retention]\nremoved_guests_days = 31\n"))
            .await;
        tenant.pass_days(32).await;
        tenant.run(&["apply"]).await;
        // The other guest had Pat for a sponsor, which is a part of its own past: by a mere id.
        for (text, left) in [
            (NEEDLE, &[][..]),
            (&ann, &[]),
            (&pat, &["guest_states.body"]),
        ] {
            let found: Vec<String> = found(&tenant, text).await.into_iter().collect();
            assert_eq!(found, left, "{database}: {text}");
        }
        let all = tenant.json(&["journal", "verify"]).await;
        assert_eq!(all[0]["intact"], true, "{all:#}");
        // What others are called stays.
        assert!(!found(&tenant, "quiet@partner.example").await.is_empty());
        for command in [
            &["guests", "show", &ann][..],
            &["report", "guest", &ann],
            &["guests", "exemptions"],
        ] {
            let output = tenant.run(command).await;
            assert!(output.status.success(), "{command:?}: {}", shown(&output));
        }
    }
}

#[tokio::test]
async fn the_data_of_a_guest_on_hold_is_not_erased() {
    let tenant = Tenant::empty().await;
    tenant.write("policy.toml", POLICY);
    for name in ["one", "two", "three"] {
        tenant.add_guest(name, 1).await;
    }
    let held = tenant.add_guest("held", 1).await;
    tenant.apply().await;
    let hold = [
        "guests",
        "hold",
        &held,
        "--by",
        "olga",
        "--reason",
        "a lawsuit",
    ];
    let output = tenant.run(&hold).await;
    assert!(output.status.success(), "{}", shown(&output));
    change(&tenant, &held, json!({ "deleted": true })).await;
    tenant.run(&["apply"]).await;
    tenant
        .configure(|config| format!("{config}\n[retention]\nremoved_guests_days = 31\n"))
        .await;
    tenant.pass_days(40).await;
    tenant.run(&["apply"]).await;
    let kept = tenant.json(&["guests", "show", &held]).await;
    assert_eq!(kept["mail"], "held@partner.example");
    let release = [
        "guests",
        "release",
        &held,
        "--hold",
        "--by",
        "olga",
        "--reason",
        "it is over",
    ];
    let output = tenant.run(&release).await;
    assert!(output.status.success(), "{}", shown(&output));
    tenant.run(&["apply"]).await;
    let erased = tenant.json(&["guests", "show", &held]).await;
    assert_eq!(erased["mail"], Value::Null);
}
