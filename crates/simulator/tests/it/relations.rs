//! Sponsors, members, roles and applications, against the truth.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::tenant::{Tenant, is_live, text};

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| text(&row["id"])).collect()
}

#[tokio::test]
async fn sponsors_are_the_same_expanded_and_by_themselves_and_deleted_ones_are_not_told() {
    let tenant = Tenant::quiet(400).await;
    let path = "/users?$filter=userType eq 'Guest'&$select=id&$expand=sponsors($select=id,displayName)&$top=999";
    let rows = tenant.all(path).await;
    let truth = tenant.truth().await;
    let mut kinds = BTreeSet::new();
    let mut dead = 0;
    for guest in truth
        .iter()
        .filter(|guest| is_live(guest) && guest["user_type"] == "Guest")
    {
        let row = rows
            .iter()
            .find(|row| row["id"] == guest["id"])
            .expect("it is listed");
        let sponsors = guest["sponsors"].as_array().unwrap();
        dead += sponsors
            .iter()
            .filter(|sponsor| sponsor["deleted"] == true)
            .count();
        let live = sponsors
            .iter()
            .filter(|sponsor| sponsor["deleted"] == false);
        let live: BTreeSet<String> = live.map(|sponsor| text(&sponsor["id"])).collect();
        assert_eq!(ids(row["sponsors"].as_array().unwrap()), live);
        kinds.extend(
            sponsors
                .iter()
                .map(|sponsor| (text(&sponsor["kind"]), sponsor["enabled"] == true)),
        );
    }
    assert!(
        kinds.contains(&("user".to_owned(), true)) && kinds.contains(&("user".to_owned(), false))
    );
    assert!(
        kinds.contains(&("group".to_owned(), false)),
        "groups are not enabled: {kinds:?}"
    );
    assert!(dead > 0, "some sponsors are deleted");
}

#[tokio::test]
async fn members_are_those_of_the_truth() {
    let tenant = Tenant::quiet(300).await;
    let truth = tenant.truth().await;
    let groups = tenant.all("/groups?$select=id,displayName&$top=999").await;
    let mut checked = 0;
    for group in groups.iter().step_by(5) {
        let id = text(&group["id"]);
        let rows = tenant
            .all(&format!(
                "/groups/{id}/members/microsoft.graph.user?$select=id,userType&$top=7"
            ))
            .await;
        let guests: BTreeSet<String> = rows
            .iter()
            .filter(|row| row["userType"] == "Guest")
            .map(|row| text(&row["id"]))
            .collect();
        let expected: BTreeSet<String> = truth
            .iter()
            .filter(|guest| is_live(guest) && guest["user_type"] == "Guest")
            .filter(|guest| {
                guest["groups"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|of| of["id"] == group["id"])
            })
            .map(|guest| text(&guest["id"]))
            .collect();
        assert_eq!(guests, expected, "{group}");
        checked += expected.len();
    }
    assert!(checked > 20);
}

#[tokio::test]
async fn member_of_mixes_groups_and_roles_and_tells_them_apart() {
    let tenant = Tenant::quiet(30).await;
    let id = text(
        &tenant
            .guest(json!({ "roles": ["Directory Readers"] }))
            .await["id"],
    );
    for _ in 0..5 {
        tenant.group("security", &[&id]).await;
    }
    let path =
        format!("/users/{id}/memberOf?$select=id,displayName,roleTemplateId,groupTypes&$top=2");
    let rows = tenant.all(&path).await;
    assert_eq!(rows.len(), 6);
    assert_eq!(ids(&rows).len(), 6);
    let role = rows
        .iter()
        .find(|row| row["@odata.type"] == "#microsoft.graph.directoryRole")
        .unwrap();
    assert_eq!(role["displayName"], "Directory Readers");
    assert_eq!(
        role["roleTemplateId"],
        "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
    );
    let cast = tenant
        .get(&format!(
            "/users/{id}/memberOf/microsoft.graph.group?$select=id"
        ))
        .await;
    assert_eq!(cast.rows().len(), 5);
}

