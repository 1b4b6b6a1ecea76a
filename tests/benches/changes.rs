//! What a cycle costs Graph where little changed, and where a reading was killed: requests and bytes, not time.
//!
//!     cargo bench -p innkeeper-tests --bench changes               100,000 guests
//!     cargo bench -p innkeeper-tests --bench changes -- 10000      another number
//!
//! The binary reads a simulated tenant in another process. It prints the requests, bytes and rows of guests and sponsors
//! written of a quiet cycle between whole readings, in which nobody signed in; the requests of cycles after so many changes; and the pages that are
//! read again after a reading was killed halfway. It ends in failure while an aim is missed.

mod installed;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use installed::{SHIPPED_POLICY, Server, build, mebibytes, run, simulate, write_installation};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// Requests of a quiet cycle, the one for a token left out.
const QUIET_REQUESTS: u64 = 3;

/// Bytes that a quiet cycle is answered.
const QUIET_BYTES: u64 = 10_000;

/// Changes on a page of them.
const CHANGES_A_PAGE: u64 = 200;

/// Guests on a page of a whole reading.
const GUESTS_A_PAGE: u64 = 500;

/// Pages read again after a reading was killed.
const AGAIN: u64 = 20;

/// A tenant, and an installation that knows nothing of it yet.
struct Tenant<'a> {
    innkeeper: &'a Path,
    folder: TempDir,
    client: Client,
    control: String,
    _server: Server,
}

#[tokio::main]
async fn main() -> ExitCode {
    let guests: u64 = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(100_000);
    innkeeper_graph::install_crypto();
    let innkeeper = build();
    println!("{guests} guests\ncase | bound | achieved | ratio");
    let mut is_met = quiet_and_changed(&innkeeper, guests).await;
    is_met &= killed(&innkeeper, guests).await;
    if is_met {
        ExitCode::SUCCESS
    } else {
        println!("an aim was missed");
        ExitCode::FAILURE
    }
}

/// Prints a case; returns whether it is within its bound.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn case(name: &str, bound: u64, achieved: u64) -> bool {
    let is_met = achieved <= bound;
    let missed = if is_met { "" } else { " MISSED" };
    let ratio = match bound {
        0 => "-".to_owned(),
        bound => format!("{:.3}", achieved as f64 / bound as f64),
    };
    println!("{name} | {bound} | {achieved} | {ratio}{missed}");
    is_met
}

async fn quiet_and_changed(innkeeper: &Path, guests: u64) -> bool {
    let tenant = Tenant::new(innkeeper, guests).await;
    // Nobody has signed in of late: what the log has to tell costs what it costs.
    let silent = json!({ "kind": "stopped_log", "days": 1 });
    tenant.control(Method::POST, "faults", &silent).await;
    tenant.plan();
    tenant.keep_copy();
    tenant.reset().await;
    tenant.plan();
    let (requests, bytes) = tenant.asked().await;
    let mut is_met = case("requests of a quiet cycle", QUIET_REQUESTS, requests);
    is_met &= case("bytes of a quiet cycle", QUIET_BYTES, bytes);
    let written = tenant.rows_written().await;
    is_met &= case("rows written by a quiet cycle", 0, written);
    let everybody = tenant.everybody().await;
    for changes in [1, 200, 1_000] {
        for guest in everybody.iter().take(changes) {
            let name = json!({ "display_name": format!("Changed {changes}") });
            let guest = format!("users/{guest}");
            tenant.control(Method::PATCH, &guest, &name).await;
        }
        tenant.reset().await;
        tenant.plan();
        let (requests, _) = tenant.asked().await;
        let bound = QUIET_REQUESTS + (changes as u64).div_ceil(CHANGES_A_PAGE);
        is_met &= case(
            &format!("requests after {changes} changes"),
            bound,
            requests,
        );
    }
    is_met
}

async fn killed(innkeeper: &Path, guests: u64) -> bool {
    let tenant = Tenant::new(innkeeper, guests).await;
    tenant.reset().await;
    tenant.plan();
    let whole = tenant.pages().await;
    tenant.forget();
    tenant.reset().await;
    let halfway = guests / GUESTS_A_PAGE / 2;
    let hold = json!({
        "kind": "hold", "when": "before", "method": "GET", "path": "/v1.0/users", "skip": halfway, "next": 1
    });
    tenant.control(Method::POST, "faults", &hold).await;
    let mut child = tenant
        .command()
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let held = tenant.get("held?wait=60").await;
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    child.kill().expect("it runs");
    child.wait().expect("it can be waited for");
    tenant.control(Method::DELETE, "faults", &Value::Null).await;
    let before = tenant.pages().await;
    tenant.plan();
    let all = tenant.pages().await;
    println!(
        "killed after {before} of {whole} pages of users; {} after that",
        all - before
    );
    case(
        "pages read again after a reading was killed",
        AGAIN,
        all.saturating_sub(whole),
    )
}

