//! From the values to the raw types, past every value that does not fit.

use serde_json::Value;

use super::findings::Findings;
use super::keys::{self, Kind};
use super::path::{KeyPath, Step};
use super::raw::RawConfig;

/// Reads the values. One that does not fit is reported and put aside, and reading starts again, until all the
/// others fit.
pub(super) fn read(findings: &mut Findings<'_>) -> RawConfig {
    let mut tree = findings.layers.tree.clone();
    loop {
        let mut unknown = Vec::new();
        let mut note = |path: serde_ignored::Path<'_>| unknown.push(KeyPath::from(&path));
        let deserializer = serde_ignored::Deserializer::new(&tree, &mut note);
        let key = match serde_path_to_error::deserialize(deserializer) {
            Ok(raw) => {
                for key in &unknown {
                    report_unknown(key, findings);
                }
                return raw;
            }
            Err(error) => {
                let error: serde_path_to_error::Error<serde_json::Error> = error;
                KeyPath::from(error.path())
            }
        };
        findings.wrong(&key, expectation(&key, &tree));
        if !put_aside(&mut tree, &key) {
            return RawConfig::default();
        }
    }
}

fn report_unknown(key: &KeyPath, findings: &mut Findings<'_>) {
    let advice = match keys::meant(key) {
        Some(meant) => format!("; did you mean {meant}?"),
        None => {
            let parent = key.parent();
            let beside = keys::KEYS.iter().map(|key| &key.path);
            let beside = beside.filter(|path| path.parent().names().eq(parent.names()));
            let beside: Vec<_> = beside.filter_map(|path| path.names().last()).collect();
            format!("; the keys here are {}", beside.join(", "))
        }
    };
    findings.note(key, format!("unknown key {key}{advice}"));
}

/// What belongs there. The value itself is not shown: it may be a secret.
fn expectation(key: &KeyPath, tree: &Value) -> String {
    let found = match find(tree, key) {
        Some(Value::Null) | None => "nothing",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "a table",
    };
    let is_entry = matches!(key.steps().last(), Some(Step::Entry(_)));
    let name = key.names().last().unwrap_or_default();
    match keys::key(key).map(|key| key.kind) {
        Some(Kind::Texts) if !is_entry => {
            format!("must be a list of texts, such as {name} = [\"...\"], not {found}")
        }
        Some(Kind::Text | Kind::Texts) => {
            format!("must be text in double quotes, not {found}")
        }
        Some(Kind::Number) => {
            format!(
                "must be a whole number between 0 and {}, not {found}",
                u32::MAX
            )
        }
        Some(Kind::Table) if is_entry => format!("must be a table, not {found}"),
        Some(Kind::Table) => format!("must be a table, [{key}], not {found}"),
        Some(Kind::Tables) => format!("must be tables, [[{key}]], not {found}"),
        None => format!("does not belong here: {found}"),
    }
}

fn find<'a>(tree: &'a Value, key: &KeyPath) -> Option<&'a Value> {
    key.steps().iter().try_fold(tree, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::Entry(index) => value.get(index),
    })
}

/// Takes a value out. An entry of a list is emptied instead, so that those after it keep their numbers.
fn put_aside(tree: &mut Value, key: &KeyPath) -> bool {
    let Some((last, way)) = key.steps().split_last() else {
        return false;
    };
    let parent = way.iter().try_fold(tree, |value, step| match step {
        Step::Name(name) => value.get_mut(name),
        Step::Entry(index) => value.get_mut(index),
    });
    match (parent, last) {
        (Some(Value::Object(table)), Step::Name(name)) => table.remove(name).is_some(),
        (Some(Value::Array(entries)), Step::Entry(index)) => {
            let is_table = keys::key(key).is_some_and(|key| key.kind == Kind::Tables);
            entries.get_mut(*index).is_some_and(|entry| {
                *entry = if is_table {
                    Value::Object(serde_json::Map::new())
                } else {
                    Value::String(String::new())
                };
                true
            })
        }
        _ => false,
    }
}
