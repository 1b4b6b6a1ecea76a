//! Configurations that are right, wrong, and indiscreet.

mod errors;
mod pages;
mod secrets;
mod values;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Config, ConfigError};

/// A short one.
const MINIMAL: &str = r#"[database]
url = "sqlite://innkeeper.db"

[schedule]
cycle = "0 */6 * * *"

[[tenants]]
name = "contoso"
tenant_id = "11111111-2222-3333-4444-555555555555"
policy = "policy.toml"

[tenants.credential]
kind = "client-secret"
client_id = "66666666-7777-8888-9999-000000000000"
client_secret = "s3cret-s3cret"
"#;

const NOTIFY: &str = r#"
[tenants.notify]
sender = "guests@contoso.example"
operators = ["identity-team@contoso.example"]
"#;

fn load_in(folder: &Path, text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let file = folder.join("innkeeper.toml");
    fs::write(&file, text).unwrap();
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(&file, env)
}

fn load(text: &str, env: &[(&str, &str)]) -> Config {
    load_in(TempDir::new().unwrap().path(), text, env).unwrap()
}

/// What is said about a configuration that is refused, without the name of its folder.
fn refusal(text: &str, env: &[(&str, &str)]) -> String {
    let folder = TempDir::new().unwrap();
    let error = load_in(folder.path(), text, env).unwrap_err();
    let folder = format!("{}/", folder.path().display());
    error.to_string().replace(&folder, "")
}

/// The refusal of the short one with something exchanged.
fn refused_with(old: &str, new: &str) -> String {
    assert!(MINIMAL.contains(old), "{old}");
    refusal(&MINIMAL.replace(old, new), &[])
}
