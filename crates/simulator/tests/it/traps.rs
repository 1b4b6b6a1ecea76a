//! Writes that do more than was meant, or less; and the record of them.

use serde_json::{Value, json};

use crate::tenant::{Tenant, text};

async fn granted(tenant: &mut Tenant, roles: &[&str]) {
    tenant
        .drive("PUT", "permissions", json!({ "roles": roles }))
        .await;
    tenant.renew().await;
}

#[tokio::test]
async fn a_member_removed_without_its_reference_is_deleted_itself() {
    let mut tenant = Tenant::quiet(20).await;
    let guest = text(&tenant.guest(json!({})).await["id"]);
    let group = tenant.group("security", &[&guest]).await;
    let forgotten = format!("/groups/{group}/members/{guest}");
    let roles = json!({ "roles": ["GroupMember.ReadWrite.All"] });
    tenant.drive("PUT", "permissions", roles).await;
    tenant.renew().await;
    assert_eq!(
        tenant.delete(&forgotten).await.status,
        403,
        "without the right to delete users"
    );
    let roles = json!({ "roles": ["GroupMember.ReadWrite.All", "User.ReadWrite.All"] });
    tenant.drive("PUT", "permissions", roles).await;
    tenant.renew().await;
    assert_eq!(tenant.delete(&forgotten).await.status, 204);
    assert_eq!(
        tenant.targets().await,
        [("delete".to_owned(), guest.clone())]
    );
    assert!(!tenant.tell(&format!("truth/{guest}")).await["deleted"].is_null());
}

#[tokio::test]
async fn a_sponsor_removed_without_its_reference_is_deleted_itself() {
    let mut tenant = Tenant::quiet(40).await;
    let members = tenant
        .get("/users?$filter=userType eq 'Member'&$top=9")
        .await;
    let employee = text(&members.rows()[4]["id"]);
    let team = tenant.group("security", &[]).await;
    let guest = text(&tenant.guest(json!({ "sponsors": [employee, team] })).await["id"]);
    assert_eq!(
        tenant
            .delete(&format!("/users/{guest}/sponsors/{team}"))
            .await
            .status,
        403
    );
    assert_eq!(
        tenant
            .delete(&format!("/users/{guest}/sponsors/{employee}"))
            .await
            .status,
        204
    );
    assert_eq!(
        tenant.get(&format!("/users/{employee}")).await.status,
        404,
        "the employee is gone"
    );
    let roles = json!({ "roles": ["User.ReadWrite.All", "Group.ReadWrite.All"] });
    tenant.drive("PUT", "permissions", roles).await;
    tenant.renew().await;
    assert_eq!(
        tenant
            .delete(&format!("/users/{guest}/sponsors/{team}"))
            .await
            .status,
        204
    );
    assert_eq!(tenant.get(&format!("/groups/{team}")).await.status, 404);
    let writes = tenant.targets().await;
    assert_eq!(
        writes,
        [
            ("delete".to_owned(), employee),
            ("delete-group".to_owned(), team)
        ]
    );
}

#[tokio::test]
async fn an_account_is_disabled_and_enabled_and_each_write_is_on_record() {
    let tenant = Tenant::quiet(20).await;
    let id = text(&tenant.guest(json!({})).await["id"]);
    let path = format!("/users/{id}");
    let mine = "6d0b4f0e-0000-4000-8000-000000000002";
    for enabled in [false, false, true] {
        let body = json!({ "accountEnabled": enabled });
        let request = ("PATCH", path.as_str(), body);
        let answer = tenant
            .with_header(request, ("client-request-id", mine))
            .await;
        assert_eq!((answer.status, &answer.body), (204, &Value::Null));
    }
    let writes = tenant.tell("writes").await;
    let writes = writes.as_array().unwrap();
    let kinds: Vec<(&Value, &Value)> = writes
        .iter()
        .map(|write| (&write["kind"], &write["changed"]))
        .collect();
    let (yes, no) = (&json!(true), &json!(false));
    assert_eq!(
        kinds,
        [
            (&json!("disable"), yes),
            (&json!("disable"), no),
            (&json!("enable"), yes)
        ]
    );
    assert_eq!(writes[0]["seq"], 1);
    assert_eq!(writes[0]["client_request_id"], mine);
    assert!(writes[0]["request_id"].is_string());
    assert_eq!(writes[0]["at"], "2026-03-02T09:00:00Z");
}

