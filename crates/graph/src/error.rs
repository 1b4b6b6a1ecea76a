//! What can go wrong, by what the caller can do about it.
//!
//! An error names the method, the path's template, the status, Graph's code and its request-id; never a body, an id of
//! a guest, or a token.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What Graph answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Method and path template, such as `GET /users/{id}`.
    pub call: String,
    /// The HTTP status.
    pub status: u16,
    /// `error.code`.
    pub code: Option<String>,
    /// The `request-id` header, for Microsoft's support.
    pub request_id: Option<String>,
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            status,
            code,
            request_id,
        } = self;
        write!(f, "{call}: {status}")?;
        if let Some(code) = code.as_deref().filter(|code| !code.is_empty()) {
            write!(f, " {code}")?;
        }
        match request_id {
            Some(id) => write!(f, ", request-id {id}"),
            None => Ok(()),
        }
    }
}

/// What can go wrong between Innkeeper and Graph.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Graph asks to slow down, for longer than is waited for.
    #[error("Graph throttles this application ({answered}); the next cycle tries again")]
    Throttled {
        /// What it answered.
        answered: Answered,
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// Graph refuses: a permission is missing, or the target is privileged.
    #[error(
        "Graph refused ({answered}); grant the application permission {needs} and consent to it, unless the target holds a privileged role"
    )]
    Forbidden {
        /// What it answered.
        answered: Answered,
        /// The permission that the call needs.
        needs: &'static str,
    },
    /// The tenant has no licence for sign-in activity, or Graph cannot tell.
    #[error(
        "Graph says that the tenant has no Entra ID P1 or P2 licence ({answered}); if it has one, grant the application permission Directory.Read.All too, without which Graph sometimes cannot tell"
    )]
    NoLicence {
        /// What it answered.
        answered: Answered,
    },
    /// Entra does not accept the credential.
    #[error("Entra refused the application's credential ({code}): {advice}")]
    BadCredential {
        /// `AADSTS...`.
        code: String,
        /// What to do.
        advice: &'static str,
    },
    /// Graph does not accept the token, not even a new one.
    #[error(
        "Graph does not accept the token ({answered}); check that tenants.login_url and graph_url are of the same cloud"
    )]
    Unauthorized {
        /// What it answered.
        answered: Answered,
    },
    /// There is no such object.
    #[error("Graph does not find it ({answered})")]
    NotFound {
        /// What it answered.
        answered: Answered,
    },
    /// Somebody else is changing the same thing.
    #[error("Graph reports a conflict ({answered}); the next cycle tries again")]
    Conflict {
        /// What it answered.
        answered: Answered,
    },
    /// A listing cannot be continued; it has to begin anew.
    #[error("Graph lost its place in a listing ({answered}); the next cycle begins anew")]
    PageTokenLost {
        /// What it answered.
        answered: Answered,
    },
    /// Graph does not understand the request.
    #[error("Graph does not accept the request ({answered}); please report this")]
    BadRequest {
        /// What it answered.
        answered: Answered,
    },
    /// Graph is out of order.
    #[error("Graph is out of order ({answered}); the next cycle tries again")]
    Unavailable {
        /// What it answered.
        answered: Answered,
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// No connection, or none that lasted.
    #[error(
        "{host} cannot be reached ({call}); check the network, the proxy and tenants.graph_url and login_url"
    )]
    Unreachable {
        /// The host.
        host: String,
        /// Method and path template.
        call: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is cut short, or not what was asked for.
    #[error("Graph's answer to {call} cannot be read: {why}")]
    Malformed {
        /// Method and path template.
        call: String,
        /// Why not.
        why: String,
    },
    /// A link to the next page points to another host: the token does not go there.
    #[error("Graph's link to the next page of {call} points to {host}; it is not followed")]
    UntrustedLink {
        /// Method and path template.
        call: String,
        /// Where it points.
        host: String,
    },
    /// A listing links back to a page that it had already.
    #[error("Graph's pages of {call} never end")]
    EndlessPaging {
        /// Method and path template.
        call: String,
    },
    /// The file with certificates cannot be read.
    #[error("tenants.ca_file: {} cannot be read as certificates in PEM", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is nothing to trust a server by.
    #[error(
        "no certificates are found to trust Graph by; install ca-certificates, or set tenants.ca_file"
    )]
    NoTrust(#[source] reqwest::Error),
}

/// What can go wrong with a write.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It did not happen.
    #[error(transparent)]
    Refused(GraphError),
    /// It may have happened: read before anything else is done.
    #[error(transparent)]
    Unclear(GraphError),
}

impl GraphError {
    /// Trying again may help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Conflict { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. } => true,
            Self::Forbidden { .. }
            | Self::NoLicence { .. }
            | Self::BadCredential { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::PageTokenLost { .. }
            | Self::BadRequest { .. }
            | Self::UntrustedLink { .. }
            | Self::EndlessPaging { .. }
            | Self::CaFile { .. }
            | Self::NoTrust(_) => false,
        }
    }

    /// The request was certainly not carried out.
    pub(crate) fn is_certain(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Malformed { .. } => false,
            // Where no connection came about, nothing was sent.
            Self::Unreachable { source, .. } => source.is_connect(),
            Self::Throttled { .. }
            | Self::Forbidden { .. }
            | Self::NoLicence { .. }
            | Self::BadCredential { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::PageTokenLost { .. }
            | Self::BadRequest { .. }
            | Self::UntrustedLink { .. }
            | Self::EndlessPaging { .. }
            | Self::CaFile { .. }
            | Self::NoTrust(_) => true,
        }
    }

    /// How long Graph asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}
