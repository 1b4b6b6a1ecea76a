//! Refusals as Microsoft's documentation shows them, and what they are taken for.

use innkeeper_graph::GraphError;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::tenant::Tenant;

const NO_LICENCE: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// "Microsoft Graph error responses", with what is known of one error besides its code and message.
fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message, "innerError": {
        "date": "2025-02-13T10:17:06",
        "request-id": "93b6f17e-c05d-4f45-ad2a-6665c708d8a0",
        "client-request-id": "e70c5c1b-8b47-68c0-3171-3d22f5e0bd54",
    } } })
}

/// "Throttling": the inner error has a code of its own.
pub(crate) fn throttled() -> Value {
    json!({ "error": {
        "code": "TooManyRequests",
        "innerError": {
            "code": "429",
            "date": "2020-08-18T12:51:51",
            "message": "Please retry after",
            "request-id": "93b6f17e-c05d-4f45-ad2a-6665c708d8a0",
            "status": "429",
        },
        "message": "Please retry again later.",
    } })
}

/// What the client takes a refusal for, and the code that it tells.
async fn taken_for(status: u16, body: &Value) -> (&'static str, Option<String>) {
    let tenant = Tenant::start().await;
    let answer = ResponseTemplate::new(status).set_body_json(body);
    tenant.answers("GET", "/organization", [answer]).await;
    let error = tenant.reader().organization().await.expect_err("a refusal");
    let (kind, answered) = match error {
        GraphError::BadRequest { answered } => ("bad request", answered),
        GraphError::PageTokenLost { answered } => ("lost page", answered),
        GraphError::Unauthorized { answered } => ("unauthorized", answered),
        GraphError::Forbidden { answered, needs } => (needs, answered),
        GraphError::NoLicence { answered } => ("no licence", answered),
        GraphError::NoGovernance { answered } => ("no governance", answered),
        GraphError::NotFound { answered } => ("not found", answered),
        GraphError::Conflict { answered } => ("conflict", answered),
        GraphError::Gone { answered } => ("gone", answered),
        GraphError::Throttled { answered, .. } => ("throttled", answered),
        other => panic!("{other}"),
    };
    let id = answered.request_id.as_deref();
    assert_eq!(id, Some("93b6f17e-c05d-4f45-ad2a-6665c708d8a0"), "{body}");
    (kind, answered.code)
}

#[tokio::test]
async fn refusals_of_graph() {
    for (status, code, kind) in [
        (400, "Directory_ExpiredPageToken", "lost page"),
        (400, "Request_UnsupportedQuery", "bad request"),
        (401, "InvalidAuthenticationToken", "unauthorized"),
        (403, "Authorization_RequestDenied", "Organization.Read.All"),
        (
            403,
            "Authentication_MSGraphPermissionMissing",
            "AuditLog.Read.All",
        ),
        (403, NO_LICENCE, "no licence"),
        (400, "AadPremiumLicenseRequired", "no governance"),
        (403, "NoLicense", "no governance"),
        (403, "PermissionScopeNotGranted", "Organization.Read.All"),
        (403, "UnAuthorized", "Organization.Read.All"),
        (404, "Request_ResourceNotFound", "not found"),
        (405, "Request_BadRequest", "bad request"),
        (409, "Directory_ConcurrencyViolation", "conflict"),
        (410, "syncStateNotFound", "gone"),
        (501, "NotImplemented", "bad request"),
    ] {
        let taken = taken_for(status, &error(code, "It depends.")).await;
        assert_eq!(taken, (kind, Some(code.to_owned())));
    }
}

#[tokio::test]
async fn refusals_of_graph_whose_code_says_little() {
    let by_id = "Get By Key only supports UserId and the key has to be a valid Guid";
    let expired = "Token not found: token is either invalid or expired";
    let inner = error(NO_LICENCE, "Neither tenant is B2C or tenant has a licence").to_string();
    for (status, body, kind, code) in [
        (400, error("400", by_id), "bad request", Some("400")),
        (400, error("", expired), "bad request", None),
        // Another service's whole error is a text in the message.
        (
            403,
            error("UnknownError", &inner),
            "no licence",
            Some(NO_LICENCE),
        ),
        (429, throttled(), "throttled", Some("TooManyRequests")),
        // The service behind sign-in activity.
        (
            429,
            error("UnknownError", "Too Many Requests"),
            "throttled",
            Some("UnknownError"),
        ),
    ] {
        let taken = taken_for(status, &body).await;
        assert_eq!(taken, (kind, code.map(str::to_owned)), "{body}");
    }
}

/// "OAuth 2.0 client credentials": refusals are told apart by their numeric code, whatever the status.
#[tokio::test]
async fn refusals_of_the_token_endpoint() {
    for (status, error, code, is_permanent) in [
        (401, "invalid_client", 7_000_215, true),
        (401, "invalid_client", 7_000_222, true),
        (401, "invalid_client", 700_027, true),
        (400, "unauthorized_client", 700_016, true),
        (400, "invalid_request", 90_002, true),
        (400, "invalid_scope", 70_011, true),
        (403, "access_denied", 53_003, true),
        (400, "invalid_grant", 50_196, false),
    ] {
        let tenant = Tenant::locked().await;
        let body = json!({
            "error": error,
            "error_description": format!("AADSTS{code}: Something.\r\nTrace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333\r\nCorrelation ID: aaaa0000-bb11-2222-33cc-444444dddddd\r\nTimestamp: 2016-01-09 02:02:12Z"),
            "error_codes": [code],
            "timestamp": "2016-01-09 02:02:12Z",
            "trace_id": "0000aaaa-11bb-cccc-dd22-eeeeee333333",
            "correlation_id": "aaaa0000-bb11-2222-33cc-444444dddddd",
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        tenant
            .issues([ResponseTemplate::new(status).set_body_json(body)])
            .await;
        let name = format!("AADSTS{code}");
        match tenant.reader().organization().await.unwrap_err() {
            GraphError::BadCredential { code, .. } => {
                assert!(is_permanent);
                assert_eq!(code, name);
            }
            GraphError::Unavailable { answered, .. } => {
                assert!(!is_permanent);
                assert_eq!(answered.code, Some(name));
            }
            other => panic!("{other}"),
        }
    }
}