#[tokio::test]
async fn only_what_may_be_changed_is_changed() {
    let tenant = Tenant::quiet(20).await;
    let id = text(&tenant.guest(json!({})).await["id"]);
    let path = format!("/users/{id}");
    for body in [
        json!({}),
        json!({ "userType": "Member" }),
        json!({ "accountEnabled": "false" }),
        json!({ "accountEnabled": false, "mail": "x@y.example" }),
        json!({ "onPremisesExtensionAttributes": { "extensionAttribute16": "x" } }),
        json!({ "onPremisesExtensionAttributes": { "extensionAttribute1": "x".repeat(1025) } }),
        json!({ "employeeLeaveDateTime": "soon" }),
    ] {
        let answer = tenant.patch(&path, &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
    }
    assert_eq!(tenant.targets().await, []);
    for attributes in [
        json!({ "extensionAttribute2": "one" }),
        json!({ "extensionAttribute15": "two" }),
    ] {
        let body = json!({ "onPremisesExtensionAttributes": attributes });
        assert_eq!(tenant.patch(&path, &body).await.status, 204);
    }
    let leave = json!({ "employeeLeaveDateTime": "2026-06-01T00:00:00Z" });
    assert_eq!(tenant.patch(&path, &leave).await.status, 204);
    let user = tenant
        .get(&format!(
            "{path}?$select=onPremisesExtensionAttributes,employeeLeaveDateTime"
        ))
        .await;
    let attributes = &user.body["onPremisesExtensionAttributes"];
    assert_eq!(
        (
            &attributes["extensionAttribute2"],
            &attributes["extensionAttribute15"]
        ),
        (&json!("one"), &json!("two"))
    );
    assert_eq!(attributes["extensionAttribute3"], Value::Null);
    assert_eq!(user.body["employeeLeaveDateTime"], "2026-06-01T00:00:00Z");
}

#[tokio::test]
async fn a_synced_account_is_mastered_elsewhere() {
    let tenant = Tenant::quiet(20).await;
    let id = text(&tenant.guest(json!({ "synced": true })).await["id"]);
    let answer = tenant
        .patch(&format!("/users/{id}"), json!({ "accountEnabled": false }))
        .await;
    assert_eq!((answer.status, answer.code()), (400, "Request_BadRequest"));
    assert!(answer.message().contains("on-premises mastered"));
    let user = tenant
        .get(&format!(
            "/users/{id}?$select=accountEnabled,onPremisesSyncEnabled"
        ))
        .await;
    assert_eq!(
        (
            &user.body["accountEnabled"],
            &user.body["onPremisesSyncEnabled"]
        ),
        (&json!(true), &json!(true))
    );
}

#[tokio::test]
async fn privileged_users_are_out_of_reach_with_the_body_of_a_missing_permission() {
    let tenant = Tenant::quiet(60).await;
    let group = tenant.group("role-assignable", &[]).await;
    let low = text(
        &tenant
            .guest(json!({ "roles": ["Directory Readers"] }))
            .await["id"],
    );
    let high = text(
        &tenant
            .guest(json!({ "roles": ["Privileged Role Administrator"] }))
            .await["id"],
    );
    let member = text(&tenant.guest(json!({ "add_group": group })).await["id"]);
    for (guest, disabled, deleted) in [(low, 204, 204), (high, 403, 403), (member, 403, 403)] {
        let path = format!("/users/{guest}");
        let answer = tenant
            .patch(&path, json!({ "accountEnabled": false }))
            .await;
        assert_eq!(answer.status, disabled, "{}", answer.body);
        if disabled == 403 {
            assert_eq!(answer.code(), "Authorization_RequestDenied");
            assert_eq!(
                answer.message(),
                "Insufficient privileges to complete the operation."
            );
        }
        // What is not sensitive is not refused.
        let mark = json!({ "onPremisesExtensionAttributes": { "extensionAttribute3": "seen" } });
        assert_eq!(tenant.patch(&path, &mark).await.status, 204);
        assert_eq!(tenant.delete(&path).await.status, deleted);
    }
}

#[tokio::test]
async fn extension_attributes_are_written_with_the_right_permission_where_the_account_is_mastered()
{
    let mut tenant = Tenant::quiet(20).await;
    let id = text(&tenant.guest(json!({})).await["id"]);
    let path = format!("/users/{id}");
    let body =
        |value: Value| json!({ "onPremisesExtensionAttributes": { "extensionAttribute7": value } });
    for (synced, status) in [(json!(true), 400), (json!(false), 400), (Value::Null, 204)] {
        let change = json!({ "synced": synced });
        tenant.drive("PATCH", &format!("users/{id}"), change).await;
        let answer = tenant.patch(&path, body(json!("leaving"))).await;
        assert_eq!(answer.status, status, "{synced}: {}", answer.body);
        if status == 400 {
            assert!(
                answer.message().contains("on-premises mastered"),
                "{}",
                answer.body
            );
        }
    }
    let truth = tenant.truth_of(&id).await;
    assert_eq!(
        truth["attributes"],
        json!({ "extensionAttribute7": "leaving" })
    );
    granted(
        &mut tenant,
        &["User.Read.All", "User.EnableDisableAccount.All"],
    )
    .await;
    let refused = tenant.patch(&path, body(Value::Null)).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    granted(&mut tenant, &["User.ReadWrite.All"]).await;
    assert_eq!(tenant.patch(&path, body(Value::Null)).await.status, 204);
    let truth = tenant.truth_of(&id).await;
    assert_eq!(truth["attributes"], json!({}));
}

#[tokio::test]
async fn members_whose_kind_may_not_be_read_are_ids_and_nothing_else() {
    let mut tenant = Tenant::quiet(20).await;
    let guest = text(&tenant.guest(json!({})).await["id"]);
    let group = tenant.group("security", &[&guest]).await;
    granted(&mut tenant, &["GroupMember.Read.All"]).await;
    let members = tenant.get(&format!("/groups/{group}/members")).await;
    assert_eq!(
        members.rows(),
        [json!({ "@odata.type": "#microsoft.graph.user", "id": guest })]
    );
}

#[tokio::test]
async fn each_call_takes_its_permission() {
    let mut tenant = Tenant::quiet(60).await;
    let guest = text(&tenant.guest(json!({ "mail": "a@b.example" })).await["id"]);
    let group = tenant.group("security", &[&guest]).await;
    for (path, roles) in [
        ("/users".to_owned(), &["User.Read.All"][..]),
        ("/users".to_owned(), &["Directory.ReadWrite.All"]),
        (
            "/users?$select=id,displayName".to_owned(),
            &["User.ReadBasic.All"],
        ),
        (
            "/users?$select=id,signInActivity".to_owned(),
            &["User.Read.All", "AuditLog.Read.All"],
        ),
        (format!("/users/{guest}/sponsors"), &["User.Read.All"]),
        (
            format!("/users/{guest}/memberOf"),
            &["GroupMember.Read.All"],
        ),
        (
            format!("/users/{guest}/appRoleAssignments"),
            &["Directory.Read.All"],
        ),
        ("/groups".to_owned(), &["Group.ReadBasic.All"]),
        (
            format!("/groups/{group}/members"),
            &["GroupMember.ReadBasic.All"],
        ),
        (format!("/groups/{group}/owners"), &["GroupMember.Read.All"]),
        (
            "/directory/deletedItems/microsoft.graph.user".to_owned(),
            &["User.Read.All"],
        ),
        ("/organization".to_owned(), &["Organization.Read.All"]),
        (
            "/subscribedSkus".to_owned(),
            &["LicenseAssignment.Read.All"],
        ),
        (
            "/roleManagement/directory/roleAssignments".to_owned(),
            &["RoleManagement.Read.Directory"],
        ),
        ("/auditLogs/signIns".to_owned(), &["AuditLog.Read.All"]),
    ] {
        granted(&mut tenant, roles).await;
        let answer = tenant.get(&path).await;
        assert_eq!(answer.status, 200, "{path} with {roles:?}: {}", answer.body);
        granted(&mut tenant, &["Mail.Send"]).await;
        assert_eq!(tenant.get(&path).await.status, 403, "{path} without");
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_and_a_method_that_does_not_fit_are_told_apart() {
    let tenant = Tenant::quiet(20).await;
    let answer = tenant.get("/guests").await;
    assert_eq!((answer.status, answer.code()), (400, "BadRequest"));
    assert_eq!(
        answer.message(),
        "Resource not found for the segment 'guests'."
    );
    assert_eq!(tenant.get("/users/x/invitedBy").await.status, 400);
    assert_eq!(tenant.delete("/users").await.status, 405);
    let answer = tenant.get("/directory/deletedItems").await;
    assert_eq!((answer.status, answer.code()), (400, "Request_BadRequest"));
    let beta = format!("{}/beta/users", tenant.url());
    assert_eq!(tenant.get(&beta).await.status, 400);
}
