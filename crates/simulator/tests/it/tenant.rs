//! A simulated tenant, with a client that holds a token and a driver that needs none.

use std::borrow::Borrow;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_simulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TENANT_ID, Options, PopulationOptions,
    Running, Simulator,
};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// The simulated time at which every test starts.
pub const START: &str = "2027-01-04T06:00:00Z";

/// The simulated time at which tests without limits start.
pub const SPRING: &str = "2026-03-02T09:00:00Z";

/// So long that what ought to happen would have happened.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A day, in seconds.
pub const DAY: i64 = 86_400;

/// The filter of guests.
pub const GUESTS: &str = "$filter=userType eq 'Guest'";

/// A simulated tenant whose clock moves only when told to.
pub struct Tenant {
    simulator: Running,
    http: reqwest::Client,
    token: String,
}

/// An answer, read whole. A body that is not JSON is a string.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The error's code, or nothing.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    /// Status and code, to compare at once.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.code())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The rows of a listing.
    pub fn rows(&self) -> &[Value] {
        self.body["value"]
            .as_array()
            .unwrap_or_else(|| panic!("a listing, not {self:?}"))
    }

    pub fn next(&self) -> Option<&str> {
        self.body["@odata.nextLink"].as_str()
    }

    /// What must have succeeded.
    pub fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "{self:?}");
        self
    }
}

impl Tenant {
    /// Guests that do nothing of their own accord.
    pub async fn still(guests: usize) -> Self {
        Self::with(guests, |options| options.population.life = false).await
    }

    /// Guests that go on living.
    pub async fn alive(guests: usize) -> Self {
        Self::with(guests, |_| {}).await
    }

    /// Guests that go on living from [`SPRING`] on, with nobody throttled.
    pub async fn quiet(guests: usize) -> Self {
        Self::with(guests, |options| {
            options.start = Some(SPRING.parse().expect("a time"));
            options.throttling = false;
        })
        .await
    }

