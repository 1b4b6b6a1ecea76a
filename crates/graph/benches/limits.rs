//! How near the client comes to what Graph allows, against the simulated tenant with its limits on.
//!
//!     cargo bench -p innkeeper-graph --bench limits
//!     cargo bench -p innkeeper-graph --bench limits -- writes      only cases with this in their name
//!
//! Windows are shortened, and the client's limits with them: the arithmetic is the same. A bound is what no client can
//! beat that holds in any window, wherever it begins: 60 s x (ceil(pages / 10) - 1) for reading with sign-in activity,
//! 150 s x (ceil(writes / 3,000) - 1) for writing, each divided as the windows are; and 100 ms a page where a chain of
//! pages is followed. What this machine needs does not shrink with the windows, and is in the figure: an answer's time in
//! each window of the sign-ins, since a request counts until so long after its answer, and the time of a last full
//! burst of writes. So no window is shortened so far that these come near to the aim. It ends in failure where a case misses its aim.

use std::collections::{BTreeMap, HashSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use innkeeper_domain::ids::GuestId;
use innkeeper_graph::{Credential, Graph, GraphError, Limits, Settings};
use innkeeper_simulator::{
    DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TENANT_ID, Options, PopulationOptions,
    Running, Simulator,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Calls on their way at once, as the engine makes them.
const LANES: usize = 16;

/// How much of a bound of Graph's is to be reached.
const AIM: f64 = 0.97;

const MINUTE: Duration = Duration::from_secs(60);
const WRITES_WITHIN: Duration = Duration::from_secs(150);
const PAGE_TIME: Duration = Duration::from_millis(100);

/// What a case came to.
struct Measured {
    bound: Duration,
    achieved: Duration,
    throttled: u64,
    aim: f64,
    /// So many refusals are in order: limits that are not certain are tried once.
    probes: u64,
    lost: usize,
    repeated: usize,
}

impl Measured {
    fn ratio(&self) -> f64 {
        self.bound.as_secs_f64() / self.achieved.as_secs_f64()
    }

    fn is_good(&self) -> bool {
        let Self {
            bound: _,
            achieved: _,
            throttled,
            aim,
            probes,
            lost,
            repeated,
        } = self;
        self.ratio() >= *aim && throttled <= probes && *lost == 0 && *repeated == 0
    }
}

/// A simulated tenant in a runtime of its own, as it is a machine of its own in truth.
struct Tenant {
    running: Running,
    http: reqwest::Client,
    runtime: Option<Runtime>,
}

impl Drop for Tenant {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the control interface is not Graph, and is not reached by the client that is measured"
)]
impl Tenant {
    async fn start(guests: usize) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let options = Options {
            population: PopulationOptions {
                guests,
                seed: 3,
                life: false,
            },
            start: Some("2026-03-02T09:00:00Z".parse().expect("a time")),
            speed: 0.0,
            ..Options::default()
        };
        let started = runtime.spawn(Simulator::start(options)).await;
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        Self {
            running: started.expect("it runs").expect("a simulator"),
            http: http.build().expect("a client"),
            runtime: Some(runtime),
        }
    }

    async fn control(&self, method: Method, what: &str, body: &Value) -> Value {
        let url = format!("{}/_simulator/{what}", self.running.url());
        let sent = self.http.request(method, url).json(body).send().await;
        let answer = sent.expect("an answer");
        assert!(answer.status().is_success(), "{what}: {answer:?}");
        answer.json().await.expect("it is JSON")
    }

    /// From now on each answer takes as long as a page does.
    async fn slow_down(&self) {
        let latency = json!({ "millis": PAGE_TIME.as_millis() });
        self.control(Method::PUT, "latency", &latency).await;
    }

    /// A client that has a token already, and limits in which nothing has been counted yet.
    async fn client(&self, kind: &str, shorten: u32, share_percent: u32) -> Graph {
        let url: url::Url = self.running.url().parse().expect("an address");
        let limits = Limits {
            share_percent,
            ..Limits::documented().shortened(shorten)
        };
        let settings = Settings {
            limits,
            ..Settings::new(
                url.clone(),
                url,
                DEFAULT_TENANT_ID.into(),
                Credential::secret(DEFAULT_CLIENT_ID.to_string(), DEFAULT_CLIENT_SECRET),
            )
        };
        let graph = Graph::connect(settings).expect("a connection");
        graph.reader().guest_count().await.expect("a count");
        let throttling = json!({ "enabled": true, "shorten": shorten, "kind": kind });
        self.control(Method::PUT, "throttling", &throttling).await;
        graph
    }

    /// The guests to whom anything may be done.
    async fn plain(&self) -> Vec<GuestId> {
        let truth = self.control(Method::GET, "truth", &json!({})).await;
        let rows = truth.as_array().expect("a list").iter();
        let plain = rows.filter(|row| {
            row["user_type"] == "Guest"
                && row["deleted"].is_null()
                && row["purged"] == false
                && row["enabled"] == true
                && row["privileged"] == false
                && row["synced"] != true
        });
        plain.map(|row| id(&row["id"])).collect()
    }

    /// How often each guest was written to in each way.
    async fn written(&self) -> BTreeMap<(String, GuestId), usize> {
        let writes = self.control(Method::GET, "writes", &json!({})).await;
        let mut counts = BTreeMap::new();
        for write in writes.as_array().expect("a list") {
            let kind = write["kind"].as_str().expect("a kind").to_owned();
            *counts.entry((kind, id(&write["target"]))).or_default() += 1;
        }
        counts
    }
}

