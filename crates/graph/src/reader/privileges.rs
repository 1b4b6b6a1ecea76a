//! What makes a few guests privileged, asked for again right before something is taken from them.

use std::collections::BTreeSet;

use innkeeper_domain::ids::GuestId;

use super::groups::{held, unreadable};
use super::{Lists, Reader};
use crate::error::GraphError;
use crate::request::Request;
use crate::roles;
use crate::wire::{DirectoryObject, RoleAssignment};

/// Guests of one batch of twenty requests, two for each.
const IN_ONE_BATCH: usize = 10;

impl Reader {
    /// The directory roles that each of these guests holds in whatever scope, and the role-assignable groups that it
    /// owns: an answer for each that is there. A fresh look has only the roles held over the whole tenant, and the groups
    /// of which it is a member.
    ///
    /// # Errors
    /// When anything about any of them cannot be read.
    pub async fn privileges_of(&self, guests: &[GuestId]) -> Result<Lists<String>, GraphError> {
        let mut lists = Lists::new();
        for chunk in guests.chunks(IN_ONE_BATCH) {
            match self.privileges_together(chunk).await {
                Ok(found) => lists.extend(found),
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for guest in chunk {
                        match self.privileges_together(&[*guest]).await {
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

    async fn privileges_together(
        &self,
        guests: &[GuestId],
    ) -> Result<Vec<(GuestId, Vec<String>)>, GraphError> {
        let requests: Vec<Request> = guests
            .iter()
            .flat_map(|guest| [self.roles_of(*guest), self.owned_by(*guest)])
            .collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut answers = requests.iter().zip(bodies);
        let mut all = Vec::with_capacity(guests.len());
        for guest in guests {
            let (Some((of_roles, assigned)), Some((of_groups, owned))) =
                (answers.next(), answers.next())
            else {
                break;
            };
            let assigned = self.whole::<RoleAssignment>(of_roles, assigned).await?;
            // Whatever it answers with beside what was filtered by says nothing of this guest.
            let assigned = held(of_roles, assigned)?.into_iter();
            let mut names: BTreeSet<String> = assigned
                .filter(|(holder, _)| holder == guest)
                .map(|(_, role)| role)
                .collect();
            let owned = self.whole::<DirectoryObject>(of_groups, owned).await?;
            for group in owned.iter().filter(|object| object.is_group()) {
                let name = group.display_name.as_deref();
                let name = name.ok_or_else(|| unreadable(of_groups))?;
                if group.is_assignable_to_role == Some(true) {
                    names.insert(roles::of_group(name));
                }
            }
            all.push((*guest, names.into_iter().collect()));
        }
        Ok(all)
    }

    fn roles_of(&self, guest: GuestId) -> Request {
        let filter = format!("principalId eq '{guest}'");
        self.role_assignments().with("$filter", &filter)
    }

    fn owned_by(&self, guest: GuestId) -> Request {
        let request = self.0.get(
            &["users", &guest.to_string(), "ownedObjects"],
            "/users/{id}/ownedObjects",
            "Directory.Read.All",
        );
        let request = request.with("$select", "id,displayName,isAssignableToRole");
        request.costing(2)
    }
}
