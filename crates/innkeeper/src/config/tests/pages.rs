//! The sample, the reference page and what `config show` prints know every key.

use std::fs;

use tempfile::TempDir;

use super::{MINIMAL, NOTIFY, load, load_in};
use crate::config::SAMPLE;
use crate::config::keys::{KEYS, Kind};

const REFERENCE: &str = include_str!("../../../../../docs/configuration.md");

#[test]
fn the_sample_is_a_configuration() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("client-secret"), "secret").unwrap();
    let config = load_in(folder.path(), SAMPLE, &[]).unwrap();
    assert_eq!(config.tenants[0].name, "contoso");
}

#[test]
fn the_sample_has_every_key() {
    let lines = || SAMPLE.lines().map(|line| line.trim_start_matches("# "));
    for key in KEYS.iter() {
        let found = match key.kind {
            Kind::Table => lines().any(|line| line == format!("[{}]", key.path)),
            Kind::Tables => lines().any(|line| line == format!("[[{}]]", key.path)),
            Kind::Text | Kind::Number | Kind::Texts => {
                let name = key.path.names().last().unwrap();
                lines().any(|line| line.starts_with(&format!("{name} = ")))
            }
        };
        assert!(found, "the sample lacks {}", key.path);
    }
}

#[test]
fn the_reference_page_has_every_key_and_its_variable() {
    for key in KEYS.iter() {
        let text = format!("`{}`", key.path);
        match (key.kind, key.variable()) {
            (Kind::Table, _) => assert!(REFERENCE.contains(&format!("`[{}]`", key.path)), "{text}"),
            (Kind::Tables, _) => {
                assert!(REFERENCE.contains(&format!("`[[{}]]`", key.path)), "{text}");
            }
            (_, Some(variable)) => {
                assert!(REFERENCE.contains(&text), "the reference lacks {text}");
                assert!(
                    REFERENCE.contains(&format!("`{variable}`")),
                    "the reference lacks {variable}"
                );
            }
            (_, None) => {}
        }
    }
}

#[test]
fn the_reference_page_has_no_other_key() {
    let sections = [
        "database",
        "schedule",
        "http",
        "answers",
        "log",
        "clock",
        "journal",
        "alarms",
        "retention",
        "tenants",
    ];
    for word in REFERENCE.split('`').skip(1).step_by(2) {
        let is_key = sections
            .iter()
            .any(|section| word.starts_with(&format!("{section}.")));
        let is_known = KEYS.iter().any(|key| key.path.to_string() == word);
        assert!(!is_key || is_known, "the reference has `{word}`");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    let answers = "\n[answers]\npublic_url = \"https://guests.contoso.example/a\"\nlisten = \"127.0.0.1:8081\"\nkey_file = \"keys\"\n";
    let shown = load(&format!("{MINIMAL}{NOTIFY}{answers}"), &[]).show();
    assert!(
        shown.contains("https://guests.contoso.example/a/"),
        "{shown}"
    );
    let again = load(&shown, &[]).show();
    let values = |page: &str| -> Vec<String> {
        let lines = page
            .lines()
            .map(|line| line.split("  # ").next().unwrap_or_default().to_owned());
        lines.collect()
    };
    assert_eq!(values(&shown), values(&again));
}

#[test]
fn each_shown_value_has_its_origin() {
    let shown = load(MINIMAL, &[("INNKEEPER__LOG__LEVEL", "warn")]).show();
    assert!(shown.contains("lease_seconds = 30  # default\n"), "{shown}");
    assert!(
        shown.contains("level = \"warn\"  # environment variable INNKEEPER__LOG__LEVEL\n"),
        "{shown}"
    );
    let cycle = shown
        .lines()
        .find(|line| line.starts_with("cycle"))
        .unwrap();
    assert!(cycle.ends_with("innkeeper.toml:5:1"), "{cycle}");
    assert!(shown.contains("client_secret = \"***\"  # "), "{shown}");
}