    pub async fn with(guests: usize, edit: impl FnOnce(&mut Options)) -> Self {
        // Whichever test comes first installs it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut options = Options {
            population: PopulationOptions {
                guests,
                seed: 7,
                ..PopulationOptions::default()
            },
            start: Some(start()),
            speed: 0.0,
            ..Options::default()
        };
        edit(&mut options);
        let simulator = Simulator::start(options)
            .await
            .expect("the simulator starts");
        let mut tenant = Self {
            simulator,
            http: client(),
            token: String::new(),
        };
        tenant.renew().await;
        tenant
    }

    /// Asks for another token, with the permissions of now.
    pub async fn renew(&mut self) {
        let answer = self
            .ask_for_token(&DEFAULT_TENANT_ID.to_string(), &[])
            .await;
        self.token = text(&answer.ok().body["access_token"]);
    }

    /// Grants these permissions only, and takes a token that has them.
    pub async fn permit(&mut self, roles: &[&str]) {
        self.drive("PUT", "permissions", json!({ "roles": roles }))
            .await;
        self.renew().await;
    }

    /// Asks for a token with the right form, except for what is replaced.
    pub async fn ask_for_token(&self, tenant: &str, replaced: &[(&str, &str)]) -> Answer {
        let client_id = DEFAULT_CLIENT_ID.to_string();
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &client_id),
            ("client_secret", DEFAULT_CLIENT_SECRET),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        for (name, value) in &mut form {
            if let Some((_, other)) = replaced.iter().find(|(other, _)| other == name) {
                *value = other;
            }
        }
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.simulator.url());
        answer(self.http.post(url).form(&form))
            .await
            .expect("an answer")
    }

    /// Asks for a token of the application with these ways to prove who it is.
    pub async fn ask_for_token_with(&self, proof: &[(&str, &str)]) -> Answer {
        let client_id = DEFAULT_CLIENT_ID.to_string();
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id.as_str()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        form.extend_from_slice(proof);
        let url = format!(
            "{}/{DEFAULT_TENANT_ID}/oauth2/v2.0/token",
            self.simulator.url()
        );
        answer(self.http.post(url).form(&form))
            .await
            .expect("an answer")
    }

    /// What the machine answers on which an application runs.
    pub async fn machine(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.http.get(format!("{}{path}", self.simulator.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request).await.expect("an answer")
    }

    /// Goes on with the token of this answer.
    pub fn take_token(&mut self, answer: &Answer) {
        self.token = text(&answer.body["access_token"]);
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// With the header of advanced queries.
    pub async fn get_eventual(&self, path: &str) -> Answer {
        let request = self.request(Method::GET, path);
        answer(request.header("ConsistencyLevel", "eventual"))
            .await
            .expect("an answer")
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub async fn patch(&self, path: &str, body: impl Borrow<Value>) -> Answer {
        self.call(Method::PATCH, path, Some(body.borrow().clone()))
            .await
    }

    pub async fn post(&self, path: &str, body: impl Borrow<Value>) -> Answer {
        self.call(Method::POST, path, Some(body.borrow().clone()))
            .await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.attempt(method, path, body).await.expect("an answer")
    }

    /// A request whose answer may not come, or not whole.
    pub async fn attempt(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let request = self.request(method, path);
        answer(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// A request to Graph: a path below `/v1.0`, or a whole link.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/v1.0/{path}", self.simulator.url()),
            None => path.to_owned(),
        };
        self.http.request(method, url).bearer_auth(&self.token)
    }

    /// Every row of a listing, page after page.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let mut page = self.get(path).await.ok();
        let mut rows = page.rows().to_vec();
        while let Some(next) = page.next().map(str::to_owned) {
            page = self.get(&next).await.ok();
            rows.extend_from_slice(page.rows());
        }
        rows
    }

    /// What the control interface tells.
    pub async fn tell(&self, path: &str) -> Value {
        let url = format!("{}/_simulator/{path}", self.simulator.url());
        answer(self.http.get(url))
            .await
            .expect("an answer")
            .ok()
            .body
    }

    /// What the control interface does.
    pub async fn drive(&self, method: &str, path: &str, body: Value) -> Value {
        self.try_drive(method, path, body).await.ok().body
    }

    pub async fn try_drive(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let url = format!("{}/_simulator/{path}", self.simulator.url());
        answer(self.http.request(method, url).json(&body))
            .await
            .expect("an answer")
    }

    pub async fn pass(&self, seconds: i64) {
        self.drive("POST", "clock/advance", json!({ "seconds": seconds }))
            .await;
    }

    /// Switches a fault on; returns its id.
    pub async fn fault(&self, fault: Value) -> u64 {
        self.drive("POST", "faults", fault).await["id"]
            .as_u64()
            .expect("an id")
    }

    pub async fn truth(&self) -> Vec<Value> {
        let truth = self.tell("truth").await;
        truth.as_array().expect("a list").clone()
    }

    /// The truth about one guest.
    pub async fn truth_of(&self, id: &str) -> Value {
        let truth = self.truth().await;
        truth
            .into_iter()
            .find(|guest| guest["id"] == id)
            .expect("a guest")
    }

    /// A redeemed guest who signed in ten days ago; returns its id.
    pub async fn add_guest(&self, name: &str) -> String {
        let guest = json!({
            "mail": format!("{name}@partner.example"),
            "created": days_ago(700),
            "last_success": days_ago(10),
            "last_interactive": days_ago(10),
        });
        text(&self.drive("POST", "users", guest).await["id"])
    }

    /// A group of a kind with one member; returns its id.
    pub async fn add_group(&self, kind: &str, member: &str) -> String {
        let group = json!({ "name": format!("the {kind} one"), "kind": kind, "members": [member] });
        text(&self.drive("POST", "groups", group).await["id"])
    }

    /// A guest of the control interface's making; returns what is true of it.
    pub async fn guest(&self, with: Value) -> Value {
        self.drive("POST", "users", with).await
    }

    /// A group of a kind, named after it; returns its id.
    pub async fn group(&self, kind: &str, members: &[&str]) -> String {
        let name = format!("A {kind} group");
        let group = json!({ "name": name, "kind": kind, "members": members });
        text(&self.drive("POST", "groups", group).await["id"])
    }

    /// What was really done and to whom, in order.
    pub async fn targets(&self) -> Vec<(String, String)> {
        let writes = self.tell("writes").await;
        let writes = writes.as_array().expect("a list").iter();
        writes
            .map(|write| (text(&write["kind"]), text(&write["target"])))
            .collect()
    }

    pub fn url(&self) -> String {
        self.simulator.url()
    }

    /// Spoils the token.
    pub fn forget_token(&mut self) {
        self.token.push('x');
    }

    /// Stops the simulator.
    pub async fn stop(self) {
        self.simulator.stop().await;
    }

    /// A request whose headers are looked at before its body, or whose failure is.
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator's wire is what is tested"
    )]
    pub async fn open(
        &self,
        method: Method,
        path: &str,
    ) -> Result<reqwest::Response, reqwest::Error> {
        self.request(method, path).send().await
    }

    /// A request with one more header.
    pub async fn with_header(&self, request: (&str, &str, Value), header: (&str, &str)) -> Answer {
        let (method, path, body) = request;
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.request(method, path).json(&body);
        answer(request.header(header.0, header.1))
            .await
            .expect("an answer")
    }

    /// What was really done, in order.
    pub async fn writes(&self) -> Vec<String> {
        let writes = self.tell("writes").await;
        let writes = writes.as_array().expect("a list");
        writes.iter().map(|write| text(&write["kind"])).collect()
    }
}

pub fn is_live(guest: &Value) -> bool {
    guest["deleted"].is_null() && guest["purged"] == false
}

/// A moment as the control interface or Graph tells it, if it tells one.
pub fn moment(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

pub fn start() -> DateTime<Utc> {
    START.parse().expect("a time")
}

pub fn days_ago(days: i64) -> String {
    written(start() - TimeDelta::days(days))
}

/// As Graph writes a time.
pub fn written(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a text, not {value}"))
        .to_owned()
}

/// The names of an object's properties, without annotations, in order.
pub fn properties(row: &Value) -> Vec<&str> {
    let names = row.as_object().expect("an object").keys();
    let mut names: Vec<&str> = names
        .map(String::as_str)
        .filter(|name| !name.starts_with('@'))
        .collect();
    names.sort_unstable();
    names
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client of its own, for the simulator's wire"
)]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's wire is what is tested"
)]
async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    let body = match text.as_str() {
        "" => Value::Null,
        text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    };
    Ok(Answer {
        status,
        headers,
        body,
    })
}
