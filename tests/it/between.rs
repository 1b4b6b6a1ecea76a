//! What happens between deciding and doing: each step is held against a fresh look, whatever it was decided upon.

use serde_json::{Value, json};

use crate::actions::with_invitation;
use crate::eventful::change;
use crate::tenant::{Tenant, shown};

/// A cycle that is held right before its fresh look, until the world is another.
async fn apply_meanwhile(tenant: &Tenant, meanwhile: impl AsyncFnOnce(&Tenant)) {
    // The log is read twice to observe; a third time to look again.
    let hold = json!({ "kind": "hold", "path": "/auditLogs/signIns", "skip": 2, "next": 1 });
    tenant.post("faults", hold).await;
    let child = tenant.start(&["apply"]);
    let held = tenant.get("held?wait=60").await;
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    meanwhile(tenant).await;
    tenant
        .control(reqwest::Method::DELETE, "faults", None)
        .await;
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output());
    let ended = ended.await.expect("no panic").expect("it ends");
    assert!(ended.status.success(), "{}", shown(&ended));
}

/// Somebody whose disabling is due.
async fn disabling_due() -> (Tenant, String) {
    let tenant = Tenant::empty().await;
    tenant.add_guest("active", 1).await;
    let ann = tenant.add_guest("ann", 100).await;
    for _ in 0..2 {
        tenant.apply().await;
        tenant.pass_days(7).await;
    }
    assert_eq!(tenant.writes().await, ["send-mail"]);
    (tenant, ann)
}

/// What came of the last action about the guest.
async fn last_outcome(tenant: &Tenant, guest: &str) -> Value {
    let shown = tenant.json(&["guests", "show", guest]).await;
    let actions = shown["actions"].as_array().expect("a list");
    actions.last().expect("an action")["outcome"].clone()
}

#[tokio::test]
async fn an_account_that_is_a_members_by_now_is_left() {
    let (tenant, ann) = disabling_due().await;
    apply_meanwhile(&tenant, async |tenant| {
        change(tenant, &ann, json!({ "user_type": "Member" })).await;
    })
    .await;
    assert_eq!(tenant.writes().await, ["send-mail"]);
}

#[tokio::test]
async fn an_account_that_somebody_has_disabled_by_now_is_not_disabled_again() {
    let (tenant, ann) = disabling_due().await;
    apply_meanwhile(&tenant, async |tenant| {
        change(tenant, &ann, json!({ "enabled": false })).await;
    })
    .await;
    assert_eq!(tenant.writes().await, ["send-mail"]);
    assert_eq!(last_outcome(&tenant, &ann).await["outcome"], "already");
}

#[tokio::test]
async fn without_knowing_what_a_guest_has_nothing_is_taken_from_it() {
    let (tenant, ann) = disabling_due().await;
    let path = format!("/users/{ann}/appRoleAssignments");
    let fault = json!({ "kind": "server_error", "status": 403, "path": path });
    tenant.post("faults", fault).await;
    tenant.run(&["apply"]).await;
    assert_eq!(tenant.writes().await, ["send-mail"]);
    let outcome = last_outcome(&tenant, &ann).await;
    assert_eq!(outcome["outcome"], "skipped", "{outcome}");
    tenant
        .control(reqwest::Method::DELETE, "faults", None)
        .await;
    tenant.apply().await;
    assert_eq!(tenant.writes().await, ["send-mail", "disable"]);
}

#[tokio::test]
async fn a_notice_goes_to_nobody_who_is_not_answerable_any_more() {
    let tenant = Tenant::empty().await;
    let staff = async |name: &str| {
        let mail = format!("{name}@contoso.example");
        let body = json!({ "mail": mail, "user_type": "Member" });
        let made = tenant.post("users", body).await;
        made["id"].as_str().expect("an id").to_owned()
    };
    let (sara, tom) = (staff("sara").await, staff("tom").await);
    let ann = tenant.add_guest("ann", 100).await;
    change(&tenant, &ann, json!({ "sponsors": [sara] })).await;
    apply_meanwhile(&tenant, async |tenant| {
        change(tenant, &ann, json!({ "sponsors": [tom] })).await;
    })
    .await;
    let outbox = tenant.get("outbox").await.to_string();
    assert!(outbox.contains("tom@contoso.example"), "{outbox}");
    assert!(!outbox.contains("sara@contoso.example"), "{outbox}");
    assert_eq!(tenant.writes().await, ["send-mail"]);
}

#[tokio::test]
async fn an_invitation_goes_to_nobody_who_cannot_redeem_it_and_to_no_other_address() {
    for by_now in [
        json!({ "enabled": false }),
        json!({ "mail": "ann@other.example" }),
        json!({ "external_state": "Accepted" }),
    ] {
        let (tenant, ann) = with_invitation().await;
        apply_meanwhile(&tenant, async |tenant| {
            change(tenant, &ann, by_now.clone()).await;
        })
        .await;
        let writes = tenant.writes().await;
        assert!(
            !writes.contains(&"invite".to_owned()),
            "{by_now}: {writes:?}"
        );
    }
}
