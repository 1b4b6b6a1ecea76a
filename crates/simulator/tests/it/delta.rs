//! Delta queries: rounds of users and of groups.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::tenant::{Answer, DAY, Tenant, text};

/// A round, read to its end: its rows, and the link to the changes after it.
async fn round(tenant: &Tenant, path: &str) -> (Vec<Value>, String) {
    let mut page = tenant.get(path).await.ok();
    let mut rows = page.rows().to_vec();
    while let Some(next) = page.next().map(str::to_owned) {
        assert!(delta_link(&page).is_none(), "one link or the other");
        page = tenant.get(&next).await.ok();
        rows.extend_from_slice(page.rows());
    }
    let link = delta_link(&page).expect("a link to what comes").to_owned();
    (rows, link)
}

fn delta_link(page: &Answer) -> Option<&str> {
    page.body["@odata.deltaLink"].as_str()
}

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| text(&row["id"])).collect()
}

/// Members that came (true) and went (false), of all rows of a group, merged.
fn members(rows: &[Value], group: &str) -> BTreeMap<String, bool> {
    let rows = rows.iter().filter(|row| row["id"] == group);
    let entries = rows.flat_map(|row| row["members@delta"].as_array().into_iter().flatten());
    entries
        .map(|entry| (text(&entry["id"]), entry.get("@removed").is_none()))
        .collect()
}

#[tokio::test]
async fn the_first_round_shows_every_user_and_the_next_what_changed() {
    let tenant = Tenant::still(450).await;
    let path = "/users/delta?$select=displayName,accountEnabled,department";
    let (rows, link) = round(&tenant, path).await;
    let live: Vec<&Value> = rows
        .iter()
        .filter(|row| row.get("@removed").is_none())
        .collect();
    let count = tenant.get_eventual("/users/$count").await.ok().body;
    assert_eq!(live.len() as u64, count.as_u64().expect("a number"));
    assert_eq!(ids(&rows).len(), rows.len(), "nobody twice");
    assert!(live[0].get("department").is_none(), "it was never set");
    assert!(live[0].get("accountEnabled").is_some());
    assert_eq!(tenant.get(path).await.rows().len(), 200, "pages of 200");

    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(rows, [] as [Value; 0]);

    let ann = tenant.add_guest("ann").await;
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(ids(&rows), BTreeSet::from([ann.clone()]));
    assert_eq!(rows[0]["accountEnabled"], true);
    assert_eq!(rows[0]["department"], Value::Null, "it may have been set");
    assert!(rows[0].get("mail").is_none(), "not selected");

    let path = format!("/users/{ann}");
    tenant
        .patch(&path, json!({ "accountEnabled": false }))
        .await
        .ok();
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(rows[0]["accountEnabled"], false);

    // Neither a sign-in nor a write that changes nothing is a change.
    tenant
        .drive("POST", &format!("users/{ann}/sign-in"), json!({}))
        .await;
    tenant
        .patch(&path, json!({ "accountEnabled": false }))
        .await
        .ok();
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(rows, [] as [Value; 0]);

    tenant.delete(&path).await.ok();
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(
        rows,
        [json!({ "id": ann, "@removed": { "reason": "changed" } })]
    );
    let restore = format!("/directory/deletedItems/{ann}/restore");
    tenant.post(&restore, json!({})).await.ok();
    let (rows, link) = round(&tenant, &link).await;
    assert!(rows[0].get("@removed").is_none(), "as any other");
    tenant.delete(&path).await.ok();
    let gone = format!("/directory/deletedItems/{ann}");
    tenant.delete(&gone).await.ok();
    let (rows, _) = round(&tenant, &link).await;
    assert_eq!(
        rows,
        [json!({ "id": ann, "@removed": { "reason": "deleted" } })]
    );
}

#[tokio::test]
async fn what_the_tenant_does_by_itself_is_told_as_well() {
    let mut tenant = Tenant::alive(300).await;
    let (_, link) = round(&tenant, "/users/delta?$select=id").await;
    let before = ids(&tenant.truth().await);
    tenant.pass(6 * DAY).await;
    tenant.renew().await;
    let (rows, _) = round(&tenant, &link).await;
    let invited: BTreeSet<String> = ids(&tenant.truth().await)
        .difference(&before)
        .cloned()
        .collect();
    assert!(!invited.is_empty());
    assert!(invited.is_subset(&ids(&rows)));
}