impl<'a> Tenant<'a> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator's control interface"
    )]
    async fn new(innkeeper: &'a Path, guests: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (server, settings) = simulate(innkeeper, guests);
        write_installation(folder.path(), &settings, SHIPPED_POLICY);
        let (_, rest) = settings.split_once("graph_url = \"").expect("an address");
        let (address, _) = rest.split_once('"').expect("its end");
        Self {
            innkeeper,
            folder,
            client: Client::builder().build().expect("a client"),
            control: format!("{}/_simulator", address.trim_end_matches('/')),
            _server: server,
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.innkeeper);
        command
            .args(["plan", "--changes", "--quiet", "--config"])
            .arg(self.folder.path().join("innkeeper.toml"))
            .stdout(Stdio::null());
        command
    }

    fn plan(&self) {
        let (wall, resident) = run(self.innkeeper, "plan --changes", self.folder.path());
        let (seconds, memory) = (wall.as_secs_f64(), mebibytes(resident));
        println!("  (a plan: {seconds:.2} s, {memory:.1} MiB resident at most)");
    }

    /// Leaves nothing of what was read.
    fn forget(&self) {
        for entry in std::fs::read_dir(self.folder.path()).expect("a folder") {
            let path = entry.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            if name.starts_with("innkeeper.db") {
                std::fs::remove_file(&path).expect("it is ours");
            }
        }
    }

    /// Keeps the database as it is, to compare with.
    fn keep_copy(&self) {
        let at = |name: &str| self.folder.path().join(name);
        std::fs::copy(at("innkeeper.db"), at("before.db")).expect("a copy");
    }

    /// Rows about guests and what hangs on them that are others than in the copy.
    async fn rows_written(&self) -> u64 {
        let url = format!(
            "sqlite://{}",
            self.folder.path().join("innkeeper.db").display()
        );
        let mut database = SqliteConnection::connect(&url).await.expect("the database");
        let before = self.folder.path().join("before.db");
        sqlx::query("ATTACH $1 AS before")
            .bind(before.to_string_lossy().into_owned())
            .execute(&mut database)
            .await
            .expect("the copy");
        let mut written = 0;
        for table in [
            "guests",
            "sponsors",
            "guest_sponsors",
            "memberships",
            "guest_roles",
            "guest_access",
            "cases",
            "guest_states",
        ] {
            let query = format!(
                "SELECT (SELECT count(*) FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM before.{table})) \
                 + (SELECT count(*) FROM (SELECT * FROM before.{table} EXCEPT SELECT * FROM main.{table}))"
            );
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .fetch_one(&mut database)
                .await
                .unwrap_or_else(|error| panic!("{table}: {error}"));
            written += rows.unsigned_abs();
        }
        written
    }

    async fn get(&self, what: &str) -> Value {
        let answer = self.control(Method::GET, what, &Value::Null).await;
        answer.json().await.expect("JSON")
    }

    async fn reset(&self) {
        self.control(Method::POST, "reset", &Value::Null).await;
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator's control interface"
    )]
    async fn control(&self, method: Method, what: &str, body: &Value) -> Response {
        let url = format!("{}/{what}", self.control);
        let answer = self.client.request(method, url).json(body).send().await;
        let answer = answer.expect("the simulator answers");
        assert!(answer.status().is_success(), "{what}: {}", answer.status());
        answer
    }

    /// Requests to Graph since the counts were reset, and the bytes of their answers.
    async fn asked(&self) -> (u64, u64) {
        let requests = self.get("requests").await;
        let by_route = requests["by_route"].as_object().expect("routes");
        let to_graph = by_route
            .iter()
            .filter(|(route, _)| !route.contains("token"))
            .filter_map(|(_, times)| times.as_u64());
        (to_graph.sum(), requests["bytes"].as_u64().expect("bytes"))
    }

    /// Pages of users, with their sign-in times or with their sponsors, since the counts were reset.
    async fn pages(&self) -> u64 {
        let requests = self.get("requests").await;
        requests["by_route"]["GET /users"].as_u64().unwrap_or(0)
    }

    async fn everybody(&self) -> Vec<String> {
        let truth = self.get("truth").await;
        let users = truth.as_array().expect("users").iter();
        users
            .filter(|user| user["user_type"] == "Guest" && user["deleted"] == Value::Null)
            .filter_map(|user| user["id"].as_str().map(str::to_owned))
            .collect()
    }
}
