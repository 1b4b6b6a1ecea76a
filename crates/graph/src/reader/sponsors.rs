//! The guests' sponsors.

use std::collections::HashMap;

use futures_util::future::join;
use futures_util::{Stream, StreamExt, TryStreamExt, pin_mut, stream};
use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::sponsor::Sponsor;
use uuid::Uuid;

use super::{IN_ONE_FILTER, Reader, among};
use crate::error::GraphError;
use crate::page::pages;
use crate::wire::{DirectoryObject, Sponsored};

/// What is selected of a sponsor.
const SPONSOR: &str = "id,displayName,mail,accountEnabled,userType";

/// With `$expand` a page has at most 100. A guest has at most five sponsors, so the expansion is complete.
const PAGE: &str = "100";

/// Look-ups on their way at once.
const LOOK_UPS: usize = 8;

/// Guests with their sponsors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SponsorPage {
    /// Each guest with its sponsors, ordered by id.
    pub guests: Vec<(GuestId, Vec<Sponsor>)>,
}

/// Sponsors that were looked up; `None` for one that is not there any more.
#[derive(Default)]
pub(super) struct Known(HashMap<Uuid, Option<Sponsor>>);

impl Reader {
    /// Every guest's sponsors: `GET /users?$expand=sponsors`. A guest whose row does not say is left out, as is a sponsor
    /// that is not there any more.
    pub fn sponsors(&self) -> impl Stream<Item = Result<SponsorPage, GraphError>> + Send {
        let request = self
            .0
            .get(&["users"], "/users?$expand=sponsors", "User.Read.All");
        let request = request
            .with("$filter", "userType eq 'Guest'")
            .with("$select", "id")
            .with("$expand", "sponsors")
            .with("$top", PAGE)
            .costing(2);
        let known = Known::default();
        let rows = pages::<Sponsored>(&self.0, request).boxed();
        stream::try_unfold(
            (rows, None, known),
            move |(mut rows, ahead, mut known)| async move {
                let page = match ahead {
                    Some(page) => Some(page),
                    None => rows.try_next().await?,
                };
                let Some(page) = page else {
                    return Ok(None);
                };
                // The next page is on its way meanwhile: there may be as many look-ups as pages.
                let (page, ahead) = join(self.complete(page, &mut known), rows.try_next()).await;
                Ok(Some((page?, (rows, ahead?, known))))
            },
        )
    }

    async fn complete(
        &self,
        rows: Vec<Sponsored>,
        known: &mut Known,
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
        known: &mut Known,
    ) -> Result<(), GraphError> {
        let mut unknown: Vec<Uuid> = Vec::new();
        for object in objects {
            if object.is_group() {
                known
                    .0
                    .entry(object.id)
                    .or_insert_with(|| Some((*object).clone().sponsor()));
            } else if !known.0.contains_key(&object.id) && !unknown.contains(&object.id) {
                unknown.push(object.id);
            }
        }
        let chunks = unknown.chunks(IN_ONE_FILTER);
        let look_ups: Vec<_> = chunks.map(|ids| self.users_of(ids.to_vec())).collect();
        let mut found = stream::iter(look_ups).buffer_unordered(LOOK_UPS);
        while let Some(found) = found.try_next().await? {
            known.0.extend(found);
        }
        Ok(())
    }

    /// Those of these users that are there, and of the others that they are not.
    async fn users_of(&self, ids: Vec<Uuid>) -> Result<HashMap<Uuid, Option<Sponsor>>, GraphError> {
        let request = self
            .0
            .get(&["users"], "/users", "User.Read.All")
            .with("$filter", &among(ids.iter().copied()))
            .with("$select", SPONSOR);
        let mut users: HashMap<Uuid, Option<Sponsor>> =
            ids.into_iter().map(|id| (id, None)).collect();
        let found = pages::<DirectoryObject>(&self.0, request);
        pin_mut!(found);
        while let Some(objects) = found.try_next().await? {
            users.extend(
                objects
                    .into_iter()
                    .map(|object| (object.id, Some(object.sponsor()))),
            );
        }
        Ok(users)
    }
}

impl Known {
    /// The sponsors that are still there, ordered by id.
    pub(super) fn sponsors(&self, objects: &[DirectoryObject]) -> Vec<Sponsor> {
        let mut sponsors: Vec<Sponsor> = objects
            .iter()
            .filter_map(|object| self.0.get(&object.id).cloned().flatten())
            .collect();
        sponsors.sort_by_key(|sponsor| sponsor.id);
        sponsors.dedup_by_key(|sponsor: &mut Sponsor| -> SponsorId { sponsor.id });
        sponsors
    }
}
