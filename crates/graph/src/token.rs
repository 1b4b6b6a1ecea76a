//! Access tokens: asked for by the `oauth2` crate, kept, and renewed ahead of time.
//!
//! Invariants: one refresh at a time, however many callers wait; neither token nor secret is ever shown. Lifetimes run
//! on the monotonic clock, so that a clock that is set makes no token look fresh.

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use oauth2::basic::{
    BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenResponse,
};
use oauth2::{
    AsyncHttpClient, AuthType, Client, ClientId, ClientSecret, ErrorResponse, HttpRequest,
    HttpResponse, RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::client::Connection;
use crate::error::{Answered, GraphError};
use crate::send;
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

impl Tokens {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut endpoint = settings.login_url.clone();
        if let Ok(mut path) = endpoint.path_segments_mut() {
            path.pop_if_empty()
                .extend([&settings.tenant.to_string(), "oauth2", "v2.0", "token"]);
        }
        let scope = format!(
            "{}/.default",
            settings.graph_url.as_str().trim_end_matches('/')
        );
        Self {
            endpoint,
            scope,
            current: Mutex::new(None),
        }
    }

    /// A token that is good for a while.
    pub(crate) async fn current(&self, connection: &Connection) -> Result<Token, GraphError> {
        // Held while a new one is fetched: whoever comes meanwhile gets that one.
        let mut current = self.current.lock().await;
        if let Some(token) = current
            .as_ref()
            .filter(|token| Instant::now() < token.renew)
        {
            return Ok(token.clone());
        }
        let token = self.fetch(connection).await?;
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

    async fn fetch(&self, connection: &Connection) -> Result<Token, GraphError> {
        let attempt = || async { self.ask(connection).await };
        send::with_retries(connection, attempt, GraphError::is_transient).await
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
            RequestTokenError::Request(Failure(error)) => error,
            RequestTokenError::Parse(error, _) => malformed(&error.to_string()),
            RequestTokenError::Other(why) => malformed(&why),
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
    pub(crate) fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

fn malformed(why: &str) -> GraphError {
    GraphError::Malformed {
        call: CALL.to_owned(),
        why: why.to_owned(),
    }
}

/// What to do about a refusal, by its numeric code (`error_codes`), never by its text.
fn refusal(error: &EntraError) -> GraphError {
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
    let code = error
        .error_codes
        .first()
        .map_or_else(|| error.error.clone(), |code| format!("AADSTS{code}"));
    GraphError::BadCredential { code, advice }
}

/// What `oauth2` wants to be told of a request that failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Failure(GraphError);

impl<'c> AsyncHttpClient<'c> for Connection {
    type Error = Failure;
    type Future = BoxFuture<'c, Result<HttpResponse, Failure>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(over_reqwest(self, request))
    }
}

/// Sends a request of `oauth2`. Throttling and outages are told apart here, since `oauth2` would take their bodies for
/// answers that cannot be parsed.
async fn over_reqwest(
    connection: &Connection,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let host = connection
        .settings
        .login_url
        .host_str()
        .unwrap_or_default()
        .to_owned();
    let unreachable = |source: reqwest::Error| {
        Failure(GraphError::Unreachable {
            host: host.clone(),
            call: CALL.to_owned(),
            source: source.without_url(),
        })
    };
    let request = reqwest::Request::try_from(request).map_err(unreachable)?;
    let answer = send::execute(connection, request)
        .await
        .map_err(unreachable)?;
    let status = answer.status();
    if status.as_u16() == 429 || status.is_server_error() {
        let retry_after = send::retry_after(answer.headers());
        let answered = Answered {
            call: CALL.to_owned(),
            status: status.as_u16(),
            code: None,
            request_id: None,
        };
        return Err(Failure(GraphError::Unavailable {
            answered,
            retry_after,
        }));
    }
    let mut response = http::Response::builder().status(status);
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let body = answer.bytes().await.map_err(unreachable)?.to_vec();
    response
        .body(body)
        .map_err(|error| Failure(malformed(&error.to_string())))
}
