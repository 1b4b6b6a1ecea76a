//! The pages behind the links in notices, where those answerable for a guest say whether it is still needed.
//!
//! Invariants: opening a link changes nothing, since programs open links too; an answer is written down and does nothing
//! else; without a good link nothing is read from the database and nothing is told; and neither links nor names get into
//! the log.

mod desk;
mod pace;
mod page;
mod question;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use innkeeper_domain::attestation::Answer;
use innkeeper_engine::link::Links;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info};

use crate::config::Answers;
use crate::installation::Installation;
pub(super) use desk::Desks;
use desk::{NoQuestion, Reception};
use pace::Pace;
use page::Page;
use question::Question;

/// Bytes of an answer at most.
const LONGEST_BODY: usize = 4 * 1024;

/// How long somebody waits for a page at most. A cycle holds the database while it decides.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing is loaded, nothing runs, no other page frames this one, and its form goes nowhere else.
const SECURITY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Serves until asked to stop.
pub(super) async fn serve(
    answers: &Answers,
    desks: &Arc<Desks>,
    installation: &Installation,
    stop: CancellationToken,
    tasks: &TaskTracker,
) -> Result<()> {
    let Answers { listen, links } = answers;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("answers.listen: {listen} cannot be listened on"))?;
    let reception = Arc::new(Reception {
        store: installation.store.clone(),
        clock: installation.clock.clone(),
        links: links.clone(),
        desks: desks.clone(),
    });
    let app = Router::new()
        .route(
            &format!("/{}/{{token}}", Links::PATH),
            get(show).post(answer),
        )
        .fallback(|| async { respond(&Page::NoLink) })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(Arc::new(Pace::default()), paced))
        .layer(from_fn(sealed_off))
        .with_state(reception);
    info!(listen = %listener.local_addr()?, "answers are taken");
    tasks.spawn(async move {
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            error!(%error, "answers are no longer taken");
        }
    });
    Ok(())
}

async fn show(State(reception): State<Arc<Reception>>, Path(token): Path<String>) -> Response {
    match reception.question(&token).await {
        Ok(question) => respond(&Page::Ask(&question)),
        Err(none) => refuse(none),
    }
}

async fn answer(
    State(reception): State<Arc<Reception>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    let form = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(&body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let said = form("answer").and_then(|word| Answer::parse(&word));
    let Some(said) = said else {
        return respond(&Page::NoAnswer);
    };
    let reason = form("reason").unwrap_or_default();
    match reception.answer(&token, said, &reason).await {
        Ok(question) => respond(&Page::Thanks(&question, said)),
        Err(none) => refuse(none),
    }
}

fn refuse(none: NoQuestion) -> Response {
    match none {
        NoQuestion::NotOurs => respond(&Page::NoLink),
        NoQuestion::Over => respond(&Page::Over),
        NoQuestion::NotYours => respond(&Page::NotYours),
        NoQuestion::Settled => respond(&Page::Settled),
        NoQuestion::TooOften => respond(&Page::TooOften),
        NoQuestion::Taken { contact } => respond(&Page::Taken { contact }),
        NoQuestion::Failed(error) => {
            error!(error = format!("{error:#}"), "an answer could not be taken");
            respond(&Page::Later)
        }
    }
}

fn respond(page: &Page<'_>) -> Response {
    (page.status(), Html(page.html())).into_response()
}

/// Ends what takes too long.
async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => respond(&Page::Later),
    }
}

/// Turns away what comes too fast.
async fn paced(State(pace): State<Arc<Pace>>, request: Request, next: Next) -> Response {
    if pace.admits() {
        return next.run(request).await;
    }
    let mut response = respond(&Page::TooOften);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("10"));
    response
}

/// Puts the headers on every answer.
async fn sealed_off(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        || response.status() == StatusCode::PAYLOAD_TOO_LARGE
    {
        response = (response.status(), "").into_response();
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, SECURITY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
