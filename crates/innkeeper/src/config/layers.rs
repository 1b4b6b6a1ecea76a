//! The file with the environment laid over it, and the memory of which value came from where.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config as Layering, File, FileFormat, ValueKind};
use serde_json::Value;
use toml_edit::{Array, ArrayOfTables, Document, Item, TableLike};

use super::environment;
use super::error::{ConfigError, Place, Problem};
use super::path::{KeyPath, Step};

/// Both layers, laid over each other.
pub(super) struct Layers {
    file: PathBuf,
    document: Document<String>,
    /// The variables that set a key.
    variables: BTreeMap<KeyPath, String>,
    /// The values.
    pub(super) tree: Value,
    /// Variables by which Azure tells what it runs on.
    platform: BTreeMap<String, String>,
}

/// Which those are, of all variables.
const PLATFORM: [&str; 3] = ["AZURE_", "IDENTITY_", "IMDS_"];

impl Layers {
    /// Reads both. Variables that set nothing known are left out and reported.
    pub(super) fn read(
        file: &Path,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<Problem>), ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable {
            file: file.to_owned(),
            error,
        })?;
        let document = Document::parse(text.clone()).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            // The error's own text quotes the line, which may hold a secret.
            invalid(Place::at(file, &text, offset), error.message())
        })?;

        let layering = Layering::builder().add_source(File::from_str(&text, FileFormat::Toml));
        let unreadable = || {
            let file = file.to_owned();
            invalid(Place::File { file }, "is not a configuration in TOML")
        };
        let is_of_platform =
            |(name, _): &(String, String)| PLATFORM.iter().any(|prefix| name.starts_with(prefix));
        let (platform, env): (Vec<_>, Vec<_>) = env.partition(is_of_platform);
        let alone = layering.build_cloned().map_err(|_| unreadable())?;
        let (settings, problems) = environment::read(env.into_iter(), &json(alone.cache));
        let mut layering = layering;
        let mut variables = BTreeMap::new();
        for setting in settings {
            layering = layering
                .set_override(setting.key.to_string(), setting.value)
                .map_err(|_| unreadable())?;
            variables.insert(setting.key, setting.variable);
        }
        let layers = Self {
            file: file.to_owned(),
            document,
            variables,
            tree: json(layering.build().map_err(|_| unreadable())?.cache),
            platform: platform.into_iter().collect(),
        };
        Ok((layers, problems))
    }

    /// A variable of Azure's, unless it is empty.
    pub(super) fn platform(&self, name: &str) -> Option<&str> {
        self.platform
            .get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    }

    /// Where a key is set, or where it would have to be.
    pub(super) fn place(&self, key: &KeyPath) -> Place {
        if let Some(name) = self.variable(key) {
            return Place::Variable {
                name: name.to_owned(),
            };
        }
        match self.offset(key) {
            Some(offset) => Place::at(&self.file, self.document.raw(), offset),
            None => Place::File {
                file: self.file.clone(),
            },
        }
    }

    /// Where each key was set.
    pub(super) fn origins(&self) -> BTreeMap<KeyPath, String> {
        let mut origins = BTreeMap::new();
        let mut open = vec![(KeyPath::default(), &self.tree)];
        while let Some((key, value)) = open.pop() {
            match value {
                Value::Object(table) => {
                    open.extend(table.iter().map(|(name, value)| (key.child(name), value)));
                }
                Value::Array(entries) if entries.iter().all(Value::is_object) => {
                    let entries = entries.iter().enumerate();
                    open.extend(entries.map(|(index, value)| (key.clone().entry(index), value)));
                }
                _ => {
                    origins.insert(key.clone(), self.place(&key).to_string());
                }
            }
        }
        origins
    }

    /// The variable that sets a key.
    fn variable(&self, key: &KeyPath) -> Option<&str> {
        self.variables
            .iter()
            .find(|(set, _)| key.is_within(set))
            .map(|(_, name)| name.as_str())
    }

    /// The byte of the innermost thing on the way to a key that the file has.
    fn offset(&self, key: &KeyPath) -> Option<usize> {
        let mut node = Node::Table(self.document.as_table());
        let mut offset = None;
        for step in key.steps() {
            let (next, span) = match (node, step) {
                (Node::Table(table), Step::Name(name)) => match table.get_key_value(name) {
                    Some((key, item)) => (Node::of(item), key.span().or_else(|| item.span())),
                    None => break,
                },
                (Node::Tables(tables), Step::Entry(index)) => match tables.get(*index) {
                    Some(table) => (Node::Table(table), table.span()),
                    None => break,
                },
                (Node::Array(array), Step::Entry(index)) => match array.get(*index) {
                    Some(value) => {
                        let node = value
                            .as_inline_table()
                            .map_or(Node::Leaf, |t| Node::Table(t));
                        (node, value.span())
                    }
                    None => break,
                },
                (Node::Table(_) | Node::Tables(_) | Node::Array(_) | Node::Leaf, _) => break,
            };
            node = next;
            offset = span.map(|span| span.start).or(offset);
        }
        offset
    }
}

/// What the file has at a path.
#[derive(Clone, Copy)]
enum Node<'a> {
    Table(&'a dyn TableLike),
    Tables(&'a ArrayOfTables),
    Array(&'a Array),
    Leaf,
}

impl<'a> Node<'a> {
    fn of(item: &'a Item) -> Self {
        if let Some(table) = item.as_table_like() {
            Self::Table(table)
        } else if let Some(tables) = item.as_array_of_tables() {
            Self::Tables(tables)
        } else if let Some(array) = item.as_array() {
            Self::Array(array)
        } else {
            Self::Leaf
        }
    }
}

fn invalid(place: Place, message: &str) -> ConfigError {
    ConfigError::Invalid(vec![Problem {
        place,
        key: KeyPath::default(),
        message: message.to_owned(),
    }])
}

/// The same values, kept apart by type: read as they are, a number would pass where text belongs.
fn json(value: config::Value) -> Value {
    match value.kind {
        ValueKind::Nil => Value::Null,
        ValueKind::Boolean(value) => value.into(),
        ValueKind::I64(value) => value.into(),
        ValueKind::U64(value) => value.into(),
        ValueKind::I128(value) => i64::try_from(value).map_or(Value::Null, Value::from),
        ValueKind::U128(value) => u64::try_from(value).map_or(Value::Null, Value::from),
        ValueKind::Float(value) => value.into(),
        ValueKind::String(value) => value.into(),
        ValueKind::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect(),
        ValueKind::Array(values) => values.into_iter().map(json).collect(),
    }
}
