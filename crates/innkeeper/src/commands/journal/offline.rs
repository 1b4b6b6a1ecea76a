//! `journal verify --file`: an export by itself, without database and configuration. Everything that is wrong with it is
//! told.

use std::path::Path;

use anyhow::Result;
use innkeeper_domain::journal::{
    Anchor, Broken, Extent, Fault, Finding, GENESIS, Hash, Survey, parse_hash,
};

use super::Verified;
use super::form::{Header, Reader};
use crate::anchor;

/// Missing entries at the end of an export that are told one by one.
const FURTHER: u64 = 100_000;

pub(super) fn verify(file: &Path, written: &[Anchor]) -> Result<Verified> {
    let (header, mut reader) = Reader::open(file)?;
    let is_to_the_head = header.last == header.head;
    // What was anchored later, or lies behind the end of a part, cannot be in here.
    let anchors = written.iter().filter(|anchor| {
        anchor.at <= header.exported && (is_to_the_head || anchor.seq <= header.last)
    });
    let anchors: Vec<Anchor> = anchors.cloned().collect();
    let about = header.extract.as_ref().map(|extract| extract.guest_id);
    let mut survey = Survey::of(header.tenant_id, about);
    while let Some((number, line)) = reader.next()? {
        let entry = line.and_then(|line| Some((line.entry()?, parse_hash(&line.previous)?)));
        survey.add(
            number,
            entry.as_ref().map(|(entry, previous)| (entry, *previous)),
        );
    }
    let entries = survey.lines();
    let outcome = match before(&header) {
        Some(before) => {
            let all: Vec<i64> = match &header.extract {
                Some(extract) => extract.entries.clone(),
                // A header can speak of more than there ever was.
                None => {
                    let most = header.first.saturating_add_unsigned(entries + FURTHER);
                    (header.first..=header.last.min(most)).collect()
                }
            };
            let extent = Extent {
                entries: &all,
                before: header.extract.is_none().then_some(before),
                is_to_the_head,
            };
            survey.findings(&extent, &anchor::all(&anchors))
        }
        None => Err(vec![Finding {
            broken: Broken {
                seq: header.first - 1,
                fault: Fault::Unreadable,
            },
            line: Some(1),
        }]),
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
        entries,
        outcome,
        note,
    })
}

/// The hash before the first entry. Before the very first nothing else can stand.
fn before(header: &Header) -> Option<Hash> {
    let written = parse_hash(&header.previous)?;
    (header.first > 1 || written == GENESIS).then_some(written)
}
