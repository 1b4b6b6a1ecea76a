//! The binary as it is released, installed in a folder of its own, and a simulated tenant in another process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The policy that is shipped.
pub const SHIPPED_POLICY: &str = include_str!("../../../config/policy.toml");

/// What ends when this ends.
pub struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds the binary as it is released.
pub fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "-p", "innkeeper"])
        .current_dir(&root)
        .status();
    assert!(
        status.expect("cargo runs").success(),
        "the binary cannot be built"
    );
    let bench = std::env::current_exe().expect("this bench's own path");
    let folder = bench
        .parent()
        .and_then(Path::parent)
        .expect("target/<profile>/deps");
    folder.join("innkeeper")
}

/// Starts the simulator; returns it with the settings that it prints for a configuration.
pub fn simulate(innkeeper: &Path, guests: u64) -> (Server, String) {
    let mut child = Command::new(innkeeper)
        .args([
            "simulate",
            "--listen",
            "127.0.0.1:0",
            "--no-throttling",
            "--speed",
            "0",
            "--guests",
            &guests.to_string(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the simulator starts");
    let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let server = Server(child);
    let mut settings = String::new();
    for line in stdout.lines().map(|line| line.expect("text")) {
        if line.starts_with("Its control interface") {
            return (server, settings);
        }
        if !line.starts_with("A simulated tenant") {
            settings.push_str(&line);
            settings.push('\n');
        }
    }
    panic!("the simulator ended early: {settings}");
}

pub fn write_installation(folder: &Path, settings: &str, policy: &str) {
    let settings = settings.replace(
        "policy = \"policy.toml\"",
        "mode = \"enforce\"\npolicy = \"policy.toml\"",
    );
    let config = format!(
        "{settings}\n[schedule]\ncycle = \"0 */6 * * *\"\n\n\
         [tenants.notify]\nsender = \"guests@contoso.example\"\noperators = [\"operators@contoso.example\"]\n"
    );
    std::fs::write(folder.join("innkeeper.toml"), config).expect("the folder can be written");
    std::fs::write(folder.join("policy.toml"), policy).expect("the folder can be written");
}

/// Runs a command; returns its wall time and its highest resident memory in KiB, as Linux accounts it.
pub fn run(innkeeper: &Path, command: &str, folder: &Path) -> (Duration, u64) {
    let begun = Instant::now();
    let mut child = Command::new(innkeeper)
        .args(command.split(' '))
        .args(["--quiet", "--config"])
        .arg(folder.join("innkeeper.toml"))
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let status = format!("/proc/{}/status", child.id());
    let mut highest = 0;
    loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        highest = highest.max(
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
                .unwrap_or(0),
        );
        if let Some(ended) = child.try_wait().expect("it can be waited for") {
            // A plan with steps in it ends so.
            let planned = command.starts_with("plan") && ended.code() == Some(2);
            assert!(ended.success() || planned, "{command} failed: {ended}");
            return (begun.elapsed(), highest);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
