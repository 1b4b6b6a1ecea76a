//! Graph's own answers.
//!
//! A request passes the token, the limits and the permissions, in this order, before it is looked at.

mod access;
mod app_roles;
mod applications;
mod audits;
mod batch;
mod deleted;
mod delta;
mod distort;
mod governance;
mod groups;
mod hostile;
mod invitations;
mod listing;
mod logs;
mod mail;
mod manager;
mod map;
mod objects;
mod related;
mod reviews;
mod tenant;
mod user_filter;
mod users;
mod writes;

pub(crate) use app_roles::{give as give_app_role, names as names_of_app_roles};
pub(crate) use applications::RegisteredSecret;
pub(crate) use batch::{BatchItem, answer_of_batch, has_throttled_item, items_of_batch, mix_up};
pub(crate) use delta::DeltaSettings;

use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use crate::exchange::Arrived;
use crate::fault::FaultKind;
use crate::faults::Befalling;
use crate::query::Query;
use crate::reply::{Outcome, Reply};
use crate::second::Second;
use crate::tenant::{Caller, User, UserIx};
use crate::throttle::{Limit, Verdict};
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
    befalling: &'r [Befalling],
}

impl Call<'_> {
    /// Whether a fault leaves this object out of a listing.
    fn is_missing(&self, id: Uuid) -> bool {
        self.fault(FaultKind::MissingRows)
            .is_some_and(|fault| fault.hits(id))
    }

    /// The fault of a kind that befalls this request.
    fn fault(&self, kind: FaultKind) -> Option<&Befalling> {
        self.befalling.iter().find(|found| found.fault.kind == kind)
    }
}

/// Refuses a request whose token is not good.
pub(crate) fn admit(world: &World, request: &Arrived) -> Result<(), Reply> {
    access::roles(world, request).map(|_| ())
}

/// The shape of a path: ids are left out.
pub(crate) fn template(path: &str) -> String {
    let path = path.strip_prefix("/v1.0/").unwrap_or(path);
    if path.ends_with("/oauth2/v2.0/token") {
        return "/token".to_owned();
    }
    let segments = segments(path);
    format!("/{}", access::shape(&segments).join("/"))
}

/// Answers a request that came by itself.
pub(crate) fn answer(world: &mut World, request: &Arrived, befalling: &[Befalling]) -> Reply {
    let roles = match access::roles(world, request) {
        Ok(roles) => roles,
        Err(reply) => return reply,
    };
    let Some(path) = request.path.strip_prefix("/v1.0/") else {
        return Reply::no_such_segment(request.path.trim_matches('/'));
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
        befalling,
    };
    one(world, &call)
}

/// The decoded parts of a path below the version. `users('x')` is another way to write `users/x`, and `graph` is the
/// metadata's alias of `microsoft.graph`.
fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for raw in path.trim_matches('/').split('/') {
        let encoded = format!("x={}", raw.replace('+', "%2B").replace('&', "%26"));
        let decoded = url::form_urlencoded::parse(encoded.as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
        match decoded.split_once("('") {
            Some((name, key)) if key.ends_with("')") => {
                segments.push(name.to_owned());
                segments.push(key[..key.len() - 2].replace("''", "'"));
            }
            _ if matches!(
                decoded.as_str(),
                "graph.user" | "graph.group" | "graph.directoryRole"
            ) =>
            {
                segments.push(format!("microsoft.{decoded}"));
            }
            _ => segments.push(decoded),
        }
    }
    segments
}

/// Limits and answers one request.
fn one(world: &mut World, call: &Call<'_>) -> Reply {
    let cost = access::cost(call);
    let verdict = world.throttle.admit(cost, world.clock.pace());
    let reply = match verdict.refused {
        Some((limit, wait)) => refuse_for_now(world, limit, wait),
        None => match hostile::instead(world, call) {
            Some(reply) => reply,
            None => {
                let reply = replicate(world, call);
                hostile::spoil(call, distort::distort(world, call, reply))
            }
        },
    };
    near_the_limit(reply, verdict)
        .with("x-ms-resource-unit", cost.units.to_string())
        .with("request-id", call.caller.request_id.to_string())
}

/// Answers from the replica that is asked: the newest, or one that lags a write behind.
fn replicate(world: &mut World, call: &Call<'_>) -> Reply {
    let is_read = call.method == "GET";
    if is_read && call.fault(FaultKind::StaleRead).is_some() {
        let World {
            shadows, tenant, ..
        } = &mut *world;
        shadows.exchange(&mut tenant.directory);
        let reply = dispatch(world, call).unwrap_or_else(|refusal| refusal);
        let World {
            shadows, tenant, ..
        } = world;
        shadows.exchange(&mut tenant.directory);
        return reply;
    }
    let before = match !is_read && world.faults.has_kind(FaultKind::StaleRead) {
        true => written_to(world, call),
        false => Vec::new(),
    };
    let reply = dispatch(world, call).unwrap_or_else(|refusal| refusal);
    if reply.status < 300 {
        world.shadows.keep(before);
    }
    reply
}

/// The users that a write names, as they are before it.
fn written_to(world: &World, call: &Call<'_>) -> Vec<(UserIx, User)> {
    let reference = call.body["@odata.id"].as_str().unwrap_or_default();
    let named = call.segments.iter().map(String::as_str);
    let named = named.chain(reference.rsplit('/').take(1));
    let directory = &world.tenant.directory;
    named
        .filter_map(|name| directory.user_by_id(Uuid::try_parse(name).ok()?))
        .map(|ix| (ix, directory.user(ix).clone()))
        .collect()
}

