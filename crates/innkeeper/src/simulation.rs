//! Talking to the simulator's control interface: its clock, its truth, what was really done.
//!
//! Invariant: only loopback addresses are talked to, and no token goes along.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use innkeeper_engine::{Clock, SystemClock};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::config::Config;

/// A client of the control interface.
pub(crate) struct Control {
    http: reqwest::Client,
    base: Url,
}

impl Control {
    /// A client of the simulator whose control interface is at `base`.
    #[expect(
        clippy::disallowed_methods,
        reason = "it talks to the simulator and never carries a token"
    )]
    pub(crate) fn new(base: Url) -> Result<Self> {
        let tls = reqwest::tls::Certificate::from_pem_bundle(b"").unwrap_or_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only(tls)
            .timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self { http, base })
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.request(Method::GET, path, None).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        self.request(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<()> {
        self.request::<Value>(Method::PUT, path, Some(body)).await?;
        Ok(())
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Result<()> {
        self.request::<Value>(Method::PATCH, path, Some(body))
            .await?;
        Ok(())
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        self.request::<Value>(Method::DELETE, path, None).await?;
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "it talks to the simulator and never carries a token"
    )]
    async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        let url = self.base.join(path)?;
        let request = self.http.request(method, url.clone());
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let answer = answer.with_context(|| format!("the simulator does not answer at {url}"))?;
        Ok(answer.json().await?)
    }
}

/// What `GET clock` answers.
#[derive(Debug, Deserialize)]
pub(crate) struct ClockReading {
    pub(crate) now: DateTime<Utc>,
}

/// The clock of an installation: the machine's, or a simulator's that it follows.
pub(crate) enum InstallationClock {
    /// The machine's.
    System,
    /// A simulator's, as last read.
    Followed {
        /// Where it is read.
        url: Url,
        /// What it showed, in microseconds since the epoch.
        last: AtomicI64,
    },
}

impl InstallationClock {
    pub(crate) fn of(config: &Config) -> Self {
        config
            .clock
            .follow
            .clone()
            .map_or(Self::System, |url| Self::Followed {
                url,
                last: AtomicI64::new(0),
            })
    }

    /// Reads a followed clock anew.
    pub(crate) async fn refresh(&self) -> Result<()> {
        match self {
            Self::System => Ok(()),
            Self::Followed { url, last } => {
                let reading: ClockReading = Control::new(url.clone())?.get("").await?;
                last.store(reading.now.timestamp_micros(), Ordering::Release);
                Ok(())
            }
        }
    }

    /// How long to sleep at most before looking at it again.
    pub(crate) fn patience(&self) -> Duration {
        match self {
            // Short enough to notice that the machine was suspended or its clock set.
            Self::System => Duration::from_secs(30),
            Self::Followed { .. } => Duration::from_millis(200),
        }
    }
}

impl Clock for InstallationClock {
    fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => SystemClock.now(),
            Self::Followed { last, .. } => {
                DateTime::from_timestamp_micros(last.load(Ordering::Acquire))
                    .unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }
}
