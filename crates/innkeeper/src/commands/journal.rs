//! `journal verify` and `journal export`.

mod export;
mod form;
mod offline;

use std::path::Path;

use anyhow::Result;
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::{Anchors, Finding, Head};
use innkeeper_domain::plan::hex;
use serde_json::{Value, json};

use crate::anchor;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

pub(crate) use export::export;

/// What was found out about one chain.
struct Verified {
    /// The tenant's name in the configuration; of an export its id.
    tenant: String,
    tenant_id: TenantId,
    /// How many entries were looked at.
    entries: u64,
    /// The head, or what is wrong: in the database the first of it, in an export all.
    outcome: Result<Head, Vec<Finding>>,
    /// What should be known besides.
    note: Option<String>,
}

pub(crate) async fn verify(
    global: &Global,
    file: Option<&Path>,
    anchors: Option<&Path>,
) -> Result<Exit> {
    let written = anchors.map(anchor::read).transpose()?.unwrap_or_default();
    let mut verified = match file {
        Some(file) => vec![offline::verify(file, &written)?],
        None => in_database(global, &anchor::all(&written)).await?,
    };
    for verified in &mut verified {
        let has_none = verified
            .outcome
            .as_ref()
            .is_ok_and(|head| head.anchored == 0);
        if anchors.is_some() && has_none {
            let told =
                "no anchor of the file is about an entry here, so they prove nothing about it";
            let note = verified.note.take().map(|note| format!("{note}; "));
            verified.note = Some(format!("{}{told}", note.unwrap_or_default()));
        }
    }
    match global.output {
        Output::Json => print_json(&verified.iter().map(Verified::object).collect())?,
        Output::Csv => rows(&verified).print_csv()?,
        Output::Table => {
            for verified in &verified {
                print(&verified.sentence())?;
            }
        }
    }
    let is_intact = verified.iter().all(|verified| verified.outcome.is_ok());
    Ok(if is_intact { Exit::Ok } else { Exit::Failed })
}

async fn in_database(global: &Global, anchors: &Anchors) -> Result<Vec<Verified>> {
    let installation = Installation::open(global).await?;
    let mut all = Vec::new();
    for tenant in installation.tenants(global)? {
        let mut tx = installation.store.read().await?;
        let (last, _) = tx.journal_head(tenant.id).await?;
        let outcome = tx.verify_journal(tenant.id, anchors).await?;
        all.push(Verified {
            tenant: tenant.name.clone(),
            tenant_id: tenant.id,
            entries: last.unsigned_abs(),
            outcome: outcome.map_err(|broken| vec![Finding { broken, line: None }]),
            note: None,
        });
    }
    Ok(all)
}

impl Verified {
    fn sentence(&self) -> String {
        let Self {
            tenant,
            tenant_id: _,
            entries,
            outcome,
            note,
        } = self;
        match outcome {
            Ok(head) => {
                let note = note.as_deref().map(|note| format!("  {note}\n"));
                format!(
                    "{tenant}: intact, {entries} entries; the head is entry {seq}, {hash}; {anchored} anchors are in the chain\n{note}",
                    seq = head.seq,
                    hash = hex(&head.hash),
                    anchored = head.anchored,
                    note = note.unwrap_or_default(),
                )
            }
            Err(findings) => {
                let told = |Finding { broken, line }: &Finding| {
                    let line = line.map(|line| format!(" (line {line})"));
                    format!("{tenant}: BROKEN: {broken}{}\n", line.unwrap_or_default())
                };
                findings.iter().map(told).collect()
            }
        }
    }

    fn object(&self) -> Value {
        let Self {
            tenant,
            tenant_id,
            entries,
            outcome,
            note,
        } = self;
        let head = outcome.as_ref().ok();
        let told = |Finding { broken, line }: &Finding| json!({ "entry": broken.seq, "line": line, "why": broken.to_string() });
        let findings: Vec<Value> = outcome
            .as_ref()
            .err()
            .into_iter()
            .flatten()
            .map(told)
            .collect();
        json!({
            "tenant": tenant,
            "tenant_id": tenant_id,
            "intact": outcome.is_ok(),
            "entries": entries,
            "head": head.map(|head| json!({ "seq": head.seq, "hash": hex(&head.hash) })),
            "anchors": head.map(|head| head.anchored),
            "note": note,
            "broken": findings.first(),
            "findings": findings,
        })
    }
}

fn rows(verified: &[Verified]) -> Rows {
    let mut rows = Rows::new([
        "tenant", "intact", "entries", "head", "hash", "anchors", "broken",
    ]);
    for verified in verified {
        let head = verified.outcome.as_ref().ok();
        let broken = verified.outcome.as_ref().err();
        rows.push([
            verified.tenant.clone(),
            head.is_some().to_string(),
            verified.entries.to_string(),
            head.map(|head| head.seq.to_string()).unwrap_or_default(),
            head.map(|head| hex(&head.hash)).unwrap_or_default(),
            head.map(|head| head.anchored.to_string())
                .unwrap_or_default(),
            broken
                .into_iter()
                .flatten()
                .map(|finding| finding.broken.to_string())
                .collect::<Vec<_>>()
                .join("; "),
        ]);
    }
    rows
}
