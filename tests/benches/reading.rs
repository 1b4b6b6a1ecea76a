//! What a reading costs this machine, against a simulated tenant in another process that throttles nobody.
//!
//!     cargo bench -p innkeeper-tests --bench reading               100,000 guests
//!     cargo bench -p innkeeper-tests --bench reading -- 1000000    and the memory of a plan for so many
//!
//! It prints how long the binary takes from its start to its first request; the CPU time of the first reading of 100,000
//! guests into SQLite, by Graph's client and the store as a cycle uses them; and the highest resident memory of `plan`,
//! above that of a plan for a hundred guests.

mod installed;

use std::collections::HashMap;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::merge::merge;
use innkeeper_graph::{Credential, Graph, GuestPage, Settings};
use innkeeper_simulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TENANT_ID};
use innkeeper_store::{RowKey, Store, Tx};
use installed::{build, mebibytes, run, simulate, write_installation};

/// Guests whose reading is measured.
const GUESTS: u64 = 100_000;

/// As a cycle does.
const PAGES_PER_TRANSACTION: usize = 20;

/// So few that what remains is the process itself.
const HARDLY_ANY: u64 = 100;

/// How often a start is measured.
const STARTS: usize = 11;

fn main() {
    let many: Option<u64> = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let innkeeper = build();
    start(&innkeeper);
    reading(&innkeeper);
    let [_, base] = plan(&innkeeper, HARDLY_ANY);
    println!(
        "plan for {HARDLY_ANY} guests: {:.1} MiB resident at most",
        base
    );
    let mut above = Vec::new();
    for guests in [Some(GUESTS), many].into_iter().flatten() {
        let [seconds, resident] = plan(&innkeeper, guests);
        above.push(resident - base);
        println!(
            "plan for {guests} guests: {seconds:.1} s, {:.1} MiB above that",
            resident - base
        );
    }
    if let [some, more] = above.as_slice() {
        println!("{:.2} times as much", more / some);
    }
}

/// From the start of the process until its first request arrives.
fn start(innkeeper: &Path) {
    let (server, settings) = simulate(innkeeper, HARDLY_ANY);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = format!("http://{}", listener.local_addr().expect("its address"));
    let there = address(&settings);
    // A real tenant has no clock to be asked for.
    let follow = format!("[clock]\nfollow = \"{there}/_simulator/clock\"\n");
    assert!(settings.contains(&follow), "{settings}");
    let settings = settings.replace(&follow, "");
    let mut times: Vec<Duration> = (0..STARTS)
        .map(|_| {
            let folder = tempfile::TempDir::new().expect("a folder");
            write_installation(folder.path(), &settings.replace(&there, &here));
            let begun = Instant::now();
            let mut child = Command::new(innkeeper)
                .args(["plan", "--quiet", "--config"])
                .arg(folder.path().join("innkeeper.toml"))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the binary starts");
            let (mut stream, _) = listener.accept().expect("a connection");
            stream.read_exact(&mut [0]).expect("a request");
            let took = begun.elapsed();
            child.kill().expect("it runs");
            child.wait().expect("it can be waited for");
            took
        })
        .collect();
    drop(server);
    times.sort();
    println!(
        "start to first request, its database made: {:.1} ms (median of {STARTS}; {:.1} to {:.1})",
        millis(times[STARTS / 2]),
        millis(times[0]),
        millis(times[STARTS - 1])
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The address among the settings that a simulator prints.
fn address(settings: &str) -> String {
    let (_, rest) = settings.split_once("graph_url = \"").expect("an address");
    let (address, _) = rest.split_once('"').expect("its end");
    address.trim_end_matches('/').to_owned()
}

/// The first reading into SQLite, and a second one that changes nothing.
fn reading(innkeeper: &Path) {
    let (server, settings) = simulate(innkeeper, GUESTS);
    let url: url::Url = address(&settings).parse().expect("an address");
    let folder = tempfile::TempDir::new().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let database = folder.path().join("innkeeper.db");
        let store = Store::open(&format!("sqlite://{}", database.display())).await;
        let store = store.expect("a database");
        store.migrate().await.expect("its tables");
        let credential = Credential::secret(DEFAULT_CLIENT_ID.to_string(), DEFAULT_CLIENT_SECRET);
        let graph = Settings::new(url.clone(), url, DEFAULT_TENANT_ID.into(), credential);
        let graph = Graph::connect(graph).expect("a connection");
        for name in ["first", "second"] {
            let (begun, used) = (Instant::now(), cpu());
            let read = take_in(&graph, &store).await;
            println!(
                "{name} reading of {read} guests into SQLite: {:.2} CPU s, {:.2} s",
                (cpu() - used).as_secs_f64(),
                begun.elapsed().as_secs_f64()
            );
        }
    });
    drop(server);
}

async fn take_in(graph: &Graph, store: &Store) -> usize {
    let reader = graph.reader();
    let mut read = 0;
    let mut chunks = pin!(reader.guests().try_chunks(PAGES_PER_TRANSACTION));
    while let Some(pages) = chunks.try_next().await.expect("pages") {
        let mut tx = store.begin().await.expect("a transaction");
        for page in pages {
            read += page.guests.len();
            take_in_page(&mut tx, page).await;
        }
        tx.commit().await.expect("it is written");
    }
    read
}

async fn take_in_page(tx: &mut Tx, page: GuestPage) {
    let tenant: TenantId = DEFAULT_TENANT_ID.into();
    let now: DateTime<Utc> = "2027-01-04T06:00:00Z".parse().expect("a time");
    let ids: Vec<GuestId> = page.guests.iter().map(|guest| guest.id).collect();
    let known = tx.guests_by_id(tenant, &ids).await.expect("what is known");
    let known: HashMap<GuestId, (RowKey, GuestRecord)> = known
        .into_iter()
        .map(|(key, record)| (record.guest.id, (key, record)))
        .collect();
    let merged = page.guests.into_iter().map(|guest| {
        let before = known.get(&guest.id).map(|(_, record)| record);
        merge(before, guest, now)
    });
    let changed: Vec<GuestRecord> = merged
        .filter(|(record, _)| {
            known
                .get(&record.guest.id)
                .is_none_or(|(_, before)| before != record)
        })
        .map(|(record, _)| record)
        .collect();
    let records: Vec<&GuestRecord> = changed.iter().collect();
    tx.save_guests(tenant, &records)
        .await
        .expect("it is written");
}

/// What this process has used so far, in user and in system mode, as Linux accounts it in hundredths of a second.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, fields) = stat.rsplit_once(')').expect("the name's end");
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks
        .map(|ticks| ticks.parse::<u64>().expect("ticks"))
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Wall time, and highest resident memory in MiB, of a plan for so many.
fn plan(innkeeper: &Path, guests: u64) -> [f64; 2] {
    let folder = tempfile::TempDir::new().expect("a folder");
    let (server, settings) = simulate(innkeeper, guests);
    write_installation(folder.path(), &settings);
    let (wall, resident) = run(innkeeper, "plan", folder.path());
    drop(server);
    [wall.as_secs_f64(), mebibytes(resident)]
}