fn id(value: &Value) -> GuestId {
    let id: uuid::Uuid = serde_json::from_value(value.clone()).expect("an id");
    id.into()
}

/// So many, with no more than `at_once` of them in each window: the first window's are there at once.
fn bound(count: usize, at_once: usize, window: Duration, shorten: u32) -> Duration {
    let windows = u32::try_from(count.div_ceil(at_once)).expect("not that many") - 1;
    window / shorten * windows
}

/// A listing that was read to its end.
struct Listed {
    pages: usize,
    ids: HashSet<GuestId>,
    repeated: usize,
    took: Duration,
}

impl Listed {
    async fn of(pages: impl Stream<Item = Result<Vec<GuestId>, GraphError>>) -> Self {
        let mut listed = Self {
            pages: 0,
            ids: HashSet::new(),
            repeated: 0,
            took: Duration::ZERO,
        };
        let started = Instant::now();
        let mut pages = std::pin::pin!(pages);
        while let Some(page) = pages.try_next().await.expect("a page") {
            listed.pages += 1;
            for id in page {
                listed.repeated += usize::from(!listed.ids.insert(id));
            }
        }
        listed.took = started.elapsed();
        listed
    }

    fn measured(self, bound: Duration, graph: &Graph, expected: usize) -> Measured {
        Measured {
            bound,
            aim: AIM,
            achieved: self.took,
            throttled: graph.requests().throttled,
            probes: 0,
            lost: expected - self.ids.len(),
            repeated: self.repeated,
        }
    }
}

async fn guest_count(graph: &Graph) -> usize {
    let count = graph.reader().guest_count().await.expect("a count");
    usize::try_from(count).expect("not that many")
}

/// Every guest, with sign-in activity.
async fn sign_ins(kind: &str, shorten: u32) -> Measured {
    let tenant = Tenant::start(100_000).await;
    let graph = tenant.client(kind, shorten, 100).await;
    let reader = graph.reader();
    let pages = reader.guests();
    let ids = pages.map_ok(|page| page.guests.iter().map(|guest| guest.id).collect());
    let listed = Listed::of(ids).await;
    let count = guest_count(&graph).await;
    let bound = bound(listed.pages, 10, MINUTE, shorten);
    Measured {
        aim: AIM,
        probes: 1,
        ..listed.measured(bound, &graph, count)
    }
}

