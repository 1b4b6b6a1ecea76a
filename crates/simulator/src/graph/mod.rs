//! Graph's own answers.

mod access;
mod batch;
mod deleted;
mod groups;
mod listing;
mod logs;
mod mail;
mod objects;
mod tenant;
mod users;
mod writes;

use serde_json::Value;

use crate::exchange::Arrived;
use crate::faults::{Fault, FaultKind};
use crate::query::Query;
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::tenant::Caller;
use crate::throttle::Limit;
use crate::world::World;

/// A request to Graph, whether it came by itself or in a batch.
pub(crate) struct Call<'r> {
    pub(crate) method: &'r str,
    /// The path below the version, decoded, in its parts.
    pub(crate) segments: Vec<String>,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) body: Value,
    pub(crate) roles: &'r [String],
    pub(crate) host: &'r str,
    pub(crate) now: Second,
    pub(crate) caller: Caller,
    pub(crate) row_fault: Option<&'r Fault>,
}

/// Answers a request that came by itself.
pub(crate) fn answer(world: &mut World, request: &Arrived, faults: &[Fault]) -> Reply {
    let roles = match access::roles(world, request) {
        Ok(roles) => roles,
        Err(reply) => return reply,
    };
    let Some(path) = request.path.strip_prefix("/v1.0/") else {
        return Reply::error(
            400,
            "BadRequest",
            format!(
                "Resource not found for the segment '{}'.",
                request.path.trim_matches('/')
            ),
        );
    };
    let caller = Caller {
        at: world.clock.now(),
        request_id: world.uuid(),
        client_request_id: request.header("client-request-id").to_owned(),
    };
    let call = Call {
        method: &request.method,
        segments: segments(path),
        path: path.to_owned(),
        query: Query::parse(
            &request.query,
            request
                .header("consistencylevel")
                .eq_ignore_ascii_case("eventual"),
        ),
        body: request.json(),
        roles: &roles,
        host: request.host(),
        now: world.clock.second(),
        caller,
        row_fault: faults
            .iter()
            .find(|fault| fault.kind == FaultKind::SignInActivity),
    };
    if call.method == "POST" && call.segments == ["$batch"] {
        return batch::answer(world, &call).unwrap_or_else(|refusal| refusal);
    }
    one(world, &call)
}

