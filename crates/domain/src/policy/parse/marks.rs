//! What a flag writes into an attribute, and that nothing else in the policy reads it.

use toml_edit::Item;

use super::nearest_or_all;
use super::reader::{Place, Reader, start};
use crate::mark::{Mark, MarkAttribute};
use crate::policy::{Action, Expiry};

/// `attribute` and `value` of a stage, when it has them.
pub(super) fn mark(
    reader: &mut Reader<'_>,
    place: Place<'_>,
    action: Action,
    rule: Option<&str>,
    what: &str,
) -> Option<Mark> {
    if action != Action::Flag {
        for key in ["attribute", "value"] {
            if let Some(item) = place.get(key) {
                reader.problem(
                    start(item.span()),
                    format!("{what}: only flag writes into an attribute; {action} has no {key}"),
                );
            }
        }
        return None;
    }
    let value = match place.get("value") {
        None => Some(Mark::customary(rule.unwrap_or_default())),
        Some(_) => value(reader, place, what),
    };
    if place.get("attribute").is_none() {
        if let Some(item) = place.get("value") {
            reader.problem(
                start(item.span()),
                format!("{what}: value without attribute means nothing; name the attribute, such as attribute = \"extensionAttribute7\""),
            );
        }
        return None;
    }
    let (name, at) = reader.text(place, "attribute", what)?;
    let Some(attribute) = MarkAttribute::parse(&name) else {
        let names: Vec<String> = MarkAttribute::all().map(String::from).collect();
        let hint = nearest_or_all(&name, names.iter().map(String::as_str));
        reader.problem(
            at,
            format!("{what}: a flag cannot be written into {name:?}, only into extensionAttribute1 to extensionAttribute15{hint}"),
        );
        return None;
    };
    Some(Mark {
        attribute,
        value: value?,
    })
}

fn value(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> Option<String> {
    let (value, at) = reader.text(place, "value", what)?;
    if Mark::is_good_value(&value) {
        return Some(value);
    }
    reader.problem(
        at,
        format!(
            "{what}: a value is one line of at most {} characters that begins and ends with no space, so that it is known again",
            Mark::LONGEST
        ),
    );
    None
}

/// Reports every flag that would be written into the attribute that is read as a date.
pub(super) fn check(reader: &mut Reader<'_>, root: &dyn toml_edit::TableLike, expiry: &Expiry) {
    let Some(read) = &expiry.attribute else {
        return;
    };
    for rule in tables(root.get("rule")) {
        for stage in tables(rule.get("stages")) {
            let Some(item) = stage.get("attribute") else {
                continue;
            };
            if item.as_str() == Some(read.name.as_str()) {
                reader.problem(
                    start(item.span()),
                    format!(
                        "a flag cannot be written into {}: [expiry] reads a date there",
                        read.name
                    ),
                );
            }
        }
    }
}

/// The tables of a list, in either way of writing them.
fn tables(item: Option<&Item>) -> Vec<&dyn toml_edit::TableLike> {
    match item {
        Some(Item::ArrayOfTables(tables)) => tables.iter().map(|table| table as _).collect(),
        Some(item) => item
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| Some(value.as_inline_table()? as _))
            .collect(),
        None => Vec::new(),
    }
}
