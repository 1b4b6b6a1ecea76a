//! `POST /$batch` ("combine multiple requests in one HTTP call using JSON batching"): at most twenty requests, each with
//! an outcome of its own, answered in another order.
//!
//! Invariant: a batch that is malformed is refused whole, before any of its requests takes effect.

use std::collections::HashSet;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::exchange::Arrived;
use crate::fault::BatchAnswers;
use crate::reply::{Body, Reply};

const MOST: usize = 20;

/// One request of a batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchItem {
    id: String,
    method: String,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    depends_on: Vec<String>,
}

/// The requests of a batch.
pub(crate) fn items_of_batch(body: &Value) -> Result<Vec<BatchItem>, Reply> {
    let requests = body
        .get("requests")
        .and_then(Value::as_array)
        .ok_or_else(|| Reply::malformed("Invalid batch payload format."))?;
    if requests.is_empty() {
        return Err(Reply::malformed("Batch request has no requests."));
    }
    if requests.len() > MOST {
        return Err(Reply::malformed(
            "Number of batch request steps exceeds the maximum value of 20.",
        ));
    }
    let items: Vec<BatchItem> = requests.iter().map(item).collect::<Result<_, _>>()?;
    let mut ids = HashSet::new();
    for item in &items {
        if item
            .depends_on
            .iter()
            .any(|on| !ids.contains(&on.to_lowercase()))
        {
            return Err(Reply::malformed(format!(
                "Request '{}' depends on a request that does not come before it.",
                item.id
            )));
        }
        if !ids.insert(item.id.to_lowercase()) {
            return Err(Reply::malformed("Request Id values should be unique."));
        }
    }
    Ok(items)
}

fn item(request: &Value) -> Result<BatchItem, Reply> {
    let text = |key: &str| request.get(key).and_then(Value::as_str);
    let (Some(id), Some(method), Some(url)) = (text("id"), text("method"), text("url")) else {
        return Err(Reply::malformed(
            "Each batch request needs an id, a method and a url.",
        ));
    };
    let mut headers = HeaderMap::new();
    let sent = request.get("headers").and_then(Value::as_object);
    for (name, value) in sent.into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str());
        let value = HeaderValue::try_from(value.as_str().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    let body = request.get("body").filter(|body| !body.is_null());
    if body.is_some() && !headers.contains_key("content-type") {
        return Err(Reply::malformed(format!(
            "Write request id : {id} does not contain Content-Type header or body."
        )));
    }
    let depends_on = request.get("dependsOn").and_then(Value::as_array);
    Ok(BatchItem {
        id: id.to_owned(),
        method: method.to_uppercase(),
        url: url.to_owned(),
        headers,
        body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
        depends_on: depends_on
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    })
}

impl BatchItem {
    /// Why it is not even tried: one that it depends on failed, or it is a batch itself.
    pub(crate) fn refusal(&self, done: &[(Self, Reply)]) -> Option<Reply> {
        let failed = |on: &String| {
            done.iter()
                .any(|(other, reply)| other.id.eq_ignore_ascii_case(on) && reply.status >= 400)
        };
        if self.depends_on.iter().any(failed) {
            return Some(Reply::error(
                424,
                "FailedDependency",
                "A request that this one depends on has failed.",
            ));
        }
        let path = self.url.trim_start_matches('/');
        (path.starts_with("$batch") || path.starts_with("%24batch"))
            .then(|| Reply::malformed("Batches cannot be nested."))
    }

    /// The request as if it had come by itself.
    pub(crate) fn request(&self, outer: &Arrived) -> Arrived {
        let url = self.url.trim_start_matches('/');
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut headers = self.headers.clone();
        for name in [AUTHORIZATION, HOST] {
            if let Some(value) = outer.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let trace = HeaderName::from_static("client-request-id");
        if let (None, Some(value)) = (headers.get(&trace), outer.headers.get(&trace)) {
            headers.insert(trace, value.clone());
        }
        Arrived {
            method: self.method.clone(),
            path: format!("/v1.0/{path}"),
            query: query.to_owned(),
            headers,
            body: self.body.clone(),
        }
    }
}

/// The answer to a batch.
pub(crate) fn answer_of_batch(done: &[(BatchItem, Reply)]) -> Reply {
    let responses: Vec<Value> = done
        .iter()
        .map(|(item, reply)| response(&item.id, reply))
        .collect();
    Reply::ok(json!({ "responses": responses }))
}

/// Whether one of the answers is 429.
pub(crate) fn has_throttled_item(batch: &Reply) -> bool {
    let Body::Json(body) = &batch.body else {
        return false;
    };
    let responses = body["responses"].as_array().into_iter().flatten();
    responses
        .into_iter()
        .any(|response| response["status"] == 429)
}

/// Makes the answers others than those of the requests.
pub(crate) fn mix_up(batch: &mut Reply, how: BatchAnswers) {
    let Body::Json(body) = &mut batch.body else {
        return;
    };
    let Some(responses) = body["responses"].as_array_mut() else {
        return;
    };
    match (how, responses.first().cloned()) {
        (_, None) => {}
        (BatchAnswers::Missing, Some(_)) => _ = responses.remove(0),
        (BatchAnswers::Twice, Some(first)) => responses.push(first),
        (BatchAnswers::Unknown, Some(mut first)) => {
            first["id"] = json!("nobody asked");
            responses.push(first);
        }
        (BatchAnswers::Bodiless, Some(_)) => {
            if let Some(first) = responses[0].as_object_mut() {
                first.remove("body");
            }
        }
    }
}

fn response(id: &str, reply: &Reply) -> Value {
    let mut headers: Map<String, Value> = reply
        .headers
        .iter()
        .map(|(name, value)| (titled(name), json!(value)))
        .collect();
    headers.insert("Cache-Control".to_owned(), json!("no-cache"));
    let mut response = json!({ "id": id, "status": reply.status });
    match &reply.body {
        Body::None => {}
        Body::Json(body) => {
            headers.insert("Content-Type".to_owned(), json!(reply.json_type()));
            response["body"] = body.clone();
        }
        Body::Written(text) => {
            headers.insert("Content-Type".to_owned(), json!(reply.json_type()));
            response["body"] = serde_json::from_str(text).unwrap_or(Value::Null);
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
