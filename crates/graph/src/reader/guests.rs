//! The guests, with their sign-in activity.

use futures_util::Stream;
use futures_util::stream::try_unfold;
use innkeeper_domain::guest::{Extras, Guest, UserType};
use innkeeper_domain::ids::GuestId;
use serde::de::IgnoredAny;

use url::Url;

use super::Reader;
use crate::answer::malformed;
use crate::error::GraphError;
use crate::page::Listing;
use crate::wire::{Page, User, guest_with_sign_ins};

/// `$filter` for guests. External members are users with other rights, and not looked after.
const GUESTS: &str = "userType eq 'Guest'";

/// With `signInActivity` a page has at most 500.
const PAGE: &str = "500";

/// What every version of the service accepted.
const SMALL_PAGE: &str = "100";

/// A page of guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestPage {
    /// The guests.
    pub guests: Vec<Guest>,
    /// Guests whose row came without the properties selected.
    pub unreadable: Vec<GuestId>,
    /// The place of the next page; `None` on the last.
    pub next: Option<String>,
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
            .advanced()
            .for_text();
        let count = |body: &[u8]| {
            let text = std::str::from_utf8(body).unwrap_or_default();
            let number = text.trim_start_matches('\u{feff}').trim().parse();
            number.map_err(|_| malformed(&request, "it is not a number"))
        };
        self.0.read_with(&request, count).await
    }

    /// Whether Graph tells sign-in activity to this application in this tenant: one guest, and one of the ten requests a
    /// minute.
    ///
    /// # Errors
    /// `NoLicence` or `Forbidden` when it does not, else why nobody knows.
    pub async fn sign_ins_are_told(&self) -> Result<(), GraphError> {
        let needs = "User.Read.All and AuditLog.Read.All";
        let request = self.0.get(&["users"], "/users", needs);
        let request = request
            .with("$filter", GUESTS)
            .with("$select", "id,signInActivity")
            .with("$top", "1")
            .with_sign_ins();
        self.0.read::<Page<IgnoredAny>>(&request).await.map(drop)
    }

    /// Every guest: `GET /users` with `signInActivity`, for which Graph allows ten requests a minute. Where Graph loses
    /// its place, a guest may come twice.
    pub fn guests(&self) -> impl Stream<Item = Result<GuestPage, GraphError>> + Send + use<> {
        self.guests_from(None)
    }

    /// The guests from a place on that an earlier reading came to: `next` of its last page. Graph does not say how long it
    /// knows a place; `PageTokenLost` when it does not any more.
    pub fn guests_from(
        &self,
        place: Option<&str>,
    ) -> impl Stream<Item = Result<GuestPage, GraphError>> + Send + use<> {
        let request = self
            .0
            .get(&["users"], "/users", "User.Read.All and AuditLog.Read.All");
        let request = request
            .with("$filter", GUESTS)
            .with("$select", &guest_with_sign_ins(&self.1))
            .with_sign_ins();
        let listing = match place {
            Some(place) => Url::parse(place)
                .map_err(|_| malformed(&request, "the place to go on from is none"))
                .map(|url| Listing::of(&self.0, request.at(url)))
                .and_then(|listing| listing.is_trusted().map(|()| listing)),
            None => {
                // Earlier services refused a page of more than 120 with these.
                let smaller = request.clone().with("$top", SMALL_PAGE);
                Ok(Listing::of(&self.0, request.with("$top", PAGE)).or(smaller))
            }
        };
        let extras = self.1.clone();
        try_unfold(listing, move |listing| {
            let extras = extras.clone();
            async move {
                let mut listing = listing?;
                let page = listing.page::<User>().await?;
                Ok(page.map(|page| {
                    let guests = guests_of(page.value, listing.next(), &extras);
                    (guests, Ok(listing))
                }))
            }
        })
    }
}

fn guests_of(users: Vec<User>, next: Option<&Url>, extras: &Extras) -> GuestPage {
    let mut page = GuestPage {
        guests: Vec::with_capacity(users.len()),
        unreadable: Vec::new(),
        next: next.map(ToString::to_string),
    };
    for user in users {
        match user.guest(Some(UserType::Guest), extras) {
            Ok(guest) => page.guests.push(guest),
            Err(id) => page.unreadable.push(id),
        }
    }
    page
}
