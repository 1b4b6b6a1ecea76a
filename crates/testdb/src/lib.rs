//! Databases for tests: a private Postgres server, started from the `initdb` that is found.
//!
//! There is one server for each test process and one database for each test. The server ends with its process, however
//! that ends: a shell stands by it whose input closes at that moment. As root the server runs as another user, since
//! Postgres refuses to run as root. Without PostgreSQL a test fails; it is never passed over.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// Users that a server run by root can be given to, the best first.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// How often a starting server is asked whether it is up, and how many times.
const PATIENCE: (Duration, u32) = (Duration::from_millis(50), 600);

static SERVER: OnceCell<Server> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    port: u16,
}

/// The URL of a fresh, empty database on the private server.
///
/// # Panics
/// When PostgreSQL is not installed, or does not start.
pub async fn postgres_url() -> String {
    let server = SERVER.get_or_init(Server::start).await;
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut connection = server.connect().await.expect("the server is up");
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("a new database");
    connection.close().await.expect("an orderly end");
    server.url(&name)
}

/// The URL of a database that is a copy of another one, to which nobody is connected.
///
/// # Panics
/// When the database cannot be copied.
pub async fn copy_of(url: &str) -> String {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    if let Some(path) = url.strip_prefix("sqlite://") {
        let copy = format!("{path}-{number}");
        for beside in ["", "-wal", "-shm"] {
            let (from, to) = (format!("{path}{beside}"), format!("{copy}{beside}"));
            if beside.is_empty() || Path::new(&from).exists() {
                std::fs::copy(from, to).expect("the file is copied");
            }
        }
        return format!("sqlite://{copy}");
    }
    let server = SERVER.get_or_init(Server::start).await;
    let (_, original) = url.rsplit_once('/').expect("a URL with a database");
    let name = format!("test_{number}");
    let mut connection = server.connect().await.expect("the server is up");
    let sql = format!("CREATE DATABASE {name} TEMPLATE {original}");
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .expect("a copied database");
    connection.close().await.expect("an orderly end");
    server.url(&name)
}

/// The URL of a database in a file of this folder.
#[must_use]
pub fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("innkeeper.db").display())
}

impl Server {
    #[expect(
        clippy::zombie_processes,
        reason = "it ends after this process, so nobody is there to wait for it"
    )]
    async fn start() -> Self {
        let binaries = binaries();
        let folder = tempfile::Builder::new()
            .prefix("innkeeper-postgres-")
            .tempdir()
            .expect("a folder")
            .keep();
        let user = other_user();
        if let Some(user) = user {
            run(Command::new("chown").arg(user).arg(&folder));
        }
        let data = folder.join("data");
        let initdb = binaries.join("initdb");
        run(as_user(user, &initdb)
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                "innkeeper",
                "--auth=trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--no-instructions",
            ])
            .current_dir(&folder));
        let port = free_port();
        // Stops the server, and removes its folder, when the input closes: that is when this process has ended.
        let guard = "folder=$1; shift; \"$@\" >\"$folder/log\" 2>&1 & server=$!; cat >/dev/null; kill -INT $server; wait $server; rm -rf \"$folder\"";
        let mut command = as_user(user, Path::new("sh"));
        command
            .args(["-c", guard, "guard"])
            .arg(&folder)
            .arg(binaries.join("postgres"))
            .arg("-D")
            .arg(&data);
        command.args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "unix_socket_directories=",
            "-c",
            "fsync=off",
        ]);
        command
            .args(["-c", "max_connections=200"])
            .current_dir(&folder);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        // Kept open until this process ends.
        std::mem::forget(child.stdin.take());
        let server = Self { port };
        let (pause, times) = PATIENCE;
        for _ in 0..times {
            if server.connect().await.is_ok() {
                return server;
            }
            tokio::time::sleep(pause).await;
        }
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("the private Postgres server does not start: {log}");
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://innkeeper@127.0.0.1:{}/{database}", self.port)
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect(&self.url("postgres")).await
    }
}

/// The folder with `initdb`: the newest of Debian's, else the one in the path.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            Some((
                version.file_name().to_str()?.parse().ok()?,
                version.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| folder.join("initdb").exists())
        .collect();
    versions.sort();
    if let Some((_, folder)) = versions.pop() {
        return folder;
    }
    let found = Command::new("sh")
        .args(["-c", "command -v initdb"])
        .output()
        .expect("a shell");
    let path = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim());
    let folder = path
        .canonicalize()
        .ok()
        .and_then(|path| path.parent().map(Path::to_owned));
    folder.expect(
        "PostgreSQL is not installed, and the tests need it: on Debian, apt-get install postgresql",
    )
}

/// The user to drop to, when this process is root's.
fn other_user() -> Option<&'static str> {
    let id = |arguments: &[&str]| Command::new("id").args(arguments).output().expect("id(1)");
    let is_root = String::from_utf8_lossy(&id(&["-u"]).stdout).trim() == "0";
    let exists = |user: &&&str| id(&["-u", user]).status.success();
    is_root.then(|| {
        *USERS
            .iter()
            .find(exists)
            .expect("a user to run Postgres as: postgres or nobody")
    })
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    match user {
        None => Command::new(program),
        Some(user) => {
            let mut command = Command::new("runuser");
            command.args(["-u", user, "--"]).arg(program);
            command
        }
    }
}

fn run(command: &mut Command) {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [stdout, stderr]
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .concat();
    assert!(status.success(), "{command:?}: {said}");
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
