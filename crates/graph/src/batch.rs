//! `POST /$batch`: up to twenty requests in one, each with an outcome of its own, answered in any order.
//!
//! Invariant: a batch has one answer for each of its requests, and no other, or fails. Only what failed for a passing reason is sent
//! again, since each request of a batch counts against the limits on its own.

use std::collections::HashMap;

use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Failure, decode, malformed};
use crate::client::Connection;
use crate::error::GraphError;
use crate::request::Request;
use crate::retry::Failed;

/// What Graph takes in one batch.
const LARGEST: usize = 20;

#[derive(Serialize)]
struct Item<'r> {
    id: String,
    method: &'r str,
    url: String,
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
            let mut read: Vec<Option<Value>> = vec![None; chunk.len()];
            let mut attempts = self.attempts();
            while let Err(failed) = self.fill(chunk, &mut read).await {
                attempts.again(failed).await?;
            }
            // Where all went well nothing is missing.
            bodies.extend(read.into_iter().flatten());
        }
        Ok(bodies)
    }

    /// One attempt at those that have no answer yet.
    async fn fill(&self, requests: &[Request], read: &mut [Option<Value>]) -> Result<(), Failed> {
        let open: Vec<usize> = (0..requests.len())
            .filter(|index| read[*index].is_none())
            .collect();
        let mut responses = self.batch(requests, &open).await?;
        let mut worst: Option<GraphError> = None;
        for index in open {
            let request = &requests[index];
            let answer = match responses.remove(&index.to_string()) {
                Some(response) => self.body(request, response),
                None => Err(malformed(request, "the batch has no answer to it")),
            };
            match answer {
                Ok(body) => read[index] = Some(body),
                Err(error) => worst = Some(worse(worst, error)),
            }
        }
        worst.map_or(Ok(()), |error| Err(Failed::answered(error)))
    }

    async fn batch(
        &self,
        requests: &[Request],
        open: &[usize],
    ) -> Result<HashMap<String, Response>, Failed> {
        let item = |index: &usize| Item {
            id: index.to_string(),
            method: requests[*index].method.as_str(),
            url: relative(&requests[*index]),
        };
        let items: Vec<Item<'_>> = open.iter().map(item).collect();
        let body = serde_json::json!({ "requests": items });
        let parts = open.iter().map(|index| &requests[*index]);
        let envelope = self.post(&["$batch"], "/$batch", "", body).holding(parts);
        let answer = self.any(&envelope).await?;
        // An older page has 424 for a batch of which parts were throttled; the parts say more.
        if !answer.status.is_success() && answer.status != StatusCode::FAILED_DEPENDENCY {
            return Err(Failed::answered(self.counted(answer.failure(&envelope))));
        }
        let batch: Batch = decode(&envelope, &answer.body).map_err(Failed::perhaps)?;
        let mut responses = HashMap::new();
        for response in batch.responses {
            let is_asked = open.iter().any(|index| index.to_string() == response.id);
            // Of answers that are mixed up, none is believed.
            if !is_asked {
                let why = "it has an answer to what was not asked";
                return Err(Failed::perhaps(malformed(&envelope, why)));
            }
            if let Some(other) = responses.insert(response.id.clone(), response) {
                let why = format!("it has two answers to request {}", other.id);
                return Err(Failed::perhaps(malformed(&envelope, why)));
            }
        }
        Ok(responses)
    }

    fn body(&self, request: &Request, response: Response) -> Result<Value, GraphError> {
        let Response {
            id: _,
            status,
            headers,
            body,
        } = response;
        if (200..300).contains(&status) {
            // Whatever is read has a body.
            return match body {
                Value::Null => Err(malformed(request, "its answer in the batch has no body")),
                body => Ok(body),
            };
        }
        let body = body.to_string();
        let headers = headers.iter().filter_map(header).collect();
        self.learn(request, status, &headers);
        let failure = Failure {
            status,
            headers: &headers,
            body: body.as_bytes(),
        };
        Err(self.counted(failure.means(request)))
    }
}

fn header((name, value): (&String, &Value)) -> Option<(HeaderName, HeaderValue)> {
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some((name.parse().ok()?, value.parse().ok()?))
}

/// Of two failures the one that decides: one that does not pass, else the one with the longer wait.
fn worse(known: Option<GraphError>, new: GraphError) -> GraphError {
    let Some(known) = known else {
        return new;
    };
    let rank = |error: &GraphError| (!error.is_transient(), error.retry_after());
    if rank(&new) > rank(&known) {
        new
    } else {
        known
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
