//! Access tokens: asked for, kept, and renewed ahead of time.
//!
//! Invariants: one refresh at a time, however many callers wait; neither token nor secret is ever shown. Lifetimes run
//! on the monotonic clock, so that a clock that is set makes no token look fresh.

pub(crate) mod certificate;
mod entra;
mod managed;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

use crate::client::Connection;
use crate::error::GraphError;
use crate::retry::Failed;
use crate::settings::Credential;

/// What the token says of the application itself. To everybody but Graph a token is opaque: what cannot be found in it
/// is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OwnIds {
    /// Its application (client) id.
    pub(crate) application: Option<Uuid>,
    /// The object id of its service principal in the tenant.
    pub(crate) service_principal: Option<Uuid>,
}

/// For messages.
const CALL: &str = "POST /{tenant}/oauth2/v2.0/token";

/// A token is renewed this long before it ends, or at half its life if that is later.
const AHEAD: Duration = Duration::from_secs(300);

/// What is assumed of a token whose answer does not say.
const CUSTOMARY: Duration = Duration::from_secs(3_600);

/// The tenant's token.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    /// What Graph wants to see in the next one (a claims challenge of continuous access evaluation).
    claims: Option<String>,
}

/// A token as it was handed out.
struct Issued {
    secret: SecretString,
    life: Duration,
}

#[derive(Clone)]
pub(crate) struct Token {
    secret: SecretString,
    /// From when on a new one is asked for,
    renew: Instant,
    /// and until when this one serves if there is none.
    ends: Instant,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Tokens {
    /// A token that is good for a while. One attempt: whoever needs the token tries again.
    pub(crate) async fn current(&self, connection: &Connection) -> Result<Token, Failed> {
        // Held while a new one is fetched: whoever comes meanwhile gets that one.
        let mut state = self.0.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.renew) {
            return Ok(token.clone());
        }
        // Whatever goes wrong here, the request that the token is for was not sent.
        match issue(connection, state.claims.as_deref()).await {
            Ok(Issued { secret, life }) => {
                let token = Token {
                    secret,
                    renew: now + (life / 2).max(life.saturating_sub(AHEAD)),
                    ends: now + life,
                };
                state.token = Some(token.clone());
                Ok(token)
            }
            Err(error) => match state.token.as_ref().filter(|token| now < token.ends) {
                Some(token) => {
                    warn!(%error, "the token cannot be renewed yet; the one at hand is still good");
                    Ok(token.clone())
                }
                None => Err(Failed::certainly(error)),
            },
        }
    }

    /// Forgets a token that Graph did not accept, unless it has been renewed meanwhile; the next one is asked for with
    /// the claims that Graph wants to see in it.
    pub(crate) async fn forget(&self, refused: &Token, claims: Option<String>) {
        let mut state = self.0.lock().await;
        let is_current = state
            .token
            .as_ref()
            .is_some_and(|token| token.secret.expose_secret() == refused.secret.expose_secret());
        if is_current {
            *state = State {
                token: None,
                claims,
            };
        }
    }
}

async fn issue(connection: &Connection, claims: Option<&str>) -> Result<Issued, GraphError> {
    match &connection.settings.credential {
        Credential::Application {
            client_id,
            application,
        } => entra::ask(connection, client_id, application, claims).await,
        // The platform keeps the token by itself, and takes no claims.
        Credential::ManagedIdentity { client_id, source } => {
            managed::ask(connection, client_id.as_deref(), source).await
        }
    }
}

impl Token {
    /// The header that carries it, marked so that it is not shown.
    pub(crate) fn header(&self) -> Result<HeaderValue, GraphError> {
        let header = HeaderValue::try_from(format!("Bearer {}", self.secret.expose_secret()));
        let mut header = header.map_err(|_| malformed("the token holds what no header can"))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The `roles` claim.
    pub(crate) fn roles(&self) -> Result<BTreeSet<String>, GraphError> {
        #[derive(Deserialize)]
        struct Claims {
            #[serde(default)]
            roles: BTreeSet<String>,
        }
        Ok(self.claims::<Claims>()?.roles)
    }

    /// The claims that tell which application it was given to: `appid`, or `azp` in newer tokens, and `oid`.
    pub(crate) fn own_ids(&self) -> OwnIds {
        #[derive(Deserialize)]
        struct Claims {
            appid: Option<Uuid>,
            azp: Option<Uuid>,
            oid: Option<Uuid>,
        }
        match self.claims::<Claims>() {
            Ok(Claims { appid, azp, oid }) => OwnIds {
                application: appid.or(azp),
                service_principal: oid,
            },
            Err(_) => OwnIds::default(),
        }
    }

    /// What it claims. The signature is not checked, as the token is not meant for this side.
    fn claims<T: DeserializeOwned>(&self) -> Result<T, GraphError> {
        let opaque = || malformed("the token cannot be looked into");
        let mut parts = self.secret.expose_secret().split('.');
        let payload = parts.nth(1).ok_or_else(opaque)?;
        let payload = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .map_err(|_| opaque())?;
        serde_json::from_slice(&payload).map_err(|_| opaque())
    }
}

fn malformed(why: &str) -> GraphError {
    GraphError::Malformed {
        call: CALL.to_owned(),
        why: why.to_owned(),
    }
}
