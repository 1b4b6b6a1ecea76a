//! Groups, their members, and sponsors.

use serde_json::{Value, json};

use crate::tenant::{Tenant, text};

#[tokio::test]
async fn a_member_is_removed_once_and_added_once() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    for kind in ["security", "m365"] {
        let group = tenant.add_group(kind, &id).await;
        let members = format!("/groups/{group}/members");
        let reference = format!("{members}/{id}/$ref");
        assert_eq!(tenant.delete(&reference).await.status, 204);
        assert!(tenant.get(&members).await.rows().is_empty());
        let again = tenant.delete(&reference).await;
        assert_eq!(again.refusal(), (404, "Request_ResourceNotFound"));
        let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") });
        let add = format!("{members}/$ref");
        assert_eq!(tenant.post(&add, body.clone()).await.status, 204);
        let again = tenant.post(&add, body).await;
        assert_eq!(again.refusal(), (400, "Request_BadRequest"));
        assert!(again.message().contains("already exist"));
        assert_eq!(tenant.get(&members).await.rows()[0]["id"], id.as_str());
    }
    assert_eq!(tenant.truth_of(&id).await["enabled"], true);
}

#[tokio::test]
async fn groups_that_are_managed_elsewhere_refuse_a_removal_each_in_its_way() {
    let tenant = Tenant::still(0).await;
    for (kind, status, code, message) in [
        (
            "dynamic",
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ),
        (
            "role-assignable",
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        ),
        (
            "on-premises",
            400,
            "Request_BadRequest",
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.",
        ),
        (
            "mail-enabled",
            400,
            "Request_BadRequest",
            "Cannot Update a mail-enabled security groups and or distribution list.",
        ),
    ] {
        let id = tenant.add_guest(kind).await;
        let group = tenant.add_group(kind, &id).await;
        let members = format!("/groups/{group}/members");
        let answer = tenant.delete(&format!("{members}/{id}/$ref")).await;
        assert_eq!(answer.refusal(), (status, code), "{kind}");
        assert_eq!(answer.message(), message, "{kind}");
        assert_eq!(tenant.get(&members).await.rows().len(), 1, "{kind}");
    }
    assert!(tenant.writes().await.is_empty());
}

#[tokio::test]
async fn the_kind_of_a_group_can_be_read_from_it() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    for (kind, property, value) in [
        ("dynamic", "groupTypes", json!(["DynamicMembership"])),
        ("m365", "groupTypes", json!(["Unified"])),
        ("security", "groupTypes", json!([])),
        ("on-premises", "onPremisesSyncEnabled", json!(true)),
        ("mail-enabled", "mailEnabled", json!(true)),
        ("role-assignable", "isAssignableToRole", json!(true)),
    ] {
        let group = tenant.add_group(kind, &id).await;
        let path = format!("/groups/{group}?$select={property}");
        assert_eq!(tenant.get(&path).await.body[property], value, "{kind}");
    }
}

#[tokio::test]
async fn a_removal_that_forgets_its_ref_deletes_the_user() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let group = tenant.add_group("security", &id).await;
    let answer = tenant
        .delete(&format!("/groups/{group}/members/{id}"))
        .await;
    assert_eq!(answer.status, 204);
    assert_eq!(tenant.get(&format!("/users/{id}")).await.status, 404);
    assert_ne!(tenant.truth_of(&id).await["deleted"], Value::Null);
    assert_eq!(tenant.writes().await, ["delete"]);
}

#[tokio::test]
async fn members_are_paged_and_groups_found_by_name() {
    let tenant = Tenant::still(30).await;
    let users = tenant.all("/users?$select=id").await;
    let members: Vec<&Value> = users.iter().map(|user| &user["id"]).collect();
    let group = json!({ "name": "Everybody", "members": members });
    // Users that the control interface knows are given by id.
    let id = text(&tenant.drive("POST", "groups", group).await["id"]);
    let path = format!("/groups/{id}/members?$select=id&$top=7");
    assert_eq!(tenant.all(&path).await.len(), members.len());
    let found = tenant
        .get("/groups?$filter=displayName eq 'everybody'")
        .await;
    assert_eq!(found.rows()[0]["id"], id.as_str());
    let renamed = json!({ "name": "Nobody" });
    tenant
        .drive("POST", &format!("groups/{id}/rename"), renamed)
        .await;
    let found = tenant
        .get("/groups?$filter=displayName eq 'everybody'")
        .await;
    assert!(found.rows().is_empty());
    tenant
        .drive("DELETE", &format!("groups/{id}"), Value::Null)
        .await;
    assert_eq!(tenant.get(&format!("/groups/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_guest_has_at_most_five_sponsors_and_deleted_ones_are_left_out() {
    let tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let sponsors = format!("/users/{ann}/sponsors");
    let body =
        |id: &str| json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{id}") });
    let mut ids = Vec::new();
    for number in 0..5 {
        let id = tenant.add_guest(&format!("sponsor-{number}")).await;
        let answer = tenant.post(&format!("{sponsors}/$ref"), body(&id)).await;
        assert_eq!(answer.status, 204);
        ids.push(id);
    }
    let sixth = tenant.add_guest("sixth").await;
    let answer = tenant.post(&format!("{sponsors}/$ref"), body(&sixth)).await;
    assert_eq!(answer.refusal(), (400, "Request_BadRequest"));
    assert_eq!(tenant.get(&sponsors).await.rows().len(), 5);

    tenant.delete(&format!("/users/{}", ids[0])).await.ok();
    assert_eq!(tenant.get(&sponsors).await.rows().len(), 4);
    let reference = format!("{sponsors}/{}/$ref", ids[1]);
    assert_eq!(tenant.delete(&reference).await.status, 204);
    let path = format!("/users/{ann}?$select=id&$expand=sponsors($select=id)");
    let expanded = tenant.get(&path).await.ok();
    assert_eq!(expanded.body["sponsors"].as_array().map(Vec::len), Some(3));
    assert_eq!(tenant.truth_of(&ids[1]).await["deleted"], Value::Null);
}
