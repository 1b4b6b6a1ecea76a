//! The commands for those who write policies.

mod accept;
pub(super) mod check;
mod diff;
mod facts;
mod test;

use std::path::{Path, PathBuf};

use anyhow::Result;
use innkeeper_domain::policy as domain;

use crate::cli::{Global, Policy};
use crate::exit::{Exit, UsageError};
use crate::installation::load_config;

pub(crate) async fn run(global: &Global, command: Policy) -> Result<Exit> {
    match command {
        Policy::Check { file } => check::run(global, file.as_deref()),
        Policy::Test { file, cases } => test::run(global, file.as_deref(), cases.as_deref()),
        Policy::Diff { old, new } => diff::run(global, &old, &new).await,
        Policy::Status => accept::status(global).await,
        Policy::Accept { yes, reason, by } => accept::run(global, yes, reason, by).await,
        Policy::Facts { markdown } => facts::run(global, markdown),
    }
}

/// The policy file named, else those of the configuration.
fn files(global: &Global, file: Option<&Path>) -> Result<Vec<PathBuf>> {
    if let Some(file) = file {
        return Ok(vec![file.to_owned()]);
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for tenant in load_config(&global.config)?.tenants {
        if !files.contains(&tenant.policy) {
            files.push(tenant.policy);
        }
    }
    Ok(files)
}

/// A policy that was named on the command line.
pub(super) fn load(path: &Path) -> Result<domain::Policy> {
    let text = read(path, "policy")?;
    Ok(domain::Policy::parse(&path.display().to_string(), &text)?)
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
