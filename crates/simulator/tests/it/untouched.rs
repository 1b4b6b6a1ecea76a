//! What keeps an application from a guest, or tells it to keep away: restricted units, access reviews, ownership,
//! membership however deeply; and the manager.

use reqwest::Method;
use serde_json::json;

use crate::tenant::{Tenant, text};

const REVIEWS: &str = "/identityGovernance/accessReviews/definitions";

#[tokio::test]
async fn a_guest_in_a_restricted_unit_shows_it_and_cannot_be_changed() {
    let tenant = Tenant::still(0).await;
    let ann = text(&tenant.guest(json!({ "restricted": true })).await["id"]);
    let shown = tenant
        .get(&format!("/users/{ann}?$select=isManagementRestricted"))
        .await;
    assert_eq!(shown.body["isManagementRestricted"], true);
    let path = format!("/users/{ann}");
    let refusal = (403, "Authorization_RequestDenied");
    let disabled = tenant
        .patch(&path, json!({ "accountEnabled": false }))
        .await;
    assert_eq!(disabled.refusal(), refusal);
    assert_eq!(tenant.delete(&path).await.refusal(), refusal);
    assert_eq!(tenant.truth_of(&ann).await["enabled"], true);
}

#[tokio::test]
async fn reviews_have_runs_and_each_run_names_on_whom_it_decides() {
    let mut tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let review = json!({ "reviews": [{ "name": "Quarterly", "guests": [ann], "acts": false }] });
    tenant.drive("PUT", "reviews", review).await;
    let definitions = tenant.get(REVIEWS).await;
    let definition = &definitions.rows()[0];
    assert_eq!(definition["settings"]["autoApplyDecisionsEnabled"], false);
    let runs = format!("{REVIEWS}/{}/instances", text(&definition["id"]));
    let run = tenant.get(&runs).await.rows()[0].clone();
    assert_eq!(run["status"], "InProgress");
    let decisions = format!("{runs}/{}/decisions", text(&run["id"]));
    let decisions = tenant.get(&decisions).await;
    assert_eq!(decisions.rows()[0]["principal"]["id"], ann);
    assert_eq!(
        tenant
            .get(&format!("{REVIEWS}/nothing/instances"))
            .await
            .status,
        404
    );

    let license = json!({ "governance": false });
    tenant.drive("PUT", "license", license).await;
    assert_eq!(tenant.get(REVIEWS).await.refusal(), (403, "NoLicense"));
    tenant.permit(&["Directory.Read.All"]).await;
    let refusal = (403, "Authorization_RequestDenied");
    assert_eq!(tenant.get(REVIEWS).await.refusal(), refusal);
}

#[tokio::test]
async fn membership_is_told_directly_and_however_deeply() {
    let tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let make = async |body| text(&tenant.drive("POST", "groups", body).await["id"]);
    let inner = make(json!({ "name": "inner", "members": [ann], "owners": [ann] })).await;
    let outer = make(json!({ "name": "outer", "groups": ["inner"] })).await;
    let ids = async |path: String| -> Vec<String> {
        let answer = tenant.get(&path).await;
        answer.rows().iter().map(|row| text(&row["id"])).collect()
    };
    let direct = ids(format!("/groups/{outer}/members")).await;
    assert_eq!((direct.len(), &direct[0]), (1, &inner));
    let cast = format!("/groups/{outer}/members/microsoft.graph.user");
    assert!(ids(cast).await.is_empty());
    let all = ids(format!("/groups/{outer}/transitiveMembers")).await;
    assert_eq!(all, [ann.clone(), inner.clone()]);
    let direct = ids(format!("/users/{ann}/memberOf")).await;
    assert_eq!((direct.len(), &direct[0]), (1, &inner));
    let all = ids(format!("/users/{ann}/transitiveMemberOf")).await;
    assert_eq!(all, [inner.clone(), outer.clone()]);
    let above = ids(format!("/groups/{inner}/transitiveMemberOf")).await;
    assert_eq!(above, [outer]);
    assert_eq!(ids(format!("/users/{ann}/ownedObjects")).await, [inner]);
}

#[tokio::test]
async fn a_role_held_over_a_part_of_the_tenant_is_told_by_the_assignments_and_by_no_membership() {
    let tenant = Tenant::still(0).await;
    let role = json!({ "scoped_roles": ["User Administrator"] });
    let ann = text(&tenant.guest(role).await["id"]);
    let direct = tenant.get(&format!("/users/{ann}/memberOf")).await;
    assert!(direct.rows().is_empty());
    let assigned = tenant
        .get(&format!(
            "/roleManagement/directory/roleAssignments?$filter=principalId eq '{ann}'"
        ))
        .await;
    let scope = text(&assigned.rows()[0]["directoryScopeId"]);
    assert!(scope.starts_with("/administrativeUnits/"), "{scope}");
}

#[tokio::test]
async fn a_manager_is_set_by_reference_and_expanded_of_one_user() {
    let mut tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let mia = tenant.add_guest("mia").await;
    let path = format!("/users/{ann}/manager");
    assert_eq!(tenant.get(&path).await.status, 404);
    let put = async |tenant: &Tenant, id: &str| {
        let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{id}") });
        let path = format!("{path}/$ref");
        let answer = tenant.attempt(Method::PUT, &path, Some(body)).await;
        answer.expect("an answer")
    };
    let nobody = "11111111-2222-3333-4444-555555555555";
    assert_eq!(put(&tenant, nobody).await.status, 404);
    assert_eq!(put(&tenant, &mia).await.status, 204);
    assert_eq!(text(&tenant.get(&path).await.body["id"]), mia);
    let expanded = format!("/users/{ann}?$select=id&$expand=manager");
    assert_eq!(
        text(&tenant.get(&expanded).await.body["manager"]["id"]),
        mia
    );
    tenant.permit(&["User.Read.All"]).await;
    let refusal = (403, "Authorization_RequestDenied");
    assert_eq!(put(&tenant, &mia).await.refusal(), refusal);
}
