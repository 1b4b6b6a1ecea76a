//! A file of cases for a policy: facts in, verdict out.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use toml_edit::{Item, TableLike};

use super::reader::{Place, Reader, start};
use super::rules::called;
use super::{Problems, given, nearest_or_all};
use crate::facts::FactName;
use crate::policy::{Action, Policy, RuleName};
use crate::trial::{Expectation, Given, History, People, Trial, Value};

const VERDICTS: [&str; 5] = ["keep", "wait", "act", "protected", "unknown"];

/// Nobody's history is longer.
const LONGEST: i64 = 36_500;

pub(crate) fn trials(file: &str, text: &str, policy: &Policy) -> Result<Vec<Trial>, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::new(text);
    let mut trials = Vec::new();
    match toml_edit::Document::parse(text) {
        Ok(document) => {
            let root = document.as_table();
            reader.only_keys(root, "the file of cases", &["defaults", "case"]);
            let defaults = defaults(&mut reader, root, policy);
            let mut names = BTreeSet::new();
            let places = reader.tables(root, "case", "", "[[case]]");
            if places.is_empty() {
                reader.problem(0, "there is no [[case]] in it");
            }
            for (index, place) in places.into_iter().enumerate() {
                let what = called(place, "case", "name", index);
                trials.extend(trial(
                    &mut reader,
                    place,
                    &what,
                    policy,
                    &defaults,
                    &mut names,
                ));
            }
        }
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            reader.problem(offset, format!("not TOML: {}", error.message()));
        }
    }
    let problems = reader.into_problems();
    if problems.is_empty() {
        Ok(trials)
    } else {
        Err(Problems {
            file: file.to_owned(),
            problems,
        })
    }
}

fn defaults(reader: &mut Reader<'_>, root: &dyn TableLike, policy: &Policy) -> Given {
    match root.get("defaults") {
        Some(item) => given::facts(reader, item, "[defaults]", policy, &Given::default()),
        None => Given::default(),
    }
}

fn trial(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    what: &str,
    policy: &Policy,
    defaults: &Given,
    names: &mut BTreeSet<String>,
) -> Option<Trial> {
    reader.only_keys(
        place.table,
        what,
        &[
            "name",
            "facts",
            "history",
            "exempt_days",
            "hold",
            "brought_back",
            "expect",
        ],
    );
    let (name, at) = reader.text(place, "name", what)?;
    if !names.insert(name.clone()) {
        reader.problem(at, format!("{what}: another case has this name"));
    }
    let history = history(reader, place, what, policy);
    let mut base = defaults.clone();
    // Whoever was disabled is disabled, unless the case itself says otherwise.
    if history
        .iter()
        .any(|history| history.done.contains(&Action::Disable))
    {
        base.give(FactName::Enabled, Value::Bool(false));
    }
    let facts = match place.get("facts") {
        Some(item) => given::facts(reader, item, what, policy, &base),
        None => base,
    };
    let expect = match place.get("expect").map(|item| (item, item.as_table_like())) {
        Some((item, Some(table))) => {
            let at = start(item.span());
            expectation(reader, Place { table, at }, what, policy)
        }
        Some((item, None)) => {
            reader.problem(
                start(item.span()),
                format!("{what}: expect is a table, such as {{ verdict = \"keep\" }}"),
            );
            None
        }
        None => {
            reader.problem(
                place.at,
                format!(
                    "{what}: expect is missing; write such as expect = {{ verdict = \"keep\" }}"
                ),
            );
            None
        }
    };
    Some(Trial {
        name,
        line: reader.place(place.at).line,
        facts,
        history,
        people: people(reader, place, what),
        expect: expect?,
    })
}

