//! Links that are lost because the answer that held them came to a retried request
//! (`DirectoryPageTokenNotFoundException`): "keep the token of the last request that succeeded without a retry".

use std::collections::HashSet;

use crate::reply::{Body, Reply};

/// Requests that failed and may come again, and the page tokens in the answers to those that did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retries {
    failed: HashSet<String>,
    lost: HashSet<String>,
}

/// The page token among the options of a request or a link.
fn page_token(text: &str) -> Option<&str> {
    let (_, token) = text.split_once("skiptoken=")?;
    token.split('&').next()
}

impl Retries {
    /// Notes what a request came to; nothing when it was not answered, or not whole.
    pub(crate) fn note(&mut self, request: String, reply: Option<&Reply>) {
        let done = reply.filter(|reply| reply.status < 500 && reply.status != 429);
        let Some(reply) = done else {
            self.failed.insert(request);
            return;
        };
        let was_retried = self.failed.remove(&request);
        let Body::Json(body) = &reply.body else {
            return;
        };
        let link = body["@odata.nextLink"].as_str().and_then(page_token);
        match link.map(str::to_owned) {
            Some(token) if was_retried => _ = self.lost.insert(token),
            Some(token) => _ = self.lost.remove(&token),
            None => {}
        }
    }

    /// Whether a request goes on with a link that is lost.
    pub(crate) fn is_lost(&self, query: &str) -> bool {
        page_token(query).is_some_and(|token| self.lost.contains(token))
    }
}
