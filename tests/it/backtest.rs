//! A policy replayed over the past.

use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

fn policy(days: u32) -> String {
    format!(
        "[[rule]]\nname = \"inactive\"\nwhen = 'guest.inactive_days >= {days}'\nstages = [{{ action = \"notify\" }}, {{ action = \"disable\", wait = \"7d\" }}]\n"
    )
}

async fn replays(database: String) {
    let tenant = Tenant::with(0, database).await;
    tenant.write("policy.toml", &policy(9000));
    tenant.write("new.toml", &policy(60));
    let new = tenant.path("new.toml");
    let new = new.to_str().expect("a text");
    let returns = tenant.add_guest("returns", 50).await;
    let leaves = tenant.add_guest("leaves", 50).await;
    tenant.add_guest("stays", 50).await;
    // One of so many may be gone in an observation that is believed.
    for number in 0..5 {
        tenant.add_guest(&format!("active{number}"), 1).await;
    }
    tenant.json(&["plan"]).await;
    for _ in 0..6 {
        tenant.pass_days(5).await;
        tenant.json(&["plan"]).await;
    }
    tenant
        .post(
            &format!("users/{returns}/sign-in"),
            json!({ "success": true }),
        )
        .await;
    let deleted = Some(json!({ "deleted": true }));
    tenant
        .control(reqwest::Method::PATCH, &format!("users/{leaves}"), deleted)
        .await;
    tenant.pass_days(2).await;
    tenant.json(&["plan"]).await;

    let told = tenant.json(&["backtest", new]).await;
    assert_eq!(told["in_force"]["taken"], 0, "{told:#}");
    assert_eq!(told["policy"]["standing"], "in-force");
    assert_eq!(
        (&told["guests"], &told["guests_left"]),
        (&json!(8), &json!(1))
    );
    assert_eq!(told["guests_without_past"], 0);
    assert_eq!(told["new"]["replayed"], 8, "{told:#}");
    assert_eq!(told["new"]["taken"], 3, "{told:#}");
    assert_eq!(told["new"]["came_back"], 1, "{told:#}");
    assert_eq!(told["new"]["left"], 1, "{told:#}");
    assert_eq!(told["new"]["regret_percent"], 100.0 / 3.0);
    let taken = told["taken"].as_array().expect("a list");
    let back: Vec<&Value> = taken
        .iter()
        .filter(|of| !of["came_back_at"].is_null())
        .collect();
    assert_eq!(back.len(), 1);
    assert_eq!(back[0]["guest_id"], returns.as_str());
    assert_eq!(back[0]["came_back_by"], "sign-in");
    let left: Vec<&Value> = taken.iter().filter(|of| !of["left_at"].is_null()).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["guest_id"], leaves.as_str());

    let table = tenant.run(&["backtest", new, "--days", "400"]).await;
    assert!(table.status.success(), "{}", shown(&table));
    assert!(shown(&table).contains("33.3 %"), "{}", shown(&table));
    assert!(
        shown(&table).contains("8 guests, 1 of whom have left the directory since"),
        "{}",
        shown(&table)
    );
    let csv = tenant.run(&["backtest", new, "--output", "csv"]).await;
    assert_eq!(String::from_utf8_lossy(&csv.stdout).lines().count(), 4);
    let nothing = tenant
        .json(&["backtest", new, "--from", "2100-01-01"])
        .await;
    assert_eq!(nothing["reaches_back_to"], Value::Null);
    assert_eq!(nothing["guests_without_past"], 7);
    assert_eq!(tenant.writes().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_policy_is_replayed_beside_the_one_in_force_and_those_who_came_back_are_counted_on_sqlite()
 {
    replays("sqlite://innkeeper.db".to_owned()).await;
}

#[tokio::test]
async fn a_policy_is_replayed_beside_the_one_in_force_and_those_who_came_back_are_counted_on_postgres()
 {
    replays(innkeeper_testdb::postgres_url().await).await;
}
