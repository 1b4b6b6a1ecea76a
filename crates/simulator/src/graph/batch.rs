//! `POST /$batch`: at most twenty requests, each with an outcome of its own, answered in another order.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value, json};

use super::{Call, one, segments};
use crate::query::Query;
use crate::reply::{Body, Outcome, Reply};
use crate::tenant::Caller;
use crate::world::World;

const MOST: usize = 20;

pub(super) fn answer(world: &mut World, call: &Call<'_>) -> Outcome {
    let malformed = |text: &str| Reply::error(400, "BadRequest", text);
    let items = call
        .body
        .get("requests")
        .and_then(Value::as_array)
        .ok_or_else(|| malformed("Invalid batch payload format."))?;
    if items.is_empty() || items.len() > MOST {
        return Err(malformed(
            "Number of batch request steps exceeds the maximum value of 20.",
        ));
    }
    let mut ids = HashSet::new();
    let mut statuses: BTreeMap<String, u16> = BTreeMap::new();
    let mut responses = Vec::new();
    for item in items {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let (Some(id), Some(method), Some(url)) = (text("id"), text("method"), text("url")) else {
            return Err(malformed(
                "Each batch request needs an id, a method and a url.",
            ));
        };
        if !ids.insert(id.to_lowercase()) {
            return Err(malformed("Request Id values should be unique."));
        }
        let depends = item
            .get("dependsOn")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let failed = depends.into_iter().any(|on| {
            statuses
                .get(&on.to_lowercase())
                .is_none_or(|status| *status >= 400)
        });
        let reply = if failed {
            Reply::error(
                424,
                "FailedDependency",
                "A request that this one depends on has failed.",
            )
        } else {
            single(world, call, method, url, item)
        };
        statuses.insert(id.to_lowercase(), reply.status);
        responses.push(response(id, &reply));
    }
    // The order of the answers is not that of the requests.
    for index in (1..responses.len()).rev() {
        let other = world.dice.index(index + 1);
        responses.swap(index, other);
    }
    Ok(Reply::ok(json!({ "responses": responses })))
}

fn single(world: &mut World, outer: &Call<'_>, method: &str, url: &str, item: &Value) -> Reply {
    let (path, query) = url
        .trim_start_matches('/')
        .split_once('?')
        .unwrap_or((url.trim_start_matches('/'), ""));
    let header = |name: &str| {
        let headers = item
            .get("headers")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        headers
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .filter_map(|(_, value)| value.as_str())
            .next()
    };
    let eventual =
        header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    let call = Call {
        method,
        segments: segments(path),
        path: path.to_owned(),
        query: Query::parse(query, eventual),
        body: item.get("body").cloned().unwrap_or_default(),
        roles: outer.roles,
        host: outer.host,
        now: outer.now,
        caller: Caller {
            request_id: world.uuid(),
            ..outer.caller.clone()
        },
        row_fault: outer.row_fault,
    };
    if call.segments == ["$batch"] {
        return Reply::error(400, "BadRequest", "Batches cannot be nested.");
    }
    let date = world.clock.now().format("%Y-%m-%dT%H:%M:%S").to_string();
    let request_id = call.caller.request_id;
    one(world, &call).traced(&date, request_id, &call.caller.client_request_id)
}

fn response(id: &str, reply: &Reply) -> Value {
    let mut headers: Map<String, Value> = reply
        .headers
        .iter()
        .map(|(name, value)| (titled(name), json!(value)))
        .collect();
    let mut response = json!({ "id": id, "status": reply.status });
    match &reply.body {
        Body::None => {}
        Body::Json(body) => {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            response["body"] = body.clone();
        }
        Body::Text(kind, text) => {
            headers.insert("Content-Type".to_owned(), json!(kind));
            response["body"] = json!(text);
        }
    }
    response["headers"] = Value::Object(headers);
    response
}

/// `Retry-After`, as batches write it.
fn titled(name: &str) -> String {
    if name == "retry-after" {
        "Retry-After".to_owned()
    } else {
        name.to_owned()
    }
}
