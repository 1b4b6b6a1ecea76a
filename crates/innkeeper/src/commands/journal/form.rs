//! The form of an export: a header, then entries; as JSON Lines or as CSV.
//!
//! Invariant: an entry that is read back is, byte for byte where its hash covers it, the one that was written. Any tool
//! can verify it: the hash is SHA-256 over the hash before, the tenant's id, the number, the time in microseconds (both
//! big-endian), the guest's id or zeros, and the event's text; the seal in the event is SHA-256 over salt and details.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::journal::{Details, Entry, Hash, parse_hash};
use innkeeper_domain::plan::hex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::exit::UsageError;
use crate::output::harmless;

const FORMAT: &str = "innkeeper-journal";
const VERSION: u32 = 1;

/// What stands before the header in the first cell of a CSV.
const CSV_MARK: &str = "# ";

const COLUMNS: [&str; 9] = [
    "seq", "at", "guest_id", "kind", "event", "details", "salt", "previous", "hash",
];

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    format: String,
    version: u32,
    pub(super) tenant_id: TenantId,
    /// When it was exported.
    pub(super) exported: DateTime<Utc>,
    /// The number of the journal's newest entry then.
    pub(super) head: i64,
    /// The number of the first entry here.
    pub(super) first: i64,
    /// The number of the last entry here; less than the first when there is none.
    pub(super) last: i64,
    /// The hash of the entry before the first.
    pub(super) previous: String,
    /// Only entries about one guest are here: these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) extract: Option<Extract>,
}

/// Entries about one guest.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Extract {
    pub(super) guest_id: GuestId,
    /// Their numbers.
    pub(super) entries: Vec<i64>,
}

impl Header {
    pub(super) fn new(
        tenant_id: TenantId,
        exported: DateTime<Utc>,
        head: i64,
        (first, last): (i64, i64),
        previous: &Hash,
        extract: Option<Extract>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            tenant_id,
            exported,
            head,
            first,
            last,
            previous: hex(previous),
            extract,
        }
    }
}

/// An entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) seq: i64,
    at: DateTime<Utc>,
    guest_id: Option<GuestId>,
    event: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    details: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<Uuid>,
    /// The hash of the entry before.
    pub(super) previous: String,
    hash: String,
}

/// A text as it is. One that is no JSON is not what was written, which verifying will say.
fn raw(text: &str) -> Result<Box<RawValue>> {
    let is_one_line = !text.contains(['\n', '\r']);
    match RawValue::from_string(text.to_owned()) {
        Ok(raw) if is_one_line => Ok(raw),
        _ => Ok(serde_json::value::to_raw_value(text)?),
    }
}

impl Line {
    pub(super) fn of(entry: &Entry, previous: &Hash) -> Result<Self> {
        let Entry {
            seq,
            at,
            guest,
            body,
            details,
            hash,
        } = entry;
        let details = details.as_ref();
        Ok(Self {
            seq: *seq,
            at: *at,
            guest_id: *guest,
            event: raw(body)?,
            details: details.map(|details| raw(&details.text)).transpose()?,
            salt: details.map(|details| details.salt),
            previous: hex(previous),
            hash: hex(hash),
        })
    }

    /// The entry, unless its hash is none.
    pub(super) fn entry(&self) -> Option<Entry> {
        let details = match (&self.details, self.salt) {
            (None, None) => None,
            (text, salt) => Some(Details {
                text: text
                    .as_deref()
                    .map(RawValue::get)
                    .unwrap_or_default()
                    .to_owned(),
                salt: salt.unwrap_or_default(),
            }),
        };
        Some(Entry {
            seq: self.seq,
            at: self.at,
            guest: self.guest_id,
            body: self.event.get().to_owned(),
            details,
            hash: parse_hash(&self.hash)?,
        })
    }

    fn cells(&self) -> [String; 9] {
        let Self {
            seq,
            at,
            guest_id,
            event,
            details,
            salt,
            previous,
            hash,
        } = self;
        [
            seq.to_string(),
            at.to_rfc3339(),
            guest_id.map(|id| id.to_string()).unwrap_or_default(),
            kind(event.get()),
            event.get().to_owned(),
            details
                .as_deref()
                .map(RawValue::get)
                .unwrap_or_default()
                .to_owned(),
            salt.map(|salt| salt.to_string()).unwrap_or_default(),
            previous.clone(),
            hash.clone(),
        ]
        .map(|cell| harmless(&cell))
    }

