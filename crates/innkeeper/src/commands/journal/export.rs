//! `journal export`: entries as they are, page by page.

use std::io::{self, BufWriter, ErrorKind, Write};

use anyhow::Result;
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::{GENESIS, Hash};
use innkeeper_engine::Clock;
use innkeeper_store::Tx;

use super::form::{Extract, Header, Line, Writer};
use crate::cli::{Global, Moment, Output};
use crate::commands::judging::find;
use crate::exit::Exit;
use crate::installation::Installation;

/// Entries in memory at once.
const PAGE: u32 = 1_000;

pub(crate) async fn export(
    global: &Global,
    from: Option<Moment>,
    to: Option<Moment>,
    guest: Option<&str>,
) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let mut tx = installation.store.read().await?;
    let (head, _) = tx.journal_head(tenant).await?;
    let (first, last) = match (from, to) {
        (None, None) => (1, head),
        _ => {
            let (from, to) = (from.map(Moment::start), to.map(Moment::end));
            let between = tx.journal_between(tenant, from, to).await?;
            between.unwrap_or((head + 1, head))
        }
    };
    let guest = match guest {
        Some(text) => Some(find(&mut tx, tenant, text).await?),
        None => None,
    };
    let extract = match guest {
        Some(guest_id) => {
            let entries = tx.journal_of(tenant, guest_id).await?;
            let numbers = entries.iter().map(|entry| entry.seq);
            Some(Extract {
                guest_id,
                entries: numbers.filter(|seq| (first..=last).contains(seq)).collect(),
            })
        }
        None => None,
    };
    let previous = hash_of(&mut tx, tenant, first - 1).await?;
    let exported = installation.clock.now();
    let header = Header::new(tenant, exported, head, (first, last), &previous, extract);
    let out = BufWriter::new(io::stdout().lock());
    let written = match global.output {
        Output::Table | Output::Json => {
            written(&mut tx, tenant, &header, guest, Writer::lines(out, &header)).await
        }
        Output::Csv => written(&mut tx, tenant, &header, guest, Writer::csv(out, &header)).await,
    };
    match written {
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Ok),
        other => other.map(|()| Exit::Ok),
    }
}

async fn written<W: Write>(
    tx: &mut Tx,
    tenant: TenantId,
    header: &Header,
    guest: Option<GuestId>,
    to: Result<Writer<W>>,
) -> Result<()> {
    let mut to = to?;
    match guest {
        Some(guest) => {
            for entry in tx.journal_of(tenant, guest).await? {
                if (header.first..=header.last).contains(&entry.seq) {
                    let previous = hash_of(tx, tenant, entry.seq - 1).await?;
                    to.write(&Line::of(&entry, &previous)?)?;
                }
            }
        }
        None => {
            let mut after = header.first - 1;
            let mut previous = hash_of(tx, tenant, after).await?;
            while after < header.last {
                let page = tx.journal(tenant, after, PAGE).await?;
                let Some(end) = page.last() else { break };
                after = end.seq;
                for entry in page.iter().filter(|entry| entry.seq <= header.last) {
                    to.write(&Line::of(entry, &previous)?)?;
                    previous = entry.hash;
                }
            }
        }
    }
    to.flush()
}

/// The hash of an entry; what stands before the first when there is none.
async fn hash_of(tx: &mut Tx, tenant: TenantId, seq: i64) -> Result<Hash> {
    let entry = tx.journal(tenant, seq - 1, 1).await?.pop();
    let entry = entry.filter(|entry| entry.seq == seq);
    Ok(entry.map_or(GENESIS, |entry| entry.hash))
}

/// A reader who has seen enough is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_json = cause
            .downcast_ref::<serde_json::Error>()
            .and_then(serde_json::Error::io_error_kind);
        let of_io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        of_json.or(of_io) == Some(ErrorKind::BrokenPipe)
    })
}
