//! Following a chain, entry by entry, until its end or the first that is broken.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{Anchors, Entry, GENESIS, Hash};
use crate::ids::{GuestId, TenantId};

/// The entry at which a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} {fault}")]
pub struct Broken {
    /// Its number.
    pub seq: i64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its number was passed over.
    #[error("is missing")]
    Missing,
    /// It comes too late.
    #[error("was moved: it comes after later ones")]
    Moved,
    /// Its number was there already.
    #[error("was inserted: its number is there already")]
    Inserted,
    /// It is numbered below the first.
    #[error("was put before the first")]
    BeforeFirst,
    /// Its hash is not the one that follows.
    #[error("was altered: it is not what was written after the entry before it")]
    Altered,
    /// It is whole by itself, and the next entry knows another one in its place.
    #[error(
        "was altered: the next entry was written after another one; those before it may have been altered as well"
    )]
    Rewritten,
    /// Its hash is not a hash, or it cannot be read at all.
    #[error("was altered: it cannot be read")]
    Unreadable,
    /// Its details are not those that it seals.
    #[error("was altered: its details are not those that it seals")]
    Details,
    /// Its details are gone without a record that they were erased.
    #[error("was altered: its details are missing, and no later entry says that they were erased")]
    DetailsMissing,
    /// It is not the one that was anchored.
    #[error("is not the one that was anchored")]
    NotAnchored,
    /// The head does not know it.
    #[error("was added without the journal's head")]
    Unheaded,
    /// The head has another hash for it.
    #[error("is not the one that the journal's head names")]
    NotHead,
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last entry's number.
    pub seq: i64,
    /// Its hash.
    pub hash: Hash,
    /// How many anchors were found in the chain.
    pub anchored: u64,
}

impl Head {
    /// Of a journal without an entry.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: GENESIS,
        anchored: 0,
    };
}

/// A chain as far as it was followed.
#[derive(Clone, Debug)]
pub struct Chain {
    tenant: TenantId,
    head: Head,
    anchors: BTreeMap<i64, Vec<Hash>>,
    /// Guests whose details are missing from this entry on, with nothing said about it so far.
    bare: HashMap<GuestId, i64>,
}

/// What following looks for in a body.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    kind: String,
    #[serde(rename = "details_sha256")] // SEAL
    seal: Option<String>,
}

impl Chain {
    /// A chain from its beginning, or from after the entry numbered `seq` with that hash.
    #[must_use]
    pub fn after(tenant: TenantId, seq: i64, hash: Hash, anchors: &Anchors) -> Self {
        Self {
            tenant,
            head: Head {
                seq,
                hash,
                anchored: 0,
            },
            anchors: anchors.of(tenant).split_off(&(seq + 1)),
            bare: HashMap::new(),
        }
    }

    /// How far it was followed.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// The next entry.
    ///
    /// # Errors
    /// What is wrong with it, or with the one that should have come instead.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Broken> {
        let seq = entry.seq;
        let broken = |seq, fault| Err(Broken { seq, fault });
        let next = self.head.seq + 1;
        if seq < 1 {
            return broken(seq, Fault::BeforeFirst);
        }
        if seq > next {
            return broken(next, Fault::Missing);
        }
        if seq < next {
            return broken(seq, Fault::Inserted);
        }
        if entry.expected_hash(self.tenant, &self.head.hash) != entry.hash {
            return broken(seq, Fault::Altered);
        }
        self.judge_details(entry)?;
        if let Some(anchored) = self.anchors.remove(&seq) {
            if anchored.iter().any(|hash| *hash != entry.hash) {
                return broken(seq, Fault::NotAnchored);
            }
            self.head.anchored += 1;
        }
        self.head = Head {
            seq,
            hash: entry.hash,
            ..self.head
        };
        Ok(())
    }

    /// Whether an entry has the details that it seals.
    ///
    /// # Errors
    /// When it has not.
    fn judge_details(&mut self, entry: &Entry) -> Result<(), Broken> {
        let seq = entry.seq;
        let SealedParts {
            fault,
            is_bare,
            is_erasure,
        } = sealed_parts(entry);
        if let Some(fault) = fault {
            return Err(Broken { seq, fault });
        }
        match entry.guest {
            Some(guest) if is_bare => drop(self.bare.entry(guest).or_insert(seq)),
            None if is_bare => {
                let fault = Fault::DetailsMissing;
                return Err(Broken { seq, fault });
            }
            Some(_) | None => {}
        }
        if is_erasure && let Some(guest) = entry.guest {
            self.bare.remove(&guest);
        }
        Ok(())
    }

    /// The end of a part of a chain, and of how many guests details are missing that a later part must say were erased.
    #[must_use]
    pub fn end_of_part(self) -> (Head, u64) {
        (self.head, self.bare.len() as u64)
    }

    /// The end of the whole chain.
    ///
    /// # Errors
    /// When an anchored entry never came, or when details are missing that nobody erased.
    pub fn end(self) -> Result<Head, Broken> {
        if let Some(seq) = self.bare.values().min() {
            return Err(Broken {
                seq: *seq,
                fault: Fault::DetailsMissing,
            });
        }
        if !self.anchors.is_empty() {
            return Err(Broken {
                seq: self.head.seq + 1,
                fault: Fault::Missing,
            });
        }
        Ok(self.head)
    }
}

/// What an entry says of its details.
pub(super) struct SealedParts {
    /// They are not those that it seals.
    pub(super) fault: Option<Fault>,
    /// It seals some, and they are not there.
    pub(super) is_bare: bool,
    /// It says that those of its guest were erased.
    pub(super) is_erasure: bool,
}

pub(super) fn sealed_parts(entry: &Entry) -> SealedParts {
    // A body that is no object seals nothing; whether it is what was written the hash tells.
    let body = serde_json::from_str(&entry.body).unwrap_or(Body {
        kind: String::new(),
        seal: None,
    });
    let (fault, is_bare) = match (body.seal, &entry.details) {
        (None, None) => (None, false),
        (Some(seal), Some(details)) if details.seal() == seal => (None, false),
        (_, Some(_)) => (Some(Fault::Details), false),
        (Some(_), None) => (None, true),
    };
    SealedParts {
        fault,
        is_bare,
        is_erasure: body.kind == "erased",
    }
}
