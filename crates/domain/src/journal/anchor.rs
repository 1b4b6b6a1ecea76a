//! Anchors: heads of chains that were written down elsewhere. Whoever can rewrite a whole journal cannot rewrite those.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Hash, parse_hash};
use crate::ids::TenantId;
use crate::plan::hex;

/// A head as it is written down: one line of a file, one message of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Whose chain.
    pub tenant_id: TenantId,
    /// The entry's number.
    pub seq: i64,
    /// Its hash, in hexadecimal.
    pub hash: String,
    /// When it was written down.
    pub at: DateTime<Utc>,
}

impl Anchor {
    /// The anchor of an entry.
    #[must_use]
    pub fn of(tenant: TenantId, seq: i64, hash: &Hash, at: DateTime<Utc>) -> Self {
        Self {
            tenant_id: tenant,
            seq,
            hash: hex(hash),
            at,
        }
    }
}

/// The anchored hashes of every tenant, by number.
#[derive(Clone, Debug, Default)]
pub struct Anchors(BTreeMap<(TenantId, i64), Vec<Hash>>);

impl Anchors {
    /// Takes one more; `false` when it is not one.
    pub fn add(&mut self, anchor: &Anchor) -> bool {
        let Some(hash) = parse_hash(&anchor.hash) else {
            return false;
        };
        let hashes = self.0.entry((anchor.tenant_id, anchor.seq)).or_default();
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
        true
    }

    /// The anchors of a tenant by number. Two different ones of one entry cannot both be right.
    pub(super) fn of(&self, tenant: TenantId) -> BTreeMap<i64, Vec<Hash>> {
        let all = self.0.range((tenant, i64::MIN)..=(tenant, i64::MAX));
        all.map(|((_, seq), hashes)| (*seq, hashes.clone()))
            .collect()
    }
}
