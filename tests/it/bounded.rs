//! Nothing but the journal grows without bound: sixty days in which something of every kind happens each day, with short
//! retention.

use std::collections::BTreeMap;

use innkeeper_store::Store;
use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

/// Cases that open and close every few days, with a notice, a flag, and an account that is disabled and given back.
const POLICY: &str = r#"
[[rule]]
name = "in the bridge"
when = '"bridge" in guest.groups'
stages = [{ action = "flag" }, { action = "notify", to = ["operators"] }]

[[rule]]
name = "in the tower"
when = '"tower" in guest.groups'
unannounced = true
stages = [{ action = "disable" }]

[limits]
shrink_percent = 90
disable = { guests = 100, percent = 100 }
notify = { guests = 100, percent = 100 }
per_domain = { guests = 100 }
per_sponsor = { guests = 100 }
ceiling = { guests = 100, percent = 100 }
"#;

/// Rows of every table but the journal's.
async fn counted(tenant: &Tenant) -> BTreeMap<String, i64> {
    let store = Store::open(tenant.database()).await.expect("it opens");
    let Store::Sqlite { read, .. } = &store else {
        panic!("it is SQLite")
    };
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
               AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_sqlx%' AND name <> 'journal'";
    let tables: Vec<(String,)> = sqlx::query_as(sql).fetch_all(read).await.expect("read");
    let mut counts = BTreeMap::new();
    for (table,) in tables {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let count = sqlx::query_scalar(sql).fetch_one(read).await;
        counts.insert(table, count.expect("counted"));
    }
    store.close().await;
    counts
}

async fn change(tenant: &Tenant, guest: &str, body: Value) {
    tenant
        .control(Method::PATCH, &format!("users/{guest}"), Some(body))
        .await;
}

#[tokio::test]
async fn after_sixty_days_no_table_but_the_journal_has_more_than_after_thirty() {
    let mut tenant = Tenant::with(0, "sqlite://innkeeper.db".to_owned()).await;
    let file = tenant.path("innkeeper.db");
    tenant.move_to(format!("sqlite://{}", file.display())).await;
    tenant
        .post("groups", json!({ "name": "tower", "kind": "security" }))
        .await;
    tenant.write("policy.toml", POLICY);
    tenant
        .configure(|config| {
            format!(
                "{config}\n[retention]\nobservations_days = 3\nplans_days = 3\nactions_days = 31\nremoved_guests_days = 31\n"
            )
        })
        .await;
    let mut guests = Vec::new();
    for name in ["ann", "bob", "cleo", "dora"] {
        guests.push(tenant.add_guest(name, 1).await);
    }
    let [ann, bob, cleo, _] = guests.as_slice() else {
        panic!("four guests")
    };
    let mut passing: Option<String> = None;
    let mut at_thirty = BTreeMap::new();
    for day in 1..=60 {
        let verb = if day % 2 == 0 {
            "remove_group"
        } else {
            "add_group"
        };
        change(&tenant, ann, json!({ verb: "bridge" })).await;
        change(&tenant, bob, json!({ verb: "tower" })).await;
        // Somebody comes, and is taken away by somebody else.
        match passing.take() {
            Some(guest) => change(&tenant, &guest, json!({ "deleted": true })).await,
            None => {
                let guest = tenant.add_guest(&format!("passing{day}"), 1).await;
                change(
                    &tenant,
                    &guest,
                    json!({ "sponsors": [cleo], "add_group": "bridge" }),
                )
                .await;
                passing = Some(guest);
            }
        }
        let why = ["--by", "olga", "--reason", "a test"];
        for command in [
            &["guests", "attest", cleo][..],
            &["guests", "exempt", cleo, "--until", "2028-12-31"],
            &["guests", "release", cleo],
        ] {
            if day > 1 {
                let output = tenant.run(&[command, &why].concat()).await;
                assert!(output.status.success(), "{command:?}: {}", shown(&output));
            }
        }
        // Every tenth cycle is one that cannot be believed.
        if day % 10 == 0 {
            tenant.post("faults", json!({ "kind": "server_error", "status": 403, "empty": true, "method": "GET", "path": "/v1.0/users", "next": 1 })).await;
        }
        let output = tenant.run(&["apply"]).await;
        let said = shown(&output);
        assert!(day % 10 == 0 || output.status.success(), "{day}: {said}");
        assert!(!said.contains("was not let go"), "{day}: {said}");
        tenant.control(Method::DELETE, "faults", None).await;
        tenant.pass_days(1).await;
        if day == 30 {
            at_thirty = counted(&tenant).await;
        }
    }
    // What happened is worth counting.
    for (table, least) in [
        ("observations", 3),
        ("plans", 3),
        ("intents", 30),
        ("outcomes", 30),
        ("snapshots", 5),
        ("cases", 20),
        ("attestations", 20),
        ("guest_states", 10),
        ("cycle_ends", 5),
    ] {
        assert!(at_thirty[table] >= least, "{table}: {at_thirty:#?}");
    }
    let at_sixty = counted(&tenant).await;
    let grown: Vec<_> = at_sixty
        .iter()
        .map(|(table, count)| (table, at_thirty[table], *count))
        .filter(|(_, before, after)| *after > before + before / 8 + 4)
        .collect();
    assert!(grown.is_empty(), "{grown:?}\n{at_sixty:#?}");
    let all = tenant.json(&["journal", "verify"]).await;
    assert_eq!(all[0]["intact"], true, "{all:#}");
}
