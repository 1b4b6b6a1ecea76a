//! What an undo gives back besides the account, and to whom.

use reqwest::Method;
use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

async fn set(tenant: &Tenant, guest: &str, body: Value) {
    let path = format!("users/{guest}");
    tenant.control(Method::PATCH, &path, Some(body)).await;
}

async fn undo(tenant: &Tenant, guest: &str) -> Value {
    tenant
        .json(&["undo", guest, "--yes", "--reason", "a test", "--by", "jo"])
        .await
}

/// A cycle a week: a longer gap does not count towards a wait.
async fn weeks(tenant: &Tenant, weeks: usize) {
    for _ in 0..weeks {
        tenant.pass_days(7).await;
        tenant.apply().await;
    }
}

async fn member(tenant: &Tenant, name: &str) -> String {
    let mail = format!("{name}@contoso.example");
    let user = json!({ "mail": mail, "user_type": "Member" });
    let made = tenant.post("users", user).await;
    made["id"].as_str().expect("an id").to_owned()
}

async fn databases() -> [String; 2] {
    [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ]
}

#[tokio::test]
async fn a_guest_gets_its_manager_back_unless_it_has_another_by_now() {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        let mia = member(&tenant, "mia").await;
        let max = member(&tenant, "max").await;
        let ann = tenant.add_guest("ann", 100).await;
        let ben = tenant.add_guest("ben", 100).await;
        for guest in [&ann, &ben] {
            set(&tenant, guest, json!({ "manager": mia })).await;
        }
        tenant.apply().await;
        weeks(&tenant, 2).await;
        let writes = ["send-mail", "disable", "disable"];
        assert_eq!(tenant.writes().await, writes);
        set(&tenant, &ann, json!({ "manager": null })).await;
        set(&tenant, &ben, json!({ "manager": max })).await;
        for guest in [&ann, &ben] {
            let undone = undo(&tenant, guest).await;
            assert_eq!(undone["failures"], json!([]), "{undone:#}");
        }
        let given = ["enable", "set-manager", "enable"];
        assert_eq!(tenant.writes().await, [&writes[..], &given[..]].concat());
        for (guest, manager) in [(&ann, &mia), (&ben, &max)] {
            let truth = tenant.get(&format!("truth/{guest}")).await;
            assert_eq!(truth["manager"], **manager, "{truth:#}");
        }
    }
}

#[tokio::test]
async fn a_person_may_undo_what_was_done_to_a_guest_on_hold_and_nothing_else_does() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    weeks(&tenant, 2).await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    let hold = ["guests", "hold", &ann, "--reason", "an audit", "--by", "jo"];
    let output = tenant.run(&hold).await;
    assert!(output.status.success(), "{}", shown(&output));
    // Though the rule holds no more, the cycle leaves the account as it is.
    set(
        &tenant,
        &ann,
        json!({ "last_success": crate::tenant::START }),
    )
    .await;
    weeks(&tenant, 1).await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    let undone = undo(&tenant, &ann).await;
    assert_eq!(undone["failures"], json!([]), "{undone:#}");
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "enable"]);
    weeks(&tenant, 8).await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "enable"]);
}
