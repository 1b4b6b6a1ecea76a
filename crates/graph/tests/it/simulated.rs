//! The simulated tenant, and the interface by which it is driven.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_graph::{Credential, Graph, Reader, Settings, Writer};
use innkeeper_simulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TENANT_ID, Options, PopulationOptions,
    Running, Simulator,
};
use serde_json::{Value, json};

use crate::tenant::ATTEMPTS;

const START: &str = "2026-03-02T09:00:00Z";

pub(crate) struct Simulated {
    running: Running,
    http: reqwest::Client,
    graph: Graph,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the control interface is not Graph, and is not reached by the client under test"
)]
impl Simulated {
    pub(crate) async fn start() -> Self {
        let options = Options {
            population: PopulationOptions {
                guests: 300,
                seed: 3,
                ..PopulationOptions::default()
            },
            start: Some(START.parse().expect("a time")),
            speed: 0.0,
            throttling: false,
            ..Options::default()
        };
        let running = Simulator::start(options).await.expect("a simulator");
        let url: url::Url = running.url().parse().expect("an address");
        let settings = Settings {
            attempts: ATTEMPTS,
            backoff: Duration::from_millis(1),
            ..Settings::new(
                url.clone(),
                url,
                DEFAULT_TENANT_ID.into(),
                Credential::secret(DEFAULT_CLIENT_ID.to_string(), DEFAULT_CLIENT_SECRET),
            )
        };
        let graph = Graph::connect(settings).expect("a connection");
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let http = http.build().expect("a client");
        Self {
            running,
            http,
            graph,
        }
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn reader(&self) -> Reader {
        self.graph.reader()
    }

    pub(crate) async fn get(&self, what: &str) -> Value {
        let request = self.http.get(self.control(what));
        let answer = request.send().await.expect("an answer");
        answer.json().await.expect("it is JSON")
    }

    pub(crate) async fn post(&self, what: &str, body: &Value) -> Value {
        let request = self.http.post(self.control(what)).json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{what}: {answer:?}");
        answer.json().await.expect("it is JSON")
    }

    pub(crate) async fn put(&self, what: &str, body: &Value) {
        let request = self.http.put(self.control(what)).json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{what}: {answer:?}");
    }

    /// Takes back every fault.
    pub(crate) async fn mend(&self) {
        let request = self.http.delete(self.control("faults"));
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// How often the faults that are switched on struck.
    pub(crate) async fn hits(&self) -> u64 {
        let faults = self.get("faults").await;
        let faults = faults.as_array().expect("a list").iter();
        faults.filter_map(|fault| fault["hits"].as_u64()).sum()
    }

    /// A client of the same tenant that proves otherwise who it is.
    pub(crate) fn graph_with(&self, credential: Credential) -> Graph {
        let settings = Settings {
            credential,
            ..self.settings()
        };
        Graph::connect(settings).expect("a connection")
    }

    pub(crate) fn settings(&self) -> Settings {
        let url: url::Url = self.running.url().parse().expect("an address");
        let credential = Credential::secret(DEFAULT_CLIENT_ID.to_string(), DEFAULT_CLIENT_SECRET);
        Settings {
            attempts: ATTEMPTS,
            backoff: Duration::from_millis(1),
            ..Settings::new(url.clone(), url, DEFAULT_TENANT_ID.into(), credential)
        }
    }

    pub(crate) fn url(&self) -> String {
        self.running.url()
    }

    pub(crate) async fn patch(&self, what: &str, body: &Value) {
        let request = self.http.patch(self.control(what)).json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{what}: {answer:?}");
    }

    fn control(&self, what: &str) -> String {
        format!("{}/_simulator/{what}", self.running.url())
    }

    pub(crate) async fn writer(&self) -> Writer {
        let info = self.get("info").await;
        let sender = info["notify_sender"].as_str().expect("a mailbox");
        self.graph.writer(sender.to_owned())
    }

    /// Everybody who ever was a guest.
    async fn truth(&self) -> Vec<Value> {
        match self.get("truth").await {
            Value::Array(rows) => rows,
            other => panic!("{other}"),
        }
    }

    /// The guests that are there.
    pub(crate) async fn live(&self) -> BTreeMap<GuestId, Value> {
        let truth = self.truth().await.into_iter();
        let live: BTreeMap<GuestId, Value> = truth
            .filter(|row| row["user_type"] == "Guest" && is_live(row))
            .map(|row| (id(&row["id"]), row))
            .collect();
        assert!(live.len() > 200, "{}", live.len());
        live
    }

    /// A group that was not there before.
    pub(crate) async fn group(
        &self,
        name: &str,
        members: &[GuestId],
        owners: &[GuestId],
    ) -> GroupId {
        let body = json!({ "name": name, "members": members, "owners": owners });
        id(&self.post("groups", &body).await["id"])
    }

    /// What was written, and to whom, in order.
    pub(crate) async fn written(&self) -> Vec<(String, GuestId)> {
        let writes = self.get("writes").await;
        let writes = writes.as_array().expect("a list").iter();
        writes
            .map(|write| (text(&write["kind"]).expect("a kind"), id(&write["target"])))
            .collect()
    }
}

fn is_live(row: &Value) -> bool {
    row["deleted"].is_null() && row["purged"] == false
}

pub(crate) fn id<T: From<uuid::Uuid>>(value: &Value) -> T {
    let id: uuid::Uuid = serde_json::from_value(value.clone()).expect("an id");
    id.into()
}

pub(crate) fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

pub(crate) fn time(value: &Value) -> Option<DateTime<Utc>> {
    serde_json::from_value(value.clone()).expect("a time or none")
}
