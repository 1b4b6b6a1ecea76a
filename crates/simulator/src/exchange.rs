//! One exchange: a request comes in, what befalls it is looked up, an answer goes out.

use std::sync::MutexGuard;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use serde_json::Value;

use crate::control;
use crate::faults::{Fault, FaultKind, Moment};
use crate::graph;
use crate::reply::{Body, Reply};
use crate::server::{Closed, ReplyBody, Shared, whole};
use crate::token;
use crate::world::{Held, World};

/// A request, read whole.
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(crate) fn host(&self) -> &str {
        self.header("host")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        // A test that panicked in the middle of a request has failed anyway.
        self.world
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

pub(crate) async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Closed> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let request = Arrived {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    if let Some(path) = request.path.strip_prefix("/_simulator/") {
        let reply = control::answer(shared, &request, path).await;
        return Ok(render(&reply, None));
    }
    let (faults, latency) = {
        let mut world = shared.lock();
        let seed = world.options.population.seed;
        (
            world.faults.befalling(seed, &request.method, &request.path),
            world.latency,
        )
    };
    wait(latency, &faults).await;
    befall(shared, &request, &faults).await
}

async fn wait(latency: Duration, faults: &[Fault]) {
    let slow = faults
        .iter()
        .filter(|fault| fault.kind == FaultKind::Latency)
        .map(|fault| Duration::from_millis(fault.millis));
    let total = latency + slow.sum::<Duration>();
    if !total.is_zero() {
        tokio::time::sleep(total).await;
    }
}

async fn befall(
    shared: &Shared,
    request: &Arrived,
    faults: &[Fault],
) -> Result<Response<ReplyBody>, Closed> {
    let find = |kind: FaultKind| faults.iter().find(|fault| fault.kind == kind);
    if let Some(fault) = find(FaultKind::Throttle) {
        let reply = Reply::error(429, "TooManyRequests", "Please retry again later.");
        return Ok(finish(shared, request, with_retry_after(reply, fault)));
    }
    if let Some(fault) = find(FaultKind::ServerError) {
        let html = "<html><body><h1>Bad Gateway</h1></body></html>".to_owned();
        return Ok(render(
            &Reply::text(fault.status.unwrap_or(502), "text/html", html),
            None,
        ));
    }
    if find(FaultKind::Premium).is_some() {
        return Ok(finish(shared, request, Reply::premium()));
    }
    if let Some(fault) = find(FaultKind::Unavailable) {
        if fault.after_effect {
            carry_out(shared, request, faults);
        }
        let reply = Reply::error(503, "ServiceUnavailable", "The service is unavailable.");
        return Ok(finish(shared, request, with_retry_after(reply, fault)));
    }
    if let Some(fault) = find(FaultKind::Drop) {
        if fault.after_effect {
            carry_out(shared, request, faults);
        }
        return Err(Closed);
    }
    let hold = find(FaultKind::Hold).map(|fault| fault.when);
    if hold == Some(Moment::Before) {
        held(shared, request).await;
    }
    let reply = carry_out(shared, request, faults);
    if hold == Some(Moment::After) {
        held(shared, request).await;
    }
    let reply = finish_reply(shared, request, reply);
    Ok(if find(FaultKind::Truncate).is_some() {
        truncated(&reply)
    } else {
        render(&reply.0, Some(&reply.1))
    })
}

fn with_retry_after(reply: Reply, fault: &Fault) -> Reply {
    match &fault.retry_after {
        Some(seconds) => reply.with("retry-after", seconds.clone()),
        None => reply,
    }
}

/// Keeps a request until its fault is taken back. A client that goes away takes its request with it.
async fn held(shared: &Shared, request: &Arrived) {
    let number = {
        let mut world = shared.lock();
        let number = world.held.last().map_or(1, |held| held.number + 1);
        world.held.push(Held {
            number,
            method: request.method.clone(),
            path: request.path.clone(),
        });
        number
    };
    let _release = Release { shared, number };
    shared.changed.notify_waiters();
    loop {
        let changed = shared.changed.notified();
        if !shared.lock().held.iter().any(|held| held.number == number) {
            return;
        }
        changed.await;
    }
}

struct Release<'s> {
    shared: &'s Shared,
    number: u64,
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        self.shared
            .lock()
            .held
            .retain(|held| held.number != self.number);
        self.shared.changed.notify_waiters();
    }
}

fn carry_out(shared: &Shared, request: &Arrived, faults: &[Fault]) -> Reply {
    let mut world = shared.lock();
    world.catch_up();
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
            *world.requests.entry("POST /token".to_owned()).or_default() += 1;
            let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body)
                .into_owned()
                .collect();
            token::issue(&mut world, tenant, &form, request.host())
        }
        _ => graph::answer(&mut world, request, faults),
    }
}

fn finish(shared: &Shared, request: &Arrived, reply: Reply) -> Response<ReplyBody> {
    let (reply, ids) = finish_reply(shared, request, reply);
    render(&reply, Some(&ids))
}

/// The headers that every answer of Graph has.
type Ids = Vec<(&'static str, String)>;

fn finish_reply(shared: &Shared, request: &Arrived, reply: Reply) -> (Reply, Ids) {
    let mut world = shared.lock();
    let now = world.clock.now();
    let request_id = reply
        .headers
        .iter()
        .find(|(name, _)| *name == "request-id")
        .and_then(|(_, id)| id.parse().ok());
    let request_id = request_id.unwrap_or_else(|| world.uuid());
    let client_request_id = request.header("client-request-id").to_owned();
    let reply = reply.traced(
        &now.format("%Y-%m-%dT%H:%M:%S").to_string(),
        request_id,
        &client_request_id,
    );
    let ids = vec![
        ("request-id", request_id.to_string()),
        ("client-request-id", client_request_id),
        ("odata-version", "4.0".to_owned()),
        ("cache-control", "no-cache".to_owned()),
        ("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1","ScaleUnit":"001","RoleInstance":"SIM0"}}"#.to_owned()),
        ("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
    ];
    (reply, ids)
}

fn head(reply: &Reply, ids: Option<&Ids>) -> (http::response::Builder, Bytes) {
    let mut response = Response::builder().status(reply.status);
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| *name != "request-id")
        .chain(ids.into_iter().flatten());
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    let (kind, body) = match &reply.body {
        Body::None => return (response, Bytes::new()),
        Body::Json(value) => (
            "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
            value.to_string(),
        ),
        Body::Text(kind, text) => (*kind, text.clone()),
    };
    (response.header(CONTENT_TYPE, kind), Bytes::from(body))
}

fn render(reply: &Reply, ids: Option<&Ids>) -> Response<ReplyBody> {
    let (response, body) = head(reply, ids);
    whole(response, body)
}

/// Half of the body under the length of the whole.
fn truncated((reply, ids): &(Reply, Ids)) -> Response<ReplyBody> {
    let (response, body) = head(reply, Some(ids));
    let half = body.slice(..body.len() / 2);
    // What is written is sent only when the body makes the server wait; an error at once would take the half with it.
    let cut = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::other("a fault cuts the answer short"))
    });
    let broken = stream::once(async { Ok(Frame::data(half)) }).chain(cut);
    let response = response.header(CONTENT_LENGTH, body.len());
    response
        .body(BodyExt::boxed(StreamBody::new(broken)))
        .expect("headers are built from plain text")
}
