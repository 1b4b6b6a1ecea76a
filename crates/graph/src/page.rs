//! Following a listing from page to page.
//!
//! Links are followed verbatim, and only to the configured host. A listing that links back to a page it had already is
//! an error. Where Graph loses its place, the listing begins anew: whoever takes the items in takes each once.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde::de::DeserializeOwned;
use tracing::warn;
use url::Url;

use crate::client::Connection;
use crate::error::GraphError;
use crate::request::Request;
use crate::wire::Page;

/// How often a listing begins anew before that is an error.
const RESTARTS: u32 = 2;

/// A listing under way.
struct Listing {
    connection: Arc<Connection>,
    first: Request,
    next: Option<Url>,
    visited: HashSet<String>,
    restarts: u32,
}

/// The items of a listing, page by page; each page as large as Graph makes it.
pub(crate) fn pages<T: DeserializeOwned + Send>(
    connection: &Arc<Connection>,
    first: Request,
) -> impl Stream<Item = Result<Vec<T>, GraphError>> + Send + use<T> {
    let next = Some(first.url.clone());
    let listing = Listing {
        connection: connection.clone(),
        first,
        next,
        visited: HashSet::new(),
        restarts: 0,
    };
    try_unfold(listing, |mut listing| async move {
        let page = listing.page().await?;
        Ok(page.map(|items| (items, listing)))
    })
}

impl Listing {
    async fn page<T: DeserializeOwned + Send>(&mut self) -> Result<Option<Vec<T>>, GraphError> {
        let Some(url) = self.next.take() else {
            return Ok(None);
        };
        let call = self.first.call();
        if !self.visited.insert(url.as_str().to_owned()) {
            return Err(GraphError::EndlessPaging { call });
        }
        match self.connection.read::<Page<T>>(&self.first.at(url)).await {
            Ok(Page { value, next_link }) => {
                self.next = next_link.map(|link| self.trusted(&link)).transpose()?;
                Ok(Some(value))
            }
            Err(GraphError::PageTokenLost { answered }) if self.restarts < RESTARTS => {
                warn!(%answered, "the listing begins anew");
                self.restarts += 1;
                self.visited.clear();
                self.next = Some(self.first.url.clone());
                Ok(Some(Vec::new()))
            }
            Err(error) => Err(error),
        }
    }

    fn trusted(&self, link: &str) -> Result<Url, GraphError> {
        let call = self.first.call();
        let url = Url::parse(link).map_err(|error| GraphError::Malformed {
            call: call.clone(),
            why: format!("its link to the next page is none: {error}"),
        })?;
        if self.connection.trusts(&url) {
            Ok(url)
        } else {
            Err(GraphError::UntrustedLink {
                call,
                host: url.host_str().unwrap_or_default().to_owned(),
            })
        }
    }
}
