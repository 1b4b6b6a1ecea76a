//! What stands in the attributes of a few guests: read right before one of them is written, and for nothing else.

use std::collections::BTreeMap;

use innkeeper_domain::ids::GuestId;
use innkeeper_domain::mark::Extension;

use super::Reader;
use crate::answer::{malformed, wrong_with};
use crate::error::GraphError;
use crate::request::Request;
use crate::wire::extension::Extended;

/// Guests asked about in one batch.
const IN_ONE_BATCH: usize = 20;

impl Reader {
    /// `onPremisesExtensionAttributes` of each. Those who are not there are left out.
    ///
    /// # Errors
    /// When anything about any of the others cannot be read.
    pub async fn extensions(
        &self,
        guests: &[GuestId],
    ) -> Result<BTreeMap<GuestId, Extension>, GraphError> {
        let mut all = BTreeMap::new();
        for chunk in guests.chunks(IN_ONE_BATCH) {
            match self.extensions_together(chunk).await {
                Ok(read) => all.extend(read),
                // One of them went meanwhile, and nobody says which.
                Err(GraphError::NotFound { .. }) => {
                    for guest in chunk {
                        match self.extensions_together(&[*guest]).await {
                            Ok(read) => all.extend(read),
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

    async fn extensions_together(
        &self,
        guests: &[GuestId],
    ) -> Result<Vec<(GuestId, Extension)>, GraphError> {
        let requests: Vec<Request> = guests.iter().map(|id| self.extension_of(*id)).collect();
        let bodies = self.0.read_batch(&requests).await?;
        let mut all = Vec::with_capacity(guests.len());
        for ((guest, body), request) in guests.iter().zip(bodies).zip(&requests) {
            let user: Extended = serde_json::from_value(body)
                .map_err(|error| malformed(request, wrong_with(&error)))?;
            all.push((*guest, user.extension()));
        }
        Ok(all)
    }

    fn extension_of(&self, id: GuestId) -> Request {
        self.0
            .get(&["users", &id.to_string()], "/users/{id}", "User.Read.All")
            .with(
                "$select",
                "id,onPremisesSyncEnabled,onPremisesExtensionAttributes",
            )
    }
}
