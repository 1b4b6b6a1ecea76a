//! The connection to one tenant's Graph: HTTP client, token, counters.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Certificate;
use reqwest::redirect::Policy;
use tracing::{debug, warn};
use url::Url;

use crate::budget::Budgets;
use crate::error::GraphError;
use crate::reach::ServerClock;
use crate::reader::Reader;
use crate::settings::Settings;
use crate::token::{OwnIds, Tokens};
use crate::writer::Writer;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(20);

/// The connection to one tenant's Graph. Clones share the token, the budget and the counters.
#[derive(Clone, Debug)]
pub struct Graph(pub(crate) Arc<Connection>);

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) settings: Settings,
    pub(crate) tokens: Tokens,
    pub(crate) counters: Counters,
    pub(crate) budgets: Budgets,
    pub(crate) clock: ServerClock,
    http: RwLock<reqwest::Client>,
    /// For what is on this very machine.
    unproxied: reqwest::Client,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) throttled: AtomicU64,
    drawn: AtomicU64,
}

/// How much was asked of Graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Requests sent, those for tokens and all retries among them. A batch counts once.
    pub requests: u64,
    /// Requests sent again.
    pub retries: u64,
    /// Answers that asked to slow down; each one of a batch counts.
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
        let http = RwLock::new(client(&settings)?);
        let unproxied = unproxied(settings.timeout)?;
        Ok(Self(Arc::new(Connection {
            budgets: Budgets::new(&settings.limits),
            clock: ServerClock::default(),
            settings,
            tokens: Tokens::default(),
            counters: Counters::default(),
            http,
            unproxied,
        })))
    }

    /// A handle that reads.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader(self.0.clone(), Arc::default())
    }

    /// A handle that writes; its mail is sent from the mailbox `sender`, and who accepts an invitation comes to the
    /// applications of this tenant.
    #[must_use]
    pub fn writer(&self, sender: String) -> Writer {
        Writer {
            connection: self.0.clone(),
            sender,
            redirect: self.applications(),
            sent_as: None,
        }
    }

    /// "My Apps" of the tenant, where Entra's own invitations lead to.
    fn applications(&self) -> Url {
        let mut url =
            Url::parse("https://myapplications.microsoft.com/").expect("it is an address");
        url.query_pairs_mut()
            .append_pair("tenantid", &self.0.settings.tenant.to_string());
        url
    }

    /// How much was asked of Graph so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.0.requests()
    }

    /// The application permissions in the current token (its `roles` claim), to tell what is missing. To everybody but
    /// Graph a token is opaque: that a permission is in there allows nothing.
    ///
    /// # Errors
    /// When there is no token to be had, or it is not one that can be looked into.
    pub async fn roles(&self) -> Result<BTreeSet<String>, GraphError> {
        self.0.roles().await
    }
}

impl Connection {
    pub(crate) fn requests(&self) -> Requests {
        let Counters {
            requests,
            retries,
            throttled,
            drawn: _,
        } = &self.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Requests {
            requests: read(requests),
            retries: read(retries),
            throttled: read(throttled),
        }
    }

    /// Whether the token may go there: to the configured scheme, host and port.
    pub(crate) fn trusts(&self, url: &Url) -> bool {
        url.origin() == self.settings.graph_url.origin()
    }

    /// Has a token ready, if one attempt is enough; else whoever needs it tries again, and tells what is wrong.
    pub(crate) async fn prepare(&self) {
        if let Err(failed) = self.tokens.current(self).await {
            debug!(error = %failed.error, "no token ahead of time");
        }
    }

    pub(crate) async fn roles(&self) -> Result<BTreeSet<String>, GraphError> {
        let mut attempts = self.attempts();
        loop {
            match self.tokens.current(self).await {
                Ok(token) => return token.roles(),
                Err(failed) => attempts.again(failed).await?,
            }
        }
    }

    /// What the application is, by its token; empty where that tells nothing.
    pub(crate) async fn own_ids(&self) -> Result<OwnIds, GraphError> {
        let mut attempts = self.attempts();
        loop {
            match self.tokens.current(self).await {
                Ok(token) => return Ok(token.own_ids()),
                Err(failed) => attempts.again(failed).await?,
            }
        }
    }

    pub(crate) fn http(&self) -> reqwest::Client {
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner);
        http.clone()
    }

    pub(crate) fn http_without_proxy(&self) -> reqwest::Client {
        self.unproxied.clone()
    }

    /// Leaves the open connections to the requests that use them; the next ones open their own.
    pub(crate) fn reconnect(&self) {
        match client(&self.settings) {
            Ok(fresh) => *self.http.write().unwrap_or_else(PoisonError::into_inner) = fresh,
            Err(error) => warn!(%error, "the connection to Graph is not renewed"),
        }
    }
}

impl Counters {
    /// A number that no other call gets: SplitMix64 over the seed and the calls so far.
    pub(crate) fn draw(&self, seed: u64) -> u64 {
        let nth = self.drawn.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut mixed = seed.wrapping_add(nth.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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
    // A proxy would not find what is on this machine.
    let builder = if settings.is_local() {
        builder.no_proxy()
    } else {
        builder
    };
    let builder = match &settings.ca_file {
        Some(path) => {
            let unreadable =
                |source: Box<dyn std::error::Error + Send + Sync>| GraphError::CaFile {
                    path: path.clone(),
                    source,
                };
            let pem = std::fs::read(path).map_err(|error| unreadable(error.into()))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(error.into()))?;
            if certificates.is_empty() {
                return Err(unreadable("it holds no certificate".into()));
            }
            builder.tls_certs_merge(certificates)
        }
        // A simulator on this machine is reached without TLS, and so without a store of certificates.
        None if settings.is_plain_and_local() => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(GraphError::NoTrust)
}

/// The HTTP client for the platform that Innkeeper runs on.
#[expect(
    clippy::disallowed_methods,
    reason = "no proxy leads to the machine's own services"
)]
fn unproxied(timeout: Duration) -> Result<reqwest::Client, GraphError> {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .timeout(timeout)
        .connect_timeout(CONNECT)
        .tls_certs_only([])
        .no_proxy()
        .build()
        .map_err(GraphError::NoTrust)
}