/// What people decided about the guest, and did for it.
fn people(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> People {
    let mut within = |key: &str, least: i64| {
        place.get(key)?;
        let number = days(reader, place, key, what)?;
        if !(least..=LONGEST).contains(&number) {
            reader.problem(
                start(place.get(key).and_then(Item::span)),
                format!("{what}: {key} is a number from {least} to {LONGEST}"),
            );
            return None;
        }
        Some(number)
    };
    let exempt_days = within("exempt_days", -LONGEST);
    let brought_back = within("brought_back", 0).and_then(|times| u32::try_from(times).ok());
    let hold = place.get("hold").map(|item| (item, item.as_bool()));
    if let Some((item, None)) = hold {
        reader.problem(
            start(item.span()),
            format!(
                "{what}: hold is true or false, and this is {}",
                item.type_name()
            ),
        );
    }
    People {
        exempt_days,
        hold: matches!(hold, Some((_, Some(true)))),
        brought_back: brought_back.unwrap_or_default(),
    }
}

fn history(reader: &mut Reader<'_>, place: Place<'_>, what: &str, policy: &Policy) -> Vec<History> {
    let example = "{ rule = \"inactive\", done = [\"notify\"], days_ago = 14 }";
    let places = reader.tables(place.table, "history", &format!("{what}: "), example);
    let mut histories: Vec<History> = Vec::new();
    for place in places {
        let Some(history) = open_case(reader, place, &format!("{what}, history"), policy) else {
            continue;
        };
        if histories.iter().any(|other| other.rule == history.rule) {
            reader.problem(
                place.at,
                format!("{what}, history: a guest has one open case under a rule"),
            );
        }
        histories.push(history);
    }
    histories
}

fn open_case(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    what: &str,
    policy: &Policy,
) -> Option<History> {
    reader.only_keys(place.table, what, &["rule", "done", "days_ago"]);
    let (name, at) = reader.text(place, "rule", what)?;
    let Some(rule) = policy.rule(&RuleName::from(name.as_str())) else {
        let names = policy.rules.iter().map(|rule| rule.name.as_str());
        let hint = nearest_or_all(&name, names);
        reader.problem(at, format!("{what}: the policy has no rule {name:?}{hint}"));
        return None;
    };
    let stages: Vec<Action> = rule.stages.iter().map(|stage| stage.action).collect();
    let mut done = Vec::new();
    if let Some(item) = place.get("done") {
        let words: Vec<(String, usize)> = match item.as_array() {
            Some(array) if array.is_empty() => Vec::new(),
            _ => words(reader, item, what),
        };
        for (word, at) in words {
            match Action::parse(&word) {
                Some(action) => done.push(action),
                None => {
                    let hint = nearest_or_all(&word, Action::ALL.into_iter().map(Action::as_str));
                    reader.problem(at, format!("{what}: there is no action {word:?}{hint}"));
                    return None;
                }
            }
        }
        if !stages.starts_with(&done) {
            let stages: Vec<&str> = stages.iter().map(|action| action.as_str()).collect();
            reader.problem(
                start(item.span()),
                format!(
                    "{what}: the stages of {name:?} are {}; what was done are the first of them, in their order",
                    stages.join(", ")
                ),
            );
        }
    }
    let days = days(reader, place, "days_ago", what)?;
    if !(0..=LONGEST).contains(&days) {
        reader.problem(
            start(place.get("days_ago").and_then(Item::span)),
            format!("{what}: days_ago is a number of days from 0 to {LONGEST}"),
        );
        return None;
    }
    Some(History {
        rule: rule.name.clone(),
        done,
        ago: TimeDelta::days(days),
    })
}

/// Words that may be repeated, as stages may.
fn words(reader: &mut Reader<'_>, item: &Item, what: &str) -> Vec<(String, usize)> {
    let Some(array) = item.as_array() else {
        reader.problem(
            start(item.span()),
            format!("{what}: done is a list of actions, such as [\"notify\"]"),
        );
        return Vec::new();
    };
    array
        .iter()
        .map(|value| {
            let word = value.as_str().unwrap_or_default().to_owned();
            (word, start(value.span()))
        })
        .collect()
}

fn days(reader: &mut Reader<'_>, place: Place<'_>, key: &str, what: &str) -> Option<i64> {
    let Some(item) = place.get(key) else {
        reader.problem(place.at, format!("{what}: {key} is missing"));
        return None;
    };
    let days = item.as_integer();
    if days.is_none() {
        reader.problem(
            start(item.span()),
            format!(
                "{what}: {key} is a whole number of days, and this is {}",
                item.type_name()
            ),
        );
    }
    days
}

fn expectation(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    what: &str,
    policy: &Policy,
) -> Option<Expectation> {
    let what = format!("{what}, expect");
    reader.only_keys(
        place.table,
        &what,
        &["verdict", "rule", "action", "due_in_days", "fact"],
    );
    let rules = policy.rules.iter().map(|rule| rule.name.as_str());
    let protections = policy
        .protections
        .iter()
        .map(|protection| protection.name.as_str());
    let rules: Vec<&str> = rules.chain(protections).collect();
    let actions: Vec<&str> = Action::ALL
        .into_iter()
        .map(Action::as_str)
        .chain(["enable"])
        .collect();
    let facts: Vec<&str> = FactName::ALL.iter().map(|fact| fact.as_str()).collect();
    if place.get("verdict").is_none() {
        reader.problem(
            place.at,
            format!(
                "{what}: verdict is missing; it is one of {}",
                VERDICTS.join(", ")
            ),
        );
    }
    Some(Expectation {
        verdict: among(reader, place, "verdict", "verdict", &what, &VERDICTS).unwrap_or_default(),
        rule: among(reader, place, "rule", "rule or protection", &what, &rules),
        action: among(reader, place, "action", "action", &what, &actions),
        due_in_days: place
            .get("due_in_days")
            .and_then(|_| days(reader, place, "due_in_days", &what)),
        fact: among(reader, place, "fact", "fact", &what, &facts)
            .and_then(|fact| FactName::parse(&fact)),
    })
}

/// A word that must be one of these, if it is there.
fn among(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    key: &str,
    kind: &str,
    what: &str,
    known: &[&str],
) -> Option<String> {
    place.get(key)?;
    let (word, at) = reader.text(place, key, what)?;
    if known.contains(&word.as_str()) {
        return Some(word);
    }
    let hint = nearest_or_all(&word, known.iter().copied());
    reader.problem(at, format!("{what}: there is no {kind} {word:?}{hint}"));
    None
}
