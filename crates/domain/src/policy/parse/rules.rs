//! Rules and protections.

use std::collections::BTreeSet;

use toml_edit::TableLike;

use super::nearest_or_all;
use super::reader::{Place, Reader, start};
use super::stages::stages;
use super::{Position, RulePlaces, order};
use crate::policy::{Condition, KeepLast, OnUnknown, Protection, Rule, RuleName};

/// The longest name, in characters.
const LONGEST_NAME: usize = 80;

pub(super) fn rules(
    reader: &mut Reader<'_>,
    root: &dyn TableLike,
    places: &mut Vec<RulePlaces>,
) -> Vec<Rule> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (index, place) in reader
        .tables(root, "rule", "", "[[rule]]")
        .into_iter()
        .enumerate()
    {
        let what = called(place, "rule", "name", index);
        reader.only_keys(
            place.table,
            &what,
            &[
                "name",
                "when",
                "stages",
                "unannounced",
                "unknown",
                "keep_last_of_group",
            ],
        );
        let name = name(reader, place, &what, "rule", &mut names);
        let when = condition(reader, place, &what);
        let unannounced = reader.flag(place, "unannounced", &what);
        let unknown = on_unknown(reader, place, &what);
        let keep_last = keep_last(reader, place, &what);
        let stages = stages(reader, place, name.as_ref().map(RuleName::as_str), &what);
        if let Some(stages) = &stages {
            order::check(reader, &what, when.as_ref(), stages, unannounced);
        }
        if let (Some(name), Some(when), Some(stages)) = (name, when, stages) {
            let (stages, at): (Vec<_>, Vec<_>) = stages.into_iter().unzip();
            places.push(RulePlaces {
                when: reader.place(when_at(place)),
                stages: at.into_iter().map(|at| reader.place(at)).collect(),
            });
            rules.push(Rule {
                name,
                when,
                stages,
                unknown,
                keep_last,
            });
        }
    }
    rules
}

fn on_unknown(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> OnUnknown {
    if place.get("unknown").is_none() {
        return OnUnknown::default();
    }
    let Some((word, at)) = reader.text(place, "unknown", what) else {
        return OnUnknown::default();
    };
    let known = OnUnknown::ALL
        .into_iter()
        .find(|known| known.as_str() == word);
    known.unwrap_or_else(|| {
        let hint = nearest_or_all(&word, OnUnknown::ALL.into_iter().map(OnUnknown::as_str));
        reader.problem(at, format!("{what}: unknown cannot be {word:?}{hint}"));
        OnUnknown::default()
    })
}

fn keep_last(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> KeepLast {
    let key = "keep_last_of_group";
    let Some(item) = place.get(key) else {
        return KeepLast::Nowhere;
    };
    match item.as_str() {
        Some("projects") => KeepLast::Projects,
        Some(other) => {
            reader.problem(
                start(item.span()),
                format!("{what}: {key} is \"projects\", or a list of groups; write [{other:?}] for one group"),
            );
            KeepLast::Nowhere
        }
        None => KeepLast::Named(
            reader
                .texts(item, key, what)
                .into_iter()
                .map(|(group, _)| group)
                .collect(),
        ),
    }
}

pub(super) fn protections(
    reader: &mut Reader<'_>,
    root: &dyn TableLike,
    places: &mut Vec<Position>,
) -> Vec<Protection> {
    let mut names = BTreeSet::new();
    let mut protections = Vec::new();
    for (index, place) in reader
        .tables(root, "protect", "", "[[protect]]")
        .into_iter()
        .enumerate()
    {
        let what = called(place, "protection", "name", index);
        reader.only_keys(place.table, &what, &["name", "when"]);
        let name = name(reader, place, &what, "protection", &mut names);
        let when = condition(reader, place, &what);
        if let (Some(name), Some(when)) = (name, when) {
            places.push(reader.place(when_at(place)));
            protections.push(Protection { name, when });
        }
    }
    protections
}

/// What messages call a table: by its name, else by its number.
pub(super) fn called(place: Place<'_>, kind: &str, key: &str, index: usize) -> String {
    match place.get(key).and_then(toml_edit::Item::as_str) {
        Some(name) if !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME => {
            format!("{kind} {name:?}")
        }
        Some(_) | None => format!("{kind} {}", index + 1),
    }
}

fn name(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    what: &str,
    kind: &str,
    names: &mut BTreeSet<String>,
) -> Option<RuleName> {
    let (name, at) = reader.text(place, "name", what)?;
    if name.chars().any(char::is_control) || name.chars().count() > LONGEST_NAME {
        reader.problem(
            at,
            format!("{what}: a name is one line of at most {LONGEST_NAME} characters"),
        );
        return None;
    }
    if name.trim() != name {
        reader.problem(at, format!("{what}: a name begins and ends with no space"));
        return None;
    }
    if !names.insert(name.clone()) {
        reader.problem(at, format!("{what}: another {kind} has this name"));
        return None;
    }
    Some(RuleName::from(name.as_str()))
}

/// Where a condition stands.
fn when_at(place: Place<'_>) -> usize {
    start(place.get("when").and_then(toml_edit::Item::span))
}

fn condition(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> Option<Condition> {
    let (source, at) = reader.text(place, "when", what)?;
    match Condition::parse(&source) {
        Ok(when) => Some(when),
        Err(error) => {
            for (offset, message) in error.each() {
                let at = reader.inside(at, offset);
                reader.problem(at, format!("{what}: {message}"));
            }
            None
        }
    }
}
