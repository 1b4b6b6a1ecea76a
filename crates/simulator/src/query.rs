//! Query options: `$filter`, `$select`, `$expand`, `$top`, `$count`, and page tokens.
//!
//! Invariant: what is not understood is refused; nothing is silently ignored, except `$count` without its header, which
//! Graph ignores as well.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::reply::Reply;
use crate::second::Second;

/// The query options of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    pub(crate) eventual: bool,
}

/// One condition of a `$filter`; they are joined by `and`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Clause {
    /// `property op literal`
    Compare(String, Operator, Literal),
    /// `property in ('a','b')`
    In(String, Vec<String>),
    /// `startswith(property,'x')`
    StartsWith(String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Ge,
    Le,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Text(String),
    Bool(bool),
    Null,
    Time(Second),
}

/// "At most 15 expressions in one `in`."
const MOST_IN_ONE_LIST: usize = 15;

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
                || name.eq_ignore_ascii_case("$skiptoken")
        };
        match self.pairs.iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(Reply::bad_request(format!(
                "The query option '{name}' is not supported."
            ))),
            None => Ok(()),
        }
    }

    pub(crate) fn select(&self, known: &[&str]) -> Result<Option<Vec<String>>, Reply> {
        let Some(text) = self.get("$select") else {
            return Ok(None);
        };
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Reply::bad_request(format!(
                "Could not find a property named '{name}'."
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

    pub(crate) fn filter(&self) -> Result<Vec<Clause>, Reply> {
        match self.get("$filter") {
            None => Ok(Vec::new()),
            Some(text) => parse_filter(text),
        }
    }

    /// Where the page begins: what the page token says.
    pub(crate) fn position(&self, now: Second, life: i64) -> Result<u64, Reply> {
        let Some(token) = self.get("$skiptoken") else {
            return Ok(0);
        };
        let parsed = URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let parsed = parsed.as_deref().and_then(|text| text.split_once('.'));
        let Some((position, issued)) = parsed.and_then(|(position, issued)| {
            Some((position.parse().ok()?, issued.parse::<i64>().ok()?))
        }) else {
            return Err(Reply::error(
                400,
                "Directory_PageTokenNotFound",
                "The specified page token was not found.",
            ));
        };
        if now.unix() - issued > life {
            let text = "The specified page token value has expired and can no longer be included in your request.";
            return Err(Reply::error(400, "Directory_ExpiredPageToken", text));
        }
        Ok(position)
    }

    /// The options of the next page's link.
    pub(crate) fn next(&self, position: u64, now: Second) -> String {
        let token = URL_SAFE_NO_PAD.encode(format!("{position}.{}", now.unix()));
        let mut next = url::form_urlencoded::Serializer::new(String::new());
        next.extend_pairs(
            self.pairs
                .iter()
                .filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken")),
        );
        next.append_pair("$skiptoken", &token);
        next.finish()
    }
}

fn parse_filter(text: &str) -> Result<Vec<Clause>, Reply> {
    let mut rest = text.trim();
    let mut clauses = Vec::new();
    loop {
        let (clause, after) = parse_clause(rest).ok_or_else(|| unsupported(text))?;
        clauses.push(clause);
        rest = after.trim_start();
        if rest.is_empty() {
            break;
        }
        rest = rest
            .strip_prefix("and ")
            .ok_or_else(|| unsupported(text))?
            .trim_start();
    }
    for clause in &clauses {
        if let Clause::In(_, items) = clause
            && items.len() > MOST_IN_ONE_LIST
        {
            return Err(Reply::bad_request(format!(
                "Too many child clauses specified in search filter expression containing 'OR' operators: {}. Max allowed: {MOST_IN_ONE_LIST}.",
                items.len()
            )));
        }
    }
    Ok(clauses)
}

fn unsupported(text: &str) -> Reply {
    Reply::unsupported(format!(
        "Unsupported or invalid query filter clause specified: '{text}'."
    ))
}

fn parse_clause(text: &str) -> Option<(Clause, &str)> {
    if let Some(inside) = text
        .strip_prefix("startswith(")
        .or_else(|| text.strip_prefix("startsWith("))
    {
        let (property, rest) = inside.split_once(',')?;
        let (value, rest) = parse_text(rest.trim_start())?;
        return Some((
            Clause::StartsWith(property.trim().to_owned(), value),
            rest.trim_start().strip_prefix(')')?,
        ));
    }
    let (property, rest) = text.split_once(' ')?;
    let property = property.to_owned();
    if let Some(rest) = rest.trim_start().strip_prefix("in ") {
        let mut rest = rest.trim_start().strip_prefix('(')?;
        let mut items = Vec::new();
        loop {
            let (item, after) = parse_text(rest.trim_start())?;
            items.push(item);
            match after.trim_start().split_at_checked(1)? {
                (",", after) => rest = after,
                (")", after) => return Some((Clause::In(property, items), after)),
                _ => return None,
            }
        }
    }
    let (operator, rest) = rest.trim_start().split_once(' ')?;
    let operator = match operator {
        "eq" => Operator::Eq,
        "ne" => Operator::Ne,
        "ge" => Operator::Ge,
        "le" => Operator::Le,
        _ => return None,
    };
    let rest = rest.trim_start();
    if rest.starts_with('\'') {
        let (value, rest) = parse_text(rest)?;
        return Some((
            Clause::Compare(property, operator, Literal::Text(value)),
            rest,
        ));
    }
    let (word, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let literal = match word {
        "true" => Literal::Bool(true),
        "false" => Literal::Bool(false),
        "null" => Literal::Null,
        time => Literal::Time(Second::of(
            chrono::DateTime::parse_from_rfc3339(time).ok()?.to_utc(),
        )),
    };
    Some((Clause::Compare(property, operator, literal), rest))
}

/// A quoted text; a quote inside is doubled.
fn parse_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (part, after) = rest.split_once('\'')?;
        value.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((value, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_taken_apart() {
        let clauses = parse_filter(
            "userType eq 'Guest' and accountEnabled eq true and displayName eq 'O''Hara and co'",
        )
        .unwrap();
        assert_eq!(clauses.len(), 3);
        assert_eq!(
            clauses[2],
            Clause::Compare(
                "displayName".into(),
                Operator::Eq,
                Literal::Text("O'Hara and co".into())
            )
        );
        assert_eq!(
            parse_filter("id in ('a', 'b')").unwrap(),
            [Clause::In("id".into(), vec!["a".into(), "b".into()])]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for filter in [
            "userType",
            "userType eq",
            "a eq 1 or b eq 2",
            "endswith(mail,'x')",
            "id in ()",
            "id in ('a'",
        ] {
            assert_eq!(parse_filter(filter).unwrap_err().status, 400, "{filter}");
        }
    }
}
