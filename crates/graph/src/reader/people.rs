//! Who answers for a guest where its sponsors do not: managers, the members of the sponsor group, inviters.

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId};
use innkeeper_domain::sponsor::Sponsor;
use uuid::Uuid;

use super::sponsors::{LANES, SPONSOR};
use super::{IN_ONE_FILTER, Reader, among};
use crate::error::GraphError;
use crate::page::pages;
use crate::wire::{DirectoryAudit, DirectoryObject};

/// The event whose initiator is who invited. That of "Add user" may be a service of Microsoft's.
const INVITED: &str = "Invite external user";

/// An invitation, as the audit log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The guest's object id, where the log has it.
    pub guest: Option<GuestId>,
    /// The guest's user principal name, where the log has it.
    pub upn: Option<String>,
    /// Who invited; `None` for an application.
    pub by: Option<SponsorId>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Reader {
    /// Those of these users that are there, as `GET /users` has them.
    ///
    /// # Errors
    /// When one of them cannot be read; that one is not there is no error.
    pub async fn people(&self, ids: &[SponsorId]) -> Result<Vec<Sponsor>, GraphError> {
        let read = ids.chunks(IN_ONE_FILTER).map(|chunk| {
            let request = self
                .0
                .get(&["users"], "/users", "User.Read.All")
                .with("$filter", &among(chunk.iter().map(|id| id.0)))
                .with("$select", SPONSOR);
            pages::<DirectoryObject>(&self.0, request).try_concat()
        });
        let read: Vec<_> = read.collect();
        let found: Vec<Vec<DirectoryObject>> = stream::iter(read)
            .buffer_unordered(LANES)
            .try_collect()
            .await?;
        let found = found.into_iter().flatten();
        Ok(found.map(DirectoryObject::sponsor).collect())
    }

    /// Those of these users that are not there: each is among the deleted ones, or its own address leads nowhere. Graph does
    /// not return a deleted sponsor, and a listing may lack one that is there.
    ///
    /// # Errors
    /// When that cannot be told of one of them.
    pub async fn gone(&self, ids: &[SponsorId]) -> Result<Vec<SponsorId>, GraphError> {
        let asked: Vec<_> = ids.iter().map(|id| self.is_gone(*id)).collect();
        let told: Vec<(SponsorId, bool)> = stream::iter(asked)
            .buffer_unordered(LANES)
            .try_collect()
            .await?;
        let mut gone: Vec<SponsorId> = told
            .into_iter()
            .filter_map(|(id, is_gone)| is_gone.then_some(id))
            .collect();
        gone.sort();
        Ok(gone)
    }

    async fn is_gone(&self, id: SponsorId) -> Result<(SponsorId, bool), GraphError> {
        let deleted = self.0.get(
            &["directory", "deletedItems", &id.to_string()],
            "/directory/deletedItems/{id}",
            "User.Read.All",
        );
        if self.is_there(&deleted).await? {
            return Ok((id, true));
        }
        let itself = self
            .0
            .get(&["users", &id.to_string()], "/users/{id}", "User.Read.All")
            .with("$select", "id");
        Ok((id, !self.is_there(&itself).await?))
    }

    /// The managers of these users, `GET /users/{id}/manager`: of each the manager, or `None` when it has none. An
    /// expansion would leave out the manager of somebody who has none and one that was not read alike.
    ///
    /// # Errors
    /// When the manager of one of them cannot be read.
    pub async fn managers(&self, of: &[Uuid]) -> Result<Vec<(Uuid, Option<Sponsor>)>, GraphError> {
        let read: Vec<_> = of.iter().map(|id| self.manager(*id)).collect();
        stream::iter(read)
            .buffer_unordered(LANES)
            .try_collect()
            .await
    }

    async fn manager(&self, of: Uuid) -> Result<(Uuid, Option<Sponsor>), GraphError> {
        let request = self
            .0
            .get(
                &["users", &of.to_string(), "manager"],
                "/users/{id}/manager",
                "User.Read.All",
            )
            .with("$select", SPONSOR);
        match self.0.read::<DirectoryObject>(&request).await {
            Ok(manager) => Ok((of, Some(manager.sponsor()))),
            Err(GraphError::NotFound { .. }) => Ok((of, None)),
            Err(error) => Err(error),
        }
    }

    /// Everything that is in a group, directly or in a group in it: users and groups.
    ///
    /// # Errors
    /// Why not.
    pub async fn everybody_in(&self, group: GroupId) -> Result<Vec<SponsorId>, GraphError> {
        let request = self
            .0
            .get(
                &["groups", &group.to_string(), "transitiveMembers"],
                "/groups/{id}/transitiveMembers",
                "GroupMember.Read.All",
            )
            .with("$select", "id")
            .with("$top", "999")
            .costing(4);
        let members: Vec<DirectoryObject> = pages(&self.0, request).try_concat().await?;
        Ok(members.into_iter().map(|member| member.id.into()).collect())
    }

    /// Invitations since then that the audit log still has: 30 days, 7 without a licence; of older ones it says nothing,
    /// without an error.
    pub fn invited_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<Invited>, GraphError>> + Send {
        let request = self.audits(INVITED, since);
        let reader = self.clone();
        pages::<DirectoryAudit>(&self.0, request).and_then(move |page| {
            let reader = reader.clone();
            async move { reader.invitations(page).await }
        })
    }

    async fn invitations(&self, page: Vec<DirectoryAudit>) -> Result<Vec<Invited>, GraphError> {
        let mut invitations = Vec::new();
        for entry in page {
            let Some(event) = entry.invitation() else {
                continue;
            };
            let by = match (event.by, event.by_upn) {
                (None, Some(upn)) => match self.user_named(&upn).await? {
                    Some(id) => Some(id),
                    // Whoever it was is not there any more, and nothing tells their id.
                    None => continue,
                },
                (by, _) => by,
            };
            invitations.push(Invited {
                guest: event.guest,
                upn: event.upn,
                by,
                at: event.at,
            });
        }
        Ok(invitations)
    }

    /// The user with this name.
    async fn user_named(&self, upn: &str) -> Result<Option<SponsorId>, GraphError> {
        let request = self
            .0
            .get(&["users", upn], "/users/{id}", "User.Read.All")
            .with("$select", "id");
        match self.0.read::<DirectoryObject>(&request).await {
            Ok(user) => Ok(Some(user.id.into())),
            Err(GraphError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
