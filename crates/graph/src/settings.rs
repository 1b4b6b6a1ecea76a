//! How a tenant's Graph is reached.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::TenantId;
use secrecy::SecretString;
use url::{Host, Url};

use crate::error::GraphError;
use crate::limits::Limits;
use crate::token::certificate::Certificate;

/// How a tenant's Graph is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Graph's root without the version, such as `https://graph.microsoft.com/`.
    pub graph_url: Url,
    /// The root of the token endpoint, such as `https://login.microsoftonline.com/`.
    pub login_url: Url,
    /// The tenant.
    pub tenant: TenantId,
    /// How Innkeeper proves who it is.
    pub credential: Credential,
    /// Certificates to trust besides the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// What the jitter of retries and the ids of requests are drawn from.
    pub seed: u64,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
    /// How often a request is tried at most.
    pub attempts: usize,
    /// How long the first retry waits when Graph does not say; it doubles from there, up to a minute, and jitter adds up
    /// to as much again. Six attempts wait for 15 to 31 seconds in all.
    pub backoff: Duration,
    /// The longest `Retry-After` that is waited for; a longer one ends the cycle, and the next one tries again.
    pub patience: Duration,
    /// No attempt begins later than so long after the first one.
    pub longest: Duration,
    /// How fast requests are sent at most.
    pub limits: Limits,
}

/// How Innkeeper proves who it is.
#[derive(Clone, Debug)]
pub enum Credential {
    /// As an application, at Entra's token endpoint.
    Application {
        /// The application's id.
        client_id: String,
        /// By what it is known.
        application: Application,
    },
    /// As the identity that Azure gives the machine.
    ManagedIdentity {
        /// The id of a user-assigned identity; else it is the machine's own.
        client_id: Option<String>,
        /// Where its tokens come from.
        source: IdentitySource,
    },
}

impl Credential {
    /// An application with a client secret.
    #[must_use]
    pub fn secret(client_id: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        Self::Application {
            client_id: client_id.into(),
            application: Application::Secret(secret.into()),
        }
    }

    /// When the certificate ends. Of the other forms nothing at this side tells how long they are good.
    ///
    /// # Errors
    /// `CredentialFile` when the certificate's file cannot be used.
    pub fn ends(&self) -> Result<Option<DateTime<Utc>>, GraphError> {
        match self {
            Self::Application {
                client_id: _,
                application: Application::Certificate(path),
            } => Ok(Some(Certificate::read(path)?.ends)),
            Self::Application {
                client_id: _,
                application: Application::Secret(_) | Application::FederatedToken(_),
            }
            | Self::ManagedIdentity { .. } => Ok(None),
        }
    }
}

/// By what Entra knows an application.
#[derive(Clone, Debug)]
pub enum Application {
    /// A client secret. Its `Debug` does not show it.
    Secret(SecretString),
    /// A file in PEM with a certificate and its RSA key, read for each token.
    Certificate(PathBuf),
    /// A file with the token of another identity provider that the application trusts, read for each token.
    FederatedToken(PathBuf),
}

/// Where the tokens of a managed identity come from.
#[derive(Clone, Debug)]
pub enum IdentitySource {
    /// A virtual machine's metadata service.
    Vm {
        /// Its token endpoint.
        endpoint: Url,
    },
    /// App Service, Functions or Container Apps.
    AppService {
        /// `IDENTITY_ENDPOINT`
        endpoint: Url,
        /// `IDENTITY_HEADER`
        header: SecretString,
    },
    /// The agent of Azure Arc.
    Arc {
        /// Its token endpoint.
        endpoint: Url,
        /// The folder that its keys are in.
        keys: PathBuf,
    },
}

impl Settings {
    /// The customary settings. A simulator on this machine, which has a clock of its own, is not paced.
    #[must_use]
    pub fn new(graph_url: Url, login_url: Url, tenant: TenantId, credential: Credential) -> Self {
        let is_local = is_plain_and_local(&graph_url);
        Self {
            graph_url,
            login_url,
            tenant,
            credential,
            ca_file: None,
            seed: 0,
            timeout: Duration::from_secs(100),
            attempts: 6,
            backoff: Duration::from_millis(500),
            patience: Duration::from_secs(300),
            longest: Duration::from_secs(900),
            limits: if is_local {
                Limits::none()
            } else {
                Limits::documented()
            },
        }
    }

    /// Nothing leaves this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_local(&self.graph_url) && is_local(&self.login_url)
    }

    /// And nothing is encrypted: a simulator is reached so.
    pub(crate) fn is_plain_and_local(&self) -> bool {
        is_plain_and_local(&self.graph_url) && is_plain_and_local(&self.login_url)
    }
}

fn is_plain_and_local(url: &Url) -> bool {
    url.scheme() == "http" && is_local(url)
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}
