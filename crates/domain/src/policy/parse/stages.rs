//! The stages of a rule, each by itself.

use toml_edit::Item;

use super::marks::mark;
use super::nearest_or_all;
use super::reader::{Place, Reader, start};
use crate::policy::{Action, FromGroups, Recipient, Stage};

/// The stages of the rule with this name, each with the place of its action; `None` when anything is wrong with one, so that its lack does not
/// make the others look wrong too.
pub(super) fn stages(
    reader: &mut Reader<'_>,
    rule: Place<'_>,
    name: Option<&str>,
    what: &str,
) -> Option<Vec<(Stage, usize)>> {
    let example = "{ action = \"notify\" }";
    let Some(item) = rule.get("stages") else {
        reader.problem(
            rule.at,
            format!("{what}: stages is missing; write such as stages = [{example}]"),
        );
        return None;
    };
    if item.as_array().is_some_and(toml_edit::Array::is_empty) {
        reader.problem(
            start(item.span()),
            format!("{what}: stages is empty; write such as stages = [{example}]"),
        );
        return None;
    }
    let tables = reader.tables(rule.table, "stages", &format!("{what}: "), example);
    let count = tables.len();
    let stages: Vec<_> = tables
        .into_iter()
        .enumerate()
        .filter_map(|(index, place)| {
            let what = format!("{what}, stage {}", index + 1);
            stage(reader, place, name, &what)
        })
        .collect();
    (count > 0 && stages.len() == count).then_some(stages)
}

fn stage(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    rule: Option<&str>,
    what: &str,
) -> Option<(Stage, usize)> {
    reader.only_keys(
        place.table,
        what,
        &[
            "action",
            "wait",
            "to",
            "from",
            "of",
            "repeat",
            "attribute",
            "value",
        ],
    );
    let wait = match place.get("wait") {
        None => Some(chrono::TimeDelta::zero()),
        Some(_) => reader.span(place.table, "wait", what),
    };
    let (word, at) = reader.text(place, "action", what)?;
    // A flag in an attribute is written as a flag with an attribute, and in no second way.
    let words = || {
        let actions = Action::ALL.into_iter();
        actions
            .filter(|action| *action != Action::Mark)
            .map(Action::as_str)
    };
    let Some(action) = Action::parse(&word).filter(|action| *action != Action::Mark) else {
        if word == Action::Mark.as_str() {
            reader.problem(at, format!("{what}: there is no action \"mark\"; write such as {{ action = \"flag\", attribute = \"extensionAttribute7\" }}"));
            return None;
        }
        let hint = nearest_or_all(&word, words());
        reader.problem(at, format!("{what}: there is no action {word:?}{hint}"));
        return None;
    };
    let customary = Stage::of(action);
    let to = match place.get("to") {
        None => customary.to,
        Some(item) if action == Action::Notify => recipients(reader, item, what),
        Some(item) => {
            reader.problem(
                start(item.span()),
                format!("{what}: only notify writes to anybody; {action} has no to"),
            );
            customary.to
        }
    };
    let from = match place.get("from") {
        None => customary.from,
        Some(item) if action == Action::RemoveFromGroup => groups(reader, item, what),
        Some(item) => {
            reader.problem(
                start(item.span()),
                format!(
                    "{what}: only remove-from-group has from; {action} takes nobody out of a group"
                ),
            );
            customary.from
        }
    };
    let of = match place.get("of") {
        None => customary.of,
        Some(item) if action == Action::RemoveAppRoles => applications(reader, item, what),
        Some(item) => {
            reader.problem(
                start(item.span()),
                format!(
                    "{what}: only remove-app-roles has of; {action} takes no role in an application away"
                ),
            );
            customary.of
        }
    };
    let repeat = repeat(reader, place, action, what);
    let mark = mark(reader, place, action, rule, what);
    let action = if mark.is_some() { Action::Mark } else { action };
    let wait = wait?;
    let stage = Stage {
        action,
        wait,
        to,
        from,
        of,
        repeat,
        mark,
    };
    Some((stage, at))
}

fn repeat(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    action: Action,
    what: &str,
) -> Option<chrono::TimeDelta> {
    let at = start(place.get("repeat")?.span());
    if action != Action::Notify {
        reader.problem(
            at,
            format!("{what}: only notify can be repeated; {action} is done once"),
        );
        return None;
    }
    let repeat = reader.span(place.table, "repeat", what)?;
    if repeat < chrono::TimeDelta::days(1) {
        reader.problem(
            at,
            format!("{what}: repeat is at least 1d, or nobody reads it"),
        );
    }
    Some(repeat)
}

fn recipients(reader: &mut Reader<'_>, item: &Item, what: &str) -> Vec<Recipient> {
    let words = reader.texts(item, "to", what);
    let known = |word: &str| {
        Recipient::ALL
            .into_iter()
            .find(|recipient| recipient.as_str() == word)
    };
    let mut recipients = Vec::new();
    for (word, at) in words {
        match known(&word) {
            Some(recipient) => recipients.push(recipient),
            None => {
                let hint = nearest_or_all(&word, Recipient::ALL.into_iter().map(Recipient::as_str));
                reader.problem(at, format!("{what}: there is no recipient {word:?}{hint}"));
            }
        }
    }
    recipients
}

fn groups(reader: &mut Reader<'_>, item: &Item, what: &str) -> FromGroups {
    match item.as_str() {
        Some("ended-projects") => FromGroups::EndedProjects,
        Some(other) => {
            reader.problem(
                start(item.span()),
                format!("{what}: from is \"ended-projects\", or a list of groups; write [{other:?}] for one group"),
            );
            FromGroups::EndedProjects
        }
        None => FromGroups::Named(
            reader
                .texts(item, "from", what)
                .into_iter()
                .map(|(group, _)| group)
                .collect(),
        ),
    }
}

fn applications(reader: &mut Reader<'_>, item: &Item, what: &str) -> Vec<String> {
    let texts = reader.texts(item, "of", what).into_iter();
    texts.map(|(application, _)| application).collect()
}
