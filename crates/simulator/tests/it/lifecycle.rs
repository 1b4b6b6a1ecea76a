//! Disabling, deleting, restoring, and what is out of an application's reach.

use serde_json::{Value, json};

use crate::tenant::{DAY, Tenant, text};

/// Lets days pass, and takes a token that is good afterwards.
async fn pass_days(tenant: &mut Tenant, days: i64) {
    tenant.pass(days * DAY).await;
    tenant.renew().await;
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_is_noted() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let path = format!("/users/{id}");
    for enabled in [false, false, true] {
        let answer = tenant
            .patch(&path, json!({ "accountEnabled": enabled }))
            .await;
        assert_eq!((answer.status, &answer.body), (204, &Value::Null));
        assert_eq!(tenant.truth_of(&id).await["enabled"], enabled);
    }
    assert_eq!(tenant.writes().await, ["disable", "disable", "enable"]);
    let changed = tenant.tell("writes").await;
    assert_eq!(changed[0]["changed"], true);
    assert_eq!(changed[1]["changed"], false);
    assert_eq!(changed[0]["target"], id.as_str());

    let attributes = json!({ "onPremisesExtensionAttributes": { "extensionAttribute2": "noted" } });
    tenant.patch(&path, attributes).await.ok();
    let selected = format!("{path}?$select=onPremisesExtensionAttributes");
    let read = tenant.get(&selected).await.body;
    let attributes = &read["onPremisesExtensionAttributes"];
    assert_eq!(attributes["extensionAttribute2"], "noted");
    assert_eq!(attributes["extensionAttribute1"], Value::Null);
    for body in [
        json!({}),
        json!({ "userType": "Member" }),
        json!({ "accountEnabled": "no" }),
    ] {
        let answer = tenant.patch(&path, body).await;
        assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    }
}

#[tokio::test]
async fn an_annotation_in_a_patch_is_passed_over() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let path = format!("/users/{id}");
    let kind = "#microsoft.graph.user";
    let body = json!({ "@odata.type": kind, "accountEnabled": false });
    assert_eq!(tenant.patch(&path, body).await.status, 204);
    let body = json!({ "onPremisesExtensionAttributes": {
        "@odata.type": "#microsoft.graph.onPremisesExtensionAttributes", "extensionAttribute1": "noted",
    } });
    assert_eq!(tenant.patch(&path, body).await.status, 204);
    assert_eq!(tenant.writes().await, ["disable", "update"]);
    let answer = tenant.patch(&path, json!({ "@odata.type": kind })).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn the_attributes_of_a_synced_user_cannot_be_set() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    tenant
        .drive("PATCH", &format!("users/{id}"), json!({ "synced": true }))
        .await;
    let attributes = json!({ "onPremisesExtensionAttributes": { "extensionAttribute2": "noted" } });
    let answer = tenant.patch(&format!("/users/{id}"), attributes).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert!(answer.message().contains("on-premises mastered"));
}

#[tokio::test]
async fn a_deleted_guest_is_kept_with_all_memberships_and_comes_back_with_them() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let group = tenant.add_group("security", &id).await;
    let user = format!("/users/{id}");
    let members = format!("/groups/{group}/members");
    assert_eq!(tenant.delete(&user).await.status, 204);
    assert_eq!(
        tenant.get(&user).await.refusal(),
        (404, "Request_ResourceNotFound")
    );
    assert_eq!(tenant.delete(&user).await.status, 404);
    assert!(
        tenant.get(&members).await.rows().is_empty(),
        "hidden, not removed"
    );

    let deleted = tenant
        .get("/directory/deletedItems/microsoft.graph.user")
        .await
        .ok();
    let row = deleted
        .rows()
        .iter()
        .find(|row| row["id"] == id.as_str())
        .expect("the deleted guest");
    assert_eq!(row["deletedDateTime"], "2027-01-04T06:00:00Z");
    let prefix = id.replace('-', "");
    assert!(text(&row["userPrincipalName"]).starts_with(&prefix));
    let item = format!("/directory/deletedItems/{id}");
    assert_eq!(tenant.get(&item).await.status, 200);

    let restored = tenant.post(&format!("{item}/restore"), json!({})).await;
    assert_eq!(restored.status, 200);
    assert_eq!(restored.body["@odata.type"], "#microsoft.graph.user");
    assert_eq!(restored.body["id"], id.as_str());
    assert_eq!(tenant.get(&user).await.status, 200);
    assert_eq!(tenant.get(&members).await.rows()[0]["id"], id.as_str());
    let of = tenant.get(&format!("{user}/memberOf")).await.ok();
    assert_eq!(of.rows()[0]["id"], group.as_str());
    assert_eq!(tenant.get(&item).await.status, 404);
    assert_eq!(tenant.writes().await, ["delete", "restore"]);
}

