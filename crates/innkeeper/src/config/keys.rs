//! Every key there is, collected from the raw types, so that suggestions, environment variables, the sample and the
//! reference page cannot know other keys than the reader does.

use std::sync::LazyLock;

use super::path::KeyPath;
use super::raw::RawConfig;

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Texts,
    Table,
    Tables,
}

/// A key that the configuration knows.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) path: KeyPath,
    pub(super) kind: Kind,
}

impl Key {
    /// The name of the environment variable that sets it, unless it is a table.
    pub(super) fn variable(&self) -> Option<String> {
        if matches!(self.kind, Kind::Table | Kind::Tables) {
            return None;
        }
        let mut names: Vec<_> = self.path.names().map(str::to_ascii_uppercase).collect();
        if names.first().is_some_and(|name| name == "TENANTS") {
            names.insert(1, "<NAME>".to_owned());
        }
        Some(format!("INNKEEPER__{}", names.join("__")))
    }
}

/// A type that adds itself to the keys.
pub(super) trait Describe {
    fn describe(path: KeyPath, keys: &mut Vec<Key>);
}

/// Every key, in the order of the raw types; the numbers of list entries are left out.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    RawConfig::describe(KeyPath::default(), &mut keys);
    keys.retain(|key| !key.path.is_root());
    keys
});

/// The key of that path, list entries' numbers aside.
pub(super) fn key(path: &KeyPath) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path.names().eq(path.names()))
}

/// The key that was most likely meant.
pub(super) fn meant(unknown: &KeyPath) -> Option<&'static KeyPath> {
    let name = unknown.names().last()?;
    let beside = KEYS
        .iter()
        .map(|key| &key.path)
        .filter(|path| path.parent().names().eq(unknown.parent().names()));
    let beside: Vec<_> = beside.collect();
    let near = nearest(name, beside.iter().filter_map(|path| path.names().last()));
    match near {
        Some(near) => beside
            .into_iter()
            .find(|path| path.names().last() == Some(near)),
        // The right name at the wrong place.
        None => KEYS
            .iter()
            .map(|key| &key.path)
            .find(|path| path.names().last() == Some(name)),
    }
}

/// The name that a misspelt one comes nearest to, if any is near.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    names
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&word, &name.to_lowercase());
            (distance, name)
        })
        .filter(|(distance, name)| *distance <= (name.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