#[tokio::test]
async fn a_round_that_begins_now_has_no_rows() {
    let tenant = Tenant::still(3).await;
    for option in ["$deltatoken=latest", "$deltaToken=latest"] {
        let (rows, link) = round(&tenant, &format!("/users/delta?{option}&$select=mail")).await;
        assert_eq!(rows, [] as [Value; 0]);
        let ann = tenant.add_guest("ann").await;
        let (rows, _) = round(&tenant, &link).await;
        assert_eq!(ids(&rows), BTreeSet::from([ann]));
        assert!(rows[0].get("mail").is_some());
    }
}

#[tokio::test]
async fn a_change_in_the_middle_of_a_round_is_not_lost() {
    let tenant = Tenant::still(30).await;
    tenant.drive("PUT", "delta", json!({ "page": 10 })).await;
    let first = tenant.get("/users/delta?$select=accountEnabled").await.ok();
    assert_eq!(first.rows().len(), 10);
    let ann = tenant.add_guest("ann").await;
    let seen = first
        .rows()
        .iter()
        .find(|row| row.get("@removed").is_none());
    let seen = text(&seen.expect("a user")["id"]);
    tenant
        .drive(
            "PATCH",
            &format!("users/{seen}"),
            json!({ "enabled": false }),
        )
        .await;
    let (_, link) = round(&tenant, first.next().expect("a link")).await;
    let (rows, _) = round(&tenant, &link).await;
    assert_eq!(ids(&rows), BTreeSet::from([ann, seen]));
}

#[tokio::test]
async fn only_some_options_are_taken_and_only_at_first() {
    let tenant = Tenant::still(3).await;
    for option in [
        "$top=5",
        "$expand=manager",
        "$orderby=id",
        "$count=true",
        "$search=x",
    ] {
        for set in ["users", "groups"] {
            let answer = tenant.get(&format!("/{set}/delta?{option}")).await;
            assert_eq!(answer.status, 400, "{set} {option}");
        }
    }
    let answer = tenant.get("/users/delta?$filter=userType eq 'Guest'").await;
    assert_eq!(answer.refusal(), (400, "Request_UnsupportedQuery"));
    let answer = tenant.get("/users/delta?$select=id,signInActivity").await;
    assert_eq!(answer.refusal(), (501, "NotImplemented"));
    assert_eq!(
        tenant.get("/users/delta?$select=sponsors").await.status,
        400
    );
    let (_, link) = round(&tenant, "/users/delta?$select=id").await;
    let answer = tenant.get(&format!("{link}&$select=mail")).await;
    assert_eq!(answer.status, 400);
    let of_groups = link.replace("/users/", "/groups/");
    assert_eq!(tenant.get(&of_groups).await.status, 400, "another's token");
    assert_eq!(tenant.get("/users/delta?$deltatoken=x").await.status, 400);
}

#[tokio::test]
async fn fifty_objects_can_be_followed_by_their_ids() {
    let tenant = Tenant::still(60).await;
    let (rows, _) = round(&tenant, "/users/delta?$select=id").await;
    let all: Vec<String> = ids(&rows).into_iter().collect();
    let filter = |ids: &[String]| {
        let parts: Vec<String> = ids.iter().map(|id| format!("id eq '{id}'")).collect();
        format!("/users/delta?$filter={}", parts.join(" or "))
    };
    let (rows, link) = round(&tenant, &filter(&all[..50])).await;
    assert_eq!(ids(&rows).len(), 50);
    tenant.add_guest("ann").await;
    let (rows, _) = round(&tenant, &link).await;
    assert_eq!(rows, [] as [Value; 0], "not one of them");
    assert_eq!(tenant.get(&filter(&all[..51])).await.status, 400);
}

#[tokio::test]
async fn a_token_that_is_a_week_old_says_where_to_begin_anew() {
    let mut tenant = Tenant::still(3).await;
    let (all, link) = round(&tenant, "/users/delta?$select=mail").await;
    tenant.pass(7 * DAY).await;
    tenant.renew().await;
    assert_eq!(tenant.get(&link).await.status, 200);
    tenant.pass(1).await;
    let answer = tenant.get(&link).await;
    assert_eq!(answer.refusal(), (410, "syncStateNotFound"));
    let location = answer.header("location").expect("a location").to_owned();
    assert!(location.contains("deltatoken="), "{location}");
    let (rows, _) = round(&tenant, &location).await;
    assert_eq!(rows, all);
}

