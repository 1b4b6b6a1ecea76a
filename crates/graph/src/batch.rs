//! `POST /$batch`: up to twenty requests in one, each with an outcome of its own, answered in any order.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Connection;
use crate::error::{Answered, GraphError};
use crate::request::Request;
use crate::send::with_retries;
use crate::wire::ErrorBody;

/// What Graph takes in one batch.
const LARGEST: usize = 20;

#[derive(Serialize)]
struct Item<'r> {
    id: String,
    method: &'r str,
    url: String,
}

impl<'r> Item<'r> {
    fn of(index: usize, request: &'r Request) -> Self {
        Self {
            id: index.to_string(),
            method: request.method.as_str(),
            url: relative(request),
        }
    }
}

#[derive(Deserialize)]
struct Batch {
    responses: Vec<Response>,
}

#[derive(Deserialize)]
struct Response {
    id: String,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, Value>,
    #[serde(default)]
    body: Value,
}

impl Connection {
    /// Reads several things; the bodies come back in the order of the requests.
    pub(crate) async fn read_batch(&self, requests: &[Request]) -> Result<Vec<Value>, GraphError> {
        let mut bodies = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(LARGEST) {
            let attempt = || self.batch(chunk);
            bodies.extend(with_retries(self, attempt, GraphError::is_transient).await?);
        }
        Ok(bodies)
    }

    async fn batch(&self, requests: &[Request]) -> Result<Vec<Value>, GraphError> {
        let items: Vec<Item<'_>> = requests
            .iter()
            .enumerate()
            .map(|(index, request)| Item::of(index, request))
            .collect();
        let envelope = self.post(
            &["$batch"],
            "/$batch",
            "",
            serde_json::json!({ "requests": items }),
        );
        let batch: Batch = self.read(&envelope).await?;
        let mut responses: BTreeMap<String, Response> = batch
            .responses
            .into_iter()
            .map(|response| (response.id.clone(), response))
            .collect();
        let mut bodies = Vec::with_capacity(requests.len());
        for (index, request) in requests.iter().enumerate() {
            let response =
                responses
                    .remove(&index.to_string())
                    .ok_or_else(|| GraphError::Malformed {
                        call: envelope.call(),
                        why: format!("it lacks the answer to {}", request.call()),
                    })?;
            bodies.push(body(request, response)?);
        }
        Ok(bodies)
    }
}

fn body(request: &Request, response: Response) -> Result<Value, GraphError> {
    let Response {
        status,
        headers,
        body,
        ..
    } = response;
    let header = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    };
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let retry_after = header("retry-after")
        .map(text)
        .and_then(|text| text.parse().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let code = ErrorBody::deserialize(&body)
        .ok()
        .map(|body| body.error.code);
    let answered = Answered {
        call: request.call(),
        status,
        code,
        request_id: header("request-id").map(text),
    };
    match status {
        200..=299 => Ok(body),
        403 => Err(GraphError::Forbidden {
            answered,
            needs: request.needs,
        }),
        404 => Err(GraphError::NotFound { answered }),
        409 => Err(GraphError::Conflict { answered }),
        429 => Err(GraphError::Throttled {
            answered,
            retry_after,
        }),
        424 | 500..=599 => Err(GraphError::Unavailable {
            answered,
            retry_after,
        }),
        _ => Err(GraphError::BadRequest { answered }),
    }
}

/// A batch's addresses are relative to the version.
fn relative(request: &Request) -> String {
    let path = request.url.path();
    let below = path.split_once("/v1.0").map_or(path, |(_, below)| below);
    match request.url.query() {
        Some(query) => format!("{below}?{query}"),
        None => below.to_owned(),
    }
}
