//! A simulated tenant, an installation of Innkeeper for it in a folder of its own, and the binary to run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use chrono::{DateTime, Utc};
use innkeeper_simulator::{Options, PopulationOptions, Running, Simulator, Snapshot};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The simulated time at which every test starts.
pub const START: &str = "2027-01-04T06:00:00Z";

/// Stages without waits: every cycle carries out the next one.
pub const POLICY: &str = r#"
[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90'
stages = [
  { action = "notify" },
  { action = "disable", wait = "14d" },
  { action = "delete", wait = "30d" },
]

[[rule]]
name = "project ended"
when = '"bridge" in guest.groups && guest.account_age_days >= 10'
stages = [
  { action = "notify" },
  { action = "remove-from-group", wait = "1d", from = ["bridge"] },
]

[limits]
notify = { guests = 1000, percent = 100 }
remove-from-group = { guests = 1000, percent = 100 }
disable = { guests = 1000, percent = 100 }
delete = { guests = 1000, percent = 100 }
per_domain = { guests = 1000 }
per_sponsor = { guests = 1000 }
ceiling = { guests = 1000, percent = 100 }
"#;

/// Everybody, without a fact that lags.
pub const OLD: &str = r#"
[[rule]]
name = "old"
when = 'guest.account_age_days >= 10'
stages = [
  { action = "notify", to = ["operators"] },
  { action = "disable", wait = "2h" },
  { action = "delete", wait = "30d" },
]

[limits]
disable = { guests = 100, percent = 100 }
per_domain = { guests = 100 }
per_sponsor = { guests = 100 }
ceiling = { guests = 100, percent = 100 }
"#;

/// The binary. `cargo test --workspace` builds it beside the tests.
pub fn innkeeper() -> PathBuf {
    let tests = std::env::current_exe().expect("this test's own path");
    let folder = tests
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps");
    let binary = folder.join("innkeeper");
    assert!(
        binary.exists(),
        "{} is missing: run `cargo test --workspace`, or `cargo build -p innkeeper` first",
        binary.display()
    );
    binary
}

/// A simulated tenant with an installation.
pub struct Tenant {
    simulator: Running,
    http: reqwest::Client,
    folder: TempDir,
    database: String,
}

impl Tenant {
    /// A tenant without guests, in mode `enforce`, on SQLite.
    pub async fn empty() -> Self {
        Self::with(0, "sqlite://innkeeper.db".to_owned()).await
    }

    /// A tenant with a population, in mode `enforce`.
    pub async fn with(guests: usize, database: String) -> Self {
        let start: DateTime<Utc> = START.parse().expect("a time");
        Self::living(guests, database, Some(start), 0.0).await
    }

    /// The same in the present, whose clock goes on by itself.
    pub async fn present(guests: usize, database: String) -> Self {
        Self::living(guests, database, None, 1.0).await
    }

    async fn living(
        guests: usize,
        database: String,
        start: Option<DateTime<Utc>>,
        speed: f64,
    ) -> Self {
        // Whichever test comes first installs it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let simulator = Simulator::start(Options {
            population: PopulationOptions {
                guests,
                seed: 7,
                ..PopulationOptions::default()
            },
            start,
            speed,
            // Cycle after cycle without a pause would run into the limits, which are counted in real time.
            throttling: speed > 0.0,
            ..Options::default()
        })
        .await
        .expect("the simulator starts");
        let folder = folder();
        let tenant = Self {
            simulator,
            http: client(),
            folder,
            database,
        };
        tenant
            .post("groups", json!({ "name": "bridge", "kind": "security" }))
            .await;
        tenant.write("policy.toml", POLICY);
        tenant.configure(|config| config).await;
        tenant
    }

    /// Where its state is.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The same installation on another database.
    pub async fn move_to(&mut self, database: String) {
        self.database = database;
        self.configure(|config| config).await;
    }

    /// The world as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.simulator.snapshot()
    }

    /// The world as it was.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.simulator.restore(snapshot);
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    pub fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("the folder can be written");
    }

    /// Writes the configuration, as changed by `edit`.
    pub async fn configure(&self, edit: impl Fn(String) -> String) {
        let info = self.get("info").await;
        let text = |key: &str| info[key].as_str().expect("a text").to_owned();
        let url = self.simulator.url();
        let config = format!(
            "[database]\nurl = \"{database}\"\nlease_seconds = 5\n\n[schedule]\ncycle = \"0 */6 * * *\"\n\n\
             [clock]\nfollow = \"{url}/_simulator/clock\"\n\n\
             [http]\nlisten = \"127.0.0.1:0\"\n\n[log]\nformat = \"json\"\n\n\
             [[tenants]]\nname = \"contoso\"\ntenant_id = \"{tenant_id}\"\nmode = \"enforce\"\npolicy = \"policy.toml\"\n\
             graph_url = \"{url}\"\nlogin_url = \"{url}\"\n\n\
             [tenants.credential]\nkind = \"client-secret\"\nclient_id = \"{client_id}\"\nclient_secret = \"{secret}\"\n\n\
             [tenants.notify]\nsender = \"{sender}\"\noperators = [\"operators@contoso.example\"]\n",
            database = self.database,
            tenant_id = text("tenant_id"),
            client_id = text("client_id"),
            secret = text("client_secret"),
            sender = text("notify_sender"),
        );
        self.write("innkeeper.toml", &edit(config));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&innkeeper(), arguments)
    }

    /// The command line of a binary that takes innkeeper's arguments.
    pub fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command
            .args(arguments)
            .arg("--config")
            .arg(self.path("innkeeper.toml"))
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("no panic")
            .expect("the binary starts")
    }

    /// Runs it, and takes what it prints for JSON.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat()).await;
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", shown(&output)))
    }

    /// Runs `apply`, which must succeed.
    pub async fn apply(&self) {
        let output = self.run(&["apply"]).await;
        assert!(output.status.success(), "{}", shown(&output));
    }

    /// Starts the binary and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts")
    }

    pub async fn get(&self, path: &str) -> Value {
        self.control(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.control(Method::POST, path, Some(body)).await
    }

    pub async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_simulator/{path}", self.simulator.url());
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the simulator's control interface"
        )]
        let answer = request.send().await.expect("the simulator answers");
        let status = answer.status();
        let text = answer.text().await.expect("a whole body");
        assert!(status.is_success(), "{path}: {status} {text}");
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect("JSON")
        }
    }

    pub async fn pass_days(&self, days: i64) {
        self.post("clock/advance", json!({ "seconds": days * 86_400 }))
            .await;
    }

    /// A redeemed guest whose last sign-in is so many days ago; returns its id.
    pub async fn add_guest(&self, name: &str, days: i64) -> String {
        let now: DateTime<Utc> = START.parse().expect("a time");
        let at = |days: i64| (now - chrono::TimeDelta::days(days)).to_rfc3339();
        let guest = json!({
            "mail": format!("{name}@partner.example"),
            "created": at(700),
            "external_state": "Accepted",
            "external_state_changed": at(699),
            "last_success": at(days),
            "last_interactive": at(days),
        });
        self.post("users", guest).await["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// What was really done, but for mails that alarm the operators.
    pub async fn writes(&self) -> Vec<String> {
        let outbox = self.get("outbox").await;
        let mails = outbox.as_array().expect("a list").iter();
        let is_alarm = |mail: &&Value| {
            let subject = mail["subject"].as_str().expect("a subject");
            subject.starts_with("Innkeeper at ")
        };
        let alarms: Vec<&Value> = mails
            .filter(is_alarm)
            .map(|mail| &mail["request_id"])
            .collect();
        let writes = self.get("writes").await;
        let shown = |write: &Value| write["kind"].as_str().expect("a kind").to_owned();
        writes
            .as_array()
            .expect("a list")
            .iter()
            .filter(|write| !alarms.contains(&&write["request_id"]))
            .map(shown)
            .collect()
    }
}

/// In memory where there is such a place: everything that is committed is synced, and these tests are not about disks.
fn folder() -> TempDir {
    TempDir::new_in("/dev/shm")
        .or_else(|_| TempDir::new())
        .expect("a folder")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's control interface"
)]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("a client")
}

/// Everything that a run said.
pub fn shown(output: &Output) -> String {
    format!(
        "{}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
