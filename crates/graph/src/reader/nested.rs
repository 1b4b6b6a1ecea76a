//! Membership in a group however deeply: of the group, and of a guest.

use std::collections::BTreeSet;

use futures_util::{TryStreamExt, stream::Stream};
use innkeeper_domain::ids::{GroupId, GuestId};

use super::{Lists, Reader};
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::wire::DirectoryObject;

const PAGE: &str = "999";

/// Guests whose groups are asked for in one batch.
const IN_ONE_BATCH: usize = 20;

impl Reader {
    /// Users that are in the group itself or in one that is in it.
    pub fn nested_members(
        &self,
        group: GroupId,
    ) -> impl Stream<Item = Result<Vec<GuestId>, GraphError>> + Send {
        let request = self.0.get(
            &["groups", &group.to_string(), "transitiveMembers"],
            "/groups/{id}/transitiveMembers",
            "GroupMember.Read.All",
        );
        let request = request.with("$select", "id").with("$top", PAGE);
        pages::<DirectoryObject>(&self.0, request.costing(5)).map_ok(|members| {
            members
                .into_iter()
                .filter(DirectoryObject::is_user)
                .map(|member| GuestId(member.id))
                .collect()
        })
    }

    /// Those of these groups that each of the guests is in, however deeply: an answer for each that is there.
    ///
    /// # Errors
    /// When anything about any of them cannot be read.
    pub async fn nested_in(
        &self,
        guests: &[GuestId],
        groups: &BTreeSet<GroupId>,
    ) -> Result<Lists<GroupId>, GraphError> {
        let mut lists = Lists::new();
        for chunk in guests.chunks(IN_ONE_BATCH) {
            match self.in_all(chunk, groups).await {
                Ok(found) => lists.extend(found),
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for guest in chunk {
                        match self.in_all(&[*guest], groups).await {
                            Ok(found) => lists.extend(found),
                            Err(GraphError::NotFound { .. }) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(lists)
    }

    async fn in_all(
        &self,
        guests: &[GuestId],
        groups: &BTreeSet<GroupId>,
    ) -> Result<Vec<(GuestId, Vec<GroupId>)>, GraphError> {
        let request_of = |guest: &GuestId| {
            let request = self.0.get(
                &["users", &guest.to_string(), "transitiveMemberOf"],
                "/users/{id}/transitiveMemberOf",
                "Directory.Read.All",
            );
            request.with("$select", "id").costing(2)
        };
        let requests: Vec<Request> = guests.iter().map(request_of).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut all = Vec::with_capacity(guests.len());
        for ((guest, request), body) in guests.iter().zip(&requests).zip(bodies) {
            let objects = self.whole::<DirectoryObject>(request, body).await?;
            let mut of: Vec<GroupId> = objects
                .iter()
                .map(|object| GroupId::from(object.id))
                .filter(|id| groups.contains(id))
                .collect();
            of.sort();
            of.dedup();
            all.push((*guest, of));
        }
        Ok(all)
    }
}
