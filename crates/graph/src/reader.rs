//! Reading a tenant.

mod account;
mod changes;
mod groups;
mod guests;
mod organization;
mod reread;
mod sign_in_log;
mod sponsors;

use std::sync::Arc;

pub use account::Account;
pub use changes::{ChangePage, ChangesSince, GroupChange, Lost, UserChange};
pub use guests::GuestPage;
pub use organization::Organization;
pub use reread::{Depth, Reread};
pub use sponsors::SponsorPage;

use crate::client::Connection;

/// Reads a tenant. Each method reads everything or fails; none answers with half.
#[derive(Clone, Debug)]
pub struct Reader(pub(crate) Arc<Connection>);

/// Objects that one `id in (..)` holds.
const IN_ONE_FILTER: usize = 15;

/// `id in ('..', '..')`
fn among(ids: impl IntoIterator<Item = uuid::Uuid>) -> String {
    let ids: Vec<String> = ids.into_iter().map(|id| format!("'{id}'")).collect();
    format!("id in ({})", ids.join(","))
}
