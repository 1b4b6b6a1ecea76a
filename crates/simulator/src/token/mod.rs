//! Tokens: the endpoint of client credentials (`POST /{tenant}/oauth2/v2.0/token`), and those of managed identities.
//!
//! Invariant: whoever asks, and however they prove who they are, the token is the same and has the permissions that are
//! granted at that moment.

mod assertion;
mod managed;

pub(crate) use assertion::{Credentials, certificates};
pub(crate) use managed::{Arc, endpoint as managed_identity, is_endpoint as is_managed_identity};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::options::SERVICE_PRINCIPAL_ID;
use crate::reply::Reply;
use crate::second::Second;
use crate::world::{Issued, World};

/// How a client proves who it is, when not by a secret.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token, and the times between which it is good.
struct Minted {
    token: String,
    from: Second,
    until: Second,
}

/// Answers a request for a token. `host` is where Graph is reached, which a scope must name.
pub(crate) fn issue(
    world: &mut World,
    tenant: &str,
    form: &[(String, String)],
    host: &str,
) -> Reply {
    let value = |key: &str| {
        form.iter()
            .find(|(name, _)| name == key)
            .map_or("", |(_, value)| value.as_str())
    };
    let (client, scope) = (value("client_id"), value("scope"));
    if tenant != world.options.tenant_id.to_string() {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        );
        return refuse(world, 400, "invalid_request", 90_002, &text);
    }
    if value("grant_type") != "client_credentials" {
        return refuse(
            world,
            400,
            "unsupported_grant_type",
            70_003,
            "The app requested an unsupported grant type.",
        );
    }
    if client != world.options.client_id.to_string() {
        let text = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'."
        );
        return refuse(world, 400, "unauthorized_client", 700_016, &text);
    }
    let proven = match value("client_assertion_type") {
        "" => secret(world, client, value("client_secret")),
        ASSERTION => {
            let audience = format!("http://{host}/{tenant}/oauth2/v2.0/token");
            assertion::check(world, value("client_assertion"), &audience)
        }
        _ => {
            let text = "The value of 'client_assertion_type' is not supported.";
            return refuse(world, 400, "invalid_request", 900_144, text);
        }
    };
    if let Err((code, text)) = proven {
        return refuse(world, 401, "invalid_client", code, &text);
    }
    // Microsoft's clients leave the port out, since Entra takes none in a scope.
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let known = [
        format!("http://{host}/.default"),
        format!("http://{name}/.default"),
        "https://graph.microsoft.com/.default".to_owned(),
    ];
    if !known.iter().any(|known| known == scope) {
        let text = format!(
            "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        return refuse(world, 400, "invalid_scope", 70_011, &text);
    }
    let audience = scope.trim_end_matches("/.default");
    let minted = mint(world, audience, !value("claims").is_empty());
    let life = minted.until.unix() - minted.from.unix();
    Reply::ok(json!({
        "token_type": "Bearer",
        "expires_in": life,
        "ext_expires_in": life,
        "access_token": minted.token,
    }))
}

fn secret(world: &World, client: &str, secret: &str) -> Result<(), (u64, String)> {
    match secret == world.options.client_secret {
        true => Ok(()),
        false => Err((
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
            ),
        )),
    }
}

/// Makes a token of the application, with the permissions of now.
fn mint(world: &mut World, audience: &str, claims_met: bool) -> Minted {
    let from = world.clock.second();
    let life = i64::try_from(world.options.token_lifetime.as_secs()).unwrap_or(i64::MAX);
    let until = from.plus(life);
    let claims = json!({
        "aud": audience,
        "appid": world.options.client_id,
        "oid": SERVICE_PRINCIPAL_ID,
        "tid": world.options.tenant_id,
        "roles": world.permissions,
        "iat": from.unix(),
        "exp": until.unix(),
        "jti": world.uuid().to_string(),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = world.uuid().simple().to_string();
    let token = format!(
        "{}.{}.{signature}",
        part(&json!({ "typ": "JWT", "alg": "RS256" })),
        part(&claims)
    );
    world.tokens.insert(
        token.clone(),
        Issued {
            roles: world.permissions.clone(),
            expires: until,
            claims_met,
        },
    );
    Minted { token, from, until }
}

/// Entra's own error envelope, which is not Graph's.
fn refuse(world: &mut World, status: u16, error: &str, code: u64, text: &str) -> Reply {
    let timestamp = world.clock.now().format("%Y-%m-%d %H:%M:%SZ").to_string();
    let (trace, correlation) = (world.uuid(), world.uuid());
    Reply::json(
        status,
        json!({
            "error": error,
            "error_description": format!("AADSTS{code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {timestamp}"),
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace.to_string(),
            "correlation_id": correlation.to_string(),
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}
