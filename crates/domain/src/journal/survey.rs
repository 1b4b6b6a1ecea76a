//! Everything that is wrong with a written copy of a chain, and not only the first of it.
//!
//! A copy has each entry's own hash and the one before it, so that each can be judged by itself, and then by its neighbours:
//! an entry is vouched for by the one that was written after it. Invariant: a copy in which nothing is found is exactly what
//! following the chain would pass. What cannot be known is not claimed: where a run of entries was rewritten together, only
//! its end can be named.

use std::collections::{BTreeMap, HashMap};

use super::chain::sealed_parts;
use super::{Anchors, Broken, Entry, Fault, Hash, Head};
use crate::ids::{GuestId, TenantId};

/// What is wrong with an entry of a copy, and in which line it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub broken: Broken,
    /// Where; a missing entry stands nowhere.
    pub line: Option<u64>,
}

/// An entry as it was read.
#[derive(Clone, Debug)]
struct Read {
    line: u64,
    seq: i64,
    previous: Hash,
    hash: Hash,
    /// What is wrong with it by itself.
    fault: Option<Fault>,
    /// Whose details are missing here.
    bare: Option<Option<GuestId>>,
    /// Whose details were erased by now.
    erased: Option<GuestId>,
}

/// A copy under survey: the lines are added in their order.
#[derive(Debug)]
pub struct Survey {
    tenant: TenantId,
    /// Only entries about this guest belong to it.
    about: Option<GuestId>,
    read: Vec<Read>,
    /// Lines that are no entry, each with how many entries were read before.
    unreadable: Vec<(u64, usize)>,
}

/// What a copy says that it holds.
#[derive(Clone, Debug)]
pub struct Extent<'e> {
    /// The numbers of its entries, ascending.
    pub entries: &'e [i64],
    /// The hash before the first entry, where they follow each other without a gap.
    pub before: Option<Hash>,
    /// It goes to the end of the journal, so that nothing later can explain what is missing.
    pub is_to_the_head: bool,
}

