//! Notices to guests, notices that go out again, and notices that ask.

use serde_json::json;

use crate::tenant::Tenant;

const POLICY: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
unknown = "ask"
stages = [
  { action = "notify", to = ["operators", "guest"], repeat = "7d" },
  { action = "disable", wait = "20d" },
]

[limits]
disable = { guests = 1000, percent = 100 }
"#;

#[tokio::test]
async fn a_guest_is_written_to_again_every_week_until_the_account_is_disabled() {
    let tenant = Tenant::empty().await;
    let guest = tenant.add_guest("ann", 100).await;
    tenant.write("policy.toml", POLICY);
    tenant.apply().await;
    for _ in 0..3 {
        tenant.pass_days(7).await;
        tenant.apply().await;
        tenant.apply().await;
    }
    assert_eq!(
        tenant.writes().await,
        ["send-mail", "send-mail", "send-mail", "disable"]
    );
    let outbox = tenant.get("outbox").await;
    let (first, again) = (outbox[0].to_string(), outbox[1].to_string());
    for mail in [&first, &again] {
        assert!(
            mail.contains("ann@partner.example") && mail.contains("operators@contoso.example"),
            "{mail}"
        );
    }
    assert!(again.contains("Once more"), "{again}");
    let shown = tenant.json(&["guests", "show", &guest]).await;
    assert_eq!(shown["cases"][0]["done"], json!(["notify", "disable"]));
}

#[tokio::test]
async fn a_guest_who_cannot_be_judged_is_asked_about_once_a_week_and_nothing_else_follows() {
    let tenant = Tenant::with(200, "sqlite://innkeeper.db".to_owned()).await;
    let guest = tenant.add_guest("ann", 5).await;
    tenant.write(
        "policy.toml",
        &POLICY.replace(
            "guest.inactive_days >= 90",
            "guest.domain == \"partner.example\" && guest.mail.startsWith(\"ann\") && guest.inactive_days >= 90",
        ),
    );
    tenant.apply().await;
    assert_eq!(tenant.writes().await, Vec::<String>::new());
    let unseen =
        json!({ "last_success": null, "last_interactive": null, "last_non_interactive": null });
    tenant
        .control(
            reqwest::Method::PATCH,
            &format!("users/{guest}"),
            Some(unseen),
        )
        .await;
    for _ in 0..9 {
        tenant.pass_days(3).await;
        tenant.apply().await;
    }
    // On days 3, 12 and 21: a week is not over after six days.
    assert_eq!(
        tenant.writes().await,
        ["send-mail", "send-mail", "send-mail"]
    );
    let mail = tenant.get("outbox").await[0].to_string();
    assert!(mail.contains("please confirm"), "{mail}");
    let shown = tenant.json(&["guests", "show", &guest]).await;
    assert_eq!(shown["cases"][0]["done"], json!([]));
}
