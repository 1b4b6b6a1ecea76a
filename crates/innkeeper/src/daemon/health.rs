//! `/healthz`, `/readyz` and `/metrics`.
//!
//! Healthy: the process answers. Ready: the database answers, and the last cycle of every tenant was complete.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use innkeeper_store::Store;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use super::metrics;
use crate::alarms::Watch;

/// How the last cycle of each tenant ended.
#[derive(Debug, Default)]
pub(super) struct Status(Mutex<BTreeMap<String, Last>>);

#[derive(Clone, Debug)]
enum Last {
    Complete { healthy: bool },
    Failed { error: String },
}

impl Status {
    pub(super) fn succeeded(&self, tenant: &str, healthy: bool) {
        self.lock()
            .insert(tenant.to_owned(), Last::Complete { healthy });
    }

    pub(super) fn failed(&self, tenant: &str, error: &str) {
        self.lock().insert(
            tenant.to_owned(),
            Last::Failed {
                error: error.to_owned(),
            },
        );
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until asked to stop.
pub(super) async fn serve(
    listen: SocketAddr,
    status: Arc<Status>,
    store: Store,
    watch: Arc<Mutex<Arc<Watch>>>,
    stop: CancellationToken,
    tasks: &TaskTracker,
) -> Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("http.listen: {listen} cannot be listened on"))?;
    let app = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .with_state((status, store.clone()))
        .route("/metrics", get(metrics).with_state((watch, store)));
    info!(listen = %listener.local_addr()?, "health is served");
    tasks.spawn(async move {
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            error!(%error, "health is no longer served");
        }
    });
    Ok(())
}

async fn metrics(State((watch, store)): State<(Arc<Mutex<Arc<Watch>>>, Store)>) -> Response {
    let watch = watch.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    match metrics::page(&watch, &store).await {
        Ok(page) => (kind, page).into_response(),
        Err(error) => {
            warn!(error = format!("{error:#}"), "metrics cannot be told");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn readyz(State((status, store)): State<(Arc<Status>, Store)>) -> Response {
    let database = match store.read().await {
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    let tenants = status.lock().clone();
    let all_complete = tenants
        .values()
        .all(|last| matches!(last, Last::Complete { .. }));
    let is_ready = database.is_none() && !tenants.is_empty() && all_complete;
    let tenants: BTreeMap<_, _> = tenants
        .into_iter()
        .map(|(tenant, last)| match last {
            Last::Complete { healthy } => (
                tenant,
                json!({ "last_cycle": "complete", "healthy": healthy }),
            ),
            Last::Failed { error } => (tenant, json!({ "last_cycle": "failed", "error": error })),
        })
        .collect();
    let body = json!({ "ready": is_ready, "database": database.as_deref().unwrap_or("ok"), "tenants": tenants });
    let code = if is_ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(body)).into_response()
}