fn segments(path: &str) -> Vec<String> {
    let decode = |segment: &str| {
        url::form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    path.trim_matches('/').split('/').map(decode).collect()
}

/// Counts, limits and answers one request.
pub(crate) fn one(world: &mut World, call: &Call<'_>) -> Reply {
    let (route, units) = access::route(call);
    *world
        .requests
        .entry(format!("{} {route}", call.method))
        .or_default() += 1;
    let reply = match charge(world, call, units) {
        Ok(share) => {
            let reply = dispatch(world, call).unwrap_or_else(|refusal| refusal);
            match share {
                Some(share) => reply.with("x-ms-throttle-limit-percentage", format!("{share:.2}")),
                None => reply,
            }
        }
        Err(refusal) => refusal,
    };
    reply
        .with("x-ms-resource-unit", units.to_string())
        .with("request-id", call.caller.request_id.to_string())
}

fn charge(world: &mut World, call: &Call<'_>, units: u64) -> Result<Option<f64>, Reply> {
    if !world.throttling {
        return Ok(None);
    }
    let mut costs = Vec::new();
    let is_report = call
        .segments
        .first()
        .is_some_and(|first| first == "auditLogs");
    match (users::wants_sign_in_activity(call), is_report) {
        (true, _) => costs.push((Limit::SignInActivity, 1)),
        (false, true) => costs.push((Limit::Reports, 1)),
        (false, false) => costs.push((Limit::Units, units)),
    }
    if call.method != "GET" {
        costs.push((Limit::Writes, 1));
    }
    world
        .throttle
        .charge(world.clock.pace(), &costs)
        .map_err(|(limit, wait)| {
            let (kind, information, reply) = match limit {
                Limit::Units => (
                    "ReadWrite",
                    "ResourceUnitLimitExceeded",
                    Reply::error(429, "TooManyRequests", "Please retry again later."),
                ),
                Limit::Writes => (
                    "Write",
                    "WriteLimitExceeded",
                    Reply::error(429, "TooManyRequests", "Please retry again later."),
                ),
                Limit::Reports | Limit::SignInActivity => (
                    "Read",
                    "ResourceUnitLimitExceeded",
                    Reply::error(429, "UnknownError", "Too Many Requests"),
                ),
            };
            let scope = format!(
                "Tenant_Application/{kind}/{}/{}",
                world.options.client_id, world.options.tenant_id
            );
            reply
                .with(
                    "retry-after",
                    wait.as_secs_f64().ceil().max(1.0).to_string(),
                )
                .with("x-ms-throttle-scope", scope)
                .with("x-ms-throttle-information", information)
        })
}

fn dispatch(world: &mut World, call: &Call<'_>) -> Outcome {
    access::check(call)?;
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method, segments.as_slice()) {
        ("GET", ["users"]) => users::list(world, call),
        ("GET", ["users", "$count"]) => users::count(world, call),
        ("GET", ["users", id]) => users::get(world, call, id),
        ("PATCH", ["users", id]) => writes::update_user(world, call, id),
        ("DELETE", ["users", id]) => writes::delete_user(world, call, id),
        ("GET", ["users", id, "sponsors"]) => users::sponsors(world, call, id),
        ("POST", ["users", id, "sponsors", "$ref"]) => writes::add_sponsor(world, call, id),
        ("DELETE", ["users", id, "sponsors", sponsor, "$ref"]) => {
            writes::remove_sponsor(world, call, id, sponsor)
        }
        // Without the reference it is the sponsor itself that is deleted.
        ("DELETE", ["users", _, "sponsors", sponsor]) => writes::delete_user(world, call, sponsor),
        ("GET", ["users", id, "memberOf"]) => users::member_of(world, call, id),
        ("GET", ["users", id, "appRoleAssignments"]) => users::app_roles(world, id),
        ("POST", ["users", id, "sendMail"]) => mail::send(world, call, id),
        ("GET", ["groups"]) => groups::list(world, call),
        ("GET", ["groups", id]) => groups::get(world, call, id),
        ("GET", ["groups", id, "members"] | ["groups", id, "members", "microsoft.graph.user"]) => {
            groups::members(world, call, id)
        }
        ("GET", ["groups", id, "owners"]) => groups::owners(world, call, id),
        ("POST", ["groups", id, "members", "$ref"]) => writes::add_member(world, call, id),
        ("DELETE", ["groups", id, "members", member, "$ref"]) => {
            writes::remove_member(world, call, id, member)
        }
        ("DELETE", ["groups", _, "members", member]) => writes::delete_user(world, call, member),
        ("GET", ["directory", "deletedItems"]) => {
            Err(Reply::bad_request("The cast segment is required."))
        }
        ("GET", ["directory", "deletedItems", "microsoft.graph.user"]) => {
            deleted::list(world, call)
        }
        ("GET", ["directory", "deletedItems", id]) => deleted::get(world, id),
        ("POST", ["directory", "deletedItems", id, "restore"]) => deleted::restore(world, call, id),
        ("DELETE", ["directory", "deletedItems", id]) => deleted::purge(world, call, id),
        ("GET", ["auditLogs", "signIns"]) => logs::sign_ins(world, call),
        ("GET", ["organization"]) => Ok(tenant::organization(world)),
        ("GET", ["subscribedSkus"]) => Ok(tenant::skus(world)),
        ("GET", ["roleManagement", "directory", "roleAssignments"]) => {
            tenant::role_assignments(world, call)
        }
        (
            _,
            [
                "users" | "groups" | "directory" | "auditLogs" | "organization" | "subscribedSkus"
                | "roleManagement",
                ..,
            ],
        ) => Err(Reply::error(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )),
        (_, other) => Err(Reply::error(
            400,
            "BadRequest",
            format!(
                "Resource not found for the segment '{}'.",
                other.first().unwrap_or(&"")
            ),
        )),
    }
}
