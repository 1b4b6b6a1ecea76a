//! Groups that would be left without an owner.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::TryStreamExt;
use innkeeper_domain::ids::GuestId;
use uuid::Uuid;

use super::{Lists, Reader};
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::wire::DirectoryObject;

/// Guests whose groups are asked for in one batch.
const IN_ONE_BATCH: usize = 20;

/// Owned groups: of each guest the ids, and the name of each.
#[derive(Default)]
struct Owned {
    of: BTreeMap<GuestId, Vec<Uuid>>,
    names: BTreeMap<Uuid, String>,
}

impl Reader {
    /// The names of the groups that each of these guests is the only owner of: an answer for each that is there. Who is
    /// disabled, or is among these guests itself, is no owner that would be left.
    ///
    /// # Errors
    /// When anything about any of them cannot be read.
    pub async fn sole_owned(&self, guests: &[GuestId]) -> Result<Lists<String>, GraphError> {
        let mut owned = Owned::default();
        for chunk in guests.chunks(IN_ONE_BATCH) {
            match self.owned(chunk, &mut owned).await {
                Ok(()) => {}
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for guest in chunk {
                        match self.owned(&[*guest], &mut owned).await {
                            Ok(()) | Err(GraphError::NotFound { .. }) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let leaving: BTreeSet<Uuid> = guests.iter().map(|guest| guest.0).collect();
        let mut left_alone = BTreeSet::new();
        for group in owned.names.keys() {
            if !self.has_another_owner(*group, &leaving).await? {
                left_alone.insert(*group);
            }
        }
        let named = |groups: Vec<Uuid>| {
            let alone = groups.iter().filter(|group| left_alone.contains(group));
            let mut names: Vec<String> = alone.map(|group| owned.names[group].clone()).collect();
            names.sort();
            names
        };
        Ok(owned
            .of
            .into_iter()
            .map(|(guest, groups)| (guest, named(groups)))
            .collect())
    }

    async fn owned(&self, guests: &[GuestId], owned: &mut Owned) -> Result<(), GraphError> {
        let requests: Vec<Request> = guests
            .iter()
            .map(|guest| {
                let request = self.0.get(
                    &["users", &guest.to_string(), "ownedObjects"],
                    "/users/{id}/ownedObjects",
                    "Directory.Read.All",
                );
                request.with("$select", "id,displayName").costing(2)
            })
            .collect();
        let bodies = self.0.read_batch(&requests).await?;
        for ((guest, request), body) in guests.iter().zip(&requests).zip(bodies) {
            let objects = self.whole::<DirectoryObject>(request, body).await?;
            let groups = objects.into_iter().filter(DirectoryObject::is_group);
            let of = owned.of.entry(*guest).or_default();
            for group in groups {
                of.push(group.id);
                let name = group.display_name.unwrap_or_else(|| group.id.to_string());
                owned.names.insert(group.id, name);
            }
        }
        Ok(())
    }

    /// Somebody who could go on looking after the group. Where its owners cannot be listed, nobody is known to.
    async fn has_another_owner(
        &self,
        group: Uuid,
        leaving: &BTreeSet<Uuid>,
    ) -> Result<bool, GraphError> {
        let request = self.0.get(
            &["groups", &group.to_string(), "owners"],
            "/groups/{id}/owners",
            "GroupMember.Read.All",
        );
        let request = request.with("$select", "id,accountEnabled");
        let owners: Result<Vec<DirectoryObject>, GraphError> =
            pages(&self.0, request).try_concat().await;
        match owners {
            Ok(owners) => Ok(owners
                .iter()
                .any(|owner| !leaving.contains(&owner.id) && owner.is_not_disabled())),
            // "Not available for groups made in Exchange or synced from on-premises."
            Err(GraphError::NotFound { .. } | GraphError::BadRequest { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
