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
    /// Graph asks to slow down, for longer or more often than is waited for.
    #[error("Graph throttles this application ({answered}); the next cycle tries again")]
    Throttled {
        /// What it answered.
        answered: Answered,
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// Graph refuses: a permission is missing, or the target is privileged.
    #[error("Graph refused ({answered}); {}", remedy(answered, needs))]
    Forbidden {
        /// What it answered.
        answered: Answered,
        /// The permission that the call needs.
        needs: &'static str,
    },
    /// A group shows its members only to who may read hidden ones: to others it may look empty.
    #[error(
        "the group {group} hides its members ({call}); grant the application permission Member.Read.Hidden and consent to it"
    )]
    HiddenMembers {
        /// Method and path template.
        call: String,
        /// The group's name.
        group: String,
    },
    /// The tenant has no licence for sign-in activity, or Graph cannot tell.
    #[error(
        "Graph says that the tenant has no Entra ID P1 or P2 licence ({answered}); if it has one, grant the application permission Directory.Read.All too, without which Graph sometimes cannot tell"
    )]
    NoLicence {
        /// What it answered.
        answered: Answered,
    },
    /// The tenant has no licence for governing identities: nobody is eligible for a role, nobody has an access package.
    #[error("Graph says that the tenant has no Entra ID P2 or Governance licence ({answered})")]
    NoGovernance {
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
    /// The file that the credential is in cannot be used.
    #[error("tenants.credential: {} {why}", path.display())]
    CredentialFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The assertion could not be signed.
    #[error("tenants.credential: the certificate's key cannot sign: {why}")]
    Unsigned {
        /// Why not.
        why: String,
    },
    /// The machine has no managed identity, or not this one.
    #[error(
        "the machine's managed identity gives no token ({answered}); assign an identity to the machine, and check tenants.credential.client_id"
    )]
    NoIdentity {
        /// What it answered.
        answered: Answered,
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
    /// It is there no more, and neither is what pointed to it.
    #[error("Graph says that it is gone ({answered}); the next cycle begins anew")]
    Gone {
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
    /// Something in between answers with a redirection, which is not followed.
    #[error(
        "a redirection came instead of an answer ({answered}) and is not followed; check the proxy, tenants.graph_url and login_url"
    )]
    Redirected {
        /// What it answered.
        answered: Answered,
    },
    /// Whoever was asked is out of order: Graph, Entra, or the platform.
    #[error("no usable answer came ({answered}); the next cycle tries again")]
    Unavailable {
        /// What it answered.
        answered: Answered,
        /// How long to wait.
        retry_after: Option<Duration>,
    },
    /// No connection, or none that lasted.
    #[error(
        "{host} {} ({call}); check the network, the proxy, tenants.graph_url and login_url",
        how(source)
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
    /// The answer is larger than anything that Graph sends.
    #[error("Graph's answer to {call} has more than {limit} bytes; it is not read")]
    TooLarge {
        /// Method and path template.
        call: String,
        /// What is read at most.
        limit: usize,
    },
    /// A link to the next page points to another host: the token does not go there.
    #[error("Graph's link to the next page of {call} points to {host}; it is not followed")]
    UntrustedLink {
        /// Method and path template.
        call: String,
        /// Where it points.
        host: String,
    },
    /// A listing links back to a page that it had already, or goes on without end.
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
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. } => true,
            // Of the conflicts only this one passes by itself.
            Self::Conflict { answered } => answered.has_code("Directory_ConcurrencyViolation"),
            Self::Forbidden { .. }
            | Self::HiddenMembers { .. }
            | Self::NoLicence { .. }
            | Self::NoGovernance { .. }
            | Self::BadCredential { .. }
            | Self::CredentialFile { .. }
            | Self::Unsigned { .. }
            | Self::NoIdentity { .. }
            | Self::Unauthorized { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::PageTokenLost { .. }
            | Self::BadRequest { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::UntrustedLink { .. }
            | Self::EndlessPaging { .. }
            | Self::CaFile { .. }
            | Self::NoTrust(_) => false,
        }
    }

    /// How long Graph asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// What Graph answered, where it did.
    #[must_use]
    pub fn answered(&self) -> Option<&Answered> {
        match self {
            Self::Throttled { answered, .. }
            | Self::Forbidden { answered, .. }
            | Self::NoLicence { answered }
            | Self::NoGovernance { answered }
            | Self::Unauthorized { answered }
            | Self::NotFound { answered }
            | Self::Gone { answered }
            | Self::Conflict { answered }
            | Self::PageTokenLost { answered }
            | Self::BadRequest { answered }
            | Self::Redirected { answered }
            | Self::Unavailable { answered, .. } => Some(answered),
            Self::HiddenMembers { .. }
            | Self::BadCredential { .. }
            | Self::CredentialFile { .. }
            | Self::Unsigned { .. }
            | Self::NoIdentity { .. }
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::UntrustedLink { .. }
            | Self::EndlessPaging { .. }
            | Self::CaFile { .. }
            | Self::NoTrust(_) => None,
        }
    }
}

impl WriteError {
    /// What went wrong.
    #[must_use]
    pub fn error(&self) -> &GraphError {
        match self {
            Self::Refused(error) | Self::Unclear(error) => error,
        }
    }

    /// Graph has no such object, or no such membership: what was to be taken away may be gone already. Whether it is
    /// takes a look, since Graph says the same of an object that has not arrived everywhere yet.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(GraphError::NotFound { .. }))
    }
}

impl Answered {
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code
            .as_deref()
            .is_some_and(|known| known.eq_ignore_ascii_case(code))
    }
}

/// What to do about a refusal. A missing permission and a privileged target are answered with the same words.
fn remedy(answered: &Answered, needs: &str) -> String {
    let grant = if needs.is_empty() {
        "grant the application the permission for it".to_owned()
    } else {
        format!("grant the application permission {needs}")
    };
    let except = if answered.call.starts_with("GET ") {
        ""
    } else if answered.has_code("ErrorAccessDenied") {
        ", and let the application access policy of Exchange include the sender's mailbox"
    } else {
        ", unless the target holds a privileged role"
    };
    format!("{grant} and consent to it{except}")
}

/// How a connection failed.
fn how(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off the connection"
    }
}
