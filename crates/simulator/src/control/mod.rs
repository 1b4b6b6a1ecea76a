//! The interface that Graph does not have, below `/_simulator`: by it a test or a person drives the simulator.

mod change;
mod governance;
mod show;

use std::time::Duration;

use serde_json::{Value, json};

use crate::exchange::Arrived;
use crate::fault::Fault;
use crate::query::Query;
use crate::reply::Reply;
use crate::server::Shared;

/// The longest that a request to be told of a held one may wait.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

pub(crate) async fn answer(shared: &Shared, request: &Arrived, path: &str) -> Reply {
    if path == "held" {
        return held(shared, &Query::parse(&request.query, false)).await;
    }
    let reply = {
        let mut world = shared.lock();
        world.catch_up();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let body = request.json();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["clock"]) => Reply::ok(show::clock(&world)),
            ("POST", ["clock", "advance"]) => change::advance(&mut world, &body),
            ("PUT", ["clock"]) => change::speed(&mut world, &body),
            ("GET", ["faults"]) => Reply::ok(
                world
                    .faults
                    .all()
                    .map(|active| json!({ "id": active.id, "hits": active.hits, "fault": active.fault }))
                    .collect(),
            ),
            ("POST", ["faults"]) => match serde_json::from_value::<Fault>(body) {
                Ok(fault) => Reply::ok(json!({ "id": world.faults.add(fault) })),
                Err(error) => refuse(&error.to_string()),
            },
            ("DELETE", ["faults"]) => {
                world.faults.clear();
                world.shadows.clear();
                Reply::ok(json!({}))
            }
            ("DELETE", ["faults", id]) => {
                match id.parse().is_ok_and(|id| world.faults.remove(id)) {
                    true => Reply::ok(json!({})),
                    false => refuse("there is no such fault"),
                }
            }
            ("GET", ["outbox"]) => Reply::ok(show::outbox(&world)),
            ("GET", ["writes"]) => Reply::ok(show::writes(&world)),
            ("GET", ["truth"]) => Reply::written(show::truth(&world)),
            ("GET", ["truth", id]) => change::truth_of(&world, id),
            ("GET", ["projects"]) => Reply::ok(show::projects(&world)),
            ("GET", ["partners"]) => Reply::ok(show::partners(&world)),
            ("GET", ["info"]) => Reply::ok(show::info(&world)),
            ("GET", ["requests"]) => Reply::ok(show::requests(&world)),
            ("POST", ["reset"]) => change::reset(&mut world),
            ("PUT", ["date-skew"]) => change::date_skew(&mut world, &body),
            ("PUT", ["permissions" | "latency" | "license" | "sign-in-lag"]) => {
                change::setting(&mut world, segments[0], &body)
            }
            ("PUT", ["throttling"]) => change::throttling(&mut world, body),
            ("PUT", ["delta"]) => change::delta(&mut world, body),
            ("PUT", ["certificates" | "federation" | "arc" | "secrets"]) => {
                change::credentials(&mut world, segments[0], &body)
            }
            ("POST", ["users"]) => change::add_user(&mut world, &body),
            ("POST", ["users", id, "sign-in"]) => change::sign_in(&mut world, id, &body),
            ("PATCH", ["users", id]) => change::change_user(&mut world, id, &body),
            ("POST", ["groups"]) => change::add_group(&mut world, &body),
            ("PUT", ["reviews"]) => governance::set_reviews(&mut world, &body),
            ("PUT", ["groups", id, "owners"]) => change::own_group(&mut world, id, &body),
            ("POST", ["groups", id, "rename"]) => change::rename_group(&mut world, id, &body),
            ("DELETE", ["groups", id]) => change::delete_group(&mut world, id),
            _ => Reply::error(
                404,
                "NotFound",
                format!(
                    "{} {path} is not part of the control interface; crates/simulator/README.md describes it",
                    request.method
                ),
            ),
        }
    };
    shared.changed.notify_waiters();
    reply
}

pub(super) fn refuse(text: &str) -> Reply {
    Reply::error(400, "BadRequest", text)
}

/// Waits until a request is held, at most `wait` seconds.
async fn held(shared: &Shared, query: &Query) -> Reply {
    let wait = query
        .get("wait")
        .and_then(|seconds| seconds.parse().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    let waiting = async {
        loop {
            let changed = shared.changed.notified();
            if !shared.lock().held.is_empty() {
                return;
            }
            changed.await;
        }
    };
    // Whether it came or the time ran out, the list tells.
    _ = tokio::time::timeout(wait.min(LONGEST_WAIT), waiting).await;
    let held: Vec<Value> = shared
        .lock()
        .held
        .iter()
        .map(|held| json!({ "method": held.method, "path": held.path }))
        .collect();
    Reply::ok(Value::Array(held))
}
