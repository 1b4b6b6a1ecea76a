//! `journal verify --file`: an export by itself, without database and configuration.

use std::path::Path;

use anyhow::Result;
use innkeeper_domain::journal::{
    Anchor, Anchors, Broken, Chain, Entry, Fault, GENESIS, Hash, Head, parse_hash,
};
use innkeeper_domain::plan::hex;

use super::form::{Extract, Header, Line, Reader};
use super::{Flaw, Verified};
use crate::anchor;

pub(super) fn verify(file: &Path, written: &[Anchor]) -> Result<Verified> {
    let (header, reader) = Reader::open(file)?;
    let is_to_the_head = header.last == header.head;
    // What was anchored later, or lies behind the end of a part, cannot be in here.
    let anchors = written.iter().filter(|anchor| {
        anchor.at <= header.exported && (is_to_the_head || anchor.seq <= header.last)
    });
    let anchors: Vec<Anchor> = anchors.cloned().collect();
    let mut export = Export {
        reader,
        anchors: anchor::all(&anchors),
        line: None,
        entries: 0,
    };
    let outcome = match &header.extract {
        Some(extract) => export.extract(&header, extract)?,
        None => export.segment(&header, is_to_the_head)?,
    };
    let note = match &header.extract {
        Some(extract) => Some(format!(
            "these are the entries about {}; each is whole, but what lies between them is not in the file",
            extract.guest_id
        )),
        None if header.first > 1 || !is_to_the_head => Some(format!(
            "this is a part, entries {} to {} of {}; that it fits what lies around it is shown by an anchor in it or by the journal",
            header.first, header.last, header.head
        )),
        None => None,
    };
    Ok(Verified {
        tenant: header.tenant_id.to_string(),
        tenant_id: header.tenant_id,
        entries: export.entries,
        outcome: outcome.map_err(|broken| Flaw {
            broken,
            line: export.line,
        }),
        note,
    })
}

struct Export {
    reader: Reader,
    anchors: Anchors,
    /// The line looked at.
    line: Option<u64>,
    entries: u64,
}

type Outcome = Result<Result<Head, Broken>>;

fn broken<T>(seq: i64, fault: Fault) -> Result<Result<T, Broken>> {
    Ok(Err(Broken { seq, fault }))
}

impl Export {
    /// The next line and its entry, `None` within for one that cannot be read.
    fn next(&mut self) -> Result<Option<Option<(Line, Entry)>>> {
        let Some((number, line)) = self.reader.next()? else {
            self.line = None;
            return Ok(None);
        };
        self.line = Some(number);
        self.entries += 1;
        Ok(Some(line.and_then(|line| {
            let entry = line.entry()?;
            Some((line, entry))
        })))
    }

    /// Entries without a gap.
    fn segment(&mut self, header: &Header, is_to_the_head: bool) -> Outcome {
        let Some(before) = before(header) else {
            return broken(header.first - 1, Fault::Unreadable);
        };
        let mut chain = Chain::after(header.tenant_id, header.first - 1, before, &self.anchors);
        while let Some(next) = self.next()? {
            let Head { seq, hash, .. } = chain.head();
            let Some((line, entry)) = next else {
                return broken(seq + 1, Fault::Unreadable);
            };
            if entry.seq > header.last && seq == header.last {
                return broken(entry.seq, Fault::Unheaded);
            }
            match chain.follow(&entry) {
                Ok(()) if line.previous != hex(&hash) => return broken(entry.seq, Fault::Altered),
                Ok(()) => {}
                Err(broken) if broken.fault == Fault::Missing => {
                    return Ok(Err(self.missing(broken.seq)?));
                }
                Err(broken) => return Ok(Err(broken)),
            }
        }
        let last = chain.head().seq;
        if last < header.last {
            return broken(last + 1, Fault::Missing);
        }
        if is_to_the_head {
            return Ok(chain.end());
        }
        let (head, _) = chain.end_of_part();
        Ok(Ok(head))
    }

    /// Entries about one guest, each by itself.
    fn extract(&mut self, header: &Header, extract: &Extract) -> Outcome {
        let mut expected = extract.entries.iter().copied().peekable();
        let mut head = Head::EMPTY;
        let mut bare: Option<i64> = None;
        while let Some(next) = self.next()? {
            let Some((line, entry)) = next else {
                return broken(expected.peek().copied().unwrap_or(0), Fault::Unreadable);
            };
            let seq = entry.seq;
            match expected.peek().copied() {
                Some(due) if due == seq => drop(expected.next()),
                Some(due) if extract.entries.contains(&seq) && seq > due => {
                    return Ok(Err(self.missing(due)?));
                }
                _ => return broken(seq, Fault::Inserted),
            }
            let Some(previous) = parse_hash(&line.previous) else {
                return broken(seq, Fault::Unreadable);
            };
            let does_not_fit = head.seq == seq - 1 && seq > 1 && previous != head.hash;
            if does_not_fit || entry.guest != Some(extract.guest_id) {
                return broken(seq, Fault::Altered);
            }
            let mut chain = Chain::after(header.tenant_id, seq - 1, previous, &self.anchors);
            if let Err(broken) = chain.follow(&entry) {
                return Ok(Err(broken));
            }
            let (found, without_details) = chain.end_of_part();
            head = Head {
                anchored: head.anchored + found.anchored,
                ..found
            };
            if without_details > 0 {
                bare = bare.or(Some(seq));
            }
            if entry.event()["kind"] == "erased" {
                bare = None;
            }
        }
        match (expected.next(), bare) {
            (Some(seq), _) => broken(seq, Fault::Missing),
            (None, Some(seq)) if header.last == header.head => broken(seq, Fault::DetailsMissing),
            (None, _) => Ok(Ok(head)),
        }
    }

    /// Whether an entry that did not come comes later.
    fn missing(&mut self, seq: i64) -> Result<Broken> {
        let place = self.line;
        while let Some(next) = self.next()? {
            if next.is_some_and(|(line, _)| line.seq == seq) {
                let fault = Fault::Moved;
                return Ok(Broken { seq, fault });
            }
        }
        self.line = place;
        let fault = Fault::Missing;
        Ok(Broken { seq, fault })
    }
}

/// The hash before the first entry. Before the very first nothing else can stand.
fn before(header: &Header) -> Option<Hash> {
    let written = parse_hash(&header.previous)?;
    (header.first > 1 || written == GENESIS).then_some(written)
}
