//! The one `send`: token, request id, limits, retries; and what an answer means.

use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use tracing::{debug, warn};
use uuid::Uuid;

use crate::client::Connection;
use crate::error::{Answered, GraphError, WriteError};
use crate::request::Request;
use crate::token::Token;
use crate::wire::ErrorBody;

/// The longest wait between two attempts when Graph does not say how long.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// The largest body that is read. A page of 500 guests has about 400 kB.
const LARGEST_BODY: usize = 64 << 20;

/// A successful answer.
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) request_id: Option<String>,
}

/// Repeats what fails for a passing reason, with backoff and jitter, or after the time that Graph asks for.
pub(crate) async fn with_retries<T, F, A>(
    connection: &Connection,
    attempt: F,
    may_repeat: impl Fn(&GraphError) -> bool,
) -> Result<T, GraphError>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, GraphError>>,
{
    let settings = &connection.settings;
    let count = connection.counters.requests.load(Ordering::Relaxed);
    let backoff = ExponentialBuilder::default()
        .with_min_delay(settings.backoff)
        .with_max_delay(LONGEST_BACKOFF.max(settings.backoff))
        .with_max_times(settings.attempts.saturating_sub(1))
        .with_jitter_seed(settings.seed.wrapping_add(count));
    attempt
        .retry(backoff)
        .sleep(tokio::time::sleep)
        .when(|error: &GraphError| {
            may_repeat(error)
                && error
                    .retry_after()
                    .is_none_or(|wait| wait <= settings.patience)
        })
        .adjust(|error: &GraphError, backoff| {
            backoff.map(|backoff| {
                error
                    .retry_after()
                    .map_or(backoff, |asked| asked.max(Duration::ZERO))
            })
        })
        .notify(|error, wait| {
            connection.counters.retries.fetch_add(1, Ordering::Relaxed);
            warn!(%error, wait = wait.as_secs_f64(), "a request to Graph is tried again");
        })
        .await
}

