//! What is refused to an application that lacks a permission, and to a tenant that lacks a licence.

use serde_json::json;

use crate::tenant::{Answer, Tenant};

const ACTIVITY: &str = "/users?$select=id,signInActivity";

fn assert_denied(answer: &Answer) {
    assert_eq!(answer.refusal(), (403, "Authorization_RequestDenied"));
    assert_eq!(
        answer.message(),
        "Insufficient privileges to complete the operation."
    );
}

fn assert_not_licensed(answer: &Answer) {
    assert_eq!(
        answer.refusal(),
        (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    );
    assert_eq!(
        answer.message(),
        "Neither tenant is B2C or tenant doesn't have premium license"
    );
}

#[tokio::test]
async fn without_the_audit_log_there_is_no_sign_in_activity() {
    let mut tenant = Tenant::still(3).await;
    let id = tenant.add_guest("ann").await;
    tenant
        .permit(&["User.Read.All", "Directory.Read.All"])
        .await;
    for path in [
        ACTIVITY,
        &format!("/users/{id}?$select=signInActivity"),
        "/auditLogs/signIns",
    ] {
        let answer = tenant.get(path).await;
        assert_eq!(
            answer.refusal(),
            (403, "Authentication_MSGraphPermissionMissing"),
            "{path}"
        );
        assert_eq!(
            answer.message(),
            "Calling principal does not have required MSGraph permissions AuditLog.Read.All"
        );
    }
    assert_eq!(tenant.get("/users?$select=id").await.status, 200);
}

#[tokio::test]
async fn without_a_directory_permission_nothing_of_the_directory_is_shown() {
    let mut tenant = Tenant::still(3).await;
    let id = tenant.add_guest("ann").await;
    let group = tenant.add_group("security", &id).await;
    tenant.permit(&["AuditLog.Read.All"]).await;
    for path in [
        "/users",
        ACTIVITY,
        "/groups",
        "/organization",
        "/subscribedSkus",
        "/roleManagement/directory/roleAssignments",
        "/directory/deletedItems/microsoft.graph.user",
        &format!("/users/{id}"),
        &format!("/users/{id}/sponsors"),
        &format!("/users/{id}/memberOf"),
        &format!("/groups/{group}/members"),
    ] {
        let answer = tenant.get(path).await;
        assert_denied(&answer);
    }
    assert_eq!(tenant.get("/auditLogs/signIns").await.status, 200);
}

#[tokio::test]
async fn an_application_that_only_reads_cannot_write() {
    let mut tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let group = tenant.add_group("security", &id).await;
    tenant
        .permit(&[
            "User.Read.All",
            "Directory.Read.All",
            "GroupMember.Read.All",
        ])
        .await;
    let user = format!("/users/{id}");
    let disable = json!({ "accountEnabled": false });
    assert_denied(&tenant.patch(&user, disable).await);
    assert_denied(&tenant.delete(&user).await);
    let member = format!("/groups/{group}/members/{id}");
    assert_denied(&tenant.delete(&format!("{member}/$ref")).await);
    assert_denied(&tenant.delete(&member).await);
    let restore = format!("/directory/deletedItems/{id}/restore");
    assert_denied(&tenant.post(&restore, json!({})).await);
    let mail = tenant.post("/users/guests@contoso.example/sendMail", json!({}));
    assert_denied(&mail.await);
    assert!(tenant.writes().await.is_empty());
}

#[tokio::test]
async fn the_narrow_permission_to_disable_reaches_no_other_property() {
    let mut tenant = Tenant::still(0).await;
    let user = format!("/users/{}", tenant.add_guest("ann").await);
    let disable = json!({ "accountEnabled": false });
    tenant.permit(&["User.EnableDisableAccount.All"]).await;
    assert_denied(&tenant.patch(&user, disable.clone()).await);
    tenant
        .permit(&["User.EnableDisableAccount.All", "User.Read.All"])
        .await;
    assert_eq!(tenant.patch(&user, disable).await.status, 204);
    let leave = json!({ "employeeLeaveDateTime": "2027-02-01T00:00:00Z" });
    assert_denied(&tenant.patch(&user, leave).await);
}

#[tokio::test]
async fn without_a_licence_sign_in_data_is_refused_and_the_rest_is_not() {
    let tenant = Tenant::still(3).await;
    let id = tenant.add_guest("ann").await;
    let license = |licensed: bool| tenant.drive("PUT", "license", json!({ "licensed": licensed }));
    license(false).await;
    assert_not_licensed(&tenant.get(ACTIVITY).await);
    let single = format!("/users/{id}?$select=signInActivity");
    assert_not_licensed(&tenant.get(&single).await);
    assert_not_licensed(&tenant.get("/auditLogs/signIns").await);
    assert_eq!(tenant.get("/users?$select=id").await.status, 200);
    let skus = tenant.get("/subscribedSkus").await.ok();
    assert!(skus.rows().is_empty());
    license(true).await;
    assert_eq!(tenant.get(ACTIVITY).await.status, 200);
    let skus = tenant.get("/subscribedSkus").await.ok();
    assert_eq!(skus.rows()[0]["skuPartNumber"], "AAD_PREMIUM_P2");
}
