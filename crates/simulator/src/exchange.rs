//! One exchange: a request comes in, what befalls it is looked up, an answer goes out.
//!
//! Invariant: an item of a batch is befallen, limited and answered as a request of its own is; a fault that takes the
//! connection takes the whole batch with it, and what was done before it stays done.

use std::collections::HashMap;
use std::sync::MutexGuard;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::{Request, Response};
use serde_json::Value;

use crate::control;
use crate::fault::{FaultKind, Moment};
use crate::faults::{Befalling, Subject};
use crate::graph::{self, BatchItem};
use crate::query::Query;
use crate::reply::Reply;
use crate::retries::Retries;
use crate::server::{Closed, ReplyBody, Shared};
use crate::token;
use crate::wire::{self, Ids, Manner};
use crate::world::{Held, Issued, World};

/// A request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// What an exchange came to.
struct Ended {
    reply: Reply,
    ids: Ids,
    manner: Manner,
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

    fn is_batch(&self) -> bool {
        self.method == "POST" && matches!(self.path.as_str(), "/v1.0/$batch" | "/v1.0/%24batch")
    }

    /// What comes after `Bearer`.
    pub(crate) fn bearer(&self) -> &str {
        let authorization = self.header("authorization");
        authorization.strip_prefix("Bearer ").unwrap_or_default()
    }

    /// The same again is a retry.
    fn key(&self) -> String {
        format!("{} {}?{}", self.method, self.path, self.query)
    }

    fn subject<'s>(
        &'s self,
        tokens: &'s HashMap<String, Issued>,
        retries: &Retries,
    ) -> Subject<'s> {
        // Options may come encoded; these names hold nothing that would be.
        let names = |what: &str| self.query.contains(what);
        let query = Query::parse(&self.query, false);
        let is_token = |option: &str| {
            query
                .get(option)
                .is_some_and(|token| !matches!(token, "" | "latest"))
        };
        Subject {
            method: &self.method,
            path: &self.path,
            sign_in_data: names("signInActivity") || self.path.contains("/auditLogs/"),
            page_token: names("skiptoken"),
            delta_token: self.path.ends_with("/delta")
                && (is_token("$skiptoken") || is_token("$deltatoken")),
            lost_page: retries.is_lost(&self.query),
            expands: self.path.ends_with("/users") && query.get("$expand").is_some(),
            top: query.get("$top").and_then(|top| top.parse().ok()),
            graph: self.path.starts_with("/v1.0/"),
            token: tokens.get(self.bearer()),
        }
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
        return Ok(wire::send(&reply, &Ids::new(), Manner::default()));
    }
    let latency = shared.lock().latency;
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let ended = perform(shared, &request).await?;
    let response = wire::send(&ended.reply, &ended.ids, ended.manner);
    // Of a body that is to be cut, nobody knows.
    shared.lock().bytes += response.body().size_hint().exact().unwrap_or_default();
    Ok(response)
}

/// One request, with whatever befalls it.
async fn perform(shared: &Shared, request: &Arrived) -> Result<Ended, Closed> {
    let befalling = {
        let mut world = shared.lock();
        world.count(&request.method, &graph::template(&request.path));
        let seed = world.options.population.seed;
        let world = &mut *world;
        let subject = request.subject(&world.tokens, &world.retries);
        world.faults.befalling(seed, subject)
    };
    let late: u64 = of_kind(&befalling, FaultKind::Latency)
        .map(|found| found.fault.millis)
        .sum();
    if late > 0 {
        tokio::time::sleep(Duration::from_millis(late)).await;
    }
    let ended = befall(shared, request, &befalling).await;
    {
        let mut world = shared.lock();
        if world.faults.has_kind(FaultKind::RetriedPage) {
            let whole = ended.as_ref().ok().filter(|ended| !ended.manner.cut);
            let reply = whole.map(|ended| &ended.reply);
            world.retries.note(request.key(), reply);
        }
    }
    let mut ended = ended?;
    if let Some(found) = of_kind(&befalling, FaultKind::ErrorShape).next() {
        ended.reply = ended.reply.shaped(found.fault.shape);
    }
    let slow = of_kind(&befalling, FaultKind::SlowBody).map(|found| found.fault.millis);
    ended.manner.slow += Duration::from_millis(slow.sum());
    Ok(ended)
}

fn of_kind(befalling: &[Befalling], kind: FaultKind) -> impl Iterator<Item = &Befalling> {
    befalling
        .iter()
        .filter(move |found| found.fault.kind == kind)
}

