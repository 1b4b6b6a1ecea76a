//! The guests' sponsors.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::sponsor::Sponsor;
use uuid::Uuid;

use super::{IN_ONE_FILTER, Reader, among};
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::wire::{DirectoryObject, Sponsored};

/// What is selected of a sponsor.
pub(super) const SPONSOR: &str = "id,displayName,mail,accountEnabled,userType";

/// With `$expand` a page has at most 100. A guest has at most five sponsors, so the expansion is complete.
const PAGE: &str = "100";

/// Above so many guests the listing is read in parts, side by side: one chain of links is as slow as its answers are far.
const MANY: u64 = 5_000;

/// Parts on their way at once. At 2 resource units a page and 0.1 s this is a third of what a large tenant allows.
pub(super) const LANES: usize = 12;

/// Guests whose sponsors one batch asks for.
const IN_ONE_BATCH: usize = 20;

/// What a userPrincipalName can begin with ("Prepare to sync: userPrincipalName attribute values"), without regard to
/// case.
const BEGINNINGS: &str = "abcdefghijklmnopqrstuvwxyz0123456789_-.'!#^~";

/// Guests with their sponsors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SponsorPage {
    /// The sponsors that no page before this one told of. A tenant has many, so what they are like is given once.
    pub sponsors: Vec<Sponsor>,
    /// Each guest with its sponsors, ordered by id.
    pub guests: Vec<(GuestId, Vec<SponsorId>)>,
}

/// Of sponsors that were looked up, whether they are still there.
#[derive(Clone, Default)]
struct Met(Arc<Mutex<HashMap<Uuid, bool>>>);

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
        let met = Met::default();
        let reader = self.clone();
        // Pages are completed side by side as well; whom two of them look up at once is looked up twice.
        let completed = rows.map_ok(move |rows| {
            let (reader, met) = (reader.clone(), met.clone());
            async move { reader.complete(rows, &met).await }
        });
        completed.try_buffer_unordered(LANES)
    }

    /// The sponsors of each of these guests by itself, in batches: for those whom a listing does not tell of. Who is not
    /// there is left out.
    pub fn sponsors_of_each(
        &self,
        guests: &[GuestId],
    ) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send + use<> {
        let chunks = guests.chunks(IN_ONE_BATCH).map(<[GuestId]>::to_vec);
        let chunks: Vec<Vec<GuestId>> = chunks.collect();
        let met = Met::default();
        let reader = self.clone();
        let told = stream::iter(chunks).map(move |chunk| {
            let (reader, met) = (reader.clone(), met.clone());
            async move {
                let rows = reader.by_themselves(&chunk).await?;
                reader.complete(rows, &met).await
            }
        });
        told.buffer_unordered(LANES)
    }

    async fn by_themselves(&self, guests: &[GuestId]) -> Result<Vec<Sponsored>, GraphError> {
        match self.together(guests).await {
            // One of them went meanwhile, and nobody says which.
            Err(GraphError::NotFound { .. }) => {
                let mut rows = Vec::new();
                for guest in guests {
                    match self.together(&[*guest]).await {
                        Ok(row) => rows.extend(row),
                        Err(GraphError::NotFound { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(rows)
            }
            other => other,
        }
    }

    async fn together(&self, guests: &[GuestId]) -> Result<Vec<Sponsored>, GraphError> {
        let requests: Vec<Request> = guests.iter().map(|id| self.sponsors_of(*id)).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut rows = Vec::with_capacity(guests.len());
        for ((guest, request), body) in guests.iter().zip(&requests).zip(bodies) {
            rows.push(Sponsored::of(guest.0, self.whole(request, body).await?));
        }
        Ok(rows)
    }

    async fn complete(&self, rows: Vec<Sponsored>, met: &Met) -> Result<SponsorPage, GraphError> {
        let whole = || rows.iter().filter_map(|row| Some((row.id, row.whole()?)));
        let new = met.new_among(whole().flat_map(|(_, objects)| objects));
        let found = self.look_up(&new).await?;
        // Nothing is waited for from here on, so whoever finds somebody met comes after this page, which tells of them.
        let mut met = met.lock();
        met.extend(new.iter().map(|it| (it.id, found.contains_key(&it.id))));
        let is_there = |object: &&DirectoryObject| met.get(&object.id) == Some(&true);
        let mut guests = Vec::with_capacity(rows.len());
        for (id, objects) in whole() {
            let there = objects.iter().filter(is_there);
            let mut sponsors: Vec<SponsorId> = there.map(|object| SponsorId(object.id)).collect();
            sponsors.sort();
            sponsors.dedup();
            guests.push((GuestId(id), sponsors));
        }
        Ok(SponsorPage {
            sponsors: found.into_values().collect(),
            guests,
        })
    }

    /// Looks up what an expansion does not tell of users: whether they are enabled, and guests themselves. Graph may
    /// ignore a `$select` inside an `$expand`. Who is not there any more is left out.
    pub(super) async fn look_up(
        &self,
        objects: &[&DirectoryObject],
    ) -> Result<HashMap<Uuid, Sponsor>, GraphError> {
        let (groups, users): (Vec<_>, Vec<_>) = objects
            .iter()
            .copied()
            .partition(|object| object.is_group());
        // Each once, and in an order that can be had again.
        let users: BTreeSet<Uuid> = users.into_iter().map(|user| user.id).collect();
        let users: Vec<Uuid> = users.into_iter().collect();
        let looked_up = users.chunks(IN_ONE_FILTER).map(|chunk| {
            let request = self
                .0
                .get(&["users"], "/users", "User.Read.All")
                .with("$filter", &among(chunk.iter().copied()))
                .with("$select", SPONSOR);
            pages::<DirectoryObject>(&self.0, request).try_concat()
        });
        let looked_up: Vec<_> = looked_up.collect();
        let found: Vec<Vec<DirectoryObject>> = stream::iter(looked_up)
            .buffer_unordered(LANES)
            .try_collect()
            .await?;
        let found = found.into_iter().flatten();
        let told = groups.into_iter().cloned().chain(found);
        Ok(told.map(|object| (object.id, object.sponsor())).collect())
    }
}

impl Met {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_among<'o>(
        &self,
        objects: impl Iterator<Item = &'o DirectoryObject>,
    ) -> Vec<&'o DirectoryObject> {
        let met = self.lock();
        objects
            .filter(|object| !met.contains_key(&object.id))
            .collect()
    }
}
