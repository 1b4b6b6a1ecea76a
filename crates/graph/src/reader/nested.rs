//! Membership in a group however deeply: of the group, of a guest, and of a sponsor.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{TryStreamExt, stream::Stream};
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId};
use innkeeper_domain::sponsor::SponsorKind;
use uuid::Uuid;

use super::{Lists, Reader};
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::wire::DirectoryObject;

const PAGE: &str = "999";

/// Users and groups whose groups are asked for in one batch.
const IN_ONE_BATCH: usize = 20;

/// A user or a group that may be in groups.
type Member = (SponsorKind, Uuid);

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
        let members: Vec<Member> = guests
            .iter()
            .map(|guest| (SponsorKind::User, guest.0))
            .collect();
        let found = self.in_some(&members, groups).await?;
        Ok(found
            .into_iter()
            .map(|(id, groups)| (GuestId(id), groups))
            .collect())
    }

    /// Whether each of these sponsors is in a group, however deeply; the group is held to be in itself. Those who are not
    /// there are left out.
    ///
    /// # Errors
    /// When anything about any of the others cannot be read.
    pub async fn sponsors_in(
        &self,
        sponsors: &BTreeMap<SponsorId, SponsorKind>,
        group: GroupId,
    ) -> Result<BTreeMap<SponsorId, bool>, GraphError> {
        let members: Vec<Member> = sponsors.iter().map(|(id, kind)| (*kind, id.0)).collect();
        let found = self.in_some(&members, &BTreeSet::from([group])).await?;
        let is_in = |(id, groups): (Uuid, Vec<GroupId>)| {
            (SponsorId(id), id == group.0 || !groups.is_empty())
        };
        Ok(found.into_iter().map(is_in).collect())
    }

    async fn in_some(
        &self,
        members: &[Member],
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<Uuid, Vec<GroupId>>, GraphError> {
        let mut all = BTreeMap::new();
        for chunk in members.chunks(IN_ONE_BATCH) {
            match self.in_all(chunk, groups).await {
                Ok(found) => all.extend(found),
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for member in chunk {
                        match self.in_all(&[*member], groups).await {
                            Ok(found) => all.extend(found),
                            Err(GraphError::NotFound { .. }) => {}
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    async fn in_all(
        &self,
        members: &[Member],
        groups: &BTreeSet<GroupId>,
    ) -> Result<Vec<(Uuid, Vec<GroupId>)>, GraphError> {
        let request_of = |(kind, id): &Member| {
            let id = id.to_string();
            let request = match kind {
                SponsorKind::User => self
                    .0
                    .get(
                        &["users", &id, "transitiveMemberOf"],
                        "/users/{id}/transitiveMemberOf",
                        "Directory.Read.All",
                    )
                    .costing(2),
                SponsorKind::Group => self.0.get(
                    &["groups", &id, "transitiveMemberOf"],
                    "/groups/{id}/transitiveMemberOf",
                    "GroupMember.Read.All",
                ),
            };
            request.with("$select", "id")
        };
        let requests: Vec<Request> = members.iter().map(request_of).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut all = Vec::with_capacity(members.len());
        for (((_, id), request), body) in members.iter().zip(&requests).zip(bodies) {
            let objects = self.whole::<DirectoryObject>(request, body).await?;
            let mut of: Vec<GroupId> = objects
                .iter()
                .map(|object| GroupId::from(object.id))
                .filter(|id| groups.contains(id))
                .collect();
            of.sort();
            of.dedup();
            all.push((*id, of));
        }
        Ok(all)
    }
}
