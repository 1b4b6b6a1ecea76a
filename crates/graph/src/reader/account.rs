//! A single account, such as the one that notices are sent from.

use serde::Deserialize;

use super::Reader;
use crate::error::GraphError;

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Whether it may sign in. The account of a shared mailbox may not. `None`: Graph did not say.
    #[serde(rename = "accountEnabled")]
    pub enabled: Option<bool>,
    /// Its address.
    pub mail: Option<String>,
}

impl Reader {
    /// The account with this object id or UPN: `GET /users/{id}`.
    ///
    /// # Errors
    /// Why not.
    pub async fn account(&self, key: &str) -> Result<Option<Account>, GraphError> {
        let request = self
            .0
            .get(&["users", key], "/users/{id}", "User.Read.All")
            .with("$select", "accountEnabled,mail");
        match self.0.read(&request).await {
            Ok(account) => Ok(Some(account)),
            Err(GraphError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
