//! A fresh look at a few guests, right before something is done to them.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::{TryStreamExt, pin_mut};
use innkeeper_domain::guest::Guest;
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::sponsor::Sponsor;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use tracing::warn;
use url::Url;
use uuid::Uuid;

use super::{IN_ONE_FILTER, Reader, among};
use crate::answer::{malformed, wrong_with};
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::roles;
use crate::wire::{DirectoryObject, Page, User, guest_with_sign_ins};

/// How much a fresh look takes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Everything; `signInActivity` is limited to ten requests a minute.
    Whole,
    /// All but `signInActivity`: the guest's sign-in times are empty, which says nothing of them.
    WithoutSignIns,
}

/// What a fresh look at one guest shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reread {
    /// It is there.
    Present {
        /// The guest.
        guest: Box<Guest>,
        /// Its sponsors, ordered by id.
        sponsors: Vec<Sponsor>,
        /// Every group of which it is a direct member, ordered by id.
        groups: Vec<GroupId>,
        /// The directory roles that it holds, ordered by name.
        roles: Vec<String>,
    },
    /// It is among the deleted users.
    Deleted(GuestId),
    /// It is nowhere.
    Absent(GuestId),
}

impl Reread {
    /// Whom it is about.
    #[must_use]
    pub fn guest_id(&self) -> GuestId {
        match self {
            Self::Present { guest, .. } => guest.id,
            Self::Deleted(id) | Self::Absent(id) => *id,
        }
    }
}

/// A fresh look at a few guests.
#[derive(Clone, Debug)]
pub struct Looked {
    /// When the oldest part of it was asked for: before the request left, and after it had waited for its turn. What it
    /// shows is no older.
    pub sent: Instant,
    /// One answer for each guest, in their order.
    pub answers: Vec<Reread>,
}

/// Users that are there, and when the first of them was asked for.
type Asked = (HashMap<GuestId, Guest>, Option<Instant>);

impl Reader {
    /// Looks at guests again: one answer for each, in their order. A guest that is named twice is answered once.
    ///
    /// # Errors
    /// When anything about any of them cannot be read.
    pub async fn reread(
        &self,
        guests: &[GuestId],
        depth: Depth,
    ) -> Result<Vec<Reread>, GraphError> {
        Ok(self.look(guests, depth).await?.answers)
    }

    /// The same, with when it was asked for.
    ///
    /// # Errors
    /// When anything about any of them cannot be read.
    pub async fn look(&self, guests: &[GuestId], depth: Depth) -> Result<Looked, GraphError> {
        let mut named = HashSet::new();
        let guests: Vec<GuestId> = guests
            .iter()
            .copied()
            .filter(|id| named.insert(*id))
            .collect();
        let mut answers = Vec::with_capacity(guests.len());
        let mut sent: Option<Instant> = None;
        for chunk in guests.chunks(IN_ONE_FILTER) {
            let (mut present, asked) = self.users(chunk, depth).await?;
            // The users come first of all that is asked about them.
            sent = older(sent, asked);
            let mut about = self.about(&present).await?;
            let sponsors: Vec<&DirectoryObject> =
                about.values().flat_map(|about| &about.sponsors).collect();
            let known = self.look_up(&sponsors).await?;
            for id in chunk {
                answers.push(match (present.remove(id), about.remove(id)) {
                    (Some(guest), Some(about)) => about.answer(guest, &known),
                    _ => self.missing(*id).await?,
                });
            }
        }
        let sent = sent.unwrap_or_else(Instant::now);
        Ok(Looked { sent, answers })
    }

    /// Those of these users that are in the directory. That `id in (..)` goes with `signInActivity` is not documented:
    /// where it does not, each is asked for on its own, which is.
    async fn users(&self, ids: &[GuestId], depth: Depth) -> Result<Asked, GraphError> {
        match self.users_together(ids, depth).await {
            Err(GraphError::BadRequest { answered }) => {
                warn!(%answered, "guests are read again one by one");
                self.users_apart(ids, depth).await
            }
            other => other,
        }
    }

    async fn users_together(&self, ids: &[GuestId], depth: Depth) -> Result<Asked, GraphError> {
        let request = self
            .0
            .get(&["users"], "/users", "User.Read.All and AuditLog.Read.All")
            .with("$filter", &among(ids.iter().map(|id| id.0)));
        let request = self.selecting(request, depth);
        let users = pages::<User>(&self.0, request.clone());
        pin_mut!(users);
        let (mut present, mut sent) = (HashMap::new(), None);
        while let Some(page) = users.try_next().await? {
            sent = older(sent, request.sent.at());
            for user in page {
                let guest = self.whole_guest(&request, user)?;
                if ids.contains(&guest.id) {
                    present.insert(guest.id, guest);
                }
            }
        }
        Ok((present, sent))
    }

