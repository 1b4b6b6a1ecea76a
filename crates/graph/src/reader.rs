//! Reading a tenant.

mod access;
mod account;
mod audited;
mod changes;
mod extension;
mod groups;
mod guests;
mod holdings;
mod nested;
mod organization;
mod own_secret;
mod owned;
mod people;
mod privileges;
mod reread;
mod reviews;
mod role_names;
mod sign_in_log;
mod sponsors;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use innkeeper_domain::guest::Extras;

pub use access::Lists;
pub use account::Account;
pub use audited::{Audited, Author};
pub use changes::{ChangePage, ChangesSince, GroupChange, Lost, UserChange};
pub use guests::GuestPage;
pub use organization::Organization;
pub use people::Invited;
pub use reread::{Depth, Looked, Reread};
pub use sponsors::SponsorPage;

use crate::client::{Connection, Requests};
use crate::error::GraphError;
use crate::wire;

/// Reads a tenant. Each method reads everything or fails; none answers with half.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Arc<Connection>, pub(crate) Arc<Extras>);

impl Reader {
    /// A reader that also reads what a policy asks for of each guest.
    #[must_use]
    pub fn with_extras(self, extras: Extras) -> Self {
        Self(self.0, Arc::new(extras))
    }

    /// The properties of a guest that are read, but for its sign-in activity.
    #[must_use]
    pub fn selected(&self) -> String {
        wire::guest(&self.1)
    }

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

    /// Asks for the first token before anything needs it. What goes wrong is told by the first request that does.
    pub async fn prepare(&self) {
        self.0.prepare().await;
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
