//! The one `send`: token, pacing, request id, size limit; what may be tried again and what may not.

use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE,
};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tracing::{Instrument, debug, debug_span, trace};
use uuid::Uuid;

use crate::answer::{Failure, decode, request_id_of, retry_after};
use crate::client::Connection;
use crate::error::{GraphError, WriteError};
use crate::request::Request;
use crate::retry::Failed;
use crate::token::Token;

/// The largest body that is read. A page of 500 guests has about 400 kB.
const LARGEST_BODY: usize = 64 << 20;

/// The target of the events right before a request is sent and right after its answer is there. A process that dies
/// there is what tests are for.
const BOUNDARY: &str = "innkeeper_graph::boundary";
/// What an answer may take up beforehand.
const A_PAGE: usize = 1 << 20;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn request_id(&self) -> Option<String> {
        request_id_of(&self.headers)
    }

    /// What it means if it is not a success.
    pub(crate) fn failure(&self, request: &Request) -> GraphError {
        let failure = Failure {
            status: self.status.as_u16(),
            headers: &self.headers,
            body: &self.body,
        };
        failure.means(request)
    }
}

impl Connection {
    /// Sends a request that only reads, and decodes its answer. An answer that cannot be decoded is asked for again.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<T, GraphError> {
        self.read_with(request, |body| decode(request, body)).await
    }

    /// Sends a request that only reads, for what is made of its body.
    pub(crate) async fn read_with<T>(
        &self,
        request: &Request,
        made_of: impl Fn(&[u8]) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let mut attempts = self.attempts();
        loop {
            let answer = self.once(request).await;
            let made = answer.and_then(|answer| made_of(&answer.body).map_err(Failed::perhaps));
            match made {
                Ok(made) => return Ok(made),
                Err(failed) => attempts.again(failed).await?,
            }
        }
    }

    /// Sends a request that writes. It is repeated only where it certainly did not happen.
    pub(crate) async fn write(&self, request: &Request) -> Result<Answer, WriteError> {
        let mut attempts = self.attempts();
        loop {
            match self.once(request).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => attempts.again_if_certain(failed).await?,
            }
        }
    }

    /// One attempt, which has to succeed.
    async fn once(&self, request: &Request) -> Result<Answer, Failed> {
        let answer = self.any(request).await?;
        if answer.status.is_success() {
            Ok(answer)
        } else {
            Err(Failed::answered(self.counted(answer.failure(request))))
        }
    }

    /// One attempt, with whatever answer comes; only a token that is not accepted is renewed, once.
    pub(crate) async fn any(&self, request: &Request) -> Result<Answer, Failed> {
        let token = self.tokens.current(self).await?;
        let answer = self.with_token(request, &token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.tokens.forget(&token, claims_of(&answer.headers)).await;
        let token = self.tokens.current(self).await?;
        self.counters.retries.fetch_add(1, Ordering::Relaxed);
        self.with_token(request, &token).await
    }

    /// Counts an answer that asks to slow down.
    pub(crate) fn counted(&self, error: GraphError) -> GraphError {
        if matches!(error, GraphError::Throttled { .. }) {
            self.counters.throttled.fetch_add(1, Ordering::Relaxed);
        }
        error
    }

    async fn with_token(&self, request: &Request, token: &Token) -> Result<Answer, Failed> {
        let call = request.call();
        if !self.trusts(&request.url) {
            let host = request.url.host_str().unwrap_or_default().to_owned();
            return Err(Failed::certainly(GraphError::UntrustedLink { call, host }));
        }
        // Held until the answer is there.
        let _ticket = self
            .budgets
            .admit(request.kind, request.parts, request.units)
            .await;
        request.sent.note();
        let built = self.build(request, token).map_err(Failed::certainly)?;
        let span = debug_span!("graph", call);
        let exchange = async {
            let answer = self.exchange(self.http(), built, &call).await?;
            self.clock.learn(&answer.headers);
            self.learn(request, answer.status.as_u16(), &answer.headers);
            debug!(
                status = answer.status.as_u16(),
                bytes = answer.body.len(),
                request_id = answer.request_id(),
                "Graph answered"
            );
            Ok(answer)
        };
        exchange.instrument(span).await
    }

    /// What an answer tells about the limits.
    pub(crate) fn learn(&self, request: &Request, status: u16, headers: &HeaderMap) {
        let used = headers.get("x-ms-throttle-limit-percentage");
        let used = used.and_then(|used| used.to_str().ok()?.trim().parse().ok());
        if let Some(used) = used.filter(|used: &f64| used.is_finite()) {
            self.budgets.used(request.kind, used);
        }
        if status == 429 {
            self.budgets.refused(request.kind, retry_after(headers));
        }
    }

    fn build(&self, request: &Request, token: &Token) -> Result<reqwest::Request, GraphError> {
        let mut built = reqwest::Request::new(request.method.clone(), request.url.clone());
        let headers = built.headers_mut();
        headers.insert(AUTHORIZATION, token.header()?);
        headers.insert(ACCEPT, HeaderValue::from_static(request.accept));
        let drawn = || {
            let id = Uuid::from_u64_pair(
                self.counters.draw(self.settings.seed),
                self.counters.draw(self.settings.seed),
            );
            uuid::Builder::from_random_bytes(id.into_bytes()).into_uuid()
        };
        let id = request.id.unwrap_or_else(drawn);
        let id = HeaderValue::try_from(id.to_string()).expect("an id is plain text");
        headers.insert("client-request-id", id);
        if request.eventual {
            headers.insert("ConsistencyLevel", HeaderValue::from_static("eventual"));
        }
        match &request.body {
            Some(body) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                // A body that is there whole is sent with its length. The directory does not accept chunks.
                *built.body_mut() = Some(body.to_string().into());
            }
            None if request.method == Method::GET => {}
            None => {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            }
        }
        Ok(built)
    }

    /// Sends a request, and reads the answer whole. Every request of this crate leaves here.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that sends"
    )]
    pub(crate) async fn exchange(
        &self,
        http: reqwest::Client,
        request: reqwest::Request,
        call: &str,
    ) -> Result<Answer, Failed> {
        let host = request.url().host_str().unwrap_or_default().to_owned();
        // The address holds ids of guests, which belong in no log.
        let unreachable = |source: reqwest::Error| GraphError::Unreachable {
            host: host.clone(),
            call: call.to_owned(),
            source: source.without_url(),
        };
        self.counters.requests.fetch_add(1, Ordering::Relaxed);
        trace!(target: BOUNDARY, "before {call}");
        let sent = http.execute(request).await;
        let mut answer = sent.map_err(|source| Failed {
            // Where no connection came about, nothing was sent.
            certain: source.is_connect(),
            error: unreachable(source),
        })?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        // As large as it says, but for what nobody would send.
        let length = answer.content_length().unwrap_or_default();
        let mut body = Vec::with_capacity(usize::try_from(length).map_or(0, |at| at.min(A_PAGE)));
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_BODY => {
                    return Err(Failed::perhaps(GraphError::TooLarge {
                        call: call.to_owned(),
                        limit: LARGEST_BODY,
                    }));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // The status says enough of a failure, and its headers say how long to wait.
                Err(_) if !status.is_success() => break,
                Err(error) if error.is_timeout() => {
                    return Err(Failed::perhaps(unreachable(error)));
                }
                Err(error) => return Err(Failed::perhaps(cut_short(call, &error))),
            }
        }
        trace!(target: BOUNDARY, "after {call}");
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

/// The claims that Graph wants to see in a token, as JSON: a challenge of continuous access evaluation.
fn claims_of(headers: &HeaderMap) -> Option<String> {
    let challenge = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let (_, encoded) = challenge.split_once("claims=\"")?;
    let (encoded, _) = encoded.split_once('"')?;
    let claims = STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).ok()?;
    String::from_utf8(claims).ok()
}

fn cut_short(call: &str, error: &reqwest::Error) -> GraphError {
    let cause =
        std::error::Error::source(error).map_or_else(String::new, |cause| format!(" ({cause})"));
    GraphError::Malformed {
        call: call.to_owned(),
        why: format!("it was cut short{cause}"),
    }
}
