//! How a tenant's Graph is reached.

use std::path::PathBuf;
use std::time::Duration;

use innkeeper_domain::ids::TenantId;
use secrecy::SecretString;
use url::Url;

/// How a tenant's Graph is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Graph's root without the version, such as `https://graph.microsoft.com/`.
    pub graph_url: Url,
    /// The root of the token endpoint, such as `https://login.microsoftonline.com/`.
    pub login_url: Url,
    /// The tenant.
    pub tenant: TenantId,
    /// The application's id.
    pub client_id: String,
    /// How it proves who it is.
    pub credential: Credential,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// What the jitter of retries and the ids of requests are drawn from.
    pub seed: u64,
    /// How long one request may take.
    pub timeout: Duration,
    /// How often a request is tried at most.
    pub attempts: usize,
    /// How long the first retry waits when Graph does not say; it doubles from there, up to a minute.
    pub backoff: Duration,
    /// The longest `Retry-After` that is waited for; a longer one ends the cycle, and the next one tries again.
    pub patience: Duration,
}

/// How the application proves who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A client secret. Its `Debug` does not show it.
    ClientSecret(SecretString),
}

impl Settings {
    /// The customary settings.
    #[must_use]
    pub fn new(
        graph_url: Url,
        login_url: Url,
        tenant: TenantId,
        client_id: String,
        credential: Credential,
    ) -> Self {
        Self {
            graph_url,
            login_url,
            tenant,
            client_id,
            credential,
            ca_file: None,
            seed: 0,
            timeout: Duration::from_secs(100),
            attempts: 6,
            backoff: Duration::from_secs(1),
            patience: Duration::from_secs(300),
        }
    }

    /// Nothing is encrypted: only a simulator on this machine is reached so.
    pub(crate) fn is_plain(&self) -> bool {
        self.graph_url.scheme() == "http" && self.login_url.scheme() == "http"
    }
}
