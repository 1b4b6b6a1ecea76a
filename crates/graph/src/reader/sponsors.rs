//! The guests' sponsors.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::sponsor::Sponsor;
use uuid::Uuid;

use super::{IN_ONE_FILTER, Reader, among};
use crate::error::GraphError;
use crate::page::pages;
use crate::wire::{DirectoryObject, Sponsored};

/// What is selected of a sponsor.
pub(super) const SPONSOR: &str = "id,displayName,mail,accountEnabled,userType";

/// With `$expand` a page has at most 100. A guest has at most five sponsors, so the expansion is complete.
const PAGE: &str = "100";

/// Above so many guests the listing is read in parts, side by side: one chain of links is as slow as its answers are far.
const MANY: u64 = 5_000;

/// Parts on their way at once. At 2 resource units a page and 0.1 s this is a third of what a large tenant allows.
pub(super) const LANES: usize = 12;

/// What a userPrincipalName can begin with ("Prepare to sync: userPrincipalName attribute values"), without regard to
/// case.
const BEGINNINGS: &str = "abcdefghijklmnopqrstuvwxyz0123456789_-.'!#^~";

/// Guests with their sponsors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SponsorPage {
    /// Each guest with its sponsors, ordered by id.
    pub guests: Vec<(GuestId, Vec<Sponsor>)>,
}

/// Sponsors that were looked up; `None` for one that is not there any more.
#[derive(Clone, Default)]
pub(super) struct Known(Arc<Mutex<HashMap<Uuid, Option<Sponsor>>>>);

impl Reader {
    /// Every guest's sponsors: `GET /users?$expand=sponsors`. A guest whose row does not say is left out, as is a sponsor
    /// that is not there any more. `guests` is about how many there are.
    pub fn sponsors(
        &self,
        guests: u64,
    ) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send {
        let of = |filter: &str| {
            let request = self
                .0
                .get(&["users"], "/users?$expand=sponsors", "User.Read.All")
                .with("$filter", filter)
                .with("$select", "id")
                .with("$expand", "sponsors")
                .with("$top", PAGE)
                .costing(2);
            pages::<Sponsored>(&self.0, request).boxed()
        };
        let parts: Vec<_> = if guests > MANY {
            let filters = BEGINNINGS.chars().map(|beginning| {
                // In a literal a quote is written twice.
                let beginning = beginning.to_string().replace('\'', "''");
                format!("userType eq 'Guest' and startswith(userPrincipalName,'{beginning}')")
            });
            filters.map(|filter| of(&filter)).collect()
        } else {
            vec![of("userType eq 'Guest'")]
        };
        let rows = stream::iter(parts).flatten_unordered(LANES);
        let known = Known::default();
        let reader = self.clone();
        // Pages are completed side by side as well; what two of them look up at once is looked up twice.
        let completed = rows.map_ok(move |rows| {
            let (reader, known) = (reader.clone(), known.clone());
            async move { reader.complete(rows, &known).await }
        });
        completed.try_buffer_unordered(LANES)
    }

    async fn complete(
        &self,
        rows: Vec<Sponsored>,
        known: &Known,
    ) -> Result<SponsorPage, GraphError> {
        let mut guests = Vec::with_capacity(rows.len());
        let whole = || rows.iter().filter_map(|row| Some((row.id, row.whole()?)));
        let objects: Vec<&DirectoryObject> = whole().flat_map(|(_, objects)| objects).collect();
        self.look_up(&objects, known).await?;
        for (id, objects) in whole() {
            guests.push((GuestId(id), known.sponsors(objects)));
        }
        Ok(SponsorPage { guests })
    }

    /// Looks up what an expansion does not tell of users: whether they are enabled, and guests themselves. Graph may
    /// ignore a `$select` inside an `$expand`.
    pub(super) async fn look_up(
        &self,
        objects: &[&DirectoryObject],
        known: &Known,
    ) -> Result<(), GraphError> {
        let mut unknown: Vec<Uuid> = Vec::new();
        {
            let mut known = known.lock();
            for object in objects {
                if object.is_group() {
                    known
                        .entry(object.id)
                        .or_insert_with(|| Some((*object).clone().sponsor()));
                } else if !known.contains_key(&object.id) && !unknown.contains(&object.id) {
                    unknown.push(object.id);
                }
            }
        }
        let mut looked_up = Vec::new();
        for chunk in unknown.chunks(IN_ONE_FILTER) {
            let request = self
                .0
                .get(&["users"], "/users", "User.Read.All")
                .with("$filter", &among(chunk.iter().copied()))
                .with("$select", SPONSOR);
            looked_up.push(pages::<DirectoryObject>(&self.0, request).try_concat());
        }
        let found: Vec<Vec<DirectoryObject>> = stream::iter(looked_up)
            .buffer_unordered(LANES)
            .try_collect()
            .await?;
        let found = found.into_iter().flatten();
        let mut known = known.lock();
        known.extend(found.map(|object| (object.id, Some(object.sponsor()))));
        for id in unknown {
            known.entry(id).or_insert(None);
        }
        Ok(())
    }
}

impl Known {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Option<Sponsor>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sponsors that are still there, ordered by id.
    pub(super) fn sponsors(&self, objects: &[DirectoryObject]) -> Vec<Sponsor> {
        let known = self.lock();
        let mut sponsors: Vec<Sponsor> = objects
            .iter()
            .filter_map(|object| known.get(&object.id).cloned().flatten())
            .collect();
        drop(known);
        sponsors.sort_by_key(|sponsor| sponsor.id);
        sponsors.dedup_by_key(|sponsor: &mut Sponsor| -> SponsorId { sponsor.id });
        sponsors
    }
}
