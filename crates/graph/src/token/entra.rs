//! Tokens of Entra's token endpoint, by the `oauth2` crate: with a secret, or with an assertion in its place.

use std::fmt;
use std::fs;

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
use tracing::warn;
use url::Url;

use super::certificate::Certificate;
use super::{CALL, CUSTOMARY, Issued, malformed};
use crate::answer::retry_after;
use crate::client::Connection;
use crate::error::{Answered, GraphError};
use crate::settings::{Application, Settings};

/// A certificate that ends in so many days is warned about.
const SOON: i64 = 30;

type EntraClient = Client<
    EntraError,
    BasicTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// The tenant's token endpoint.
pub(crate) fn endpoint(settings: &Settings) -> Url {
    let mut endpoint = settings.login_url.clone();
    if let Ok(mut path) = endpoint.path_segments_mut() {
        path.pop_if_empty()
            .extend([&settings.tenant.to_string(), "oauth2", "v2.0", "token"]);
    }
    endpoint
}

/// Asks Entra for a token; `claims` are those that Graph asked for.
pub(super) async fn ask(
    connection: &Connection,
    client_id: &str,
    application: &Application,
    claims: Option<&str>,
) -> Result<Issued, GraphError> {
    let endpoint = endpoint(&connection.settings);
    let client = EntraClient::new(ClientId::new(client_id.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(endpoint.clone()));
    let client = match application {
        Application::Secret(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        Application::Certificate(_) | Application::FederatedToken(_) => client,
    };
    let scope = format!(
        "{}/.default",
        connection.settings.graph_url.origin().ascii_serialization()
    );
    let mut request = client
        .exchange_client_credentials()
        .add_scope(Scope::new(scope));
    if let Some(assertion) = assertion(application, client_id, &endpoint)? {
        request = request
            .add_extra_param(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .add_extra_param("client_assertion", assertion.expose_secret().to_owned());
    }
    if let Some(claims) = claims {
        request = request.add_extra_param("claims", claims.to_owned());
    }
    let answer = request.request_async(connection).await;
    let answer = answer.map_err(|error| match error {
        RequestTokenError::ServerResponse(error) => refusal(&error),
        RequestTokenError::Request(Untold(error)) => error,
        // Neither is shown: what was sent instead of a token may be one.
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            malformed("it is neither a token nor a refusal")
        }
    })?;
    Ok(Issued {
        secret: answer.access_token().secret().clone().into(),
        life: answer.expires_in().unwrap_or(CUSTOMARY),
    })
}

/// What stands for the application in place of a secret. Files are read for each token: both kinds are renewed on disk.
fn assertion(
    application: &Application,
    client_id: &str,
    endpoint: &Url,
) -> Result<Option<SecretString>, GraphError> {
    match application {
        Application::Secret(_) => Ok(None),
        Application::Certificate(path) => {
            let certificate = Certificate::read(path)?;
            let days = certificate.days_left();
            if days < SOON {
                warn!(days, ends = %certificate.ends, "the application's certificate ends soon; add a new one to the app registration and to tenants.credential.certificate_file");
            }
            let assertion = certificate.assertion(client_id, endpoint.as_str())?;
            Ok(Some(assertion.into()))
        }
        Application::FederatedToken(path) => {
            let wrong = |why: String| GraphError::CredentialFile {
                path: path.clone(),
                why,
            };
            let text = fs::read_to_string(path)
                .map_err(|error| wrong(format!("cannot be read: {error}")))?;
            let token = text.trim();
            if token.is_empty() {
                return Err(wrong("is empty".to_owned()));
            }
            Ok(Some(token.into()))
        }
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
        Some(700_027) => {
            "the certificate is not registered with the application, or its key is another's; upload the certificate to the app registration (a new one takes some minutes to be known)"
        }
        Some(700_213 | 70_021) => {
            "no federated credential of the application matches the token; compare issuer, subject and audience in the app registration, letter by letter"
        }
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
    let answer = connection.exchange(connection.http(), request, CALL).await;
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
