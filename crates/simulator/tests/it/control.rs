//! The control interface: guests to measure, counts, and what it refuses.

use innkeeper_simulator::{Fault, FaultKind, Options, Simulator};
use serde_json::{Value, json};

use crate::tenant::{Tenant, text};

#[tokio::test]
async fn a_guest_is_made_as_a_test_needs_it() {
    let tenant = Tenant::quiet(30).await;
    let group = tenant.group("security", &[]).await;
    let guest = tenant.guest(json!({
        "mail": "kim@partner.example", "display_name": "Kim Example", "enabled": false, "created": "2025-01-01T00:00:00Z",
        "external_state": "PendingAcceptance", "last_success": "2025-02-01T00:00:00Z", "last_interactive": "2025-02-02T00:00:00Z",
        "add_group": group, "sponsors": [group],
    })).await;
    let path = format!(
        "/users/{}?$select=id,mail,displayName,userPrincipalName,accountEnabled,createdDateTime,externalUserState,signInActivity",
        text(&guest["id"])
    );
    let row = tenant.get(&path).await.body;
    assert_eq!(row["mail"], "kim@partner.example");
    assert_eq!(row["displayName"], "Kim Example");
    assert_eq!(
        row["userPrincipalName"],
        "kim_partner.example#EXT#@contoso.onmicrosoft.example"
    );
    assert_eq!(
        (&row["accountEnabled"], &row["createdDateTime"]),
        (&json!(false), &json!("2025-01-01T00:00:00Z"))
    );
    assert_eq!(row["externalUserState"], "PendingAcceptance");
    assert_eq!(
        row["signInActivity"]["lastSuccessfulSignInDateTime"],
        "2025-02-01T00:00:00Z"
    );
    let id = text(&guest["id"]);
    let changed = tenant
        .drive(
            "PATCH",
            &format!("users/{id}"),
            json!({ "enabled": true, "remove_group": group }),
        )
        .await;
    assert_eq!(
        (&changed["enabled"], &changed["groups"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(
        tenant.writes().await,
        [] as [String; 0],
        "what control does is no write"
    );
    tenant.pass(90 * 86_400).await;
    let later = tenant.tell(&format!("truth/{id}")).await;
    assert_eq!(
        later["last_success"], "2025-02-01T00:00:00Z",
        "a made guest does nothing by itself"
    );
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_with_a_reason() {
    let tenant = Tenant::quiet(20).await;
    let id = text(&tenant.guest(json!({})).await["id"]);
    for (method, what, body) in [
        ("PATCH", format!("users/{id}"), json!({ "shoe_size": 44 })),
        (
            "PATCH",
            format!("users/{id}"),
            json!({ "created": "yesterday" }),
        ),
        (
            "PATCH",
            format!("users/{id}"),
            json!({ "external_state": "Accpeted" }),
        ),
        (
            "PATCH",
            format!("users/{id}"),
            json!({ "user_type": "Ghost" }),
        ),
        ("PATCH", format!("users/{id}"), json!({ "synced": "yes" })),
        ("PATCH", format!("users/{id}"), json!({ "roles": ["King"] })),
        ("PATCH", "users/nobody".to_owned(), json!({})),
        (
            "POST",
            "groups".to_owned(),
            json!({ "name": "x", "kind": "secret" }),
        ),
        ("POST", "clock/advance".to_owned(), json!({ "seconds": -1 })),
        ("PUT", "clock".to_owned(), json!({ "speed": -1 })),
        ("PUT", "sign-in-lag".to_owned(), json!({ "seconds": -1 })),
        ("PUT", "throttling".to_owned(), json!({ "on": true })),
    ] {
        let answer = tenant.try_drive(method, &what, body.clone()).await;
        assert_eq!(answer.status, 400, "{what} {body}: {}", answer.body);
        assert!(!answer.message().is_empty());
    }
    assert_eq!(
        tenant.try_drive("GET", "nothing", Value::Null).await.status,
        404
    );
}

#[tokio::test]
async fn requests_are_counted_by_their_shape_until_the_counts_are_reset() {
    let mut tenant = Tenant::quiet(20).await;
    let id = text(&tenant.guest(json!({})).await["id"]);
    tenant.drive("POST", "reset", Value::Null).await;
    tenant.get("/users?$top=5").await;
    tenant.get(&format!("/users/{id}")).await;
    tenant.get(&format!("/users/{id}/sponsors")).await;
    tenant.delete(&format!("/users/{id}")).await;
    tenant.renew().await;
    let requests = tenant.tell("requests").await;
    assert_eq!(requests["total"], 5);
    let routes = json!({ "GET /users": 1, "GET /users/{id}": 1, "GET /users/{id}/sponsors": 1, "DELETE /users/{id}": 1, "POST /token": 1 });
    assert_eq!(requests["by_route"], routes);
    assert!(requests["bytes"].as_u64().unwrap() > 1_000, "{requests}");
    tenant.drive("POST", "reset", Value::Null).await;
    let requests = tenant.tell("requests").await;
    assert_eq!([&requests["total"], &requests["bytes"]], [0, 0]);
    assert_eq!(tenant.tell("writes").await, json!([]));
}

#[tokio::test]
async fn projects_partners_and_the_way_in_are_told() {
    let tenant = Tenant::quiet(300).await;
    let projects = tenant.tell("projects").await;
    let projects = projects.as_array().unwrap();
    assert!(projects.len() >= 7);
    for project in projects {
        assert!(!project["owners"].as_array().unwrap().is_empty());
        assert_eq!(
            tenant
                .get(&format!("/groups/{}", text(&project["id"])))
                .await
                .status,
            200
        );
    }
    let (past, soon) = (
        projects
            .iter()
            .filter(|project| text(&project["ends"]).as_str() < "2026-03-02")
            .count(),
        projects
            .iter()
            .filter(|project| {
                ("2026-03-02".."2026-09-01").contains(&text(&project["ends"]).as_str())
            })
            .count(),
    );
    assert!(
        past > 0 && soon > 0 && past + soon < projects.len(),
        "{past} {soon}"
    );
    let partners = tenant.tell("partners").await;
    let synced = partners
        .as_array()
        .unwrap()
        .iter()
        .filter(|partner| partner["cross_tenant_sync"] == true);
    assert_eq!(synced.count(), 1);
    let info = tenant.tell("info").await;
    assert_eq!(info["operators"].as_array().unwrap().len(), 2);
    assert_eq!(
        info["client_secret"],
        innkeeper_simulator::DEFAULT_CLIENT_SECRET
    );
    let group = text(&projects[0]["id"]);
    tenant
        .drive(
            "POST",
            &format!("groups/{group}/rename"),
            json!({ "name": "Renamed" }),
        )
        .await;
    assert_eq!(
        tenant.get(&format!("/groups/{group}")).await.body["displayName"],
        "Renamed"
    );
    tenant
        .drive("DELETE", &format!("groups/{group}"), Value::Null)
        .await;
    assert_eq!(tenant.get(&format!("/groups/{group}")).await.status, 404);
}

#[tokio::test]
async fn a_simulator_that_cannot_start_says_why() {
    let tenant = Tenant::quiet(5).await;
    let taken = tenant.url().trim_start_matches("http://").parse().unwrap();
    let error = Simulator::start(Options {
        listen: taken,
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(
        error.to_string().contains("cannot be listened on"),
        "{error}"
    );
    let error = Simulator::start(Options {
        speed: -1.0,
        ..Options::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("speed"), "{error}");
}

#[tokio::test]
async fn a_token_keeps_the_permissions_with_which_it_was_issued() {
    let mut tenant = Tenant::quiet(20).await;
    let none = json!({ "roles": [], "keep_tokens": true });
    tenant.drive("PUT", "permissions", none).await;
    assert_eq!(tenant.get("/users").await.status, 200);
    tenant.renew().await;
    assert_eq!(tenant.get("/users").await.status, 403);
    // Unless it is asked to keep them, a change of permissions revokes what was issued.
    let some = json!({ "roles": ["User.Read.All"] });
    tenant.drive("PUT", "permissions", some).await;
    assert_eq!(tenant.get("/users").await.status, 401);
    tenant.renew().await;
    assert_eq!(tenant.get("/users").await.status, 200);
}

#[tokio::test]
async fn options_can_name_faults_from_the_first_request_on() {
    let fault = Fault {
        path: Some("/users".into()),
        ..Fault::new(FaultKind::Unavailable)
    };
    let tenant = Tenant::with(20, |options| options.faults = vec![fault]).await;
    assert_eq!(tenant.get("/users").await.status, 503);
    assert_eq!(tenant.get("/organization").await.status, 200);
    assert!(!tenant.truth().await.is_empty(), "the truth has no faults");
}
