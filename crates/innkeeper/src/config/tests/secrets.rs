//! Secrets are loaded and never shown.

use std::fs;

use innkeeper_graph::{Application, Credential};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::{MINIMAL, load, load_in, refusal, refused_with};
use crate::config::Config;

const SECRET: &str = "s3cret-s3cret";

fn secret(config: &Config) -> &str {
    match &config.tenants[0].credential {
        Credential::Application {
            application: Application::Secret(secret),
            ..
        } => secret.expose_secret(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn neither_debug_nor_show_prints_a_secret() {
    let url =
        "postgres://innkeeper:hunter2@db.example/innkeeper?password=hunter2&sslmode=verify-full";
    let config = load(MINIMAL, &[("INNKEEPER__DATABASE__URL", url)]);
    assert_eq!(config.database.url.expose(), url);
    assert_eq!(secret(&config), SECRET);
    for text in [
        format!("{config:?}"),
        format!("{config:#?}"),
        config.show(),
        config.database.url.to_string(),
    ] {
        assert!(
            !text.contains(SECRET) && !text.contains("hunter2"),
            "{text}"
        );
    }
    assert_eq!(
        config.database.url.to_string(),
        "postgres://innkeeper:***@db.example/innkeeper?password=***&sslmode=verify-full"
    );
}

#[test]
fn no_error_prints_a_secret() {
    let secret_line = format!("client_secret = \"{SECRET}\"");
    let url_line = "url = \"sqlite://innkeeper.db\"";
    let cases = [
        // Broken text, wrong type, wrong place, set twice.
        (secret_line.as_str(), format!("client_secret = \"{SECRET}")),
        (&secret_line, format!("client_secret = [\"{SECRET}\"]")),
        (&secret_line, format!("client_secert = \"{SECRET}\"")),
        (
            &secret_line,
            format!("{secret_line}\nclient_secret_file = \"secret\""),
        ),
        (
            "client_id = \"66666666-7777-8888-9999-000000000000\"",
            format!("client_id = \"{SECRET}\""),
        ),
        (
            "policy = ",
            format!("graph_url = \"https://a:{SECRET}@graph.example\"\npolicy = "),
        ),
        (url_line, format!("url = \"mysql://a:{SECRET}@db/x\"")),
        (url_line, format!("url = \"postgres://a:{SECRET}/x@db/x\"")),
        (url_line, format!("url = \"postgres:/a:{SECRET}@db/x\"")),
        (url_line, format!("url = \"postgres:///a:{SECRET}@db/x\"")),
        (url_line, format!("url = \"postgres://a:1/{SECRET}@db/x\"")),
        (url_line, format!("url = \"postgres://a:1#{SECRET}@db/x\"")),
        (url_line, format!("url = \"postgres://a:1?{SECRET}@db/x\"")),
        (url_line, format!("url = \"postgres://a:{SECRET}")),
        (url_line, format!("url = [\"postgres://a:{SECRET}@db/x\"]")),
    ];
    for (old, new) in cases {
        let text = refused_with(old, &new);
        assert!(!text.contains(SECRET), "{new}: {text}");
    }
    for name in [
        "INNKEEPER__TENANTS__CONTOSO__CREDENTIAL__CLIENT_ID",
        "INNKEEPER__DATABASE__URL",
        "INNKEEPER__SECRET",
    ] {
        let text = refusal(MINIMAL, &[(name, SECRET)]);
        assert!(text.contains(name) && !text.contains(SECRET), "{text}");
    }
}

#[test]
fn a_secret_comes_from_a_file_without_its_line_break() {
    let folder = TempDir::new().unwrap();
    let text = MINIMAL.replace(
        &format!("client_secret = \"{SECRET}\""),
        "client_secret_file = \"secret\"",
    );
    let file = folder.path().join("secret");

    let missing = load_in(folder.path(), &text, &[]).unwrap_err().to_string();
    assert!(
        missing.contains(":15:1: tenants[0].credential.client_secret_file: "),
        "{missing}"
    );
    assert!(
        missing.contains("secret cannot be read: No such file"),
        "{missing}"
    );

    fs::write(&file, " \n").unwrap();
    let empty = load_in(folder.path(), &text, &[]).unwrap_err().to_string();
    assert!(empty.ends_with("secret is empty"), "{empty}");

    fs::write(&file, "from-a-file\r\n").unwrap();
    assert_eq!(
        secret(&load_in(folder.path(), &text, &[]).unwrap()),
        "from-a-file"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let text = MINIMAL.replace(
        &format!("client_secret = \"{SECRET}\""),
        "client_secret_file = \"secret\"",
    );
    let file = folder.path().join("secret");
    fs::write(&file, "from-a-file").unwrap();
    for (mode, warnings) in [(0o600, 0), (0o640, 0), (0o644, 1)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let config = load_in(folder.path(), &text, &[]).unwrap();
        assert_eq!(config.warnings.len(), warnings, "{:?}", config.warnings);
    }
}

#[test]
fn one_secret_is_needed_and_only_one() {
    let line = format!("client_secret = \"{SECRET}\"");
    assert_eq!(
        refused_with(&line, ""),
        "innkeeper.toml:12:10: tenants[0].credential.client_secret is missing, and so is client_secret_file"
    );
    assert_eq!(
        refused_with(&line, &format!("{line}\nclient_secret_file = \"secret\"")),
        "innkeeper.toml:15:1: tenants[0].credential.client_secret: client_secret_file is set too \
         (innkeeper.toml:16:1); keep one of the two"
    );
    assert!(refused_with(&line, "client_secret = \"\"").contains("client_secret: is empty"));
}
