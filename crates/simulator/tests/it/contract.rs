//! What the simulator serves and takes, against Graph's own types. Where those are absent a test says so and passes.

use innkeeper_testschema::{Resource, Schema};
use serde_json::{Value, json};

use crate::tenant::{Answer, DAY, Tenant, is_live, text};

/// What Graph's own samples have and its types do not.
const BESIDES: &[&str] =
    &["unifiedRoleAssignment/resourceScope is no property of unifiedRoleAssignment"];

/// The segments of a path without its options.
fn segments(path: &str) -> Vec<&str> {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    path.trim_matches('/').split('/').collect()
}

/// What is wrong with what an address answers; at least one object is asked for.
async fn faults(schema: &Schema, tenant: &Tenant, path: &str) -> Vec<String> {
    let resource = match schema.resource(&segments(path)) {
        Ok(resource) => resource,
        Err(unknown) => return vec![format!("there is no {unknown}")],
    };
    let (kind, objects) = match &resource {
        Resource::Collection(kind) => (kind, tenant.all(path).await),
        Resource::Single(kind) => (kind, vec![tenant.get(path).await.ok().body]),
        Resource::Action(_) | Resource::Count(_) | Resource::Reference => panic!("{resource:?}"),
    };
    assert!(!objects.is_empty(), "nothing to judge at {path}");
    let faults = objects
        .iter()
        .flat_map(|object| schema.faults_served(kind, object));
    faults
        .filter(|fault| !BESIDES.contains(&fault.as_str()))
        .collect()
}

async fn assert_fits(schema: &Schema, tenant: &Tenant, path: &str) {
    let mut faults = faults(schema, tenant, path).await;
    faults.sort();
    faults.dedup();
    assert!(faults.is_empty(), "{path}: {faults:#?}");
}

/// Every property of a type that may be selected at an address.
async fn everything(schema: &Schema, tenant: &Tenant, path: &str, kind: &str) -> String {
    let mut served = Vec::new();
    for name in schema.properties(kind).into_keys() {
        let answer = tenant.get(&format!("{path}?$select={name}")).await;
        match answer.status {
            200 => served.push(name),
            400 | 501 => {}
            _ => panic!("{name}: {answer:?}"),
        }
    }
    assert!(served.len() > 15, "{served:?}");
    served.join(",")
}

fn id_of(rows: &[Value], is: impl Fn(&Value) -> bool) -> String {
    let row = rows.iter().find(|row| is(row)).expect("there is one");
    text(&row["id"])
}

/// The addresses below another one, with the id of the first object that is there.
fn below(schema: &Schema, path: &str, answer: &Answer) -> Vec<String> {
    let resource = schema
        .resource(&segments(path))
        .expect("it leads somewhere");
    let names: Vec<String> = match &resource {
        Resource::Collection(kind) => {
            let casts = schema.family(kind).into_iter().skip(1);
            let casts = casts.map(|kind| format!("microsoft.graph.{kind}"));
            let first = answer.body["value"].get(0);
            casts.chain(first.map(|row| text(&row["id"]))).collect()
        }
        Resource::Single(kind) => schema.relationships(kind).map(str::to_owned).collect(),
        Resource::Action(_) | Resource::Count(_) | Resource::Reference => Vec::new(),
    };
    let below = names.into_iter().map(|name| format!("{path}/{name}"));
    below.collect()
}

