//! The written documents: the reference of the facts is that of the program, and the sample policy is good.

use std::fs;
use std::path::PathBuf;

use chrono::DateTime;
use innkeeper_domain::facts::reference;
use innkeeper_domain::policy::Policy;
use innkeeper_domain::trial;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
}

fn read(name: &str) -> String {
    let path = file(name);
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("\r\n", "\n")
}

#[test]
fn the_reference_of_the_facts_is_current() {
    assert!(
        read("docs/facts.md") == reference::markdown(),
        "docs/facts.md does not have the facts of the program; write it anew with\n  \
         cargo run -p innkeeper -- policy facts --markdown > docs/facts.md"
    );
}

/// Every policy and every part of one that the page shows is good by itself.
#[test]
fn the_examples_of_the_page_are_good() {
    let page = read("docs/policy.md");
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("the example ends").0)
        .collect();
    assert!(examples.len() > 3, "{examples:?}");
    for example in examples {
        if let Err(problems) = Policy::parse("example", example) {
            panic!("{example}\n{problems}");
        }
    }
}

#[test]
fn the_cases_of_the_page_come_out_as_expected() {
    let page = read("docs/policy.md");
    let (_, rest) = page
        .split_once("    [defaults]")
        .expect("the example begins");
    let (example, _) = rest.split_once("\n| key").expect("the example ends");
    let text = format!("[defaults]{example}").replace("\n    ", "\n");
    let policy = Policy::parse("config/policy.toml", &read("config/policy.toml")).expect("good");
    let trials = trial::read("docs/policy.md", &text, &policy)
        .unwrap_or_else(|problems| panic!("{problems}"));
    let outcome = trials[0].run(&policy, DateTime::UNIX_EPOCH);
    assert!(outcome.passed, "{outcome:?}");
}

#[test]
fn the_conditions_of_the_page_are_good() {
    let page = read("docs/policy.md");
    let conditions: Vec<&str> = page
        .split("```cel\n")
        .skip(1)
        .flat_map(|rest| rest.split_once("```").expect("the example ends").0.lines())
        .filter(|line| !line.is_empty())
        .collect();
    assert!(conditions.len() > 10, "{conditions:?}");
    for condition in conditions {
        let policy = format!("[[protect]]\nname = \"p\"\nwhen = '''{condition}'''\n");
        if let Err(problems) = Policy::parse("example", &policy) {
            panic!("{condition}\n{problems}");
        }
    }
}

/// Each run of commented-out lines that begins with a table, without its `# `.
fn commented_out(sample: &str) -> Vec<String> {
    let mut examples: Vec<String> = Vec::new();
    let mut is_inside = false;
    for line in sample.lines() {
        match line.strip_prefix("# ") {
            Some(text) if text.starts_with('[') => {
                examples.push(format!("{text}\n"));
                is_inside = true;
            }
            Some(text) if is_inside => {
                let example = examples.last_mut().expect("one has begun");
                example.push_str(text);
                example.push('\n');
            }
            Some(_) | None => is_inside = false,
        }
    }
    examples
}

#[test]
fn the_sample_policy_is_good_also_with_its_examples_taken_in() {
    let sample = read("config/policy.toml");
    if let Err(problems) = Policy::parse("config/policy.toml", &sample) {
        panic!("{problems}");
    }
    let examples = commented_out(&sample);
    assert_eq!(examples.len(), 5, "{examples:?}");
    for example in &examples {
        if let Err(problems) = Policy::parse("example", example) {
            panic!("{example}\n{problems}");
        }
    }
    let whole = format!("{}\n{sample}", examples.concat());
    let policy = Policy::parse("config/policy.toml", &whole).expect("a good policy");
    assert_eq!(policy.protections.len(), 4);
    assert_eq!((policy.projects.len(), policy.partners.len()), (1, 1));
}
