//! What is wrong with a configuration, and where.
//!
//! No message quotes a value that may be a secret.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::path::KeyPath;

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error(
        "the configuration {} cannot be read: {error}; name one with --config or INNKEEPER_CONFIG, or begin with a copy of \
         config/innkeeper.toml",
        file.display()
    )]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Everything that is wrong with it; never empty.
    #[error("{}", list(.0))]
    Invalid(Vec<Problem>),
}

fn list(problems: &[Problem]) -> String {
    match problems {
        [only] => only.to_string(),
        several => several.iter().fold(
            format!("{} things are wrong with the configuration:", several.len()),
            |text, problem| format!("{text}\n  {problem}"),
        ),
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    pub(super) place: Place,
    pub(super) key: KeyPath,
    pub(super) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In the file as a whole.
    File { file: PathBuf },
    /// At a line and column, from 1.
    Line {
        file: PathBuf,
        line: usize,
        column: usize,
    },
    /// In an environment variable.
    Variable { name: String },
}

impl Place {
    /// The place of a byte in a file's text.
    pub(super) fn at(file: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        Self::Line {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file } => write!(f, "{}", file.display()),
            Self::Line { file, line, column } => {
                write!(f, "{}:{line}:{column}", file.display())
            }
            Self::Variable { name } => write!(f, "environment variable {name}"),
        }
    }
}