/// Goes wherever Graph's types lead. What is not served is not gone below, except where only parts of it are.
#[tokio::test]
async fn whatever_is_served_is_as_graph_declares_it() {
    let Some(schema) = Schema::load() else { return };
    let mut tenant = Tenant::quiet(100).await;
    tenant.pass(DAY).await;
    tenant.renew().await;
    let users = tenant.all("/users?$select=id").await;
    let manager = json!({ "manager": users[1]["id"] });
    let first = format!("users/{}", text(&users[0]["id"]));
    tenant.drive("PATCH", &first, manager).await;
    let deleted = tenant.add_guest("gone").await;
    tenant.delete(&format!("/users/{deleted}")).await.ok();
    let mut open: Vec<String> = schema.roots().map(|root| format!("/{root}")).collect();
    let mut served = Vec::new();
    while let Some(path) = open.pop() {
        let answer = tenant.get(&path).await;
        if answer.status == 200 {
            served.push(template(&path));
            if !answer.body["value"].as_array().is_some_and(Vec::is_empty) {
                assert_fits(&schema, &tenant, &path).await;
            }
        }
        if answer.status == 200 || segments(&path).len() <= 2 {
            open.extend(below(&schema, &path, &answer));
        }
    }
    served.sort();
    let expected = [
        "/auditLogs/directoryAudits",
        "/auditLogs/signIns",
        "/directory/deletedItems/microsoft.graph.user",
        "/groups",
        "/groups/{id}",
        "/groups/{id}/members",
        "/groups/{id}/members/microsoft.graph.user",
        "/groups/{id}/owners",
        "/groups/{id}/transitiveMemberOf",
        "/groups/{id}/transitiveMembers",
        "/identityGovernance/accessReviews/definitions",
        "/identityGovernance/entitlementManagement/assignments",
        "/organization",
        "/roleManagement/directory/roleAssignments",
        "/roleManagement/directory/roleEligibilityScheduleInstances",
        "/subscribedSkus",
        "/users",
        "/users/{id}",
        "/users/{id}/appRoleAssignments",
        "/users/{id}/manager",
        "/users/{id}/memberOf",
        "/users/{id}/memberOf/microsoft.graph.directoryRole",
        "/users/{id}/memberOf/microsoft.graph.group",
        "/users/{id}/ownedObjects",
        "/users/{id}/sponsors",
        "/users/{id}/transitiveMemberOf",
    ];
    assert_eq!(served, expected);
}

/// A path without its ids.
fn template(path: &str) -> String {
    let segment = |part| if is_id(part) { "{id}" } else { part };
    let segments: Vec<&str> = segments(path).into_iter().map(segment).collect();
    format!("/{}", segments.join("/"))
}

fn is_id(segment: &str) -> bool {
    segment.len() > 30 && segment.contains(|letter: char| letter.is_ascii_digit())
}