#[tokio::test]
async fn resync_forgets_a_token_before_its_time() {
    let tenant = Tenant::still(3).await;
    let (_, link) = round(&tenant, "/groups/delta?$select=id").await;
    tenant.fault(json!({ "kind": "resync", "next": 1 })).await;
    tenant.get("/groups/delta?$select=id").await.ok();
    let answer = tenant.get(&link).await;
    assert_eq!(answer.refusal(), (410, "syncStateNotFound"));
    assert!(answer.header("location").is_some());
    tenant
        .fault(json!({ "kind": "resync", "status": 400, "next": 1 }))
        .await;
    let answer = tenant.get(&link).await;
    assert_eq!(answer.refusal(), (400, "syncStateNotFound"));
    assert!(answer.header("location").is_none());
    tenant.get(&link).await.ok();
}

#[tokio::test]
async fn members_come_and_go() {
    let tenant = Tenant::still(0).await;
    let (ann, bob) = (tenant.add_guest("ann").await, tenant.add_guest("bob").await);
    let group = tenant.add_group("security", &ann).await;
    let empty = tenant.group("security", &[]).await;
    let (rows, link) = round(&tenant, "/groups/delta?$select=displayName,members").await;
    assert_eq!(
        members(&rows, &group),
        BTreeMap::from([(ann.clone(), true)])
    );
    let without = rows.iter().find(|row| row["id"] == *empty).expect("a row");
    assert!(without.get("members@delta").is_none());

    let add =
        json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{bob}") });
    tenant
        .post(&format!("/groups/{group}/members/$ref"), add)
        .await
        .ok();
    tenant
        .delete(&format!("/groups/{group}/members/{ann}/$ref"))
        .await
        .ok();
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(ids(&rows), BTreeSet::from([group.clone()]));
    let expected = BTreeMap::from([(ann.clone(), false), (bob.clone(), true)]);
    assert_eq!(members(&rows, &group), expected);
    let entries = rows[0]["members@delta"].as_array().expect("members");
    let removed = entries.iter().find(|entry| entry["id"] == *ann);
    assert_eq!(removed.expect("ann")["@removed"]["reason"], "deleted");

    // Who is soft-deleted stays a member until they are gone for good.
    tenant.delete(&format!("/users/{bob}")).await.ok();
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(rows, [] as [Value; 0]);
    let (rows, _) = round(&tenant, "/groups/delta").await;
    assert_eq!(
        members(&rows, &group),
        BTreeMap::from([(bob.clone(), true)])
    );
    tenant
        .delete(&format!("/directory/deletedItems/{bob}"))
        .await
        .ok();
    let (rows, _) = round(&tenant, &link).await;
    assert_eq!(members(&rows, &group), BTreeMap::from([(bob, false)]));
}

#[tokio::test]
async fn members_that_are_not_selected_are_not_followed() {
    let tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let group = tenant.group("security", &[]).await;
    let (_, link) = round(&tenant, "/groups/delta?$select=displayName").await;
    tenant
        .drive(
            "PATCH",
            &format!("users/{ann}"),
            json!({ "add_group": group }),
        )
        .await;
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(rows, [] as [Value; 0]);
    tenant
        .drive(
            "POST",
            &format!("groups/{group}/rename"),
            json!({ "name": "Other" }),
        )
        .await;
    let (rows, _) = round(&tenant, &link).await;
    assert_eq!(rows, [json!({ "id": group, "displayName": "Other" })]);
}

#[tokio::test]
async fn a_group_with_many_members_comes_in_parts() {
    let tenant = Tenant::still(0).await;
    let mut people = Vec::new();
    for number in 0..7 {
        people.push(tenant.add_guest(&format!("guest{number}")).await);
    }
    let all: Vec<&str> = people.iter().map(String::as_str).collect();
    let group = tenant.group("security", &all).await;
    tenant.drive("PUT", "delta", json!({ "members": 3 })).await;
    let (rows, link) = round(&tenant, "/groups/delta?$select=displayName,members").await;
    let parts = rows.iter().filter(|row| row["id"] == *group);
    let parts: Vec<usize> = parts
        .map(|row| row["members@delta"].as_array().map_or(0, Vec::len))
        .collect();
    assert!(
        parts.len() >= 3 && parts.iter().all(|part| *part <= 3),
        "{parts:?}"
    );
    assert_eq!(parts.iter().sum::<usize>(), 7);
    assert_eq!(members(&rows, &group).len(), 7);

    for person in &people {
        tenant
            .drive(
                "PATCH",
                &format!("users/{person}"),
                json!({ "remove_group": group }),
            )
            .await;
    }
    let (rows, _) = round(&tenant, &link).await;
    assert_eq!(rows.len(), 3);
    assert!(members(&rows, &group).values().all(|is_member| !is_member));
    assert_eq!(members(&rows, &group).len(), 7);
}

