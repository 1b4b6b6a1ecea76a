//! A request, before it is sent.

use reqwest::Method;
use serde_json::Value;
use url::Url;

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
    pub(crate) body: Option<Value>,
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

    /// With a query option.
    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(option, value);
        self
    }

    /// As an advanced query.
    pub(crate) fn advanced(self) -> Self {
        Self {
            eventual: true,
            ..self
        }
    }
}
