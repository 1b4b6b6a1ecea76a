//! Following a listing from page to page.
//!
//! Links are followed verbatim, and only to the configured host. A listing that links back to a page it had already, or
//! that goes on without end, is an error. Where Graph loses its place, the listing goes back a page, then begins anew:
//! an item may come twice, and whoever takes the items in takes each once.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde::de::DeserializeOwned;
use tracing::warn;
use url::Url;

use crate::answer::malformed;
use crate::client::Connection;
use crate::error::GraphError;
use crate::request::Request;
use crate::wire::Page;

/// How often a listing goes back a page before that is an error.
const RETURNS: u32 = 20;

/// How often a listing begins anew before that is an error.
const RESTARTS: u32 = 2;

/// Pages without an item, one after the other, that are believed. One is documented to occur.
const EMPTY_PAGES: u32 = 1_000;

/// Pages that are believed: enough for ten million guests with their sponsors, at a hundred a page.
const PAGES: usize = 100_000;

/// A listing under way.
pub(crate) struct Listing {
    connection: Arc<Connection>,
    first: Request,
    /// What to ask for where the first request is not accepted.
    instead: Option<Request>,
    next: Option<Url>,
    /// The page before, until it was gone back to.
    before: Option<Url>,
    /// Hashes of the links followed, since the links are long and the pages many.
    visited: HashSet<u64>,
    empty: u32,
    returns: u32,
    restarts: u32,
}

/// The items of a listing, page by page; each page as large as Graph makes it.
pub(crate) fn pages<T: DeserializeOwned + Send>(
    connection: &Arc<Connection>,
    first: Request,
) -> impl Stream<Item = Result<Vec<T>, GraphError>> + Send + use<T> {
    Listing::of(connection, first).pages()
}

impl Listing {
    pub(crate) fn of(connection: &Arc<Connection>, first: Request) -> Self {
        Self {
            connection: connection.clone(),
            next: Some(first.url.clone()),
            first,
            instead: None,
            before: None,
            visited: HashSet::new(),
            empty: 0,
            returns: 0,
            restarts: 0,
        }
    }

    /// With another request to begin with where Graph calls the first one bad.
    pub(crate) fn or(self, instead: Request) -> Self {
        Self {
            instead: Some(instead),
            ..self
        }
    }

    pub(crate) fn pages<T: DeserializeOwned + Send>(
        self,
    ) -> impl Stream<Item = Result<Vec<T>, GraphError>> + Send + use<T> {
        try_unfold(self, |mut listing| async move {
            let page = listing.page().await?;
            Ok(page.map(|page: Page<T>| (page.value, listing)))
        })
    }

    /// Where the next page is.
    pub(crate) fn next(&self) -> Option<&Url> {
        self.next.as_ref()
    }

    /// The request that it began with.
    pub(crate) fn first(&self) -> &Request {
        &self.first
    }

    /// Whether the first request goes to the configured host.
    pub(crate) fn is_trusted(&self) -> Result<(), GraphError> {
        self.trusted(self.first.url.as_str()).map(|_| ())
    }

    /// The next page; an empty one where Graph lost its place.
    pub(crate) async fn page<T: DeserializeOwned + Send>(
        &mut self,
    ) -> Result<Option<Page<T>>, GraphError> {
        let Some(url) = self.next.take() else {
            return Ok(None);
        };
        self.visit(&url)?;
        let request = self.first.at(url.clone());
        match self.connection.read::<Page<T>>(&request).await {
            Ok(page) => {
                if page.value.is_empty() {
                    // It may link to itself: its items are still to come. That it is empty is counted.
                    self.empty += 1;
                    self.visited.remove(&hash(&url));
                } else {
                    self.empty = 0;
                }
                let next = page.next_link.as_deref();
                self.next = next.map(|link| self.trusted(link)).transpose()?;
                self.before = Some(url);
                Ok(Some(page))
            }
            Err(GraphError::PageTokenLost { answered }) if self.goes_back(&url) => {
                warn!(%answered, "the listing goes back");
                Ok(Some(Page::empty()))
            }
            // Of Graph's own link nothing can be bad but that it is lost, whatever the code: that of the logs is empty.
            Err(GraphError::BadRequest { answered })
                if url != self.first.url && self.goes_back(&url) =>
            {
                warn!(%answered, "the listing goes back");
                Ok(Some(Page::empty()))
            }
            Err(GraphError::BadRequest { answered })
                if url == self.first.url && self.before.is_none() && self.instead.is_some() =>
            {
                warn!(%answered, "the listing is asked for differently");
                self.first = self.instead.take().unwrap_or_else(|| self.first.clone());
                self.next = Some(self.first.url.clone());
                Ok(Some(Page::empty()))
            }
            Err(error) => Err(error),
        }
    }

    /// A link from the answer to a repeated request may lead nowhere (`DirectoryPageTokenNotFoundException`): the
    /// page before is asked for once more, for a new one. If that is lost too, all begins anew.
    fn goes_back(&mut self, lost: &Url) -> bool {
        let to = match self.before.take() {
            Some(before) if self.returns < RETURNS => {
                self.returns += 1;
                before
            }
            _ if self.restarts < RESTARTS => {
                self.restarts += 1;
                self.visited.clear();
                self.first.url.clone()
            }
            _ => return false,
        };
        // Both may come again, and that is no loop: going back is counted.
        self.visited.remove(&hash(lost));
        self.visited.remove(&hash(&to));
        self.next = Some(to);
        true
    }

    fn visit(&mut self, url: &Url) -> Result<(), GraphError> {
        let is_new = self.visited.insert(hash(url));
        if is_new && self.visited.len() <= PAGES && self.empty <= EMPTY_PAGES {
            Ok(())
        } else {
            let call = self.first.call();
            Err(GraphError::EndlessPaging { call })
        }
    }

    fn trusted(&self, link: &str) -> Result<Url, GraphError> {
        let url = Url::parse(link)
            .map_err(|_| malformed(&self.first, "its link to the next page is none"))?;
        if self.connection.trusts(&url) {
            Ok(url)
        } else {
            Err(GraphError::UntrustedLink {
                call: self.first.call(),
                host: url.host_str().unwrap_or_default().to_owned(),
            })
        }
    }
}

fn hash(url: &Url) -> u64 {
    let mut hasher = DefaultHasher::new();
    url.as_str().hash(&mut hasher);
    hasher.finish()
}