impl Connection {
    /// Sends a request that only reads, and decodes its answer. An answer that cannot be decoded is asked for again.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<T, GraphError> {
        let attempt = || async {
            let answer = self.once(request).await?;
            decode(request, &answer.body)
        };
        with_retries(self, attempt, GraphError::is_transient).await
    }

    /// Sends a request that only reads, for its text.
    pub(crate) async fn read_text(&self, request: &Request) -> Result<String, GraphError> {
        let attempt = || async {
            let answer = self.once(request).await?;
            String::from_utf8(answer.body).map_err(|error| malformed(request, &error))
        };
        with_retries(self, attempt, GraphError::is_transient).await
    }

    /// Sends a request that writes. It is repeated only where it certainly did not happen.
    pub(crate) async fn write(&self, request: &Request) -> Result<Answer, WriteError> {
        let attempt = || self.once(request);
        let answer = with_retries(self, attempt, |error| {
            error.is_transient() && error.is_certain()
        })
        .await;
        answer.map_err(|error| {
            if error.is_certain() {
                WriteError::Refused(error)
            } else {
                WriteError::Unclear(error)
            }
        })
    }

    /// One attempt; a token that is not accepted is renewed once.
    async fn once(&self, request: &Request) -> Result<Answer, GraphError> {
        let token = self.tokens.current(self).await?;
        match self.with_token(request, &token).await {
            Err(GraphError::Unauthorized { .. }) => {
                self.tokens.forget(&token).await;
                let token = self.tokens.current(self).await?;
                self.with_token(request, &token).await
            }
            other => other,
        }
    }

    async fn with_token(&self, request: &Request, token: &Token) -> Result<Answer, GraphError> {
        let call = request.call();
        let host = request.url.host_str().unwrap_or_default().to_owned();
        if !self.trusts(&request.url) {
            return Err(GraphError::UntrustedLink { call, host });
        }
        // The address holds ids of guests, which belong in no log.
        let unreachable = |source: reqwest::Error| GraphError::Unreachable {
            host: host.clone(),
            call: request.call(),
            source: source.without_url(),
        };
        let count = self.counters.requests.load(Ordering::Relaxed);
        let mut built = self
            .http
            .request(request.method.clone(), request.url.clone())
            .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
            .header(
                "client-request-id",
                Uuid::from_u64_pair(self.settings.seed, count).to_string(),
            )
            .header("accept", "application/json");
        if request.eventual {
            built = built.header("ConsistencyLevel", "eventual");
        }
        built = match &request.body {
            Some(body) => built.json(body),
            None if request.method == reqwest::Method::GET => built,
            // A write without a length may be sent in chunks, which the directory does not accept.
            None => built.header(CONTENT_LENGTH, "0"),
        };
        let mut answer = execute(self, built.build().map_err(unreachable)?)
            .await
            .map_err(unreachable)?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let request_id = headers
            .get("request-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| cut_short(request, &error))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_BODY {
                return Err(GraphError::Malformed {
                    call,
                    why: format!("it has more than {LARGEST_BODY} bytes"),
                });
            }
        }
        debug!(
            call,
            status = status.as_u16(),
            bytes = body.len(),
            request_id,
            "graph"
        );
        if status.is_success() {
            Ok(Answer { body, request_id })
        } else {
            Err(self.failure(request, status, &headers, request_id, &body))
        }
    }

    /// What a failure means. Decided by the status, and by the code only where one status means several things.
    fn failure(
        &self,
        request: &Request,
        status: StatusCode,
        headers: &HeaderMap,
        request_id: Option<String>,
        body: &[u8],
    ) -> GraphError {
        let code = serde_json::from_slice::<ErrorBody>(body)
            .ok()
            .map(|body| body.error.code);
        let is = |known: &str| {
            code.as_deref()
                .is_some_and(|code| code.eq_ignore_ascii_case(known))
        };
        let lost_page = code
            .as_deref()
            .is_some_and(|code| code.to_ascii_lowercase().contains("pagetoken"));
        let no_licence = is("Authentication_RequestFromNonPremiumTenantOrB2CTenant");
        let answered = Answered {
            call: request.call(),
            status: status.as_u16(),
            code,
            request_id,
        };
        let retry_after = retry_after(headers);
        match status.as_u16() {
            400 if lost_page => GraphError::PageTokenLost { answered },
            401 => GraphError::Unauthorized { answered },
            403 if no_licence => GraphError::NoLicence { answered },
            403 => GraphError::Forbidden {
                answered,
                needs: request.needs,
            },
            404 => GraphError::NotFound { answered },
            409 | 412 | 423 => GraphError::Conflict { answered },
            429 => {
                self.counters.throttled.fetch_add(1, Ordering::Relaxed);
                GraphError::Throttled {
                    answered,
                    retry_after,
                }
            }
            500..=599 => GraphError::Unavailable {
                answered,
                retry_after,
            },
            _ => GraphError::BadRequest { answered },
        }
    }
}

/// Sends a request, and counts it.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that sends"
)]
pub(crate) async fn execute(
    connection: &Connection,
    request: reqwest::Request,
) -> Result<reqwest::Response, reqwest::Error> {
    connection.counters.requests.fetch_add(1, Ordering::Relaxed);
    connection.http.execute(request).await
}

/// `Retry-After`: seconds, which may be a decimal. A date would need a clock that agrees with Graph's, so it counts as
/// if Graph had not said.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

pub(crate) fn decode<T: DeserializeOwned>(request: &Request, body: &[u8]) -> Result<T, GraphError> {
    serde_json::from_slice(body).map_err(|error| malformed(request, &error))
}

fn malformed(request: &Request, why: &dyn std::error::Error) -> GraphError {
    GraphError::Malformed {
        call: request.call(),
        why: why.to_string(),
    }
}

fn cut_short(request: &Request, error: &reqwest::Error) -> GraphError {
    let cause =
        std::error::Error::source(error).map_or_else(String::new, |cause| format!(" ({cause})"));
    GraphError::Malformed {
        call: request.call(),
        why: format!("it was cut short{cause}"),
    }
}
