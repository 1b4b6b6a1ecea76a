//! What tells an administrator why something does not work.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::{GroupId, TenantId};
use innkeeper_graph::{Credential, Graph, GraphError, Settings};
use serde_json::{Value, json};

use crate::simulated::Simulated;
use crate::tenant::{Tenant, failure, guest_id, ok, plain_settings, text, token};

fn token_with(claims: &Value) -> wiremock::ResponseTemplate {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    token(&format!("{}.{}.signature", part(&json!({})), part(claims)))
}

#[tokio::test]
async fn the_permissions_of_the_application_are_in_its_token() {
    let tenant = Tenant::locked().await;
    let claims = json!({ "roles": ["User.Read.All", "AuditLog.Read.All"] });
    tenant.issues([token_with(&claims)]).await;
    let roles = tenant.graph().roles().await.expect("the roles");
    assert_eq!(
        roles.into_iter().collect::<Vec<_>>(),
        ["AuditLog.Read.All", "User.Read.All"]
    );

    let tenant = Tenant::locked().await;
    tenant.issues([token_with(&json!({}))]).await;
    let roles = tenant.graph().roles().await.expect("none at all");
    assert!(roles.is_empty());

    let error = Tenant::start().await.graph().roles().await.unwrap_err();
    assert!(matches!(error, GraphError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn whether_a_tenant_has_a_licence_is_told_by_its_plans() {
    let p2 = "eec0eb4f-6444-4f95-aba0-50c24d67f998";
    let plan = |id: &str, status: &str| json!({ "servicePlanId": id, "capabilityStatus": status });
    let other = "00000000-0000-0000-0000-000000000001";
    for (plans, premium) in [
        (json!([plan(other, "Enabled")]), Some(false)),
        (
            json!([plan(other, "Enabled"), plan(p2, "Enabled")]),
            Some(true),
        ),
        (json!([plan(p2, "Warning")]), Some(true)),
        (
            json!([plan(p2, "Suspended"), plan(p2, "Deleted")]),
            Some(false),
        ),
        (json!([]), Some(false)),
        (Value::Null, None),
    ] {
        let tenant = Tenant::start().await;
        let id = TenantId::derived(&[b"contoso"]);
        let row = json!({ "id": id, "displayName": "Contoso", "assignedPlans": plans });
        let answer = ok(&json!({ "value": [row] }));
        tenant.answers("GET", "/organization", [answer]).await;
        let organization = tenant.reader().organization().await.expect("a tenant");
        assert_eq!((organization.id, organization.premium), (id, premium));
        assert_eq!(organization.display_name.as_deref(), Some("Contoso"));
    }
    let tenant = Tenant::start().await;
    tenant
        .answers("GET", "/organization", [ok(&json!({ "value": [] }))])
        .await;
    tenant.reader().organization().await.unwrap_err();
}

#[tokio::test]
async fn the_simulated_tenant_tells_its_licence_and_the_permissions() {
    let tenant = Simulated::start().await;
    let organization = tenant.reader().organization().await.expect("a tenant");
    assert_eq!(organization.premium, Some(true));
    let roles = tenant.graph().roles().await.expect("the roles");
    assert!(roles.contains("User.Read.All"), "{roles:?}");
}

#[tokio::test]
async fn each_failure_says_what_happened_and_what_to_do() {
    let address = format!("/users/{}", guest_id("ann"));
    for (status, code, text) in [
        (
            403,
            "Authorization_RequestDenied",
            "Graph refused (DELETE /users/{id}: 403 Authorization_RequestDenied, request-id req-1); grant the application permission User.DeleteRestore.All and consent to it, unless the target holds a privileged role",
        ),
        (
            404,
            "Request_ResourceNotFound",
            "Graph does not find it (DELETE /users/{id}: 404 Request_ResourceNotFound, request-id req-1)",
        ),
        (
            410,
            "Gone",
            "Graph says that it is gone (DELETE /users/{id}: 410 Gone, request-id req-1); the next cycle begins anew",
        ),
        (
            412,
            "PreconditionFailed",
            "Graph reports a conflict (DELETE /users/{id}: 412 PreconditionFailed, request-id req-1); the next cycle tries again",
        ),
        (
            307,
            "",
            "a redirection came instead of an answer (DELETE /users/{id}: 307, request-id req-1) and is not followed; check the proxy, tenants.graph_url and login_url",
        ),
        (
            501,
            "NotImplemented",
            "Graph does not accept the request (DELETE /users/{id}: 501 NotImplemented, request-id req-1); please report this",
        ),
    ] {
        let tenant = Tenant::start().await;
        tenant
            .answers("DELETE", &address, [failure(status, code)])
            .await;
        let outcome = tenant.writer().delete(guest_id("ann")).await;
        assert_eq!(outcome.unwrap_err().to_string(), text);
        assert_eq!(tenant.asked().await.len(), 1, "{status} is not tried again");
    }
}

#[tokio::test]
async fn a_missing_permission_for_sign_in_activity_is_named() {
    let tenant = Tenant::start().await;
    let missing = failure(403, "Authentication_MSGraphPermissionMissing");
    tenant.answers("GET", "/users/$count", [missing]).await;
    let error = tenant.reader().guest_count().await.unwrap_err();
    assert!(
        matches!(
            error,
            GraphError::Forbidden {
                needs: "AuditLog.Read.All",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_write_for_which_no_token_is_to_be_had_was_refused() {
    let tenant = Tenant::locked().await;
    tenant.issues([text(503, "<html>")]).await;
    let outcome = tenant.writer().delete(guest_id("ann")).await;
    assert!(
        matches!(outcome, Err(innkeeper_graph::WriteError::Refused(_))),
        "nothing was sent: {outcome:?}"
    );
}

#[test]
fn a_file_without_certificates_is_named() {
    let settings = |path: &str| Settings {
        ca_file: Some(path.into()),
        credential: Credential::secret("client", "secret"),
        ..plain_settings("https://graph.microsoft.com".parse().expect("an address"))
    };
    for path in ["/nowhere/ca.pem", "/dev/null"] {
        let error = Graph::connect(settings(path)).expect_err("no certificates");
        assert!(
            matches!(error, GraphError::CaFile { .. }),
            "{path}: {error}"
        );
        assert!(error.to_string().contains(path), "{error}");
    }
}

#[tokio::test]
async fn a_group_that_hides_its_members_is_not_taken_for_an_empty_one() {
    let id = GroupId::derived(&[b"bridge"]);
    let row = json!({ "id": id, "displayName": "Bridge", "groupTypes": ["Unified"], "visibility": "HiddenMembership" });
    for (roles, may_read) in [
        (json!(["Group.Read.All"]), false),
        (json!(["Member.Read.Hidden"]), true),
    ] {
        let tenant = Tenant::locked().await;
        tenant
            .issues([token_with(&json!({ "roles": roles }))])
            .await;
        let address = format!("/groups/{id}");
        tenant.answers("GET", &address, [ok(&row)]).await;
        let rows = ok(&json!({ "value": [row] }));
        tenant.answers("GET", "/groups", [rows]).await;
        for key in [id.to_string(), "Bridge".to_owned()] {
            match tenant.reader().find_group(&key).await {
                Ok(Found::One(group)) => assert!(may_read && group.id == id),
                Err(error) => assert!(
                    !may_read && error.to_string().contains("Member.Read.Hidden"),
                    "{error}"
                ),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn graph_is_reached_without_a_token_and_shows_its_clock() {
    let tenant = Simulated::start().await;
    let reached = tenant.graph().reach().await.expect("an answer");
    let start = "2026-03-02T09:00:00Z".parse().expect("a time");
    assert_eq!(reached.at, Some(start));
    let requests = tenant.get("requests").await;
    assert!(
        !requests["by_route"].to_string().contains("token"),
        "{requests}"
    );

    let tenant = Tenant::start().await;
    let elsewhere = wiremock::ResponseTemplate::new(302);
    tenant.answers("GET", "/organization", [elsewhere]).await;
    let error = tenant.graph().reach().await.unwrap_err();
    assert!(matches!(error, GraphError::Redirected { .. }), "{error}");
}

#[tokio::test]
async fn sign_ins_are_told_only_where_there_is_a_licence() {
    let tenant = Simulated::start().await;
    tenant.reader().sign_ins_are_told().await.expect("told");
    tenant.post("faults", &json!({ "kind": "premium" })).await;
    let error = tenant.reader().sign_ins_are_told().await.unwrap_err();
    assert!(matches!(error, GraphError::NoLicence { .. }), "{error}");
}

#[tokio::test]
async fn an_account_is_found_by_its_upn_or_not_at_all() {
    let tenant = Simulated::start().await;
    let account = tenant.reader().account("guests@contoso.example").await;
    let account = account.expect("an answer").expect("the shared mailbox");
    assert_eq!(account.mail.as_deref(), Some("guests@contoso.example"));
    let nobody = tenant.reader().account("nobody@contoso.example").await;
    assert_eq!(nobody.expect("an answer"), None);
}
