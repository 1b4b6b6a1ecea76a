//! Query options: `$filter`, `$select`, `$expand`, `$top`, `$count`, and page tokens.
//!
//! Invariant: what is not understood is refused; nothing is silently ignored, except `$count` without its header, which
//! Graph ignores as well.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::filter::{Expression, parse};
use crate::reply::Reply;
use crate::second::Second;

/// The query options of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    pub(crate) eventual: bool,
}

impl Query {
    pub(crate) fn parse(text: &str, eventual: bool) -> Self {
        Self {
            pairs: url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
            eventual,
        }
    }

    pub(crate) fn get(&self, option: &str) -> Option<&str> {
        self.pairs
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(option))
            .map(|(_, value)| value.as_str())
    }

    /// Refuses every option that is not among these.
    pub(crate) fn only(&self, options: &[&str]) -> Result<(), Reply> {
        let known = |name: &str| {
            options
                .iter()
                .any(|option| option.eq_ignore_ascii_case(name))
                || is_page_token(name)
        };
        if let Some((name, _)) = self.pairs.iter().find(|(name, _)| !known(name)) {
            return Err(refused(name));
        }
        let twice = |(index, (name, _)): (usize, &(String, String))| {
            let earlier = &self.pairs[..index];
            earlier
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        };
        match self.pairs.iter().enumerate().any(twice) {
            true => Err(Reply::malformed(
                "A query option was specified more than once, but it must be specified at most once.",
            )),
            false => Ok(()),
        }
    }

    pub(crate) fn select(&self, known: &[&str]) -> Result<Option<Vec<String>>, Reply> {
        let Some(text) = self.get("$select") else {
            return Ok(None);
        };
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Reply::malformed(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.directoryObject'."
            ))),
            None => Ok(Some(names)),
        }
    }

    /// Items on a page: `$top`, else the customary number, never more than the most.
    pub(crate) fn top(&self, customary: usize, most: usize) -> Result<usize, Reply> {
        match self.get("$top") {
            None => Ok(customary.min(most)),
            Some(text) => match text.parse::<usize>() {
                Ok(top) if (1..=999).contains(&top) => Ok(top.min(most)),
                _ => Err(Reply::bad_request(format!(
                    "Invalid page size specified: '{text}'. Must be between 1 and 999 inclusive."
                ))),
            },
        }
    }

    /// `$count=true` counts only with its header.
    pub(crate) fn wants_count(&self) -> bool {
        self.get("$count") == Some("true") && self.eventual
    }

    pub(crate) fn filter(&self) -> Result<Option<Expression>, Reply> {
        self.get("$filter").map(parse).transpose()
    }

    /// The filter of a collection that knows nothing but `and`.
    pub(crate) fn filter_parts(&self) -> Result<Vec<Expression>, Reply> {
        Ok(self.filter()?.map(Expression::parts).unwrap_or_default())
    }

    /// Whether the two conditions of an advanced query are met.
    pub(crate) fn is_advanced(&self) -> bool {
        self.wants_count()
    }

    /// A mark of everything but the page token.
    fn mark(&self, path: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        for pair in self.pairs.iter().filter(|(name, _)| !is_page_token(name)) {
            pair.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Where the page begins, or nothing for the first one: what the page token says.
    pub(crate) fn place(&self, path: &str, now: Second, life: i64) -> Result<Option<u64>, Reply> {
        let Some(token) = self.get("$skiptoken") else {
            return Ok(None);
        };
        let lost = Reply::lost_page;
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| lost())?;
        let bytes: [u8; 24] = bytes.try_into().map_err(|_| lost())?;
        let number = |at: usize| {
            let mut part = [0; 8];
            part.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(part)
        };
        if number(16) != self.mark(path) {
            return Err(lost());
        }
        let issued = i64::try_from(number(8)).unwrap_or(0);
        if now.unix().saturating_sub(issued) > life {
            return Err(Reply::expired_page());
        }
        // The mark doubles as a mask, so that nobody is led to count on the place.
        Ok(Some(number(0) ^ number(16)))
    }

    /// The options of the next page's link.
    pub(crate) fn next(&self, path: &str, place: u64, now: Second) -> String {
        let mark = self.mark(path);
        let issued = u64::try_from(now.unix()).unwrap_or(0);
        let mut bytes = Vec::with_capacity(24);
        for part in [place ^ mark, issued, mark] {
            bytes.extend(part.to_be_bytes());
        }
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(self.pairs.iter().filter(|(name, _)| !is_page_token(name)));
        next.append_pair("$skiptoken", &URL_SAFE_NO_PAD.encode(bytes));
        next.finish()
    }
}

fn is_page_token(option: &str) -> bool {
    option.eq_ignore_ascii_case("$skiptoken")
}

/// Options that Graph has and that this collection does not take.
fn refused(option: &str) -> Reply {
    match option.to_ascii_lowercase().as_str() {
        "$search" => Reply::unsupported(
            "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
        ),
        "$skip" => Reply::bad_request("'$skip' is not supported by the service."),
        "$orderby" => Reply::unsupported("Sorting not supported for current query."),
        _ => Reply::malformed(format!(
            "The query option '{option}' is not supported for this request."
        )),
    }
}
