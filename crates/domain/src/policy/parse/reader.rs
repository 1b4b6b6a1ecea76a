//! Taking values out of TOML, and noting what is wrong with its place.

use std::ops::Range;
use std::str::CharIndices;

use chrono::TimeDelta;
use toml_edit::{Array, Item, Key, TableLike, Value};

use super::{Problem, nearest};

/// The text, and what was found wrong with it so far.
pub(super) struct Reader<'t> {
    text: &'t str,
    found: Vec<(usize, String)>,
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
        let text = self.text;
        let place = |(offset, message): (usize, String)| {
            let before = text.get(..offset).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            Problem {
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                message,
            }
        };
        self.found.into_iter().map(place).collect()
    }

    /// Reports every key that is not among `known`.
    pub(super) fn only_keys(&mut self, table: &dyn TableLike, what: &str, known: &[&str]) {
        for (name, item) in table.iter().filter(|(name, _)| !known.contains(name)) {
            let key = table.get_key_value(name).and_then(|(key, _)| key.span());
            let offset = key.or_else(|| item.span()).map_or(0, |span| span.start);
            let suggestion = nearest(name, known.iter().copied());
            let suggestion = if suggestion.is_empty() {
                format!("; it has {}", known.join(", "))
            } else {
                suggestion
            };
            self.problem(offset, format!("{what} has no key {name}{suggestion}"));
        }
    }

    /// The tables under an array of tables, such as `[[rule]]`.
    pub(super) fn tables<'d>(
        &mut self,
        root: &'d dyn TableLike,
        name: &str,
    ) -> Vec<&'d dyn TableLike> {
        match root.get(name) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => {
                tables.iter().map(|table| table as &dyn TableLike).collect()
            }
            Some(Item::Value(Value::Array(array))) => self.inline_tables(array, name),
            Some(other) => {
                self.problem(
                    start(other.span()),
                    format!("write [[{name}]], with two brackets: there can be several"),
                );
                Vec::new()
            }
        }
    }

    fn inline_tables<'d>(&mut self, array: &'d Array, what: &str) -> Vec<&'d dyn TableLike> {
        let mut tables: Vec<&'d dyn TableLike> = Vec::new();
        for value in array {
            match value.as_inline_table() {
                Some(table) => tables.push(table),
                None => self.problem(
                    start(value.span()),
                    format!("each of {what} is a table, such as {{ action = \"notify\" }}"),
                ),
            }
        }
        tables
    }

    /// A text that must be there.
    pub(super) fn text(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        what: &str,
        at: usize,
    ) -> Option<(String, usize)> {
        match table.get(key) {
            None => {
                self.problem(at, format!("{what} lacks {key}"));
                None
            }
            Some(item) => match item.as_str() {
                Some(text) if text.trim().is_empty() => {
                    self.problem(start(item.span()), format!("{what}: {key} is empty"));
                    None
                }
                Some(text) => Some((text.to_owned(), start(item.span()))),
                None => {
                    self.problem(
                        start(item.span()),
                        format!(
                            "{what}: {key} must be a string, and this is {}",
                            item.type_name()
                        ),
                    );
                    None
                }
            },
        }
    }

    /// A flag; `false` when absent.
    pub(super) fn flag(&mut self, table: &dyn TableLike, key: &str, what: &str) -> bool {
        let Some(item) = table.get(key) else {
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

    /// A span of time, such as "14d", "36h" or "1d 12h".
    pub(super) fn span(
        &mut self,
        table: &dyn TableLike,
        key: &str,
        what: &str,
    ) -> Option<TimeDelta> {
        let item = table.get(key)?;
        let offset = start(item.span());
        let Some(text) = item.as_str() else {
            self.problem(
                offset,
                format!(
                    "{what}: {key} must be a time such as \"14d\", and this is {}",
                    item.type_name()
                ),
            );
            return None;
        };
        let has_calendar_unit = text
            .split(|character: char| !character.is_alphabetic())
            .any(|unit| unit == "M" || unit.starts_with("mo") || unit.starts_with('y'));
        let parsed = humantime::parse_duration(text)
            .ok()
            .and_then(|span| TimeDelta::from_std(span).ok());
        match parsed {
            Some(_) if has_calendar_unit => {
                self.problem(offset, format!("{what}: {key} = {text:?} counts in months or years, which differ in length; write days, such as \"30d\""));
                None
            }
            Some(span) if span.num_days() > 3_650 => {
                self.problem(
                    offset,
                    format!("{what}: {key} = {text:?} is longer than ten years"),
                );
                None
            }
            Some(span) => Some(span),
            None => {
                self.problem(offset, format!("{what}: {key} = {text:?} is no time; write such as \"14d\", \"36h\" or \"1d 12h\""));
                None
            }
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, item: &Item, what: &str) -> Vec<(String, usize)> {
        let offset = start(item.span());
        let Some(array) = item.as_array() else {
            self.problem(
                offset,
                format!(
                    "{what} must be a list of strings, and this is {}",
                    item.type_name()
                ),
            );
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in array {
            match value.as_str() {
                Some(text) => texts.push((text.to_owned(), start(value.span()))),
                None => self.problem(
                    start(value.span()),
                    format!(
                        "{what} must be a list of strings, and this is {}",
                        value.type_name()
                    ),
                ),
            }
        }
        texts
    }

    /// The offset in the file of a byte of the string value that begins at `at`.
    pub(super) fn inside(&self, at: usize, offset: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let quotes = ["\"\"\"", "'''", "\"", "'"];
        let Some(quote) = quotes.iter().find(|quote| rest.starts_with(**quote)) else {
            return at + offset;
        };
        let inner = &rest[quote.len()..];
        let body = match quote.len() {
            3 => inner
                .strip_prefix("\r\n")
                .or_else(|| inner.strip_prefix('\n'))
                .unwrap_or(inner),
            _ => inner,
        };
        let start = at + rest.len() - body.len();
        if quote.starts_with('"') {
            start + written(body, offset)
        } else {
            start + offset
        }
    }
}

/// How many bytes of a text with escapes stand for its first `offset` bytes.
fn written(body: &str, offset: usize) -> usize {
    let mut value = 0;
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        if value >= offset {
            return at;
        }
        if character != '\\' {
            value += character.len_utf8();
            continue;
        }
        match characters.next() {
            Some((_, 'u')) => value += escaped(body, at, 4, &mut characters),
            Some((_, 'U')) => value += escaped(body, at, 8, &mut characters),
            Some((_, 'x')) => value += escaped(body, at, 2, &mut characters),
            // The end of a line, and the blanks that follow it, stand for nothing.
            Some((_, next)) if next.is_whitespace() => {
                while characters
                    .clone()
                    .next()
                    .is_some_and(|(_, next)| next.is_whitespace())
                {
                    characters.next();
                }
            }
            Some(_) | None => value += 1,
        }
    }
    body.len()
}

/// The length of the character that the escape at `at` stands for; goes past its digits.
fn escaped(body: &str, at: usize, digits: usize, rest: &mut CharIndices<'_>) -> usize {
    let code = body.get(at + 2..at + 2 + digits);
    let character = code
        .and_then(|code| u32::from_str_radix(code, 16).ok())
        .and_then(char::from_u32);
    rest.nth(digits - 1);
    character.map_or(1, char::len_utf8)
}

/// Where something begins.
pub(super) fn start(span: Option<Range<usize>>) -> usize {
    span.map_or(0, |span| span.start)
}

/// Where a table begins: at its first key, since a table made of dotted keys has no place of its own.
pub(super) fn table_start(table: &dyn TableLike) -> usize {
    let first = table.iter().next();
    let key = first
        .and_then(|(name, _)| table.get_key_value(name))
        .and_then(|(key, _): (&Key, &Item)| key.span());
    start(key)
}
