//! Logs, on standard error.
//!
//! They hold no personal data, by convention: a guest or sponsor appears by object id (`guest.id`), never by name, UPN
//! or mail address, and no request or answer is logged with its body. Whoever reads logs need not be allowed to read
//! the directory; `innkeeper guests show <id>` tells those who are. Secrets cannot appear: their type has no text.

use std::io::{self, IsTerminal};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Format {
    /// The word used in configurations.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Starts logging. `level` holds directives of `EnvFilter`, such as `info` or `warn,innkeeper_engine=debug`.
///
/// # Errors
/// When the directives are none, or when logging was started before.
pub(crate) fn init(format: Format, level: &str) -> Result<()> {
    let filter = EnvFilter::builder()
        .parse(level)
        .with_context(|| format!("log.level: `{level}` is not understood"))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let started = match format {
        Format::Text => lines
            .compact()
            .with_ansi(io::stderr().is_terminal() && !is_colour_unwanted())
            .finish()
            .try_init(),
        // Without `with_current_span(false)` the innermost span would be written twice.
        Format::Json => lines.json().with_current_span(false).finish().try_init(),
    };
    started.context("logging cannot start")
}

/// <https://no-color.org>: set and not empty, whatever the value.
fn is_colour_unwanted() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}
