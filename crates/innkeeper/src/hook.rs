//! Telling other people's services something: webhooks and dead-man's switches.
//!
//! Invariants: it takes a bounded time whatever the other side does; no token goes along; an address, which may be a
//! secret, appears in no message.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Serialize;
use tracing::debug;

use crate::config::Webhook;

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How long to wait before each further attempt.
const BACKOFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

/// Sends JSON by POST.
///
/// # Errors
/// When it was not taken, after the last attempt.
pub(crate) async fn post(hook: &Webhook, body: &impl Serialize) -> Result<()> {
    deliver(hook, |client| client.post(hook.url().clone()).json(body)).await
}

/// Calls by GET, which every dead-man's switch understands.
///
/// # Errors
/// When it was not taken, after the last attempt.
pub(crate) async fn call(hook: &Webhook) -> Result<()> {
    deliver(hook, |client| client.get(hook.url().clone())).await
}

async fn deliver(hook: &Webhook, request: impl Fn(&Client) -> RequestBuilder) -> Result<()> {
    let client = client(hook)?;
    let mut waits = BACKOFF.into_iter();
    loop {
        let (error, may_pass) = match attempt(request(&client)).await {
            Ok(status) if status.is_success() => return Ok(()),
            Ok(status) => (anyhow!("it answers {status}"), is_passing(status)),
            // What was sent may have arrived: hearing the same twice does no harm.
            Err(error) => (anyhow::Error::from(error), true),
        };
        match waits.next().filter(|_| may_pass) {
            Some(wait) => {
                debug!(%hook, error = format!("{error:#}"), "tried again");
                tokio::time::sleep(wait).await;
            }
            None => return Err(error).context(format!("{hook} did not take it")),
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

#[expect(
    clippy::disallowed_methods,
    reason = "it talks to the operator's services and never carries a token"
)]
fn client(hook: &Webhook) -> Result<Client> {
    let builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT);
    // One on this machine is reached without TLS, and so without a store of certificates; and not by a proxy.
    let builder = if hook.url().scheme() == "http" {
        builder.tls_certs_only([]).no_proxy()
    } else {
        builder
    };
    Ok(builder.build()?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "it talks to the operator's services and never carries a token"
)]
async fn attempt(request: RequestBuilder) -> Result<StatusCode, reqwest::Error> {
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    Ok(answer.status())
}
