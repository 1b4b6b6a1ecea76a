//! Eligible roles and access packages: pages, filters, and refusals in the words of each service.

use serde_json::{Value, json};

use crate::tenant::{Tenant, text};

const ELIGIBILITIES: &str = "/roleManagement/directory/roleEligibilityScheduleInstances";
const ASSIGNMENTS: &str = "/identityGovernance/entitlementManagement/assignments";

/// Guests who may activate two roles each, and have an access package each.
async fn governed(guests: usize) -> (Tenant, Vec<String>) {
    let tenant = Tenant::still(0).await;
    let mut ids = Vec::new();
    for _ in 0..guests {
        let given = json!({
            "eligible_roles": ["Reports Reader", "Guest Inviter"],
            "access_packages": [{ "name": "Suppliers", "ends": "2040-01-01T00:00:00Z", "governed": true }],
        });
        ids.push(text(&tenant.guest(given).await["id"]));
    }
    (tenant, ids)
}

#[tokio::test]
async fn eligibilities_come_in_pages_and_by_principal() {
    let (tenant, ids) = governed(3).await;
    let all = tenant.all(&format!("{ELIGIBILITIES}?$top=2")).await;
    assert_eq!(all.len(), 6);
    let own = tenant
        .get(&format!(
            "{ELIGIBILITIES}?$filter=principalId eq '{}'",
            ids[0]
        ))
        .await;
    assert_eq!(own.rows().len(), 2);
    assert!(own.rows().iter().all(|row| row["principalId"] == *ids[0]));
    for refused in [
        "$filter=memberType eq 'Direct'",
        "$expand=principal",
        "$count=true",
    ] {
        let answer = tenant.get(&format!("{ELIGIBILITIES}?{refused}")).await;
        assert_eq!(answer.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn assignments_tell_what_is_expanded_and_come_in_pages_of_a_hundred() {
    let (tenant, ids) = governed(101).await;
    let first = tenant.get(ASSIGNMENTS).await;
    assert_eq!(first.rows().len(), 100);
    assert_eq!(first.rows()[0]["target"], Value::Null);
    let path = format!("{ASSIGNMENTS}?$expand=target,accessPackage");
    let all = tenant.all(&path).await;
    assert_eq!(all.len(), 101);
    assert_eq!(all[0]["target"]["subjectLifecycle"], "governed");
    assert_eq!(all[0]["accessPackage"]["displayName"], "Suppliers");
    let own = tenant
        .get(&format!("{path}&$filter=target/objectid eq '{}'", ids[7]))
        .await;
    assert_eq!(own.rows().len(), 1);
    for refused in ["$expand=catalog", "$filter=status eq 'Delivered'", "$top=5"] {
        let answer = tenant.get(&format!("{ASSIGNMENTS}?{refused}")).await;
        assert_eq!(answer.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn an_assignment_expires_by_itself_and_is_still_listed() {
    let tenant = Tenant::still(0).await;
    let start = tenant.drive("GET", "clock", Value::Null).await;
    let now: chrono::DateTime<chrono::Utc> = text(&start["now"]).parse().expect("a time");
    let ends = (now + chrono::TimeDelta::days(2)).to_rfc3339();
    let given = json!({ "access_packages": [{ "name": "Suppliers", "ends": ends }] });
    tenant.guest(given).await;
    let states =
        |rows: Vec<Value>| -> Vec<String> { rows.iter().map(|row| text(&row["state"])).collect() };
    assert_eq!(states(tenant.all(ASSIGNMENTS).await), ["delivered"]);
    let seconds = json!({ "seconds": 3 * 86_400 });
    tenant.drive("POST", "clock/advance", seconds).await;
    let mut tenant = tenant;
    tenant.renew().await;
    let rows = tenant.all(ASSIGNMENTS).await;
    assert!(!rows[0]["expiredDateTime"].is_null());
    assert_eq!(states(rows), ["expired"]);
    let delivered = format!("{ASSIGNMENTS}?$filter=state eq 'Delivered'");
    assert!(tenant.all(&delivered).await.is_empty());
}

#[tokio::test]
async fn each_service_refuses_in_its_own_words() {
    let (mut tenant, _) = governed(1).await;
    let license = json!({ "governance": false });
    tenant.drive("PUT", "license", license).await;
    let refusal = tenant.get(ELIGIBILITIES).await;
    assert_eq!(refusal.refusal(), (400, "AadPremiumLicenseRequired"));
    let refusal = tenant.get(ASSIGNMENTS).await;
    assert_eq!(refusal.refusal(), (403, "NoLicense"));
    let organization = tenant.get("/organization").await;
    let plans = organization.rows()[0]["assignedPlans"]
        .as_array()
        .map(Vec::len);
    assert_eq!(plans, Some(1), "P1 alone");
    let license = json!({ "governance": true });
    tenant.drive("PUT", "license", license).await;

    // Reading the whole directory is not enough for either.
    tenant.permit(&["Directory.Read.All"]).await;
    let refusal = tenant.get(ELIGIBILITIES).await;
    assert_eq!(refusal.refusal(), (403, "PermissionScopeNotGranted"));
    let refusal = tenant.get(ASSIGNMENTS).await;
    assert_eq!(refusal.refusal(), (403, "UnAuthorized"));
    tenant
        .permit(&[
            "RoleManagement.Read.Directory",
            "EntitlementManagement.Read.All",
        ])
        .await;
    assert_eq!(tenant.get(ELIGIBILITIES).await.rows().len(), 2);
    assert_eq!(tenant.get(ASSIGNMENTS).await.rows().len(), 1);
}
