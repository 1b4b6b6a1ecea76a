//! The policies that are shipped: each is good, nothing is odd about it, and it does what its cases say.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::trial;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

/// The sample and the templates.
fn policies() -> Vec<PathBuf> {
    let templates = fs::read_dir(folder().join("policies"))
        .expect("the templates")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !path.to_string_lossy().ends_with(".test.toml"));
    let mut policies: Vec<PathBuf> = templates.chain([folder().join("policy.toml")]).collect();
    policies.sort();
    policies
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_shipped_policy_does_what_its_cases_say() {
    let now: DateTime<Utc> = "2027-01-31T23:59:00Z".parse().expect("a time");
    let policies = policies();
    assert!(policies.len() > 7, "{policies:?}");
    for path in policies {
        let name = path.display().to_string();
        let (policy, warnings) =
            Policy::check(&name, &read(&path)).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(warnings, [], "{name}");
        let cases = path.with_extension("test.toml");
        let trials = trial::read(&cases.display().to_string(), &read(&cases), &policy)
            .unwrap_or_else(|problems| panic!("{problems}"));
        // They come out the same whenever they are run.
        for now in [now, now + TimeDelta::minutes(2), now + TimeDelta::days(500)] {
            for trial in &trials {
                let outcome = trial.run(&policy, now);
                assert!(
                    outcome.passed,
                    "{name}: {}: expected {}, actual {}",
                    trial.name, trial.expect, outcome.actual
                );
            }
        }
        for rule in &policy.rules {
            let is_tried =
                |trial: &trial::Trial| trial.expect.rule.as_deref() == Some(rule.name.as_str());
            assert!(
                trials.iter().any(is_tried),
                "{name}: no case for {}",
                rule.name
            );
        }
    }
}
