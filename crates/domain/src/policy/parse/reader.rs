//! Taking values out of TOML, and noting what is wrong with its place.

use std::ops::Range;

use chrono::TimeDelta;
use toml_edit::{Item, TableLike, Value};

use super::places::place_in_string;
use super::{Position, Problem, nearest_or_all, spans};

/// The text, and what was found wrong with it so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    found: Vec<(usize, String)>,
}

/// A table, and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Place<'d> {
    pub(super) table: &'d dyn TableLike,
    pub(super) at: usize,
}

impl<'d> Place<'d> {
    pub(super) fn get(&self, key: &str) -> Option<&'d Item> {
        self.table.get(key)
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, offset: usize, message: impl Into<String>) {
        self.found.push((offset, message.into()));
    }

    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.found.sort();
        self.found.dedup();
        let found = std::mem::take(&mut self.found);
        let problem = |(offset, message): (usize, String)| {
            let Position { line, column } = self.place(offset);
            Problem {
                line,
                column,
                message,
            }
        };
        found.into_iter().map(problem).collect()
    }

    /// The line and column of a byte.
    pub(super) fn place(&self, offset: usize) -> Position {
        let before = &self.text[..self.text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Reports every key that is not among `known`.
    pub(super) fn only_keys(&mut self, table: &dyn TableLike, what: &str, known: &[&str]) {
        for (name, item) in table.iter().filter(|(name, _)| !known.contains(name)) {
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            let offset = key.or_else(|| item.span()).map_or(0, |span| span.start);
            let hint = nearest_or_all(name, known.iter().copied());
            self.problem(offset, format!("{what}: there is no key {name}{hint}"));
        }
    }

    /// The tables of an array of tables, written `[[name]]` or `name = [{ ... }]`.
    pub(super) fn tables<'d>(
        &mut self,
        parent: &'d dyn TableLike,
        name: &str,
        what: &str,
        example: &str,
    ) -> Vec<Place<'d>> {
        match parent.get(name) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables
                .iter()
                .map(|table| Place {
                    table,
                    at: start(table.span()),
                })
                .collect(),
            Some(Item::Value(Value::Array(array))) => {
                let mut tables = Vec::new();
                for value in array {
                    let at = start(value.span());
                    match value.as_inline_table() {
                        Some(table) => tables.push(Place { table, at }),
                        None => self.problem(
                            at,
                            format!(
                                "{what}a table such as {example} is needed here, and this is {}",
                                value.type_name()
                            ),
                        ),
                    }
                }
                tables
            }
            Some(other) => {
                let written = if example.starts_with('{') {
                    format!("{what}{name} is a list, such as [{example}]")
                } else {
                    format!("write {example}, with two brackets: there can be several")
                };
                self.problem(start(other.span()), written);
                Vec::new()
            }
        }
    }

    /// A text that must be there.
    pub(super) fn text(
        &mut self,
        place: Place<'_>,
        key: &str,
        what: &str,
    ) -> Option<(String, usize)> {
        let Some(item) = place.get(key) else {
            self.problem(place.at, format!("{what}: {key} is missing"));
            return None;
        };
        let at = start(item.span());
        match item.as_str() {
            Some(text) if text.trim().is_empty() => {
                self.problem(at, format!("{what}: {key} is empty"));
                None
            }
            Some(text) => Some((text.to_owned(), at)),
            None => {
                self.problem(
                    at,
                    format!(
                        "{what}: {key} must be a string, and this is {}",
                        item.type_name()
                    ),
                );
                None
            }
        }
    }

    /// A flag; `false` when absent.
    pub(super) fn flag(&mut self, place: Place<'_>, key: &str, what: &str) -> bool {
        let Some(item) = place.get(key) else {
            return false;
        };
        item.as_bool().unwrap_or_else(|| {
            self.problem(
                start(item.span()),
                format!(
                    "{what}: {key} must be true or false, and this is {}",
                    item.type_name()
                ),
            );
            false
        })
    }

    /// A span of time, when the key is there.
    pub(super) fn span(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        what: &str,
    ) -> Option<TimeDelta> {
        let item = table.get(key)?;
        let at = start(item.span());
        let Some(text) = item.as_str() else {
            self.problem(
                at,
                format!(
                    "{what}: {key} must be a time such as \"14d\", and this is {}",
                    item.type_name()
                ),
            );
            return None;
        };
        spans::span(text)
            .map_err(|fault| self.problem(at, format!("{what}: {key} = {text:?} {fault}")))
            .ok()
    }

    /// A list of texts, none empty and none twice, each with its place.
    pub(super) fn texts(&mut self, item: &Item, key: &str, what: &str) -> Vec<(String, usize)> {
        let Some(array) = item.as_array() else {
            self.problem(
                start(item.span()),
                format!(
                    "{what}: {key} must be a list of strings, and this is {}",
                    item.type_name()
                ),
            );
            return Vec::new();
        };
        let mut texts: Vec<(String, usize)> = Vec::new();
        for value in array {
            let at = start(value.span());
            match value.as_str() {
                Some(text) if text.trim().is_empty() => {
                    self.problem(at, format!("{what}: {key} has an empty entry"));
                }
                Some(text) if texts.iter().any(|(known, _)| known == text) => {
                    self.problem(at, format!("{what}: {key} has {text:?} twice"));
                }
                Some(text) => texts.push((text.to_owned(), at)),
                None => self.problem(
                    at,
                    format!(
                        "{what}: {key} must be a list of strings, and this is {}",
                        value.type_name()
                    ),
                ),
            }
        }
        if array.is_empty() {
            self.problem(start(item.span()), format!("{what}: {key} is empty"));
        }
        texts
    }

    /// The offset in the file of a byte of a string value that begins at `at`.
    pub(super) fn inside(&self, at: usize, offset: usize) -> usize {
        at + place_in_string(self.text.get(at..).unwrap_or_default(), offset)
    }
}

/// Where something begins.
pub(super) fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}