#[tokio::test]
async fn deleted_items_want_to_know_of_what_kind() {
    let tenant = Tenant::still(0).await;
    let answer = tenant.get("/directory/deletedItems").await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
}

#[tokio::test]
async fn a_deleted_guest_is_gone_for_good_after_thirty_days() {
    let mut tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let item = format!("/directory/deletedItems/{id}");
    tenant.delete(&format!("/users/{id}")).await.ok();
    pass_days(&mut tenant, 29).await;
    assert_eq!(tenant.get(&item).await.status, 200);
    pass_days(&mut tenant, 1).await;
    assert_eq!(tenant.get(&item).await.status, 404);
    let restore = tenant.post(&format!("{item}/restore"), json!({})).await;
    assert_eq!(restore.refusal(), (404, "Request_ResourceNotFound"));
    assert_eq!(tenant.truth_of(&id).await["purged"], true);
}

#[tokio::test]
async fn a_restored_guest_is_not_purged_on_the_old_date() {
    let mut tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let item = format!("/directory/deletedItems/{id}");
    tenant.delete(&format!("/users/{id}")).await.ok();
    pass_days(&mut tenant, 20).await;
    tenant
        .post(&format!("{item}/restore"), json!({}))
        .await
        .ok();
    tenant.delete(&format!("/users/{id}")).await.ok();
    pass_days(&mut tenant, 29).await;
    assert_eq!(tenant.get(&item).await.status, 200, "its days began anew");
    pass_days(&mut tenant, 1).await;
    assert_eq!(tenant.get(&item).await.status, 404);
}

#[tokio::test]
async fn a_purge_cannot_be_undone() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let item = format!("/directory/deletedItems/{id}");
    tenant.delete(&format!("/users/{id}")).await.ok();
    assert_eq!(tenant.delete(&item).await.status, 204);
    assert_eq!(tenant.delete(&item).await.status, 404);
    let restore = tenant.post(&format!("{item}/restore"), json!({})).await;
    assert_eq!(restore.status, 404);
}

#[tokio::test]
async fn a_privileged_guest_is_out_of_reach_and_says_no_more_than_a_missing_permission() {
    let tenant = Tenant::still(0).await;
    let admin = tenant.add_guest("admin").await;
    let roles = json!({ "roles": ["Global Administrator"] });
    tenant
        .drive("PATCH", &format!("users/{admin}"), roles)
        .await;
    let member = tenant.add_guest("member").await;
    tenant.add_group("role-assignable", &member).await;
    let owner = tenant.add_guest("owner").await;
    let group = json!({ "name": "owned", "kind": "role-assignable", "owners": [owner] });
    tenant.drive("POST", "groups", group).await;
    for id in [&admin, &member, &owner] {
        let user = format!("/users/{id}");
        let disable = tenant.patch(&user, json!({ "accountEnabled": false }));
        for answer in [disable.await, tenant.delete(&user).await] {
            assert_eq!(answer.refusal(), (403, "Authorization_RequestDenied"));
            assert_eq!(
                answer.message(),
                "Insufficient privileges to complete the operation."
            );
        }
        assert_eq!(tenant.truth_of(id).await["privileged"], true);
    }
    assert!(tenant.writes().await.is_empty());
    let assignments = tenant
        .get("/roleManagement/directory/roleAssignments")
        .await
        .ok();
    let holders = assignments.rows().iter().map(|row| &row["principalId"]);
    assert!(holders.into_iter().any(|id| *id == admin.as_str()));
}

#[tokio::test]
async fn a_low_role_protects_nobody() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let roles = json!({ "roles": ["Directory Readers"] });
    tenant.drive("PATCH", &format!("users/{id}"), roles).await;
    assert_eq!(tenant.delete(&format!("/users/{id}")).await.status, 204);
}