    async fn users_apart(&self, ids: &[GuestId], depth: Depth) -> Result<Asked, GraphError> {
        let (mut present, mut sent) = (HashMap::new(), None);
        for id in ids {
            let request = self.selecting(self.user(*id), depth);
            let read = self.0.read::<User>(&request).await;
            sent = older(sent, request.sent.at());
            match read {
                Ok(user) if user.id == id.0 => {
                    present.insert(*id, self.whole_guest(&request, user)?);
                }
                Ok(_) => return Err(malformed(&request, "it is about another user")),
                Err(GraphError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((present, sent))
    }

    fn user(&self, id: GuestId) -> Request {
        let segments = ["users", &id.to_string()];
        self.0.get(
            &segments,
            "/users/{id}",
            "User.Read.All and AuditLog.Read.All",
        )
    }

    /// Sponsors and memberships of each, by one batch.
    async fn about(
        &self,
        present: &HashMap<GuestId, Guest>,
    ) -> Result<HashMap<GuestId, About>, GraphError> {
        let ids: Vec<GuestId> = present.keys().copied().collect();
        let requests: Vec<Request> = ids
            .iter()
            .flat_map(|id| [self.sponsors_of(*id), self.member_of(*id)])
            .collect();
        let mut bodies = self
            .0
            .read_batch(&requests)
            .await?
            .into_iter()
            .zip(&requests);
        let mut all = HashMap::new();
        for id in ids {
            let mut about = About::default();
            for list in [&mut about.sponsors, &mut about.member_of] {
                if let Some((body, request)) = bodies.next() {
                    *list = self.whole(request, body).await?;
                }
            }
            all.insert(id, about);
        }
        Ok(all)
    }

    /// The items of a page that came in a batch, and of those that follow it.
    pub(super) async fn whole<T: DeserializeOwned + Send>(
        &self,
        request: &Request,
        body: Value,
    ) -> Result<Vec<T>, GraphError> {
        let Page {
            mut value,
            next_link,
            delta_link: _,
        } = serde_json::from_value::<Page<T>>(body)
            .map_err(|error| malformed(request, wrong_with(&error)))?;
        if let Some(link) = next_link {
            let url = Url::parse(&link)
                .map_err(|_| malformed(request, "its link to the next page is none"))?;
            let rest = pages::<T>(&self.0, request.at(url));
            pin_mut!(rest);
            while let Some(page) = rest.try_next().await? {
                value.extend(page);
            }
        }
        Ok(value)
    }

    pub(super) fn sponsors_of(&self, id: GuestId) -> Request {
        self.0
            .get(
                &["users", &id.to_string(), "sponsors"],
                "/users/{id}/sponsors",
                "User.Read.All",
            )
            .with("$select", "id,displayName,mail")
    }

    fn member_of(&self, id: GuestId) -> Request {
        let request = self.0.get(
            &["users", &id.to_string(), "memberOf"],
            "/users/{id}/memberOf",
            "Directory.Read.All",
        );
        request.with(
            "$select",
            "id,displayName,roleTemplateId,isAssignableToRole",
        )
    }

    /// What became of a guest that a listing lacks. A listing may lag behind: that a guest is nowhere takes its own
    /// address to say so too.
    async fn missing(&self, id: GuestId) -> Result<Reread, GraphError> {
        let deleted = self.0.get(
            &["directory", "deletedItems", &id.to_string()],
            "/directory/deletedItems/{id}",
            "User.Read.All",
        );
        if self.is_there(&deleted).await? {
            return Ok(Reread::Deleted(id));
        }
        let request = self.user(id).with("$select", "id");
        if self.is_there(&request).await? {
            let why = "the user is there, and yet missing among those with this id";
            return Err(malformed(&request, why));
        }
        Ok(Reread::Absent(id))
    }

    fn selecting(&self, request: Request, depth: Depth) -> Request {
        match depth {
            Depth::Whole => request
                .with("$select", &guest_with_sign_ins(&self.1))
                .with_sign_ins(),
            Depth::WithoutSignIns => request.with("$select", &self.selected()),
        }
    }

    fn whole_guest(&self, request: &Request, user: User) -> Result<Guest, GraphError> {
        let unreadable = |_| malformed(request, "a user came without the properties selected");
        user.guest(None, &self.1).map_err(unreadable)
    }

    pub(super) async fn is_there(&self, request: &Request) -> Result<bool, GraphError> {
        match self.0.read::<DirectoryObject>(request).await {
            Ok(_) => Ok(true),
            Err(GraphError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn older(known: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    known.into_iter().chain(other).min()
}

/// What hangs on a guest.
#[derive(Default)]
struct About {
    sponsors: Vec<DirectoryObject>,
    member_of: Vec<DirectoryObject>,
}

impl About {
    fn answer(self, guest: Guest, known: &HashMap<Uuid, Sponsor>) -> Reread {
        let Self {
            sponsors,
            member_of,
        } = self;
        let role = |object: &DirectoryObject| {
            let name = || {
                object
                    .display_name
                    .clone()
                    .unwrap_or_else(|| object.id.to_string())
            };
            if object.is_role() {
                Some(object.role_template_id.map_or_else(name, roles::name))
            } else {
                (object.is_assignable_to_role == Some(true)).then(|| roles::of_group(&name()))
            }
        };
        let mut roles: Vec<String> = member_of.iter().filter_map(role).collect();
        roles.sort();
        let mut groups: Vec<GroupId> = member_of
            .iter()
            .filter(|object| object.is_group())
            .map(|object| object.id.into())
            .collect();
        groups.sort();
        groups.dedup();
        let sponsors: BTreeMap<Uuid, &Sponsor> = sponsors
            .iter()
            .filter_map(|object| Some((object.id, known.get(&object.id)?)))
            .collect();
        Reread::Present {
            guest: Box::new(guest),
            sponsors: sponsors.into_values().cloned().collect(),
            groups,
            roles,
        }
    }
}
