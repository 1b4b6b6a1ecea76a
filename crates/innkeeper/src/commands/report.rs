//! `report guest` and `report period`: documents for those who ask.

mod guest;
mod page;
mod period;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::{DocumentOptions, Format, Global, Output};
use crate::exit::Exit;
use crate::output::print_exactly;

pub(crate) use guest::guest;
pub(crate) use period::period;

/// As what a document is wanted.
fn format(global: &Global, options: &DocumentOptions) -> Format {
    options.format.unwrap_or(match global.output {
        Output::Table => Format::Html,
        Output::Json => Format::Json,
        Output::Csv => Format::Csv,
    })
}

/// Hands a document over.
fn deliver(text: &str, out: Option<&Path>) -> Result<Exit> {
    let Some(path) = out else {
        print_exactly(text)?;
        return Ok(Exit::Ok);
    };
    let written = || {
        // It is full of personal data.
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    written().with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Exit::Ok)
}

fn pretty(value: &serde_json::Value) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}