#[tokio::test]
async fn roles_are_assigned_to_users_and_to_groups() {
    let tenant = Tenant::quiet(200).await;
    let id = text(
        &tenant
            .guest(json!({ "roles": ["Reports Reader", "Guest Inviter"] }))
            .await["id"],
    );
    let path = "/roleManagement/directory/roleAssignments";
    let own = tenant
        .get(&format!("{path}?$filter=principalId eq '{id}'"))
        .await;
    assert_eq!(own.rows().len(), 2);
    let all = tenant.all(&format!("{path}?$top=2")).await;
    let distinct = ids(&all);
    assert_eq!(distinct.len(), all.len());
    let admin = all
        .iter()
        .any(|row| row["roleDefinitionId"] == "62e90394-69f5-4237-9190-012177145e10");
    assert!(admin, "somebody is a Global Administrator");
    let group = tenant
        .get("/groups?$filter=isAssignableToRole eq true")
        .await;
    let group = text(&group.rows()[0]["id"]);
    let of_group = tenant
        .get(&format!("{path}?$filter=principalId eq '{group}'"))
        .await;
    assert_eq!(of_group.rows().len(), 1);
}

#[tokio::test]
async fn groups_are_found_by_name_and_tell_their_kind() {
    let tenant = Tenant::quiet(120).await;
    for (kind, types, mail, security) in [
        ("security", json!([]), false, true),
        ("m365", json!(["Unified"]), true, false),
        ("dynamic", json!(["DynamicMembership"]), false, true),
        ("mail-enabled", json!([]), true, true),
    ] {
        let id = tenant.group(kind, &[]).await;
        let found = tenant
            .get(&format!("/groups?$filter=displayName eq 'A {kind} group'"))
            .await;
        assert_eq!(found.rows().len(), 1);
        let group = &found.rows()[0];
        assert_eq!(text(&group["id"]), id);
        assert_eq!(group["groupTypes"], types);
        assert_eq!(
            (&group["mailEnabled"], &group["securityEnabled"]),
            (&json!(mail), &json!(security))
        );
    }
    let answer = tenant.get("/groups?$filter=owners/$count eq 0").await;
    assert_eq!(
        (answer.status, answer.code()),
        (400, "Request_UnsupportedQuery")
    );
    let all = tenant.all("/groups?$top=3&$select=id").await;
    assert_eq!(ids(&all).len(), all.len());
}

#[tokio::test]
async fn app_roles_survive_a_deletion() {
    let tenant = Tenant::quiet(200).await;
    let truth = tenant.truth().await;
    let mut seen = 0;
    for guest in truth
        .iter()
        .filter(|guest| is_live(guest) && guest["privileged"] == false)
        .take(30)
    {
        let id = text(&guest["id"]);
        let path = format!("/users/{id}/appRoleAssignments");
        let before = tenant.get(&path).await;
        if before.rows().is_empty() {
            continue;
        }
        seen += 1;
        tenant.delete(&format!("/users/{id}")).await;
        tenant
            .post(&format!("/directory/deletedItems/{id}/restore"), json!({}))
            .await;
        assert_eq!(tenant.get(&path).await.body["value"], before.body["value"]);
    }
    assert!(seen > 2);
}

#[tokio::test]
async fn a_cast_is_written_in_full_or_with_the_alias_of_the_namespace() {
    let tenant = Tenant::still(0).await;
    let id = tenant.add_guest("ann").await;
    let group = tenant.add_group("security", &id).await;
    for path in [
        format!("/users/{id}/memberOf/{{}}.group"),
        format!("/users/{id}/memberOf/{{}}.directoryRole"),
        format!("/groups/{group}/members/{{}}.user"),
        "/directory/deletedItems/{}.user".to_owned(),
    ] {
        let of = async |namespace| tenant.get(&path.replace("{}", namespace)).await.ok();
        let (full, alias) = (of("microsoft.graph").await, of("graph").await);
        assert_eq!(full.rows(), alias.rows(), "{path}");
    }
}