#[tokio::test]
async fn users_are_as_graph_declares_them() {
    let Some(schema) = Schema::load() else { return };
    let tenant = Tenant::quiet(300).await;
    let all = everything(&schema, &tenant, "/users", "user").await;
    let guest = id_of(&tenant.truth().await, |guest| {
        is_live(guest)
            && guest["sponsors"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
    });
    for path in [
        "/users".to_owned(),
        format!("/users?$select={all}&$top=500"),
        "/users?$expand=sponsors".to_owned(),
        format!("/users?$select=id&$expand=sponsors($select={all})&$top=999"),
        format!("/users/{guest}"),
        format!("/users/{guest}?$select={all}&$expand=sponsors"),
        format!("/users/{guest}/sponsors"),
        format!("/users/{guest}/sponsors?$select={all}"),
    ] {
        assert_fits(&schema, &tenant, &path).await;
    }
}

#[tokio::test]
async fn groups_and_who_is_in_them_are_as_graph_declares_them() {
    let Some(schema) = Schema::load() else { return };
    let tenant = Tenant::quiet(60).await;
    let member = text(
        &tenant
            .guest(json!({ "roles": ["Directory Readers"] }))
            .await["id"],
    );
    for kind in [
        "security",
        "m365",
        "dynamic",
        "on-premises",
        "mail-enabled",
        "role-assignable",
    ] {
        tenant.group(kind, &[&member]).await;
    }
    let all = everything(&schema, &tenant, "/groups", "group").await;
    let owned = json!({ "name": "Bridge", "owners": [member], "members": [member] });
    let group = text(&tenant.drive("POST", "groups", owned).await["id"]);
    let above = json!({ "name": "Above", "groups": [group], "members": [member] });
    let above = text(&tenant.drive("POST", "groups", above).await["id"]);
    for path in [
        format!("/groups/{above}/members?$select={all}"),
        format!("/groups/{above}/transitiveMembers?$select={all}"),
        format!("/groups/{group}/transitiveMemberOf?$select={all}"),
        format!("/users/{member}/transitiveMemberOf?$select={all}"),
        format!("/users/{member}/ownedObjects?$select={all}"),
        "/groups".to_owned(),
        format!("/groups?$select={all}"),
        format!("/groups/{group}"),
        format!("/groups/{group}?$select={all}"),
        format!("/groups/{group}/members"),
        format!("/groups/{group}/members?$select={all}"),
        format!("/groups/{group}/members/microsoft.graph.user"),
        format!("/groups/{group}/owners"),
        format!("/users/{member}/memberOf"),
        format!("/users/{member}/memberOf?$select={all}"),
        format!("/users/{member}/memberOf/microsoft.graph.group"),
        format!("/users/{member}/memberOf/microsoft.graph.directoryRole"),
    ] {
        assert_fits(&schema, &tenant, &path).await;
    }
}

#[tokio::test]
async fn everything_else_is_as_graph_declares_it() {
    let Some(schema) = Schema::load() else { return };
    let mut tenant = Tenant::quiet(100).await;
    tenant.pass(3 * DAY).await;
    tenant.renew().await;
    let given = json!({
        "roles": ["Guest Inviter"],
        "eligible_roles": ["User Administrator"],
        "access_packages": [{ "name": "Suppliers", "ends": "2040-01-01T00:00:00Z", "governed": true }],
    });
    let guest = text(&tenant.guest(given).await["id"]);
    let mut with_app = None;
    for user in tenant.all("/users?$select=id&$top=999").await {
        let path = format!("/users/{}/appRoleAssignments", text(&user["id"]));
        if !tenant.get(&path).await.rows().is_empty() {
            with_app = Some(path);
            break;
        }
    }
    let with_app = with_app.expect("somebody uses an application");
    let application = text(&tenant.get(&with_app).await.rows()[0]["resourceId"]);
    let deleted = tenant.add_guest("gone").await;
    tenant.delete(&format!("/users/{deleted}")).await.ok();
    let reviews = json!({ "reviews": [{ "name": "Guests", "guests": [guest] }] });
    tenant.drive("PUT", "reviews", reviews).await;
    let reviews = "/identityGovernance/accessReviews/definitions";
    let review = text(&tenant.get(reviews).await.rows()[0]["id"]);
    let runs = format!("{reviews}/{review}/instances");
    let run = text(&tenant.get(&runs).await.rows()[0]["id"]);
    for path in [
        reviews,
        &runs,
        &format!("{runs}/{run}/decisions"),
        &with_app,
        "/organization",
        "/subscribedSkus",
        "/roleManagement/directory/roleAssignments",
        &format!("/roleManagement/directory/roleAssignments?$filter=principalId eq '{guest}'"),
        "/roleManagement/directory/roleEligibilityScheduleInstances",
        "/identityGovernance/entitlementManagement/assignments?$expand=target,accessPackage",
        "/auditLogs/signIns",
        "/directory/deletedItems/microsoft.graph.user",
        &format!("/directory/deletedItems/{deleted}"),
    ] {
        assert_fits(&schema, &tenant, path).await;
    }
    let restored = tenant
        .post(
            &format!("/directory/deletedItems/{deleted}/restore"),
            Value::Null,
        )
        .await
        .ok();
    let faults = schema.faults_served("directoryObject", &restored.body);
    assert!(faults.is_empty(), "{faults:#?}");
    tenant.permit(&["Application.Read.All"]).await;
    assert_fits(
        &schema,
        &tenant,
        &format!("/servicePrincipals/{application}"),
    )
    .await;
}

#[tokio::test]
async fn only_properties_of_graph_are_taken_and_only_as_what_they_are() {
    let Some(schema) = Schema::load() else { return };
    let tenant = Tenant::quiet(10).await;
    let guest = tenant.add_guest("ann").await;
    let path = format!("/users/{guest}");
    let mut taken = Vec::new();
    for (name, value) in schema.sample("user") {
        let refused = tenant.patch(&path, json!({ &name: 7 })).await;
        assert_eq!(refused.status, 400, "{name}");
        if tenant.patch(&path, json!({ &name: value })).await.status == 204 {
            taken.push(name);
        }
    }
    taken.sort();
    assert_eq!(
        taken,
        [
            "accountEnabled",
            "employeeLeaveDateTime",
            "onPremisesExtensionAttributes"
        ]
    );
}

#[test]
fn every_other_address_is_one_of_graph() {
    let Some(schema) = Schema::load() else { return };
    for path in [
        "users/x/sponsors/$ref",
        "users/x/sponsors/y/$ref",
        "users/x/sponsors/y",
        "groups/x/members/$ref",
        "groups/x/members/y/$ref",
        "groups/x/members/y",
        "directory/deletedItems/x/restore",
        "directory/deletedItems/x",
        "users/x/sendMail",
        "users/x",
        "users/$count",
    ] {
        assert!(schema.resource(&segments(path)).is_ok(), "{path}");
    }
}
