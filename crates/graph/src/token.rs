//! Access tokens: asked for by the `oauth2` crate, kept, and renewed ahead of time.
//!
//! Invariants: one refresh at a time, however many callers wait; neither token nor secret is ever shown. Lifetimes run
//! on the monotonic clock, so that a clock that is set makes no token look fresh.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenResponse,
};
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, ClientSecret, ErrorResponse, HttpRequest,
    HttpResponse, RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::answer::retry_after;
use crate::client::Connection;
use crate::error::{Answered, GraphError};
use crate::retry::Failed;
use crate::settings::{Credential, Settings};

/// For messages.
const CALL: &str = "POST /{tenant}/oauth2/v2.0/token";

/// A token is renewed this long before it ends, or at half its life if that is later.
const AHEAD: Duration = Duration::from_secs(300);

/// What is assumed of a token whose answer does not say.
const CUSTOMARY: Duration = Duration::from_secs(3_600);

type EntraClient = Client<
    EntraError,
    BasicTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// The tenant's token.
#[derive(Debug)]
pub(crate) struct Tokens {
    endpoint: Url,
    scope: String,
    current: Mutex<Option<Token>>,
}

#[derive(Clone)]
pub(crate) struct Token {
    secret: SecretString,
    renew: Instant,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// The error of Entra's token endpoint. Its `error_codes` tell more than the standard's `error`.
#[derive(Debug, Serialize, Deserialize)]
struct EntraError {
    error: String,
    #[serde(default)]
    error_codes: Vec<u64>,
}

impl fmt::Display for EntraError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl ErrorResponse for EntraError {}

impl EntraError {
    fn has(&self, code: u64) -> bool {
        self.error_codes.contains(&code)
    }
}

/// Codes of troubles that pass: a loop that was cut, a service out of order, too many requests.
const PASSING: [u64; 3] = [50_196, 90_033, 90_055];

impl Tokens {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut endpoint = settings.login_url.clone();
        if let Ok(mut path) = endpoint.path_segments_mut() {
            path.pop_if_empty()
                .extend([&settings.tenant.to_string(), "oauth2", "v2.0", "token"]);
        }
        let scope = format!(
            "{}/.default",
            settings.graph_url.origin().ascii_serialization()
        );
        Self {
            endpoint,
            scope,
            current: Mutex::new(None),
        }
    }

    /// A token that is good for a while. One attempt: whoever needs the token tries again.
    pub(crate) async fn current(&self, connection: &Connection) -> Result<Token, Failed> {
        // Held while a new one is fetched: whoever comes meanwhile gets that one.
        let mut current = self.current.lock().await;
        if let Some(token) = current
            .as_ref()
            .filter(|token| Instant::now() < token.renew)
        {
            return Ok(token.clone());
        }
        // Whatever goes wrong here, the request that the token is for was not sent.
        let token = self.ask(connection).await.map_err(Failed::certainly)?;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that Graph did not accept, unless it has been renewed meanwhile.
    pub(crate) async fn forget(&self, refused: &Token) {
        let mut current = self.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|current| current.secret.expose_secret() == refused.secret.expose_secret())
        {
            *current = None;
        }
    }

    async fn ask(&self, connection: &Connection) -> Result<Token, GraphError> {
        let Settings {
            client_id,
            credential,
            ..
        } = &connection.settings;
        let Credential::ClientSecret(secret) = credential;
        let client = EntraClient::new(ClientId::new(client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_token_uri(TokenUrl::from_url(self.endpoint.clone()));
        let answer = client
            .exchange_client_credentials()
            .add_scope(Scope::new(self.scope.clone()))
            .request_async(connection)
            .await;
        let answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(error) => refusal(&error),
            RequestTokenError::Request(Untold(error)) => error,
            // Neither is shown: what was sent instead of a token may be one.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                malformed("it is neither a token nor a refusal")
            }
        })?;
        let life = answer.expires_in().unwrap_or(CUSTOMARY);
        let renew = Instant::now() + (life / 2).max(life.saturating_sub(AHEAD));
        Ok(Token {
            secret: answer.access_token().secret().clone().into(),
            renew,
        })
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

