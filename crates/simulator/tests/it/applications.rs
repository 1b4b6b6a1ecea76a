//! The application that reads itself.

use innkeeper_simulator::{DEFAULT_CLIENT_ID, DEFAULT_PERMISSIONS};
use innkeeper_testschema::Schema;
use serde_json::{Value, json};

use crate::tenant::Tenant;

fn own(options: &str) -> String {
    format!("/applications(appId='{DEFAULT_CLIENT_ID}'){options}")
}

async fn permitted(role: &str) -> Tenant {
    let mut tenant = Tenant::still(3).await;
    let secrets = json!({ "secrets": [
        { "ends": "2027-06-01T00:00:00Z" },
        { "hint": "xyz", "ends": "2027-03-01T00:00:00Z" },
        { "hint": null, "ends": "2027-02-01T00:00:00Z" },
    ] });
    tenant.drive("PUT", "secrets", secrets).await;
    tenant
        .permit(&[DEFAULT_PERMISSIONS, &[role]].concat())
        .await;
    tenant
}

#[tokio::test]
async fn an_application_reads_its_secrets_without_their_texts() {
    for role in [
        "Application.Read.All",
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
    ] {
        let tenant = permitted(role).await;
        let answer = tenant.get(&own("?$select=passwordCredentials")).await.ok();
        assert!(answer.body.get("appId").is_none(), "it was not selected");
        let secrets = answer.body["passwordCredentials"].as_array();
        let hints: Vec<&Value> = secrets
            .expect("secrets")
            .iter()
            .map(|secret| &secret["hint"])
            .collect();
        assert_eq!(hints, [&json!("sim"), &json!("xyz"), &Value::Null]);
        for secret in secrets.expect("secrets") {
            assert_eq!(secret["secretText"], Value::Null);
        }
        if let Some(schema) = Schema::load() {
            let whole = tenant.get(&own("")).await.ok();
            let faults = schema.faults_served("application", &whole.body);
            assert!(faults.is_empty(), "{faults:#?}");
        }
    }
}

#[tokio::test]
async fn without_the_permission_for_another_or_for_what_it_has_not_it_is_refused() {
    let tenant = Tenant::still(3).await;
    assert_eq!(tenant.get(&own("")).await.status, 403);
    let tenant = permitted("Application.Read.All").await;
    let other = "/applications(appId='00000003-0000-0000-c000-000000000000')";
    assert_eq!(
        tenant.get(other).await.refusal(),
        (404, "Request_ResourceNotFound")
    );
    for refused in [
        "?$select=secrets",
        "?$expand=owners",
        "?$filter=appId eq 'x'",
    ] {
        assert_eq!(tenant.get(&own(refused)).await.status, 400, "{refused}");
    }
    assert_eq!(tenant.delete(&own("")).await.status, 405);
}
