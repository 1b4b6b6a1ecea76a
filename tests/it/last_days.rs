//! What is said of guests whose accounts were taken: what remains, and that they are soon gone for good.

use innkeeper_simulator::DEFAULT_PERMISSIONS;
use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

/// So many days, a cycle after each.
async fn days(tenant: &Tenant, days: usize) {
    for _ in 0..days {
        tenant.pass_days(1).await;
        tenant.apply().await;
    }
}

async fn databases() -> [String; 2] {
    [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ]
}

/// The mails about final days.
async fn announced(tenant: &Tenant) -> Vec<Value> {
    let outbox = tenant.get("outbox").await;
    let mails = outbox.as_array().expect("a list").clone();
    let is_it = |mail: &Value| mail.to_string().contains("gone for good");
    mails.into_iter().filter(is_it).collect()
}

async fn deleted(tenant: &Tenant, guest: &str) -> bool {
    tenant.get(&format!("truth/{guest}")).await["deleted"].is_string()
}

#[tokio::test]
async fn operators_hear_once_before_a_deleted_guest_is_gone_for_good_and_the_command_brings_it_back()
 {
    for database in databases().await {
        let tenant = Tenant::with(0, database).await;
        let ann = tenant.add_guest("ann", 100).await;
        let ben = tenant.add_guest("ben", 100).await;
        tenant.apply().await;
        days(&tenant, 14).await;
        days(&tenant, 30).await;
        assert!(deleted(&tenant, &ann).await && deleted(&tenant, &ben).await);
        // Who was brought back is none of those.
        let undo = |guest: &str| {
            ["undo", guest, "--yes", "--reason", "a test", "--by", "jo"].map(str::to_owned)
        };
        let arguments = undo(&ben);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = tenant.run(&arguments).await;
        assert!(output.status.success(), "{}", shown(&output));

        days(&tenant, 24).await;
        assert!(announced(&tenant).await.is_empty());
        let list = shown(&tenant.run(&["guests", "list"]).await);
        assert!(list.contains("final day") && list.contains(&ann), "{list}");
        let all = tenant.json(&["guests", "list"]).await;
        let listed = all.as_array().expect("a list");
        let listed = listed
            .iter()
            .find(|guest| guest["guest_id"] == ann.as_str());
        let day = listed.expect("it is listed")["final_day"]
            .as_str()
            .expect("a day");
        let csv = shown(&tenant.run(&["guests", "list", "--output", "csv"]).await);
        let line = csv.lines().find(|line| line.contains(&ann));
        assert!(line.is_some_and(|line| line.ends_with(day)), "{csv}");
        let report = tenant.json(&["report", "guest", &ann]).await;
        assert_eq!(report["final_day"], day, "{report:#}");
        let page = shown(&tenant.run(&["report", "guest", &ann]).await);
        assert!(
            page.contains("gone for good") && page.contains(day),
            "{page}"
        );
        // What was certainly not sent is tried again, at the very same time if need be.
        let without = |taken: &str| {
            let left = DEFAULT_PERMISSIONS.iter().filter(|name| **name != taken);
            json!({ "roles": left.collect::<Vec<_>>() })
        };
        tenant.pass_days(1).await;
        for roles in [without("Mail.Send"), without("Mail.Send"), without("")] {
            assert!(announced(&tenant).await.is_empty());
            let put = reqwest::Method::PUT;
            tenant.control(put, "permissions", Some(roles)).await;
            let output = tenant.run(&["apply"]).await;
            assert!(!shown(&output).contains("UNIQUE"), "{}", shown(&output));
        }
        let mails = announced(&tenant).await;
        assert_eq!(mails.len(), 1, "{mails:#?}");
        let mail = mails[0].to_string();
        assert!(mail.contains("operators@contoso.example"), "{mail}");
        assert!(mail.contains(&format!("innkeeper undo {ann}")), "{mail}");
        assert!(!mail.contains(&ben), "{mail}");
        days(&tenant, 3).await;
        assert_eq!(announced(&tenant).await.len(), 1);

        let arguments = undo(&ann);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = tenant.run(&arguments).await;
        assert!(output.status.success(), "{}", shown(&output));
        assert!(!deleted(&tenant, &ann).await);
    }
}

#[tokio::test]
async fn nobody_hears_of_a_final_day_where_the_configuration_says_so() {
    let tenant = Tenant::empty().await;
    let off = |config: String| format!("{config}days_before_final_day = 0\n");
    tenant.configure(off).await;
    tenant.add_guest("active", 1).await;
    let ann = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    days(&tenant, 44).await;
    assert!(deleted(&tenant, &ann).await);
    days(&tenant, 31).await;
    assert!(announced(&tenant).await.is_empty());
}

#[tokio::test]
async fn what_remains_after_a_disabling_is_said_and_for_how_long() {
    let tenant = Tenant::empty().await;
    let ann = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    let before = shown(&tenant.run(&["guests", "show", &ann]).await);
    assert!(!before.contains("what remains"), "{before}");
    days(&tenant, 13).await;
    tenant.pass_days(1).await;
    let applied = shown(&tenant.run(&["apply"]).await);
    assert!(
        applied.contains("what remains of each of the 1 accounts"),
        "{applied}"
    );
    assert!(applied.contains("may be good until"), "{applied}");
    let again = shown(&tenant.run(&["apply"]).await);
    assert!(!again.contains("what remains"), "{again}");
    for command in [
        ["guests", "show"].as_slice(),
        &["explain"],
        &["report", "guest"],
    ] {
        let arguments = [command, &[ann.as_str()]].concat();
        let said = shown(&tenant.run(&arguments).await);
        assert!(said.contains("may be good until"), "{said}");
        assert!(
            said.contains("Sharing links that anybody may open"),
            "{said}"
        );
    }
    days(&tenant, 2).await;
    let later = tenant.json(&["guests", "show", &ann]).await;
    let remains = later["remains"].as_str().expect("a text");
    assert!(
        remains.contains("no access token issued before"),
        "{remains}"
    );
}
