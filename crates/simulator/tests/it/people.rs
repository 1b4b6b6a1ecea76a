//! Managers, nested members and the audit log.

use serde_json::json;

use crate::tenant::{DAY, Tenant, text};

#[tokio::test]
async fn a_manager_is_told_until_it_is_deleted_and_none_is_not_found() {
    let tenant = Tenant::still(0).await;
    let mona = tenant.add_guest("mona").await;
    let sara = tenant.add_guest("sara").await;
    let path = format!("/users/{sara}/manager");
    let none = tenant.get(&path).await;
    assert_eq!(none.refusal(), (404, "Request_ResourceNotFound"));
    let manager = json!({ "manager": mona });
    tenant
        .drive("PATCH", &format!("users/{sara}"), manager)
        .await;
    let answer = tenant
        .get(&format!("{path}?$select=id,accountEnabled"))
        .await
        .ok();
    assert_eq!(text(&answer.body["id"]), mona);
    assert_eq!(answer.body["accountEnabled"], true);
    assert_eq!(tenant.get(&format!("{path}?$top=1")).await.status, 400);
    tenant.delete(&format!("/users/{mona}")).await.ok();
    assert_eq!(tenant.get(&path).await.status, 404);
}

#[tokio::test]
async fn transitive_members_are_those_of_nested_groups_and_the_groups_themselves() {
    let tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let ben = tenant.add_guest("ben").await;
    let inner = json!({ "name": "inner", "members": [ann] });
    let inner = text(&tenant.drive("POST", "groups", inner).await["id"]);
    let outer = json!({ "name": "outer", "members": [ben], "groups": ["inner"] });
    let outer = text(&tenant.drive("POST", "groups", outer).await["id"]);
    let rows = tenant
        .all(&format!(
            "/groups/{outer}/transitiveMembers?$select=id&$top=1"
        ))
        .await;
    let ids: Vec<String> = rows.iter().map(|row| text(&row["id"])).collect();
    assert_eq!(ids, [ann.clone(), ben.clone(), inner]);
    let direct = tenant.all(&format!("/groups/{outer}/members")).await;
    // The guest, and the group that is in it.
    assert_eq!(direct.len(), 2);
}

#[tokio::test]
async fn the_audit_log_tells_who_invited_for_thirty_days_or_seven_and_takes_no_other_filter() {
    let mut tenant = Tenant::still(0).await;
    let ivo = tenant.add_guest("ivo").await;
    let ann = tenant.add_guest("ann").await;
    let invited = json!({ "invited_by": ivo });
    tenant
        .drive("PATCH", &format!("users/{ann}"), invited)
        .await;
    let ben = tenant.add_guest("ben").await;
    let by_application = json!({ "invited_by": null });
    tenant
        .drive("PATCH", &format!("users/{ben}"), by_application)
        .await;
    let path = "/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Invite external user' and activityDateTime ge 2020-01-01T00:00:00Z";
    let rows = tenant.all(path).await;
    assert_eq!(rows.len(), 2);
    let of_ann = rows
        .iter()
        .find(|row| row["targetResources"][0]["id"] == json!(ann))
        .expect("hers");
    assert_eq!(of_ann["initiatedBy"]["user"]["id"], json!(ivo));
    assert!(of_ann["initiatedBy"]["app"].is_null());
    let paged = tenant.all(&format!("{path}&$top=1")).await;
    assert_eq!(paged, rows);
    for filter in [
        "category eq 'UserManagement'",
        "activityDateTime gt 2020-01-01T00:00:00Z",
    ] {
        let refused = tenant
            .get(&format!("/auditLogs/directoryAudits?$filter={filter}"))
            .await;
        assert!(refused.status >= 400, "{filter}");
    }
    tenant.pass(8 * DAY).await;
    tenant.renew().await;
    assert_eq!(tenant.all(path).await.len(), 2);
    tenant
        .drive("PUT", "license", json!({ "licensed": false }))
        .await;
    assert_eq!(tenant.all(path).await.len(), 0);
    tenant
        .drive("PUT", "license", json!({ "licensed": true }))
        .await;
    tenant.pass(23 * DAY).await;
    tenant.renew().await;
    assert_eq!(tenant.all(path).await.len(), 0);
    tenant
        .permit(&["User.Read.All", "Directory.Read.All"])
        .await;
    assert_eq!(tenant.get(path).await.status, 403);
}
