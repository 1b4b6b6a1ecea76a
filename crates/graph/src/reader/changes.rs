//! What changed since a point in time: delta queries (`/users/delta`, `/groups/delta`).
//!
//! They are a round of pages that ends with a link, from which the next round begins. The same object may come several
//! times in a round and again in the next one; a group comes in parts. Sign-in activity, sponsors and roles are not
//! among what is tracked, so a round never replaces a whole reading.

use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use innkeeper_domain::guest::{Extras, Guest, UserType};
use innkeeper_domain::ids::{GroupId, GuestId};
use serde::de::DeserializeOwned;
use url::Url;

use super::Reader;
use crate::answer::malformed;
use crate::error::GraphError;
use crate::page::Listing;
use crate::request::Request;
use crate::wire::{ChangedGroup, ChangedUser};

/// Groups that one query can name.
const IN_ONE_QUERY: usize = 50;

/// A point in time to read changes from, as Graph gave it. Graph keeps it for seven days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesSince(pub String);

/// What a page of a round shows; the last one has where the next round begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangePage<T> {
    /// The changes, in their order.
    pub changes: Vec<T>,
    /// Where the next round begins; on the last page only.
    pub next: Option<ChangesSince>,
}

/// A user that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserChange {
    /// It is there, as it is now, but for its sign-in times, which are not told.
    Present(Box<Guest>),
    /// It is there and no guest.
    NoGuest(GuestId),
    /// It is deleted, for good or not.
    Removed(GuestId),
    /// It is there, and what it is like was not told.
    Unreadable(GuestId),
}

/// A group whose members changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupChange {
    /// Who came and who went. Members who are no users are among them.
    Members {
        /// The group.
        group: GroupId,
        /// Who is a member now.
        added: Vec<GuestId>,
        /// Who is not any more.
        removed: Vec<GuestId>,
    },
    /// The group is deleted.
    Removed(GroupId),
}

/// Why changes cannot be read from a point any more: everything has to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost(pub String);

impl Reader {
    /// A point from which the changes of users can be read: now.
    ///
    /// # Errors
    /// Why not.
    pub async fn users_from_now(&self) -> Result<ChangesSince, GraphError> {
        let request = self
            .0
            .get(&["users", "delta"], "/users/delta", "User.Read.All")
            .with("$select", &self.selected())
            .with("$deltatoken", "latest");
        self.beginning::<ChangedUser>(&request).await
    }

    /// Points from which the changes of these groups' members can be read: now; one for fifty groups.
    ///
    /// # Errors
    /// Why not.
    pub async fn members_from_now(
        &self,
        groups: &[GroupId],
    ) -> Result<Vec<ChangesSince>, GraphError> {
        let mut points = Vec::new();
        for groups in groups.chunks(IN_ONE_QUERY) {
            let among: Vec<String> = groups.iter().map(|id| format!("id eq '{id}'")).collect();
            let request = self
                .0
                .get(
                    &["groups", "delta"],
                    "/groups/delta",
                    "GroupMember.Read.All",
                )
                .with("$select", "id,members")
                .with("$filter", &among.join(" or "))
                .with("$deltatoken", "latest");
            points.push(self.beginning::<ChangedGroup>(&request).await?);
        }
        Ok(points)
    }

    /// The changes of users since then, guests and others.
    pub fn user_changes(
        &self,
        since: &ChangesSince,
    ) -> impl Stream<Item = Result<Result<ChangePage<UserChange>, Lost>, GraphError>> + Send + use<>
    {
        let request = self
            .0
            .get(&["users", "delta"], "/users/delta", "User.Read.All");
        let extras = self.1.clone();
        self.round(&request, since, move |user: ChangedUser| {
            user.change(&extras)
        })
    }

    /// The changes of groups' members since then.
    pub fn member_changes(
        &self,
        since: &ChangesSince,
    ) -> impl Stream<Item = Result<Result<ChangePage<GroupChange>, Lost>, GraphError>> + Send + use<>
    {
        let request = self.0.get(
            &["groups", "delta"],
            "/groups/delta",
            "GroupMember.Read.All",
        );
        self.round(&request, since, ChangedGroup::change)
    }

    async fn beginning<T: DeserializeOwned + Send>(
        &self,
        request: &Request,
    ) -> Result<ChangesSince, GraphError> {
        let mut listing = Listing::of(&self.0, request.clone());
        while let Some(page) = listing.page::<T>().await? {
            if let Some(link) = page.delta_link {
                return Ok(ChangesSince(link));
            }
        }
        Err(malformed(request, "it does not say where changes begin"))
    }

    fn round<
        T: DeserializeOwned + Send + 'static,
        C: Send + 'static,
        F: Fn(T) -> C + Send + Sync + 'static,
    >(
        &self,
        request: &Request,
        since: &ChangesSince,
        change: F,
    ) -> impl Stream<Item = Result<Result<ChangePage<C>, Lost>, GraphError>> + Send + use<T, C, F>
    {
        let change = Arc::new(change);
        let url = Url::parse(&since.0).map_err(|_| malformed(request, "its link is none"));
        let listing = url.and_then(|url| {
            let listing = Listing::of(&self.0, request.at(url));
            listing.is_trusted().map(|()| listing)
        });
        try_unfold(Some(listing), move |listing| {
            let change = change.clone();
            async move {
                let Some(listing) = listing else {
                    return Ok(None);
                };
                let mut listing = listing?;
                match listing.page::<T>().await {
                    Ok(Some(page)) => {
                        let next = page.delta_link.map(ChangesSince);
                        let changes = page.value.into_iter().map(|of| change(of)).collect();
                        let page = ChangePage { changes, next };
                        let rest = page.next.is_none().then_some(Ok(listing));
                        Ok(Some((Ok(page), rest)))
                    }
                    Ok(None) => Err(malformed(
                        listing.first(),
                        "a round ended without where the next one begins",
                    )),
                    Err(error) => match lost(&error) {
                        Some(lost) => Ok(Some((Err(lost), None))),
                        None => Err(error),
                    },
                }
            }
        })
    }
}

/// Graph wants everything to be read again: by 410, or by a code of its own.
fn lost(error: &GraphError) -> Option<Lost> {
    let is_lost = match error {
        GraphError::Gone { .. } | GraphError::PageTokenLost { .. } => true,
        GraphError::BadRequest { answered } | GraphError::NotFound { answered } => {
            ["syncStateNotFound", "resyncRequired"]
                .iter()
                .any(|code| answered.has_code(code))
        }
        _ => false,
    };
    is_lost.then(|| Lost(error.to_string()))
}

impl ChangedUser {
    fn change(self, extras: &Extras) -> UserChange {
        let id = GuestId(self.user.id);
        if self.removed.is_some() {
            return UserChange::Removed(id);
        }
        match self.user.guest(None, extras) {
            Ok(guest) if guest.user_type == UserType::Guest => UserChange::Present(Box::new(guest)),
            Ok(_) => UserChange::NoGuest(id),
            Err(id) => UserChange::Unreadable(id),
        }
    }
}

impl ChangedGroup {
    fn change(self) -> GroupChange {
        let group = GroupId(self.id);
        if self.removed.is_some() {
            return GroupChange::Removed(group);
        }
        let (removed, added): (Vec<_>, Vec<_>) = self
            .members
            .unwrap_or_default()
            .into_iter()
            .partition(|member| member.removed.is_some());
        let ids = |members: Vec<crate::wire::ChangedMember>| {
            members.iter().map(|member| GuestId(member.id)).collect()
        };
        GroupChange::Members {
            group,
            added: ids(added),
            removed: ids(removed),
        }
    }
}
