//! Managed identities: the endpoints that a virtual machine (IMDS), App Service and Azure Arc have on the machine itself.
//! All hand out tokens of the one application.

use serde_json::{Value, json};

use super::{Minted, mint};
use crate::exchange::Arrived;
use crate::options::IDENTITY_HEADER;
use crate::query::Query;
use crate::reply::Reply;
use crate::world::World;

const IMDS: &str = "/metadata/identity/oauth2/token";
const APP_SERVICE: &str = "/msi/token";
const ARC: &str = "/arc/identity/oauth2/token";

/// Graph, as an application.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// The key of Azure Arc: whoever can read the file is on the machine.
#[derive(Clone, Debug)]
pub(crate) struct Arc {
    pub(crate) key_file: String,
    pub(crate) key: String,
}

pub(crate) fn is_endpoint(path: &str) -> bool {
    [IMDS, APP_SERVICE, ARC].contains(&path)
}

/// Answers at one of the three paths.
pub(crate) fn endpoint(world: &mut World, request: &Arrived) -> Reply {
    if request.method != "GET" {
        return refuse(405, "method_not_allowed", "Only GET is served.");
    }
    let query = Query::parse(&request.query, false);
    match request.path.as_str() {
        IMDS => imds(world, request, &query),
        APP_SERVICE => app_service(world, request, &query),
        _ => arc(world, request, &query),
    }
    .unwrap_or_else(|refusal| refusal)
}

fn refuse(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(
        status,
        json!({ "error": error, "error_description": description }),
    )
}

fn imds(world: &mut World, request: &Arrived, query: &Query) -> Result<Reply, Reply> {
    if !request.header("metadata").eq_ignore_ascii_case("true") {
        let text = "Required metadata header not specified";
        return Err(refuse(400, "bad_request_102", text));
    }
    let minted = token(world, request, query, "2018-02-01")?;
    Ok(Reply::ok(with_expiry(&minted, query)))
}

fn app_service(world: &mut World, request: &Arrived, query: &Query) -> Result<Reply, Reply> {
    if request.header("x-identity-header") != IDENTITY_HEADER {
        let text = "The X-IDENTITY-HEADER is not that of this site.";
        return Err(Reply::json(
            401,
            json!({ "statusCode": 401, "message": text }),
        ));
    }
    let minted = token(world, request, query, "2019-08-01")?;
    let mut body = answer(&minted, query);
    body["client_id"] = json!(world.options.client_id);
    Ok(Reply::ok(body))
}

fn arc(world: &mut World, request: &Arrived, query: &Query) -> Result<Reply, Reply> {
    let Some(arc) = world.arc.clone() else {
        return Err(refuse(404, "not_found", "This machine is not connected."));
    };
    if request.header("authorization") != format!("Basic {}", arc.key) {
        let text = "Present the content of the key file.";
        let challenge = format!("Basic realm={}", arc.key_file);
        return Err(refuse(401, "unauthorized_client", text).with("www-authenticate", challenge));
    }
    let minted = token(world, request, query, "2020-06-01")?;
    Ok(Reply::ok(with_expiry(&minted, query)))
}

/// What all three ask for alike.
fn token(
    world: &mut World,
    request: &Arrived,
    query: &Query,
    version: &str,
) -> Result<Minted, Reply> {
    if query.get("api-version") != Some(version) {
        let text = format!("Required query variable 'api-version' is missing or not {version}");
        return Err(refuse(400, "invalid_request", &text));
    }
    let user_assigned = [
        "client_id",
        "object_id",
        "principal_id",
        "msi_res_id",
        "mi_res_id",
    ];
    let own = world.options.client_id.to_string();
    let is_other = |name: &&str| query.get(name).is_some_and(|id| id != own);
    if user_assigned.iter().any(is_other) {
        return Err(refuse(400, "invalid_request", "Identity not found"));
    }
    let Some(resource) = query.get("resource") else {
        let text = "Required query variable 'resource' is missing";
        return Err(refuse(400, "invalid_request", text));
    };
    let known = [
        format!("http://{}", request.host()),
        "https://graph.microsoft.com".to_owned(),
        GRAPH.to_owned(),
    ];
    let bare = resource.strip_suffix('/').unwrap_or(resource);
    if !known.iter().any(|known| known == bare) {
        let text = format!(
            "AADSTS500011: The resource principal named {resource} was not found in the tenant."
        );
        return Err(refuse(400, "invalid_resource", &text));
    }
    let claims_met = query.get("claims").is_some_and(|claims| !claims.is_empty());
    Ok(mint(world, bare, claims_met))
}

/// Numbers are texts here.
fn answer(minted: &Minted, query: &Query) -> Value {
    json!({
        "access_token": minted.token,
        "expires_on": minted.until.unix().to_string(),
        "not_before": minted.from.unix().to_string(),
        "resource": query.get("resource"),
        "token_type": "Bearer",
    })
}

fn with_expiry(minted: &Minted, query: &Query) -> Value {
    let mut body = answer(minted, query);
    body["refresh_token"] = json!("");
    body["expires_in"] = json!((minted.until.unix() - minted.from.unix()).to_string());
    body
}
