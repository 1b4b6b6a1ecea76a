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