    /// The `roles` claim. The signature is not checked, as the token is not meant for this side.
    pub(crate) fn roles(&self) -> Result<BTreeSet<String>, GraphError> {
        #[derive(Deserialize)]
        struct Claims {
            #[serde(default)]
            roles: BTreeSet<String>,
        }
        let opaque = || malformed("the token cannot be looked into");
        let mut parts = self.secret.expose_secret().split('.');
        let payload = parts.nth(1).ok_or_else(opaque)?;
        let payload = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .map_err(|_| opaque())?;
        let claims: Claims = serde_json::from_slice(&payload).map_err(|_| opaque())?;
        Ok(claims.roles)
    }
}

fn malformed(why: &str) -> GraphError {
    GraphError::Malformed {
        call: CALL.to_owned(),
        why: why.to_owned(),
    }
}

fn answered(status: u16, code: Option<String>, request_id: Option<String>) -> Answered {
    Answered {
        call: CALL.to_owned(),
        status,
        code,
        request_id,
    }
}

/// What to do about a refusal, by its numeric code (`error_codes`), never by its text.
fn refusal(error: &EntraError) -> GraphError {
    let code = error
        .error_codes
        .first()
        .map_or_else(|| error.error.clone(), |code| format!("AADSTS{code}"));
    if error.error == "temporarily_unavailable" || PASSING.iter().any(|code| error.has(*code)) {
        let answered = answered(400, Some(code), None);
        return GraphError::Unavailable {
            answered,
            retry_after: None,
        };
    }
    let advice = match error.error_codes.first() {
        Some(7_000_215) => "the client secret is wrong; use the secret's value, not its id",
        Some(7_000_222) => "the client secret has expired; make a new one in the app registration",
        Some(700_016) => {
            "the tenant does not know the application; check tenants.credential.client_id and tenants.tenant_id, and consent to the application in that tenant"
        }
        Some(90_002) => {
            "there is no such tenant; check tenants.tenant_id, and that tenants.login_url is of the tenant's cloud"
        }
        Some(70_011) => {
            "the scope is not valid; check that tenants.graph_url and login_url are of the same cloud"
        }
        Some(53_003) => {
            "a Conditional Access policy blocks the application; let it except this one"
        }
        _ => "look the code up at https://login.microsoftonline.com/error",
    };
    GraphError::BadCredential { code, advice }
}

/// What `oauth2` wants to be told of a request that failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Untold(GraphError);

impl<'c> AsyncHttpClient<'c> for Connection {
    type Error = Untold;
    type Future = BoxFuture<'c, Result<HttpResponse, Untold>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(over_exchange(self, request))
    }
}

/// Sends a request of `oauth2`. Throttling, outages and redirections are told apart here, since `oauth2` would take their
/// bodies for answers that cannot be parsed.
async fn over_exchange(
    connection: &Connection,
    request: HttpRequest,
) -> Result<HttpResponse, Untold> {
    let request = reqwest::Request::try_from(request)
        .map_err(|_| Untold(malformed("the request for a token cannot be made")))?;
    let answer = connection.exchange(request, CALL).await;
    let answer = answer.map_err(|failed| Untold(failed.error))?;
    let status = answer.status.as_u16();
    let retry_after = retry_after(&answer.headers);
    let answered = answered(status, None, answer.request_id());
    match status {
        300..=399 => Err(Untold(GraphError::Redirected { answered })),
        429 => Err(Untold(connection.counted(GraphError::Throttled {
            answered,
            retry_after,
        }))),
        408 | 500..=599 => Err(Untold(GraphError::Unavailable {
            answered,
            retry_after,
        })),
        _ => {
            let mut response = http::Response::new(answer.body);
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        }
    }
}
