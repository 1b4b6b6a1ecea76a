//! A tenant whose answers are scripted: a token endpoint and Graph on one server of its own.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, TryStreamExt};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_graph::{Credential, Graph, GraphError, GuestPage, Reader, Settings, Writer};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// What no text may ever show.
pub(crate) const SECRET: &str = "the-secret-of-the-application";
/// What no text may ever show.
pub(crate) const TOKEN: &str = "the-token-of-the-tenant";

/// How often a request is tried.
pub(crate) const ATTEMPTS: usize = 3;

pub(crate) struct Tenant {
    pub(crate) server: MockServer,
}

/// Answers in turn; the last one again and again.
struct Script(Mutex<VecDeque<ResponseTemplate>>);

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        next.expect("a script has an answer")
    }
}

impl Tenant {
    /// One that issues tokens.
    pub(crate) async fn start() -> Self {
        let tenant = Self::locked().await;
        tenant.issues([token(TOKEN)]).await;
        tenant
    }

    /// One whose token endpoint is still to be scripted.
    pub(crate) async fn locked() -> Self {
        Self {
            server: MockServer::start().await,
        }
    }

    /// Scripts the token endpoint.
    pub(crate) async fn issues(&self, answers: impl IntoIterator<Item = ResponseTemplate>) {
        self.script("POST", &token_path(), answers).await;
    }

    /// Scripts an address below `/v1.0`.
    pub(crate) async fn answers(
        &self,
        verb: &str,
        below: &str,
        answers: impl IntoIterator<Item = ResponseTemplate>,
    ) {
        self.script(verb, &format!("/v1.0{below}"), answers).await;
    }

    /// Answers every request to Graph so.
    pub(crate) async fn answers_everything(&self, answer: ResponseTemplate) {
        let mock = Mock::given(path_regex("^/v1.0/"));
        mock.respond_with(answer).mount(&self.server).await;
    }

    async fn script(
        &self,
        verb: &str,
        address: &str,
        answers: impl IntoIterator<Item = ResponseTemplate>,
    ) {
        let script = Script(Mutex::new(answers.into_iter().collect()));
        let mock = Mock::given(method(verb)).and(path(address));
        mock.respond_with(script).mount(&self.server).await;
    }

    pub(crate) fn settings(&self) -> Settings {
        let url = self.server.uri().parse().expect("an address");
        Settings {
            attempts: ATTEMPTS,
            backoff: Duration::from_millis(1),
            ..plain_settings(url)
        }
    }

    pub(crate) fn graph(&self) -> Graph {
        Graph::connect(self.settings()).expect("a connection")
    }

    pub(crate) fn reader(&self) -> Reader {
        self.graph().reader()
    }

    pub(crate) fn writer(&self) -> Writer {
        self.graph().writer("sender@contoso.example".to_owned())
    }

    /// The address of Graph's page with this token.
    pub(crate) fn page(&self, token: &str) -> String {
        format!("{}/v1.0/users?$skiptoken={token}", self.server.uri())
    }

    /// What Graph was asked.
    pub(crate) async fn asked(&self) -> Vec<Request> {
        self.requests(|path| path.starts_with("/v1.0/")).await
    }

    /// What the token endpoint was asked.
    pub(crate) async fn asked_for_tokens(&self) -> Vec<Request> {
        self.requests(|path| path == token_path()).await
    }

    async fn requests(&self, of: impl Fn(&str) -> bool) -> Vec<Request> {
        let all = self.server.received_requests().await;
        let all = all.expect("requests are recorded").into_iter();
        all.filter(|request| of(request.url.path())).collect()
    }
}

/// The customary settings for this address, Graph's and the token endpoint's.
pub(crate) fn plain_settings(url: url::Url) -> Settings {
    Settings::new(
        url.clone(),
        url,
        TenantId::derived(&[b"contoso"]),
        Credential::secret("innkeeper", SECRET),
    )
}

fn token_path() -> String {
    let tenant = TenantId::derived(&[b"contoso"]);
    format!("/{tenant}/oauth2/v2.0/token")
}

/// The answer with a token.
pub(crate) fn token(token: &str) -> ResponseTemplate {
    ok(&json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": token }))
}

pub(crate) fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub(crate) fn text(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_string(body)
}

/// Graph's error body.
pub(crate) fn failure(status: u16, code: &str) -> ResponseTemplate {
    let body = json!({ "error": { "code": code, "message": "Not shown to anybody." } });
    ResponseTemplate::new(status)
        .insert_header("request-id", "req-1")
        .set_body_json(body)
}

pub(crate) fn page(rows: &[Value], next: Option<&str>) -> ResponseTemplate {
    let mut body = json!({ "value": rows });
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    ok(&body)
}

pub(crate) fn guest_id(name: &str) -> GuestId {
    GuestId::derived(&[name.as_bytes()])
}

/// A guest's row.
pub(crate) fn guest(name: &str) -> Value {
    json!({
        "id": guest_id(name),
        "userPrincipalName": format!("{name}_partner.example#EXT#@contoso.example"),
        "userType": "Guest",
    })
}

/// Every page of a listing.
pub(crate) async fn all<T>(
    pages: impl Stream<Item = Result<T, GraphError>>,
) -> Result<Vec<T>, GraphError> {
    pages.try_collect().await
}

/// The ids on some pages.
pub(crate) fn ids(pages: &[GuestPage]) -> Vec<GuestId> {
    pages
        .iter()
        .flat_map(|page| &page.guests)
        .map(|guest| guest.id)
        .collect()
}

/// An address at which nobody listens.
pub(crate) fn nowhere() -> url::Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    format!("http://{address}").parse().expect("an address")
}

/// Everything that could be shown of an error.
pub(crate) fn shown<E: Error + Debug>(error: &E) -> String {
    let mut text = format!("{error:?} {error:#?} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}
