//! Groups, their members and owners; and who holds a directory role.

use futures_util::{Stream, StreamExt, TryStreamExt, pin_mut};
use innkeeper_domain::group::{Found, Group};
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::sponsor::Sponsor;
use uuid::Uuid;

use super::Reader;
use crate::answer::malformed;
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::roles;
use crate::wire::{DirectoryObject, GROUP, RoleAssignment, WireGroup};

const PAGE: &str = "999";

/// The permission to read members that a group hides.
const HIDDEN: &str = "Member.Read.Hidden";

/// The role of an assignment that does not say.
pub(super) const UNNAMED: &str = "a role that Graph does not name";

/// A key in the way that Entra shows ids. The other spellings of a UUID might be somebody's name for a group.
fn as_id(key: &str) -> Option<Uuid> {
    let is_hyphenated = key.len() == uuid::fmt::Hyphenated::LENGTH;
    Uuid::try_parse(key).ok().filter(|_| is_hyphenated)
}

/// Who holds what. Whom an assignment without a holder protects is not known, and so not whom nothing protects.
pub(super) fn held(
    request: &Request,
    assignments: Vec<RoleAssignment>,
) -> Result<Vec<(GuestId, String)>, GraphError> {
    let of = |held: RoleAssignment| match held.principal_id {
        Some(holder) => {
            let role = held.role_definition_id;
            let role = role.map_or_else(|| UNNAMED.to_owned(), roles::name);
            Ok((GuestId(holder), role))
        }
        None => Err(malformed(
            request,
            "an assignment of a role came without its holder",
        )),
    };
    assignments.into_iter().map(of).collect()
}

/// Without the properties selected nothing tells who decides on a group's members.
pub(super) fn unreadable(request: &Request) -> GraphError {
    malformed(
        request,
        "a group came without the properties selected; grant the application permission GroupMember.Read.All",
    )
}

impl Reader {
    /// The group with this id, or with exactly this name.
    ///
    /// # Errors
    /// Why not.
    pub async fn find_group(&self, key: &str) -> Result<Found, GraphError> {
        if let Some(id) = as_id(key) {
            let request = self
                .0
                .get(
                    &["groups", &id.to_string()],
                    "/groups/{id}",
                    "GroupMember.Read.All",
                )
                .with("$select", GROUP);
            return match self.0.read::<WireGroup>(&request).await {
                Ok(group) => Ok(Found::One(self.open(&request, group).await?)),
                Err(GraphError::NotFound { .. }) => Ok(Found::Missing),
                Err(error) => Err(error),
            };
        }
        let filter = format!("displayName eq '{}'", key.replace('\'', "''"));
        let request = self
            .0
            .get(&["groups"], "/groups", "GroupMember.Read.All")
            .with("$filter", &filter)
            .with("$select", GROUP);
        let found = pages::<WireGroup>(&self.0, request.clone());
        pin_mut!(found);
        let mut exact: Vec<WireGroup> = Vec::new();
        while let Some(groups) = found.try_next().await? {
            for group in groups {
                let name = group.name().ok_or_else(|| unreadable(&request))?;
                // Graph compares without regard to case, and may list an object twice.
                if name == key && exact.iter().all(|known| known.id != group.id) {
                    exact.push(group);
                }
            }
        }
        match (exact.pop(), exact.is_empty()) {
            (None, _) => Ok(Found::Missing),
            (Some(only), true) => Ok(Found::One(self.open(&request, only).await?)),
            (Some(_), false) => Ok(Found::Ambiguous),
        }
    }

    /// The group, if its members can be read. To who may not read hidden ones such a group may look empty, and that would
    /// say of its members that they have nothing to stay for.
    async fn open(&self, request: &Request, group: WireGroup) -> Result<Group, GraphError> {
        let hides_members = group.hides_members();
        let group = group.group().ok_or_else(|| unreadable(request))?;
        if hides_members && !self.0.roles().await?.contains(HIDDEN) {
            return Err(GraphError::HiddenMembers {
                call: request.call(),
                group: group.name,
            });
        }
        Ok(group)
    }

    /// Every directory role that somebody holds, in whatever scope.
    pub(super) fn role_assignments(&self) -> Request {
        let segments = ["roleManagement", "directory", "roleAssignments"];
        self.0.get(
            &segments,
            "/roleManagement/directory/roleAssignments",
            "RoleManagement.Read.Directory",
        )
    }

    /// A group's direct members that are users.
    pub fn members(
        &self,
        group: GroupId,
    ) -> impl Stream<Item = Result<Vec<GuestId>, GraphError>> + Send {
        let request = self.0.get(
            &["groups", &group.to_string(), "members"],
            "/groups/{id}/members",
            "GroupMember.Read.All",
        );
        let request = request.with("$select", "id").with("$top", PAGE);
        pages::<DirectoryObject>(&self.0, request.costing(2)).map_ok(|members| {
            members
                .into_iter()
                .filter(DirectoryObject::is_user)
                .map(|member| GuestId(member.id))
                .collect()
        })
    }

    /// A group's owners that are users.
    ///
    /// # Errors
    /// Why not.
    pub async fn owners(&self, group: GroupId) -> Result<Vec<Sponsor>, GraphError> {
        let request = self.0.get(
            &["groups", &group.to_string(), "owners"],
            "/groups/{id}/owners",
            "GroupMember.Read.All",
        );
        let request = request.with("$select", "id,displayName,mail,accountEnabled,userType");
        let mut owners: Vec<Sponsor> = pages::<DirectoryObject>(&self.0, request)
            .map_ok(|page| {
                page.into_iter()
                    .filter(DirectoryObject::is_user)
                    .map(DirectoryObject::sponsor)
                    .collect::<Vec<_>>()
            })
            .try_concat()
            .await?;
        owners.sort_by_key(|owner| owner.id);
        owners.dedup_by_key(|owner| owner.id);
        Ok(owners)
    }

    /// Everybody who holds a directory role directly, or is a member or owner of a role-assignable group, with the name
    /// of the role. Graph refuses sensitive actions on them with the same 403 as for a missing permission.
    ///
    /// # Errors
    /// Why not.
    pub async fn role_holders(&self) -> Result<Vec<(GuestId, String)>, GraphError> {
        let request = self.role_assignments();
        let held = |page: Vec<RoleAssignment>| held(&request, page);
        let mut holders: Vec<(GuestId, String)> = pages::<RoleAssignment>(&self.0, request.clone())
            .map(|page| held(page?))
            .try_concat()
            .await?;
        let request = self
            .0
            .get(&["groups"], "/groups", "GroupMember.Read.All")
            .with("$filter", "isAssignableToRole eq true");
        let request = request.with("$select", GROUP);
        let groups: Vec<WireGroup> = pages(&self.0, request.clone()).try_concat().await?;
        for group in groups {
            let group = group.group().ok_or_else(|| unreadable(&request))?;
            let role = roles::of_group(&group.name);
            let members: Vec<GuestId> = self.members(group.id).try_concat().await?;
            let owners = self
                .owners(group.id)
                .await?
                .into_iter()
                .map(|owner| GuestId(owner.id.0));
            holders.extend(
                members
                    .into_iter()
                    .chain(owners)
                    .map(|id| (id, role.clone())),
            );
        }
        // One role may be held in several scopes.
        holders.sort();
        holders.dedup();
        Ok(holders)
    }
}