/// "Returned only when the application consumed more than 0.8 of its limit. The value ranges from 0.8 to 1.8."
fn near_the_limit(reply: Reply, verdict: Verdict) -> Reply {
    match verdict.used >= 0.8 {
        true => {
            let share = format!("{:.2}", verdict.used.min(1.8));
            reply.with("x-ms-throttle-limit-percentage", share)
        }
        false => reply,
    }
}

fn refuse_for_now(world: &World, limit: Limit, wait: Duration) -> Reply {
    let (kind, information, reply) = match limit {
        Limit::ResourceUnits => ("ReadWrite", "ResourceUnitLimitExceeded", Reply::throttled()),
        Limit::Writes => ("Write", "WriteLimitExceeded", Reply::throttled()),
        Limit::Reports | Limit::SignInActivity => (
            "Read",
            "ResourceUnitLimitExceeded",
            Reply::report_throttled(),
        ),
    };
    let scope = format!(
        "Tenant_Application/{kind}/{}/{}",
        world.options.client_id, world.options.tenant_id
    );
    let wait = wait.as_secs_f64();
    let retry_after = if world.throttle.is_shortened() {
        format!("{:.3}", (wait * 1_000.0).ceil() / 1_000.0)
    } else {
        wait.ceil().max(1.0).to_string()
    };
    reply
        .with("retry-after", retry_after)
        .with("x-ms-throttle-scope", scope)
        .with("x-ms-throttle-information", information)
}

fn dispatch(world: &mut World, call: &Call<'_>) -> Outcome {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if let Some(refusal) = map::refusal(call.method, &segments) {
        return Err(refusal);
    }
    access::check(call)?;
    match (call.method, segments.as_slice()) {
        ("GET", ["users"]) => users::list(world, call),
        ("GET", ["users", "delta"]) => delta::users(world, call),
        ("GET", ["groups", "delta"]) => delta::groups(world, call),
        ("GET", ["users", "$count"]) => users::count(world, call),
        ("GET", ["users", id]) => users::get(world, call, id),
        ("PATCH", ["users", id]) => writes::update_user(world, call, id),
        ("DELETE", ["users", id]) => writes::delete_user(world, call, id),
        ("GET", ["users", id, "sponsors"]) => users::sponsors(world, call, id),
        ("GET", ["users", id, "manager"]) => manager::get(world, call, id),
        ("PUT", ["users", id, "manager", "$ref"]) => manager::set(world, call, id),
        ("POST", ["users", id, "sponsors", "$ref"]) => writes::add_sponsor(world, call, id),
        ("DELETE", ["users", id, "sponsors", sponsor, "$ref"]) => {
            writes::remove_sponsor(world, call, id, sponsor)
        }
        // Without the reference it is the sponsor itself that is deleted.
        ("DELETE", ["users", _, "sponsors", object] | ["groups", _, "members", object]) => {
            writes::delete_object(world, call, object)
        }
        ("GET", ["users", id, "memberOf"]) => users::member_of(world, call, id, None),
        ("GET", ["users", id, "memberOf", cast]) => users::member_of(world, call, id, Some(cast)),
        ("GET", ["users", id, "ownedObjects"]) => related::owned(world, call, id),
        ("GET", ["users", id, "transitiveMemberOf"]) => related::groups_of(world, call, id),
        ("GET", ["groups", id, "transitiveMembers"]) => related::members(world, call, id),
        ("GET", ["groups", id, "transitiveMemberOf"]) => related::groups_above(world, call, id),
        (
            "GET",
            [
                "identityGovernance",
                "accessReviews",
                "definitions",
                below @ ..,
            ],
        ) => reviews::get(world, call, below),
        ("GET", ["servicePrincipals", id]) => app_roles::application(call, id),
        ("GET", ["users", id, "appRoleAssignments"]) => app_roles::list(world, call, id),
        ("POST", ["users", id, "appRoleAssignments"]) => app_roles::add(world, call, id),
        ("DELETE", ["users", id, "appRoleAssignments", assignment]) => {
            app_roles::remove(world, call, id, assignment)
        }
        ("POST", ["invitations"]) => invitations::invite(world, call),
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
        ("GET", ["directory", "deletedItems", "microsoft.graph.user"]) => {
            deleted::list(world, call)
        }
        ("GET", ["directory", "deletedItems", id]) => deleted::get(world, call, id),
        ("POST", ["directory", "deletedItems", id, "restore"]) => deleted::restore(world, call, id),
        ("DELETE", ["directory", "deletedItems", id]) => deleted::purge(world, call, id),
        ("GET", ["auditLogs", "directoryAudits"]) => audits::directory_audits(world, call),
        ("GET", ["auditLogs", "signIns"]) => logs::sign_ins(world, call),
        ("GET", [own]) if applications::key(own).is_some() => applications::get(world, call, own),
        ("GET", ["organization"]) => tenant::organization(world, call),
        ("GET", ["subscribedSkus"]) => tenant::skus(world, call),
        ("GET", ["roleManagement", "directory", "roleAssignments"]) => {
            tenant::role_assignments(world, call)
        }
        (
            "GET",
            [
                "roleManagement",
                "directory",
                "roleEligibilityScheduleInstances",
            ],
        ) => governance::eligibilities(world, call),
        ("GET", ["identityGovernance", "entitlementManagement", "assignments"]) => {
            governance::assignments(world, call)
        }
        (_, other) => Err(Reply::no_such_segment(other.last().unwrap_or(&""))),
    }
}