impl Survey {
    /// Of a copy of a tenant's chain, or of the entries about one guest.
    #[must_use]
    pub fn of(tenant: TenantId, about: Option<GuestId>) -> Self {
        Self {
            tenant,
            about,
            read: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// The entry in a line, with the hash before it as the line has it; `None` where the line is no entry.
    pub fn add(&mut self, line: u64, entry: Option<(&Entry, Hash)>) {
        let Some((entry, previous)) = entry else {
            self.unreadable.push((line, self.read.len()));
            return;
        };
        let parts = sealed_parts(entry);
        let is_itself = entry.expected_hash(self.tenant, &previous) == entry.hash;
        let is_foreign = self.about.is_some() && entry.guest != self.about;
        let fault = if !is_itself || is_foreign {
            Some(Fault::Altered)
        } else {
            parts.fault
        };
        self.read.push(Read {
            line,
            seq: entry.seq,
            previous,
            hash: entry.hash,
            fault,
            bare: (fault.is_none() && parts.is_bare).then_some(entry.guest),
            erased: entry.guest.filter(|_| fault.is_none() && parts.is_erasure),
        });
    }

    /// How many lines were looked at.
    #[must_use]
    pub fn lines(&self) -> u64 {
        (self.read.len() + self.unreadable.len()) as u64
    }

    /// The end of the copy if nothing is wrong with it, else all that is, in the order of the entries.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn findings(self, extent: &Extent<'_>, anchors: &Anchors) -> Result<Head, Vec<Finding>> {
        let mut found: Vec<Finding> = Vec::new();
        let mut find = |seq: i64, fault: Fault, line: Option<u64>| {
            let broken = Broken { seq, fault };
            found.push(Finding { broken, line });
        };
        // One of each number; the others were put there.
        let mut of: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (place, read) in self.read.iter().enumerate() {
            of.entry(read.seq).or_default().push(place);
        }
        let mut genuine: BTreeMap<i64, usize> = BTreeMap::new();
        for (seq, places) in &of {
            let belongs = extent.entries.binary_search(seq).is_ok();
            let chosen = belongs.then(|| self.most_likely(places, &of));
            for place in places {
                if Some(*place) == chosen {
                    genuine.insert(*seq, *place);
                    continue;
                }
                let fault = match extent.entries.last() {
                    _ if *seq < 1 => Fault::BeforeFirst,
                    Some(last) if *seq > *last && self.about.is_none() => Fault::Unheaded,
                    _ => Fault::Inserted,
                };
                find(*seq, fault, Some(self.read[*place].line));
            }
        }
        self.gaps(extent, &genuine, &mut find);
        for place in moved(&genuine) {
            let Read { seq, line, .. } = &self.read[place];
            find(*seq, Fault::Moved, Some(*line));
        }
        self.links(extent, &genuine, &mut find);
        self.bare(extent, &genuine, &mut find);
        let mut anchored = 0;
        let last = extent.entries.last().copied().unwrap_or(0);
        for (seq, hashes) in anchors.of(self.tenant) {
            match genuine.get(&seq).map(|place| &self.read[*place]) {
                Some(read) if hashes.iter().any(|hash| *hash != read.hash) => {
                    find(seq, Fault::NotAnchored, Some(read.line));
                }
                Some(_) => anchored += 1,
                None if seq > last && extent.is_to_the_head && self.about.is_none() => {
                    find(seq, Fault::Missing, None);
                }
                // Told already, or never said to be here.
                None => {}
            }
        }
        if found.is_empty() {
            let end = genuine.values().next_back().map(|place| &self.read[*place]);
            let before = extent.before.unwrap_or(super::GENESIS);
            return Ok(Head {
                seq: end.map_or(0, |end| end.seq),
                hash: end.map_or(before, |end| end.hash),
                anchored,
            });
        }
        found.sort_by_key(|finding| finding.broken.seq);
        found.dedup_by(|later, earlier| {
            later.broken.seq == earlier.broken.seq && later.line == earlier.line
        });
        Err(found)
    }

    /// Of several entries with one number the one that is whole and that its neighbours know; the first of equals.
    fn most_likely(&self, places: &[usize], of: &BTreeMap<i64, Vec<usize>>) -> usize {
        let is_known = |read: &Read| {
            let mut after = of.get(&(read.seq + 1)).into_iter().flatten();
            let mut before = of.get(&(read.seq - 1)).into_iter().flatten();
            let follows = before.any(|place| self.read[*place].hash == read.previous);
            let is_followed = after.any(|place| self.read[*place].previous == read.hash);
            u8::from(follows) + u8::from(is_followed)
        };
        let worth = |place: &usize| {
            let read = &self.read[*place];
            (read.fault.is_none(), is_known(read))
        };
        let mut best = places[0];
        for place in &places[1..] {
            if worth(place) > worth(&best) {
                best = *place;
            }
        }
        best
    }

    /// Numbers that nothing was read for: a line that is no entry stands for one where it is in its place.
    fn gaps(
        &self,
        extent: &Extent<'_>,
        genuine: &BTreeMap<i64, usize>,
        find: &mut impl FnMut(i64, Fault, Option<u64>),
    ) {
        let mut unreadable = self.unreadable.iter().peekable();
        let mut read_before = 0;
        let mut newest = 0;
        for seq in extent.entries {
            if let Some(place) = genuine.get(seq) {
                // What came before this entry and stands for none was put there.
                while let Some((line, _)) = unreadable.next_if(|(_, before)| *before <= *place) {
                    find(*seq, Fault::Unreadable, Some(*line));
                }
                read_before = place + 1;
                newest = *seq;
                continue;
            }
            match unreadable.next_if(|(_, before)| *before == read_before) {
                Some((line, _)) => find(*seq, Fault::Unreadable, Some(*line)),
                None => find(*seq, Fault::Missing, None),
            }
        }
        for (line, _) in unreadable {
            find(newest + 1, Fault::Unreadable, Some(*line));
        }
    }

    /// Each entry by itself, and by the one that was written after it.
    fn links(
        &self,
        extent: &Extent<'_>,
        genuine: &BTreeMap<i64, usize>,
        find: &mut impl FnMut(i64, Fault, Option<u64>),
    ) {
        let mut before: Option<&Read> = None;
        for (seq, place) in genuine {
            let read = &self.read[*place];
            match (before, extent.before) {
                // The one after it vouches for it; one that is not whole vouches for nothing.
                (Some(one), _)
                    if one.seq + 1 == *seq
                        && one.hash != read.previous
                        && read.fault.is_none()
                        && one.fault.is_none() =>
                {
                    find(one.seq, Fault::Rewritten, Some(one.line));
                }
                (None, Some(hash))
                    if extent.entries.first() == Some(seq)
                        && hash != read.previous
                        && read.fault.is_none() =>
                {
                    find(*seq, Fault::Altered, Some(read.line));
                }
                _ => {}
            }
            if let Some(fault) = read.fault {
                find(*seq, fault, Some(read.line));
            }
            before = Some(read);
        }
    }

    /// Details that are missing without a later entry that says that they were erased.
    fn bare(
        &self,
        extent: &Extent<'_>,
        genuine: &BTreeMap<i64, usize>,
        find: &mut impl FnMut(i64, Fault, Option<u64>),
    ) {
        let mut bare: HashMap<GuestId, Vec<&Read>> = HashMap::new();
        for read in genuine.values().map(|place| &self.read[*place]) {
            match read.bare {
                Some(Some(guest)) => bare.entry(guest).or_default().push(read),
                Some(None) => find(read.seq, Fault::DetailsMissing, Some(read.line)),
                None => {}
            }
            if let Some(guest) = read.erased {
                bare.remove(&guest);
            }
        }
        // A later part may say it.
        if extent.is_to_the_head {
            for read in bare.into_values().flatten() {
                find(read.seq, Fault::DetailsMissing, Some(read.line));
            }
        }
    }
}

/// The entries that do not stand in their place: as few as can be, and of two that changed places the one that comes late.
fn moved(genuine: &BTreeMap<i64, usize>) -> Vec<usize> {
    let mut in_file: Vec<(usize, i64)> = genuine.iter().map(|(seq, at)| (*at, *seq)).collect();
    in_file.sort_unstable();
    // The longest run of falling numbers from the end: `tails` has, for each length, where the best one so far ends.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; in_file.len()];
    for at in (0..in_file.len()).rev() {
        let length = tails.partition_point(|tail| in_file[*tail].1 > in_file[at].1);
        before[at] = length.checked_sub(1).map(|length| tails[length]);
        if length == tails.len() {
            tails.push(at);
        } else {
            tails[length] = at;
        }
    }
    let mut stays = vec![false; in_file.len()];
    let mut next = tails.last().copied();
    while let Some(at) = next {
        stays[at] = true;
        next = before[at];
    }
    let moved = in_file.iter().zip(stays).filter(|(_, stays)| !stays);
    moved.map(|((place, _), _)| *place).collect()
}
