//! The guests, with their sign-in activity.

use futures_util::{Stream, TryStreamExt};
use innkeeper_domain::guest::Guest;
use innkeeper_domain::ids::GuestId;

use super::Reader;
use crate::error::GraphError;
use crate::page::pages;
use crate::send::decode;
use crate::wire::{GUEST, User};

/// `$filter` for guests. External members are users with other rights, and not looked after.
const GUESTS: &str = "userType eq 'Guest'";

/// With `signInActivity` a page has at most 500.
const PAGE: &str = "500";

/// A page of guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPage {
    /// The guests.
    pub guests: Vec<Guest>,
    /// Guests whose row came without the properties selected.
    pub unreadable: Vec<GuestId>,
}

impl Reader {
    /// How many guests Graph counts: `GET /users/$count`, an advanced query.
    ///
    /// # Errors
    /// Why not.
    pub async fn guest_count(&self) -> Result<u64, GraphError> {
        let request = self
            .0
            .get(&["users", "$count"], "/users/$count", "User.Read.All")
            .with("$filter", GUESTS)
            .advanced();
        let text = self.0.read_text(&request).await?;
        decode(
            &request,
            text.trim_start_matches('\u{feff}').trim().as_bytes(),
        )
    }

    /// Every guest: `GET /users` with `signInActivity`, for which Graph allows ten requests a minute.
    pub fn guests(&self) -> impl Stream<Item = Result<GuestPage, GraphError>> + Send {
        let request = self
            .0
            .get(&["users"], "/users", "User.Read.All and AuditLog.Read.All");
        let request = request
            .with("$filter", GUESTS)
            .with("$select", GUEST)
            .with("$top", PAGE);
        pages::<User>(&self.0, request).map_ok(|users| {
            let mut page = GuestPage {
                guests: Vec::with_capacity(users.len()),
                unreadable: Vec::new(),
            };
            for user in users {
                match user.guest() {
                    Ok(guest) => page.guests.push(guest),
                    Err(id) => page.unreadable.push(id),
                }
            }
            page
        })
    }
}