#[tokio::test]
async fn a_deleted_group_is_removed_in_its_own_way() {
    let tenant = Tenant::still(0).await;
    let ann = tenant.add_guest("ann").await;
    let (_, link) = round(&tenant, "/groups/delta?$deltatoken=latest").await;
    let kinds = [("security", "deleted"), ("m365", "changed")];
    let mut expected = BTreeSet::new();
    for (kind, reason) in kinds {
        let group = tenant.add_group(kind, &ann).await;
        tenant
            .drive("DELETE", &format!("groups/{group}"), Value::Null)
            .await;
        expected.insert((group, reason.to_owned()));
    }
    let (rows, _) = round(&tenant, &link).await;
    let removed = rows
        .iter()
        .map(|row| (text(&row["id"]), text(&row["@removed"]["reason"])));
    assert_eq!(removed.collect::<BTreeSet<_>>(), expected);
}

#[tokio::test]
async fn items_come_twice_and_rounds_begin_too_early_on_request() {
    let tenant = Tenant::still(0).await;
    let (_, link) = round(&tenant, "/users/delta?$deltatoken=latest").await;
    let ann = tenant.add_guest("ann").await;
    let bob = tenant.add_guest("bob").await;
    tenant
        .drive("PUT", "delta", json!({ "duplicates": true }))
        .await;
    let (rows, link) = round(&tenant, &link).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(ids(&rows), BTreeSet::from([ann, bob]));

    tenant
        .drive("PUT", "delta", json!({ "replays": true }))
        .await;
    let carl = tenant.add_guest("carl").await;
    let (again, link) = round(&tenant, &link).await;
    assert_eq!(again.len(), 3, "the round before comes again");
    assert!(ids(&again).contains(&carl));
    let (again, _) = round(&tenant, &link).await;
    assert_eq!(ids(&again), BTreeSet::from([carl]));
    for body in [json!({ "page": 0 }), json!({ "pages": 3 })] {
        assert_eq!(tenant.try_drive("PUT", "delta", body).await.status, 400);
    }
}

#[tokio::test]
async fn an_object_comes_on_two_pages_on_request() {
    let tenant = Tenant::still(60).await;
    let (rows, _) = round(&tenant, "/users/delta?$select=id").await;
    let settings = json!({ "page": 10, "members": 4, "duplicates": true });
    tenant.drive("PUT", "delta", settings).await;
    let first = tenant.get("/users/delta?$select=id").await.ok();
    let second = tenant.get(first.next().expect("a link")).await.ok();
    assert_eq!(first.rows().last(), second.rows().first());
    let (twice, _) = round(&tenant, "/users/delta?$select=id").await;
    assert!(twice.len() > rows.len());
    assert_eq!(ids(&twice), ids(&rows));

    let (twice, _) = round(&tenant, "/groups/delta").await;
    tenant.drive("PUT", "delta", json!({})).await;
    let (rows, _) = round(&tenant, "/groups/delta").await;
    assert_eq!(ids(&twice), ids(&rows));
    for group in ids(&rows) {
        assert_eq!(members(&twice, &group), members(&rows, &group));
    }
}

#[tokio::test]
async fn delta_queries_take_the_permission_of_the_listing() {
    let mut tenant = Tenant::still(3).await;
    tenant.permit(&["Group.ReadBasic.All"]).await;
    assert_eq!(tenant.get("/users/delta").await.status, 403);
    assert_eq!(tenant.get("/groups/delta").await.status, 200);
    tenant.permit(&["User.Read.All"]).await;
    assert_eq!(tenant.get("/users/delta").await.status, 200);
    assert_eq!(tenant.get("/groups/delta").await.status, 403);
    let answer = tenant.delete("/users/delta").await;
    assert_eq!(answer.status, 405);
}
