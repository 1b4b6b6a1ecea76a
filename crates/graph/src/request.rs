//! A request, before it is sent.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::budget::Kind;
use crate::client::Connection;

/// When a request was last sent: after its turn came, and before anything of it left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(Arc<Mutex<Option<Instant>>>);

impl Sent {
    pub(crate) fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(crate) fn at(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request to Graph.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The path without ids, for messages.
    pub(crate) template: &'static str,
    /// The permission that it needs, for messages.
    pub(crate) needs: &'static str,
    /// `ConsistencyLevel: eventual`, which advanced queries want on every page.
    pub(crate) eventual: bool,
    /// Which of Graph's limits it counts against,
    pub(crate) kind: Kind,
    /// and what it costs of the resource units, as documented.
    pub(crate) units: u32,
    /// How many requests it stands for: more than one for a batch.
    pub(crate) parts: u32,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<Value>,
    /// By which id the caller wants to find it again; one that is drawn where there is none.
    pub(crate) id: Option<Uuid>,
    /// Where it is noted when it is sent; the next pages note it there as well.
    pub(crate) sent: Sent,
}

impl Connection {
    /// A request for a path below `/v1.0/`. Its segments are encoded here, so that none can leave its place.
    pub(crate) fn request(
        &self,
        method: Method,
        segments: &[&str],
        template: &'static str,
        needs: &'static str,
    ) -> Request {
        let mut url = self.settings.graph_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1.0").extend(segments);
        }
        Request {
            url,
            template,
            needs,
            eventual: false,
            kind: if method == Method::GET {
                Kind::Directory
            } else {
                Kind::Write
            },
            units: 1,
            parts: 1,
            method,
            accept: "application/json",
            body: None,
            id: None,
            sent: Sent::default(),
        }
    }

    pub(crate) fn get(
        &self,
        segments: &[&str],
        template: &'static str,
        needs: &'static str,
    ) -> Request {
        self.request(Method::GET, segments, template, needs)
    }

    pub(crate) fn post(
        &self,
        segments: &[&str],
        template: &'static str,
        needs: &'static str,
        body: Value,
    ) -> Request {
        Request {
            body: Some(body),
            ..self.request(Method::POST, segments, template, needs)
        }
    }
}

impl Request {
    /// Method and path template.
    pub(crate) fn call(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// The same request for another address: the next page.
    pub(crate) fn at(&self, url: Url) -> Self {
        Self {
            url,
            ..self.clone()
        }
    }

    /// With a query option, which it did not have before. Written as Graph's documentation writes it, with `%20` for a
    /// blank, since in a batch it is not read as a form.
    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        let value = value
            .replace('%', "%25")
            .replace('&', "%26")
            .replace('+', "%2B")
            .replace('#', "%23");
        let query = match self.url.query() {
            Some(query) => format!("{query}&{option}={value}"),
            None => format!("{option}={value}"),
        };
        self.url.set_query(Some(&query));
        self
    }

    /// As an advanced query.
    pub(crate) fn advanced(self) -> Self {
        Self {
            eventual: true,
            ..self
        }
    }

    /// As one that reads `signInActivity`.
    pub(crate) fn with_sign_ins(self) -> Self {
        self.of_kind(Kind::SignIns)
    }

    /// As one that counts against another limit than its method says.
    pub(crate) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// As a batch of these, all of one kind. A batch costs what its parts cost.
    pub(crate) fn holding<'r>(self, parts: impl Iterator<Item = &'r Self>) -> Self {
        let (mut kind, mut units, mut requests) = (self.kind, 0, 0);
        for part in parts {
            kind = part.kind;
            units += part.units;
            requests += 1;
        }
        Self {
            kind,
            units,
            parts: requests,
            ..self
        }
    }

    /// As one that costs so many resource units.
    pub(crate) fn costing(self, units: u32) -> Self {
        Self { units, ..self }
    }

    /// As one whose answer is plain text.
    pub(crate) fn for_text(self) -> Self {
        Self {
            accept: "text/plain",
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_domain::ids::TenantId;

    use super::*;
    use crate::client::Graph;
    use crate::settings::{Credential, Settings};

    fn request(segments: &[&str]) -> Request {
        let url = |url: &str| url.parse::<Url>().expect("an address");
        let settings = Settings::new(
            url("http://localhost/"),
            url("http://localhost/"),
            TenantId::derived(&[b"tenant"]),
            Credential::secret("client", "secret"),
        );
        let graph = Graph::connect(settings).expect("a connection");
        graph.reader().0.get(segments, "/", "")
    }

    #[test]
    fn options_are_encoded_so_that_none_can_become_two() {
        let request = request(&["users"])
            .with("$filter", "displayName eq 'R&D + 50% #1 \"é\"'")
            .with("$top", "5");
        assert_eq!(
            request.url.query(),
            Some(
                "$filter=displayName%20eq%20%27R%26D%20%2B%2050%25%20%231%20%22%C3%A9%22%27&$top=5"
            )
        );
        let pairs: Vec<_> = request.url.query_pairs().collect();
        assert_eq!(pairs[0].1, "displayName eq 'R&D + 50% #1 \"é\"'");
        assert_eq!(pairs.len(), 2);
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        let request = request(&["users", "a#EXT#/../b?c", "sendMail"]);
        assert_eq!(
            request.url.path(),
            "/v1.0/users/a%23EXT%23%2F..%2Fb%3Fc/sendMail"
        );
    }
}
