//! Anchors: the head of a journal, written down where whoever can rewrite the database cannot.
//!
//! Invariant: what goes wrong here is told and never keeps a cycle from going on. The webhook is sent no token.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use innkeeper_domain::journal::{Anchor, Anchors};
use tokio::task::spawn_blocking;

use crate::config::{Journal, Webhook};
use crate::exit::UsageError;
use crate::hook;

/// Writes an anchor to every place configured; what went wrong.
pub(crate) async fn write(places: &Journal, anchor: &Anchor) -> Vec<anyhow::Error> {
    let Journal {
        anchor_file,
        anchor_url,
    } = places;
    let mut failures = Vec::new();
    if let Some(path) = anchor_file {
        failures.extend(append(path, anchor).await.err());
    }
    if let Some(webhook) = anchor_url {
        failures.extend(post(webhook, anchor).await.err());
    }
    failures
}

/// Adds a line. A file on a network disk may take its time.
async fn append(path: &Path, anchor: &Anchor) -> Result<()> {
    let line = format!("{}\n", serde_json::to_string(anchor)?);
    let file = path.to_owned();
    let written = spawn_blocking(move || {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    })
    .await?;
    written.with_context(|| {
        let path = path.display();
        format!("the anchor was not written to {path} (journal.anchor_file)")
    })
}

async fn post(webhook: &Webhook, anchor: &Anchor) -> Result<()> {
    hook::post(webhook, anchor)
        .await
        .context("the anchor was not sent (journal.anchor_url)")
}

/// The anchors of a file, one a line.
pub(crate) fn read(path: &Path) -> Result<Vec<Anchor>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| UsageError(format!("{} cannot be read: {error}", path.display())))?;
    let mut anchors = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let anchor: Option<Anchor> = serde_json::from_str(line).ok();
        let anchor = anchor.filter(|anchor| Anchors::default().add(anchor));
        anchors.push(anchor.ok_or_else(|| {
            UsageError(format!(
                "{}:{number} is no anchor, which has the form {{\"tenant_id\":..,\"seq\":..,\"hash\":..,\"at\":..}}",
                path.display()
            ))
        })?);
    }
    Ok(anchors)
}

/// All of them, by tenant and number.
pub(crate) fn all(written: &[Anchor]) -> Anchors {
    let mut anchors = Anchors::default();
    for anchor in written {
        anchors.add(anchor);
    }
    anchors
}