async fn befall(
    shared: &Shared,
    request: &Arrived,
    befalling: &[Befalling],
) -> Result<Ended, Closed> {
    let find = |kind: FaultKind| of_kind(befalling, kind).next();
    let instead = [
        FaultKind::Throttle,
        FaultKind::ServerError,
        FaultKind::Premium,
        FaultKind::Unavailable,
        FaultKind::Concurrency,
        FaultKind::ExpiredPage,
        FaultKind::ClaimsChallenge,
        FaultKind::ActivityCap,
        FaultKind::ExpandRefused,
        FaultKind::RetriedPage,
    ];
    if let Some(found) = instead.into_iter().find_map(find) {
        if found.fault.after_effect {
            carry_out(shared, request, befalling).await?;
        }
        return Ok(finish(shared, request, found.reply()));
    }
    if let Some(found) = find(FaultKind::Drop) {
        if found.fault.after_effect {
            carry_out(shared, request, befalling).await?;
        }
        return Err(Closed);
    }
    let hold = find(FaultKind::Hold);
    let held_at = |moment: Moment| hold.filter(|found| found.fault.when == moment);
    if let Some(found) = held_at(Moment::Before) {
        held(shared, request, found.id).await;
    }
    let (reply, mut manner) = carry_out(shared, request, befalling).await?;
    if let Some(found) = held_at(Moment::After) {
        held(shared, request, found.id).await;
    }
    manner.cut |= find(FaultKind::Truncate).is_some();
    let ended = finish(shared, request, reply);
    Ok(Ended { manner, ..ended })
}

/// Keeps a request until its fault is taken back. A client that goes away takes its request with it.
async fn held(shared: &Shared, request: &Arrived, fault: u64) {
    let number = shared.lock().hold(|number| Held {
        number,
        method: request.method.clone(),
        path: request.path.clone(),
    });
    let _release = Release { shared, number };
    shared.changed.notify_waiters();
    loop {
        let changed = shared.changed.notified();
        if !shared.lock().faults.has(fault) {
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

/// Lets a request take effect. Also tells how the body is to be sent.
async fn carry_out(
    shared: &Shared,
    request: &Arrived,
    befalling: &[Befalling],
) -> Result<(Reply, Manner), Closed> {
    if request.is_batch() {
        // A batch holds requests, and a request may be a batch: the recursion is broken here.
        let (mut reply, manner) = Box::pin(carry_out_batch(shared, request)).await?;
        if of_kind(befalling, FaultKind::ThrottledBatch)
            .next()
            .is_some()
            && graph::has_throttled_item(&reply)
        {
            reply.status = 424;
        }
        if let Some(found) = of_kind(befalling, FaultKind::BatchAnswers).next() {
            graph::mix_up(&mut reply, found.fault.answers);
        }
        return Ok((reply, manner));
    }
    let mut world = shared.lock();
    world.catch_up();
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let reply = match (request.method.as_str(), segments.as_slice()) {
        ("POST", [tenant, "oauth2", "v2.0", "token"]) => {
            let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body)
                .into_owned()
                .collect();
            token::issue(&mut world, tenant, &form, request.host())
        }
        _ if token::is_managed_identity(&request.path) => {
            token::managed_identity(&mut world, request)
        }
        _ => graph::answer(&mut world, request, befalling),
    };
    Ok((reply, Manner::default()))
}

async fn carry_out_batch(shared: &Shared, request: &Arrived) -> Result<(Reply, Manner), Closed> {
    let items = {
        let mut world = shared.lock();
        world.catch_up();
        match graph::admit(&world, request).and_then(|()| graph::items_of_batch(&request.json())) {
            Ok(items) => items,
            Err(refusal) => return Ok((refusal, Manner::default())),
        }
    };
    let mut manner = Manner::default();
    let mut done: Vec<(BatchItem, Reply)> = Vec::with_capacity(items.len());
    for item in items {
        let reply = match item.refusal(&done) {
            Some(refusal) => refusal,
            None => {
                let ended = perform(shared, &item.request(request)).await?;
                manner.cut |= ended.manner.cut;
                manner.slow += ended.manner.slow;
                ended.reply
            }
        };
        done.push((item, reply));
    }
    // The order of the answers is not that of the requests.
    shared.lock().shuffle(&mut done);
    Ok((graph::answer_of_batch(&done), manner))
}

fn finish(shared: &Shared, request: &Arrived, reply: Reply) -> Ended {
    let mut world = shared.lock();
    let now = world.clock.now();
    world.throttled += u64::from(reply.status == 429);
    let request_id = reply
        .headers
        .iter()
        .find(|(name, _)| *name == "request-id")
        .and_then(|(_, id)| id.parse().ok());
    let request_id = request_id.unwrap_or_else(|| world.uuid());
    // Who sends no id of their own is given Graph's.
    let client_request_id = match request.header("client-request-id") {
        "" => request_id.to_string(),
        own => own.to_owned(),
    };
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
        ("date", (now + world.date_skew).format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
    ];
    Ended {
        reply,
        ids,
        manner: Manner::default(),
    }
}
