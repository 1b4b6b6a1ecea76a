//! What Graph's answers mean.
//!
//! Decided by the status, and by the code only where one status means several things; never by the message, which is
//! for people and changes ("Microsoft Graph error responses").

use std::collections::VecDeque;
use std::time::Duration;

use chrono::DateTime;
use memchr::memmem;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::error::{Answered, GraphError};
use crate::request::Request;

/// Errors nest; deeper than this nothing is looked for.
const DEEPEST: usize = 6;

/// The longest code that is passed on. Those of Graph have at most about 60 letters.
const LONGEST_CODE: usize = 100;

/// An answer that is not a success.
pub(crate) struct Failure<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Failure<'_> {
    pub(crate) fn means(&self, request: &Request) -> GraphError {
        let Detail { codes, request_id } = Detail::of(self.body);
        let is = |known: &str| codes.iter().any(|code| code.eq_ignore_ascii_case(known));
        let lost_page = codes
            .iter()
            .any(|code| code.to_ascii_lowercase().contains("pagetoken"));
        let no_licence = is("Authentication_RequestFromNonPremiumTenantOrB2CTenant");
        // Of Privileged Identity Management, and of entitlement management.
        let no_governance = is("AadPremiumLicenseRequired") || is("NoLicense");
        let no_reports = is("Authentication_MSGraphPermissionMissing");
        let answered = Answered {
            call: request.call(),
            status: self.status,
            code: telling(&codes),
            request_id: request_id_of(self.headers).or(request_id),
        };
        let retry_after = retry_after(self.headers);
        match self.status {
            300..=399 => GraphError::Redirected { answered },
            400 | 404 | 410 if lost_page => GraphError::PageTokenLost { answered },
            400 | 403 if no_governance => GraphError::NoGovernance { answered },
            401 => GraphError::Unauthorized { answered },
            403 if no_licence => GraphError::NoLicence { answered },
            403 => GraphError::Forbidden {
                answered,
                needs: if no_reports {
                    "AuditLog.Read.All"
                } else {
                    request.needs
                },
            },
            404 => GraphError::NotFound { answered },
            409 | 412 | 423 => GraphError::Conflict { answered },
            410 => GraphError::Gone { answered },
            429 => GraphError::Throttled {
                answered,
                retry_after,
            },
            // Not implemented for this property, now or later.
            501 => GraphError::BadRequest { answered },
            408 | 424 | 500..=599 => GraphError::Unavailable {
                answered,
                retry_after,
            },
            _ => GraphError::BadRequest { answered },
        }
    }
}

/// What the body of an error tells.
#[derive(Default)]
struct Detail {
    /// From the outermost to the innermost.
    codes: Vec<String>,
    request_id: Option<String>,
}

impl Detail {
    /// The inner error is spelled `innerError` or `innererror` and may nest; a message may itself hold an error, whether
    /// there is an inner one or not.
    fn of(body: &[u8]) -> Self {
        let mut detail = Self::default();
        let Ok(parsed) = serde_json::from_slice::<Value>(body) else {
            return detail;
        };
        let mut open: VecDeque<Value> = parsed.get("error").cloned().into_iter().collect();
        for _ in 0..DEEPEST {
            let Some(error) = open.pop_front() else { break };
            let text = |key: &str| error.get(key).and_then(Value::as_str);
            if let Some(code) = text("code").filter(|code| is_presentable(code)) {
                detail.codes.push(code.to_owned());
            }
            if let Some(id) = text("request-id").filter(|id| is_presentable(id)) {
                detail.request_id.get_or_insert_with(|| id.to_owned());
            }
            let in_message = || {
                let parsed: Value = serde_json::from_str(text("message")?).ok()?;
                parsed.get("error").cloned()
            };
            let inner = error.get("innerError").or_else(|| error.get("innererror"));
            open.extend(inner.cloned());
            open.extend(in_message());
        }
        detail
    }
}

/// A code is an identifier; anything else might be a sentence about a person.
fn is_presentable(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= LONGEST_CODE
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte))
}

