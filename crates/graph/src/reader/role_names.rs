//! What roles in applications are called.

use std::collections::BTreeMap;

use innkeeper_domain::access::RoleNames;
use uuid::Uuid;

use super::Reader;
use crate::answer::{malformed, wrong_with};
use crate::error::GraphError;
use crate::request::Request;
use crate::wire::access::RolesOfApplication;

/// Applications asked in one batch.
const IN_ONE_BATCH: usize = 20;

impl Reader {
    /// The names of the roles that each of these applications defines, by the ids of their service principals. One that
    /// is not there any more has none.
    ///
    /// # Errors
    /// When one of the others cannot be read: `Forbidden` without `Application.Read.All`.
    pub async fn role_names(&self, applications: &[Uuid]) -> Result<RoleNames, GraphError> {
        let mut names = RoleNames::new();
        for chunk in applications.chunks(IN_ONE_BATCH) {
            match self.names_together(chunk).await {
                Ok(found) => names.extend(found),
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for application in chunk {
                        match self.names_together(&[*application]).await {
                            Ok(found) => names.extend(found),
                            Err(GraphError::NotFound { .. }) => {
                                names.insert(*application, BTreeMap::new());
                            }
                            Err(error) => return Err(error),
                        }
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(names)
    }

    async fn names_together(&self, applications: &[Uuid]) -> Result<RoleNames, GraphError> {
        let request_of = |id: &Uuid| {
            let request = self.0.get(
                &["servicePrincipals", &id.to_string()],
                "/servicePrincipals/{id}",
                "Application.Read.All",
            );
            request.with("$select", "id,appRoles")
        };
        let requests: Vec<Request> = applications.iter().map(request_of).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut names = RoleNames::new();
        for ((id, request), body) in applications.iter().zip(&requests).zip(bodies) {
            let application: RolesOfApplication = serde_json::from_value(body)
                .map_err(|error| malformed(request, wrong_with(&error)))?;
            let roles = application.app_roles.unwrap_or_default().into_iter();
            let named = roles.filter_map(|role| Some((role.id?, role.name()?)));
            names.insert(*id, named.collect());
        }
        Ok(names)
    }
}
