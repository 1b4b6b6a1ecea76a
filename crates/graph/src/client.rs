//! The connection to one tenant's Graph: HTTP client, token, counters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Method};
use serde_json::Value;
use url::Url;

use crate::error::GraphError;
use crate::reader::Reader;
use crate::request::Request;
use crate::settings::Settings;
use crate::token::Tokens;
use crate::writer::Writer;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(20);

/// The connection to one tenant's Graph. Clones share the token and the counters.
#[derive(Clone, Debug)]
pub struct Graph(Arc<Connection>);

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) settings: Settings,
    pub(crate) http: reqwest::Client,
    pub(crate) tokens: Tokens,
    pub(crate) counters: Counters,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) throttled: AtomicU64,
}

/// How much was asked of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requests {
    /// Requests sent, retries among them.
    pub requests: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Answers that asked to slow down.
    pub throttled: u64,
}

/// Makes the process's TLS provider known; to be called before the first connection. Calling it again does nothing.
pub fn install_crypto() {
    // Only the first call can install one, and any provider will do.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

impl Graph {
    /// A connection. Nothing is sent yet.
    ///
    /// # Errors
    /// `CaFile` or `NoTrust`.
    pub fn connect(settings: Settings) -> Result<Self, GraphError> {
        install_crypto();
        let http = client(&settings)?;
        let tokens = Tokens::new(&settings);
        Ok(Self(Arc::new(Connection {
            settings,
            http,
            tokens,
            counters: Counters::default(),
        })))
    }

    /// A handle that reads.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader(self.0.clone())
    }

    /// A handle that writes; its mail is sent from the mailbox `sender`.
    #[must_use]
    pub fn writer(&self, sender: String) -> Writer {
        Writer {
            connection: self.0.clone(),
            sender,
        }
    }

    /// How much was asked of Graph so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let Counters {
            requests,
            retries,
            throttled,
        } = &self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            requests: read(requests),
            retries: read(retries),
            throttled: read(throttled),
        }
    }
}

impl Connection {
    /// A request for a path below `/v1.0/`. Its segments are encoded here, so that none can leave its place.
    pub(crate) fn request(
        &self,
        method: Method,
        segments: &[&str],
        template: &'static str,
        needs: &'static str,
    ) -> Request {
        let mut url = self.settings.graph_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1.0").extend(segments);
        }
        Request {
            method,
            url,
            template,
            needs,
            eventual: false,
            body: None,
        }
    }

    pub(crate) fn get(
        &self,
        segments: &[&str],
        template: &'static str,
        needs: &'static str,
    ) -> Request {
        self.request(Method::GET, segments, template, needs)
    }

    pub(crate) fn post(
        &self,
        segments: &[&str],
        template: &'static str,
        needs: &'static str,
        body: Value,
    ) -> Request {
        Request {
            body: Some(body),
            ..self.request(Method::POST, segments, template, needs)
        }
    }

    /// Whether the token may go there.
    pub(crate) fn trusts(&self, url: &Url) -> bool {
        url.origin() == self.settings.graph_url.origin()
    }
}

/// The one HTTP client.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that builds it"
)]
fn client(settings: &Settings) -> Result<reqwest::Client, GraphError> {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .timeout(settings.timeout)
        .connect_timeout(CONNECT)
        .user_agent(concat!("innkeeper/", env!("CARGO_PKG_VERSION")));
    let builder = match &settings.ca_file {
        Some(path) => {
            let unreadable =
                |source: Box<dyn std::error::Error + Send + Sync>| GraphError::CaFile {
                    path: path.clone(),
                    source,
                };
            let pem = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
            builder.tls_certs_merge(
                Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.into()))?,
            )
        }
        // A simulator on this machine is reached without TLS, and so without a store of certificates.
        None if settings.is_plain() => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(GraphError::NoTrust)
}