/// The outermost code that says something.
fn telling(codes: &[String]) -> Option<String> {
    let says_nothing =
        |code: &str| code == "UnknownError" || code.bytes().all(|byte| byte.is_ascii_digit());
    codes
        .iter()
        .find(|code| !says_nothing(code))
        .or_else(|| codes.first())
        .cloned()
}

/// Graph's `request-id`.
pub(crate) fn request_id_of(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("request-id")?.to_str().ok()?;
    is_presentable(id).then(|| id.to_owned())
}

/// `Retry-After`: seconds, which may be a decimal, or a date, which is measured against the answer's own `Date`.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    let date = DateTime::parse_from_rfc2822(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some((until - date).to_std().unwrap_or_default())
}

/// Reads an answer's body. What cannot be read is an error and never an empty answer.
pub(crate) fn decode<T: DeserializeOwned>(request: &Request, body: &[u8]) -> Result<T, GraphError> {
    // The whole is looked through at once, which is faster than each text by itself. What is not UTF-8 may stand where
    // nobody reads it.
    let decoded = match std::str::from_utf8(body) {
        Ok(text) if has_nul(text) => {
            return Err(malformed(request, "a text in it holds U+0000"));
        }
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(body),
    };
    decoded.map_err(|error| malformed(request, wrong_with(&error)))
}

/// U+0000, which no text of Graph has and no database takes, can only be written in this way.
fn has_nul(json: &str) -> bool {
    memmem::find_iter(json.as_bytes(), "\\u0000").any(|at| {
        let before = json.as_bytes()[..at].iter().rev();
        // An odd number of backslashes in all: else it is a backslash, followed by plain letters.
        before.take_while(|byte| **byte == b'\\').count() % 2 == 0
    })
}

pub(crate) fn malformed(request: &Request, why: impl Into<String>) -> GraphError {
    GraphError::Malformed {
        call: request.call(),
        why: why.into(),
    }
}

/// What is wrong with a body. The message of the error itself may quote a person's data.
pub(crate) fn wrong_with(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Syntax => "it is not JSON",
        Category::Data => "it is not what was asked for",
        Category::Io => "it cannot be read",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            (
                (*name).parse().expect("a name"),
                value.parse().expect("a value"),
            )
        };
        pairs.iter().map(header).collect()
    }

    #[test]
    fn retry_after_is_a_whole_number_a_decimal_a_date_or_missing() {
        let wait = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs));
        let millis = |millis| Some(Duration::from_millis(millis));
        assert_eq!(wait(&[("retry-after", "10")]), millis(10_000));
        assert_eq!(wait(&[("retry-after", "2.128")]), millis(2_128));
        let until = ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT");
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        assert_eq!(wait(&[until, date]), millis(30_000));
        assert_eq!(
            wait(&[("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT"), date]),
            millis(0)
        );
        for none in ["soon", "-1", "NaN", "inf", ""] {
            assert_eq!(wait(&[("retry-after", none)]), None, "{none}");
        }
        assert_eq!((wait(&[until]), wait(&[])), (None, None));
    }

    #[test]
    fn the_code_that_tells_most_is_found_wherever_it_is() {
        let code = |body: &str| telling(&Detail::of(body.as_bytes()).codes);
        let cases = [
            (
                r#"{"error": {"code": "Request_BadRequest", "innerError": {"code": "400"}}}"#,
                Some("Request_BadRequest"),
            ),
            (
                r#"{"error": {"code": "", "innererror": {"code": "TokenNotFound"}}}"#,
                Some("TokenNotFound"),
            ),
            (
                r#"{"error": {"code": "UnknownError", "message": "{\"error\": {\"code\": \"Inner\"}}"}}"#,
                Some("Inner"),
            ),
            (
                r#"{"error": {"code": "UnknownError", "message": "{\"error\": {\"code\": \"Inner\"}}", "innerError": {"request-id": "r"}}}"#,
                Some("Inner"),
            ),
            (r#"{"error": {"code": "400"}}"#, Some("400")),
            (r#"{"error": {"code": "ann@partner.example left"}}"#, None),
            (r#"{"error": "invalid"}"#, None),
            ("<html>", None),
        ];
        for (body, expected) in cases {
            assert_eq!(code(body).as_deref(), expected, "{body}");
        }
    }
}
