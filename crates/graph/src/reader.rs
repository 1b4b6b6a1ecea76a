//! Reading a tenant.

mod account;
mod changes;
mod groups;
mod guests;
mod holdings;
mod organization;
mod reread;
mod sign_in_log;
mod sponsors;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use account::Account;
pub use changes::{ChangePage, ChangesSince, GroupChange, Lost, UserChange};
pub use guests::GuestPage;
pub use organization::Organization;
pub use reread::{Depth, Reread};
pub use sponsors::SponsorPage;

use crate::client::{Connection, Requests};
use crate::error::GraphError;

/// Reads a tenant. Each method reads everything or fails; none answers with half.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Arc<Connection>);

impl Reader {
    /// What Graph's clock shows, by its newest answer; `None` before the first.
    #[must_use]
    pub fn server_clock(&self) -> Option<DateTime<Utc>> {
        self.0.clock.now()
    }

    /// How much was asked of Graph so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        self.0.requests()
    }

    /// The application permissions in the current token.
    ///
    /// # Errors
    /// When there is no token to be had, or it is not one that can be looked into.
    pub async fn roles(&self) -> Result<BTreeSet<String>, GraphError> {
        self.0.roles().await
    }
}

/// Objects that one `id in (..)` holds.
const IN_ONE_FILTER: usize = 15;

/// `id in ('..', '..')`
fn among(ids: impl IntoIterator<Item = uuid::Uuid>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| format!("'{id}'")).collect();
    format!("id in ({})", ids.join(","))
}
