//! Where a value stands in the configuration, as `tenants[0].credential.client_id`.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Name(String),
    Entry(usize),
}

/// The steps from the root to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KeyPath(Vec<Step>);

impl KeyPath {
    /// The path of a dotted text without entries.
    pub(super) fn of(text: &str) -> Self {
        text.split('.').fold(Self::default(), Self::name)
    }

    pub(super) fn name(mut self, name: impl Into<String>) -> Self {
        self.0.push(Step::Name(name.into()));
        self
    }

    pub(super) fn entry(mut self, index: usize) -> Self {
        self.0.push(Step::Entry(index));
        self
    }

    pub(super) fn child(&self, name: &str) -> Self {
        self.clone().name(name)
    }

    pub(super) fn parent(&self) -> Self {
        let end = self.0.len().saturating_sub(1);
        Self(self.0[..end].to_vec())
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The names without the numbers of entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|step| match step {
            Step::Name(name) => Some(name.as_str()),
            Step::Entry(_) => None,
        })
    }

    /// It is `other` or lies within it.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if position == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::Entry(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl From<&serde_path_to_error::Path> for KeyPath {
    fn from(path: &serde_path_to_error::Path) -> Self {
        use serde_path_to_error::Segment;
        path.iter()
            .fold(Self::default(), |path, segment| match segment {
                Segment::Seq { index } => path.entry(*index),
                Segment::Map { key } => path.name(key),
                Segment::Enum { variant } => path.name(variant),
                Segment::Unknown => path,
            })
    }
}

impl From<&serde_ignored::Path<'_>> for KeyPath {
    fn from(path: &serde_ignored::Path<'_>) -> Self {
        use serde_ignored::Path;
        match path {
            Path::Root => Self::default(),
            Path::Seq { parent, index } => Self::from(*parent).entry(*index),
            Path::Map { parent, key } => Self::from(*parent).name(key),
            Path::Some { parent }
            | Path::NewtypeStruct { parent }
            | Path::NewtypeVariant { parent } => Self::from(*parent),
        }
    }
}
