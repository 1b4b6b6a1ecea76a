//! Whatever was done is done once.

use crate::tenant::Tenant;

#[tokio::test]
async fn a_second_cycle_right_after_a_first_one_writes_nothing_and_sends_no_mail() {
    for database in [
        "sqlite://innkeeper.db".to_owned(),
        innkeeper_testdb::postgres_url().await,
    ] {
        let tenant = Tenant::with(200, database).await;
        tenant.apply().await;
        let writes = tenant.writes().await;
        assert!(writes.contains(&"send-mail".to_owned()), "{writes:?}");
        tenant.apply().await;
        assert_eq!(tenant.writes().await, writes);
        for _ in 0..2 {
            tenant.pass_days(7).await;
            tenant.apply().await;
        }
        assert_ne!(tenant.writes().await, writes);
    }
}

#[tokio::test]
async fn a_guest_who_signs_in_between_the_plan_and_the_step_is_spared() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant.apply().await;
    tenant.pass_days(7).await;
    tenant.apply().await;
    tenant.pass_days(7).await;
    assert_eq!(
        tenant.json(&["plan"]).await["verdicts"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    tenant
        .post(
            &format!("users/{guest}/sign-in"),
            serde_json::json!({ "success": true }),
        )
        .await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail"]);
}

#[tokio::test]
async fn what_innkeeper_disabled_is_enabled_again_when_the_guest_has_a_reason_to_stay() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant.apply().await;
    for _ in 0..2 {
        tenant.pass_days(7).await;
        tenant.apply().await;
    }
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
    let exempt = format!(
        "{}\n[[protect]]\nname = \"ann\"\nwhen = 'guest.mail == \"ann@partner.example\"'\n",
        crate::tenant::POLICY
    );
    tenant.write("policy.toml", &exempt);
    tenant.pass_days(1).await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable", "enable"]);
    let explained = tenant.json(&["explain", &guest]).await;
    assert_eq!(explained["verdict"], "protected");
}

#[tokio::test]
async fn a_case_whose_reason_went_away_is_closed_even_where_only_a_dry_run_saw_it() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.add_guest("active", 1).await;
    tenant.apply().await;
    tenant.pass_days(5).await;
    tenant
        .post(
            &format!("users/{guest}/sign-in"),
            serde_json::json!({ "success": true }),
        )
        .await;
    tenant.json(&["plan"]).await;
    let shown = tenant.json(&["guests", "show", &guest]).await;
    assert!(shown["cases"][0]["closed"].is_string(), "{shown:#}");
}

#[tokio::test]
async fn days_on_which_a_dry_run_could_not_see_a_guest_do_not_count_towards_its_wait() {
    // Among many guests one that cannot be seen does not make the whole observation doubtful.
    let tenant = Tenant::with(200, "sqlite://innkeeper.db".to_owned()).await;
    let guest = tenant.add_guest("ann", 100).await;
    let ann = tenant.json(&["plan"]).await;
    assert_eq!(ann["observation"]["health"]["healthy"], true);
    tenant.apply().await;
    let unseen = serde_json::json!({ "last_success": null, "last_interactive": null, "last_non_interactive": null });
    tenant
        .control(
            reqwest::Method::PATCH,
            &format!("users/{guest}"),
            Some(unseen),
        )
        .await;
    for _ in 0..3 {
        tenant.pass_days(6).await;
        let plan = tenant.json(&["plan"]).await;
        assert_eq!(
            plan["observation"]["health"]["healthy"], true,
            "{}",
            plan["observation"]
        );
    }
    let start: chrono::DateTime<chrono::Utc> = crate::tenant::START.parse().expect("a time");
    let back = (start - chrono::TimeDelta::days(100)).to_rfc3339();
    let seen = serde_json::json!({ "last_success": back, "last_interactive": back });
    tenant
        .control(
            reqwest::Method::PATCH,
            &format!("users/{guest}"),
            Some(seen),
        )
        .await;
    tenant.run(&["apply"]).await;
    let shown = tenant.json(&["guests", "show", &guest]).await;
    assert_eq!(
        shown["actions"].as_array().map(Vec::len),
        Some(1),
        "only the notice: {:#}",
        shown["actions"]
    );
}
