//! The commands for those who write policies.

mod check;
mod facts;

use std::path::Path;

use anyhow::Result;

use crate::cli::{Global, Policy};
use crate::exit::{Exit, UsageError};

pub(crate) fn run(global: &Global, command: Policy) -> Result<Exit> {
    match command {
        Policy::Check { file } => check::run(global, file.as_deref()),
        Policy::Facts { markdown } => facts::run(global, markdown),
    }
}

/// A file that was named on the command line or in the configuration.
fn read(path: &Path, what: &str) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        UsageError(format!(
            "the {what} {} cannot be read: {error}",
            path.display()
        ))
        .into()
    })
}
