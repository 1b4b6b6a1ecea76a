//! Exemptions, holds, and immunity after somebody brought an account back.

use serde_json::{Value, json};

use crate::tenant::{POLICY, Tenant, shown};

const BY: [&str; 4] = ["--reason", "an audit", "--by", "olga"];

/// Runs a command about a guest, which must succeed.
async fn decide(tenant: &Tenant, arguments: &[&str]) -> Value {
    let arguments = [&["guests"], arguments, &BY].concat();
    tenant.json(&arguments).await
}

async fn journal(tenant: &Tenant, guest: &str) -> Value {
    tenant.json(&["guests", "show", guest]).await["decisions"].clone()
}

/// A tenant with a guest that Innkeeper has just disabled.
async fn disabled() -> (Tenant, String) {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    for _ in 0..2 {
        tenant.pass_days(7).await;
        tenant.apply().await;
    }
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    (tenant, guest)
}

async fn weeks(tenant: &Tenant, weeks: usize) {
    for _ in 0..weeks {
        tenant.pass_days(7).await;
        tenant.apply().await;
    }
}

#[tokio::test]
async fn an_exempt_guest_is_enabled_again_and_left_alone_until_the_day_is_over() {
    let (tenant, guest) = disabled().await;
    let until = ["exempt", "ann@partner.example", "--until", "2027-04-30"];
    let decided = decide(&tenant, &until).await;
    assert_eq!(decided["guest_id"], guest.as_str());
    assert_eq!(decided["decision"]["order"], "exempt");
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "enable"]);
    let explained = tenant.json(&["explain", &guest]).await;
    assert_eq!(explained["verdict"], "protected");
    assert_eq!(
        explained["reason"],
        "exempt until 2027-04-30, by olga: an audit"
    );
    assert_eq!(explained["decisions"][0]["until"], "2027-04-30");
    assert_eq!(journal(&tenant, &guest).await[0]["in_force"], true);
    let plan = tenant.run(&["plan"]).await;
    assert_eq!(plan.status.code(), Some(0), "{}", shown(&plan));
    weeks(&tenant, 14).await;
    assert_eq!(tenant.writes().await.len(), 3);
    // Over: warned first, again.
    weeks(&tenant, 1).await;
    assert_eq!(tenant.writes().await.last().expect("one"), "send-mail");
}

#[tokio::test]
async fn a_held_guest_loses_nothing_and_nothing_is_undone_until_the_hold_is_lifted() {
    let (tenant, guest) = disabled().await;
    decide(&tenant, &["hold", &guest]).await;
    weeks(&tenant, 8).await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    // An exemption would undo what is ours; a hold does not let it.
    decide(&tenant, &["exempt", &guest, "--until", "2027-12-31"]).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    let table = tenant.run(&["explain", &guest]).await;
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(table.contains("on hold, by olga: an audit"), "{table}");

    decide(&tenant, &["release", &guest]).await;
    let refused = tenant
        .run(&[&["guests", "release", &guest][..], &BY].concat())
        .await;
    assert_eq!(refused.status.code(), Some(64));
    assert!(
        shown(&refused).contains("release --hold"),
        "{}",
        shown(&refused)
    );
    decide(&tenant, &["exempt", &guest, "--until", "2027-12-31"]).await;
    decide(&tenant, &["release", &guest, "--hold"]).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "enable"]);
}

#[tokio::test]
async fn who_is_exempt_or_on_hold_is_listed_with_the_reason_and_who_decided_it() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    decide(&tenant, &["hold", &guest]).await;
    decide(&tenant, &["exempt", &guest, "--until", "2027-02-01"]).await;
    decide(&tenant, &["exempt", &guest, "--until", "2027-03-01"]).await;
    let listed = tenant.json(&["guests", "exemptions"]).await;
    let orders: Vec<_> = listed.as_array().expect("a list").iter().collect();
    assert_eq!(orders.len(), 2, "{listed:#}");
    assert_eq!(orders[0]["until"], "2027-03-01");
    assert_eq!(orders[1]["order"], "hold");
    assert_eq!(orders[1]["guest"], "ann@partner.example");
    let table = tenant.run(&["guests", "exemptions"]).await;
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(
        table.contains("olga") && table.contains("lifted"),
        "{table}"
    );
}

#[tokio::test]
async fn a_decision_without_a_day_to_come_a_reason_or_a_name_is_refused() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.apply().await;
    let exempt = ["guests", "exempt", guest.as_str(), "--until"];
    for (arguments, says) in [
        ([&exempt[..], &["2027-01-03"], &BY].concat(), "is past"),
        ([&exempt[..], &["soon"], &BY].concat(), "--until"),
        (
            [&exempt[..], &["2027-02-01", "--by", "olga"]].concat(),
            "--reason",
        ),
        (
            [
                &exempt[..],
                &["2027-02-01", "--reason", " ", "--by", "olga"],
            ]
            .concat(),
            "--reason is empty",
        ),
        (
            [&exempt[..], &["2027-02-01", "--reason", "an audit"]].concat(),
            "--by NAME",
        ),
        (
            [&["guests", "hold", "nobody@partner.example"][..], &BY].concat(),
            "no guest has",
        ),
    ] {
        let output = tenant.run(&arguments).await;
        let code = output.status.code();
        assert!(matches!(code, Some(64 | 2)), "{}", shown(&output));
        assert!(shown(&output).contains(says), "{}", shown(&output));
    }
    assert_eq!(tenant.json(&["guests", "exemptions"]).await, json!([]));
}

#[tokio::test]
async fn an_account_that_somebody_enabled_again_is_immune() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    let policy = POLICY.replace(
        "when = 'guest.inactive_days >= 90'",
        "when = 'guest.account_age_days >= 90 && guest.mail.startsWith(\"ann\")'",
    );
    let policy = policy
        .replace("14d", "2d")
        .replace("[limits]", "[limits]\nimmunity = \"20d\"");
    tenant.write("policy.toml", &policy);
    tenant.apply().await;
    tenant.pass_days(3).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    tenant.pass_days(1).await;
    let enabled = json!({ "enabled": true });
    tenant
        .control(
            reqwest::Method::PATCH,
            &format!("users/{guest}"),
            Some(enabled),
        )
        .await;
    // The old case closes, the next one begins with a notice, and goes no further for twenty days.
    tenant.apply().await;
    tenant.apply().await;
    let explained = tenant.json(&["explain", &guest]).await;
    let reason = explained["reason"].as_str().expect("a reason");
    assert!(reason.contains("immune until 2027-01-28"), "{reason}");
    for _ in 0..3 {
        tenant.pass_days(6).await;
        tenant.apply().await;
    }
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "send-mail"]);
    tenant.pass_days(3).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await.last().expect("one"), "disable");
}