/// So many guests are disabled and then deleted.
async fn writes(kind: &str, shorten: u32, share: u32, guests: usize) -> Measured {
    let tenant = Tenant::start(guests * 7 / 4).await;
    let mut ids = tenant.plain().await;
    assert!(ids.len() >= guests, "{} are too few", ids.len());
    ids.truncate(guests);
    let graph = tenant.client(kind, shorten, share).await;
    let writer = graph.writer(String::new());
    let started = Instant::now();
    let mut refused = 0;
    let disabled = stream::iter(&ids).map(|id| writer.disable(*id));
    let mut disabled = disabled.buffer_unordered(LANES);
    while let Some(outcome) = disabled.next().await {
        refused += usize::from(outcome.is_err());
    }
    let deleted = stream::iter(&ids).map(|id| writer.delete(*id));
    let mut deleted = deleted.buffer_unordered(LANES);
    while let Some(outcome) = deleted.next().await {
        refused += usize::from(outcome.is_err());
    }
    let achieved = started.elapsed();
    let written = tenant.written().await;
    let done = |kind: &str, id: &GuestId| written.get(&(kind.to_owned(), *id)).copied();
    let missing = ids.iter().map(|id| {
        let missing = |kind| usize::from(done(kind, id).is_none());
        missing("disable") + missing("delete")
    });
    let lost = missing.sum::<usize>().max(refused);
    let at_once = 3_000 * share as usize / 100;
    Measured {
        bound: bound(2 * guests, at_once, WRITES_WITHIN, shorten),
        achieved,
        throttled: graph.requests().throttled,
        aim: AIM,
        probes: 0,
        lost,
        repeated: written.values().map(|count| count - 1).sum(),
    }
}

/// Every guest's sponsors, where each page takes 100 ms: the bound is a sixth of what one chain of pages would take.
async fn sponsors() -> Measured {
    let tenant = Tenant::start(20_000).await;
    let graph = tenant.client("window", 1, 100).await;
    let count = guest_count(&graph).await;
    tenant.slow_down().await;
    let reader = graph.reader();
    let pages = reader.sponsors(20_000);
    let ids = pages.map_ok(|page| page.guests.iter().map(|(id, _)| *id).collect());
    let listed = Listed::of(ids).await;
    // A hundred guests on a page.
    let chain = PAGE_TIME * u32::try_from(count.div_ceil(100)).expect("not that many");
    Measured {
        aim: 1.0,
        ..listed.measured(chain / 6, &graph, count)
    }
}

fn main() -> ExitCode {
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let names = [
        "sign-in activity of 100,000 guests, windows / 30",
        "sign-in activity of 100,000 guests, buckets / 30",
        "10,000 disabled and 10,000 deleted, writes in windows / 20",
        "10,000 disabled and 10,000 deleted, writes in buckets / 20",
        "3,600 disabled and deleted, writes at 80 %, windows / 6",
        "sponsors of 20,000 guests at 100 ms a page, a sixth",
    ];
    println!(
        "{:<58} {:>8} {:>8} {:>6} {:>4} {:>4} {:>8}",
        "case", "bound s", "took s", "ratio", "429", "lost", "repeated"
    );
    let runtime = Runtime::new().expect("a runtime");
    innkeeper_graph::install_crypto();
    let mut all_good = true;
    for (case, name) in names.into_iter().enumerate() {
        if !only.is_empty() && !only.iter().any(|part| name.contains(part.as_str())) {
            continue;
        }
        let measured = runtime.block_on(async {
            match case {
                0 => sign_ins("window", 30).await,
                1 => sign_ins("bucket", 30).await,
                2 => writes("window", 20, 100, 10_000).await,
                3 => writes("bucket", 20, 100, 10_000).await,
                4 => writes("window", 6, 80, 3_600).await,
                _ => sponsors().await,
            }
        });
        let good = measured.is_good();
        all_good &= good;
        println!(
            "{name:<58} {:>8.2} {:>8.2} {:>6.3} {:>4} {:>4} {:>8}{}",
            measured.bound.as_secs_f64(),
            measured.achieved.as_secs_f64(),
            measured.ratio(),
            measured.throttled,
            measured.lost,
            measured.repeated,
            if good { "" } else { "  missed" },
        );
    }
    if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