    fn from_cells(cells: &csv::StringRecord) -> Option<Self> {
        let cell = |place: usize| cells.get(place);
        let text = |place: usize| cell(place).filter(|cell| !cell.is_empty());
        let json = |text: &str| RawValue::from_string(text.to_owned()).ok();
        let event = cell(4)?;
        if cells.len() != COLUMNS.len() || cell(3)? != harmless(&kind(event)) {
            return None;
        }
        Some(Self {
            seq: cell(0)?.parse().ok()?,
            at: cell(1)?.parse().ok()?,
            guest_id: text(2).map(str::parse).transpose().ok()?,
            event: json(event)?,
            details: match text(5) {
                Some(details) => Some(json(details)?),
                None => None,
            },
            salt: text(6).map(str::parse).transpose().ok()?,
            previous: cell(7)?.to_owned(),
            hash: cell(8)?.to_owned(),
        })
    }
}

/// What kind of event it is.
fn kind(event: &str) -> String {
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    serde_json::from_str::<Kind>(event)
        .map(|event| event.kind)
        .unwrap_or_default()
}

/// Writes an export, line by line.
pub(super) enum Writer<W: Write> {
    Lines(W),
    Csv(Box<csv::Writer<W>>),
}

impl<W: Write> Writer<W> {
    pub(super) fn lines(mut to: W, header: &Header) -> Result<Self> {
        serde_json::to_writer(&mut to, header)?;
        to.write_all(b"\n")?;
        Ok(Self::Lines(to))
    }

    pub(super) fn csv(to: W, header: &Header) -> Result<Self> {
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(to);
        csv.write_record([format!("{CSV_MARK}{}", serde_json::to_string(header)?)])?;
        csv.write_record(COLUMNS)?;
        Ok(Self::Csv(Box::new(csv)))
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<()> {
        match self {
            Self::Lines(to) => {
                serde_json::to_writer(&mut *to, line)?;
                to.write_all(b"\n")?;
            }
            Self::Csv(csv) => csv.write_record(line.cells())?,
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        match self {
            Self::Lines(to) => to.flush()?,
            Self::Csv(csv) => csv.flush()?,
        }
        Ok(())
    }
}

/// Reads an export, line by line.
pub(super) enum Reader {
    Lines(u64, Lines<BufReader<File>>),
    Csv(csv::StringRecordsIntoIter<BufReader<File>>),
}

impl Reader {
    /// The header and what follows it.
    pub(super) fn open(path: &Path) -> Result<(Header, Self)> {
        let file = File::open(path)
            .map_err(|error| UsageError(format!("{} cannot be read: {error}", path.display())))?;
        let mut file = BufReader::new(file);
        let is_csv = !file.fill_buf()?.starts_with(b"{");
        let (first, reader) = if is_csv {
            let mut csv = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(file)
                .into_records();
            let first = csv.next().transpose().ok().flatten();
            // The names of the columns.
            let _ = csv.next();
            let first = first.and_then(|record| {
                let cell = record.get(0)?.strip_prefix(CSV_MARK)?;
                Some(cell.to_owned())
            });
            (first, Self::Csv(csv))
        } else {
            let mut lines = file.lines();
            (lines.next().transpose()?, Self::Lines(1, lines))
        };
        let header: Option<Header> = first.and_then(|first| serde_json::from_str(&first).ok());
        let header = header.filter(|header| header.format == FORMAT);
        let header = header.ok_or_else(|| {
            UsageError(format!(
                "{} is no export of a journal: its first line is not the header of one",
                path.display()
            ))
        })?;
        if header.version != VERSION {
            return Err(UsageError(format!(
                "{} has the format version {}; this version of Innkeeper reads {VERSION}",
                path.display(),
                header.version
            ))
            .into());
        }
        Ok((header, reader))
    }

    /// The next entry, with the number of its line; `None` within for one that cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Option<Line>)>> {
        match self {
            Self::Lines(number, lines) => loop {
                let Some(line) = lines.next() else {
                    return Ok(None);
                };
                let line = line.context("the export cannot be read to its end")?;
                *number += 1;
                if !line.trim().is_empty() {
                    return Ok(Some((*number, serde_json::from_str(&line).ok())));
                }
            },
            Self::Csv(records) => {
                let Some(record) = records.next() else {
                    return Ok(None);
                };
                let number = records.reader().position().line();
                let record = match record {
                    Ok(record) => record,
                    Err(error) if error.is_io_error() => return Err(error.into()),
                    Err(_) => return Ok(Some((number, None))),
                };
                let number = record.position().map_or(number, csv::Position::line);
                Ok(Some((number, Line::from_cells(&record))))
            }
        }
    }
}
