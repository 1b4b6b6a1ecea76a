//! Faults: what can befall an exchange, switched on through the control API, for the next few requests or for a seeded
//! share of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::dice::Dice;
use crate::reply::Reply;
use crate::world::Issued;

/// "Cannot query data for more than 120 users at a time."
const MOST_ACTIVITIES: u32 = 120;

/// A fault, and the requests that it befalls.
///
/// An item of a `$batch` is a request of its own here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so, with or without `/v1.0` in front.
    #[serde(default)]
    pub path: Option<String>,
    /// Only the next so many that match.
    #[serde(default, alias = "times")]
    pub next: Option<u32>,
    /// The first so many that match are spared.
    #[serde(default)]
    pub skip: u32,
    /// Only this share of those that match, drawn by the seed of the population; 1 by default.
    #[serde(default)]
    pub share: Option<f64>,
    /// The effect of a request is had all the same (`throttle`, `unavailable`, `server_error`, `drop`).
    #[serde(default)]
    pub after_effect: bool,
    /// The text of `Retry-After`, which may be a decimal; none when absent (`throttle`, `unavailable`).
    #[serde(default)]
    pub retry_after: Option<String>,
    /// When the request is held (`hold`).
    #[serde(default)]
    pub when: Moment,
    /// What becomes of `signInActivity` (`sign_in_activity`).
    #[serde(default)]
    pub encoding: RowFault,
    /// The share of a page's rows that are hit; all by default (`sign_in_activity`, `missing_rows`).
    #[serde(default)]
    pub rows: Option<f64>,
    /// By how many days the times are too old; 365 by default (`sign_in_activity` with `stale`).
    #[serde(default)]
    pub days: Option<i64>,
    /// The status; 502 by default (`server_error`), or 410 (`resync`).
    #[serde(default)]
    pub status: Option<u16>,
    /// No body at all instead of HTML (`server_error`).
    #[serde(default)]
    pub empty: bool,
    /// Only requests whose token lacks this permission.
    #[serde(default)]
    pub without_role: Option<String>,
    /// How errors are written (`error_shape`).
    #[serde(default)]
    pub shape: ErrorShape,
    /// Digits of the fraction, 0 to 7; 7 by default (`fractions`).
    #[serde(default)]
    pub digits: Option<u8>,
    /// A delay (`latency`, `slow_body`).
    #[serde(default)]
    pub millis: u64,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 429.
    Throttle,
    /// 503.
    Unavailable,
    /// The connection is closed without an answer.
    Drop,
    /// The body is cut in the middle and the connection closed.
    Truncate,
    /// No answer comes until the client goes away or the fault is taken back.
    Hold,
    /// The rows' `signInActivity` is not what it should be. Befalls only requests for sign-in data.
    SignInActivity,
    /// 500 or another status, with HTML for a body, or none.
    ServerError,
    /// The 403 of a tenant without a licence, which licensed tenants give now and then. Befalls only requests for
    /// sign-in data.
    Premium,
    /// 409 `Directory_ConcurrencyViolation`.
    Concurrency,
    /// 400 `Directory_ExpiredPageToken`. Befalls only requests with a page token.
    ExpiredPage,
    /// 401 with a claims challenge ("continuous access evaluation"). Befalls only requests to Graph whose token was not
    /// asked for with `claims`.
    ClaimsChallenge,
    /// The token of a delta query is not known any more: 410 with a `Location`, or another status. Befalls only requests
    /// with such a token.
    Resync,
    /// A page of a listing is empty, with a link to the same page again. Once and again without `next` or `share`.
    EmptyPage,
    /// Rows are missing from listings of users and members, as from a replica that lags behind; `@odata.count` is right
    /// all the same.
    MissingRows,
    /// 400, as pages of sign-in data had at most 120 rows. Befalls only requests for more at once.
    ActivityCap,
    /// 400 `DirectoryPageTokenNotFoundException`. Befalls only requests that go on with a link out of the answer to a
    /// request which had failed before; both must come after this fault.
    RetriedPage,
    /// Rows of a listing come twice.
    DuplicateRows,
    /// Rows of a listing come in another order.
    ReorderedRows,
    /// Times have a fraction of a second.
    Fractions,
    /// Errors are written in another way. Befalls requests to Graph, whatever they come to.
    ErrorShape,
    /// Users are read as they were before they were last written to, which must come after this fault.
    StaleRead,
    /// A batch with throttled requests is answered 424 as a whole. Befalls only batches.
    ThrottledBatch,
    /// The body comes in pieces, with pauses.
    SlowBody,
    /// The answer takes longer.
    Latency,
}

/// When a request is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before it takes effect.
    #[default]
    Before,
    /// After it took effect.
    After,
}

/// How an error is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// `code` is an empty text.
    #[default]
    EmptyCode,
    /// `code` is the status.
    Status,
    /// `code` is `UnknownError`.
    UnknownError,
    /// `code` is `UnknownError`, and `message` the whole error as a text.
    JsonMessage,
    /// `innerError` is spelled `innererror`, as in Graph's metadata.
    LowerCase,
}

/// What becomes of a row's `signInActivity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowFault {
    /// It is left out.
    #[default]
    Absent,
    /// It is `null`.
    Null,
    /// Its times are `0001-01-01T00:00:00Z`.
    MinDate,
    /// Its times are empty strings.
    Empty,
    /// Its times are older than they were.
    Stale,
}

/// What a request is, as far as faults tell requests apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'r> {
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) sign_in_data: bool,
    pub(crate) page_token: bool,
    pub(crate) delta_token: bool,
    /// It goes on with a link that is lost.
    pub(crate) lost_page: bool,
    /// `$top`, if it has one.
    pub(crate) top: Option<u32>,
    /// It is Graph that is asked, not a token endpoint.
    pub(crate) graph: bool,
    /// The token that it carries, if that is good.
    pub(crate) token: Option<&'r Issued>,
}

/// A fault that befalls a request.
#[derive(Clone, Debug)]
pub(crate) struct Befalling {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// Draws the rows that are hit.
    pub(crate) seed: u64,
    /// It is a log that was asked for.
    is_log: bool,
}

/// A fault that is switched on.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// Requests that matched.
    seen: u64,
    /// Requests that were befallen.
    pub(crate) hits: u32,
}

/// The faults that are switched on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    added: u64,
}

impl Fault {
    /// This kind of fault for every request.
    #[must_use]
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            method: None,
            path: None,
            next: None,
            skip: 0,
            share: None,
            after_effect: false,
            retry_after: None,
            when: Moment::default(),
            encoding: RowFault::default(),
            rows: None,
            days: None,
            status: None,
            empty: false,
            without_role: None,
            shape: ErrorShape::default(),
            digits: None,
            millis: 0,
        }
    }

    fn concerns(&self, subject: Subject<'_>) -> bool {
        let bare = |path: &str| path.strip_prefix("/v1.0").unwrap_or(path).to_owned();
        let kind = match self.kind {
            FaultKind::SignInActivity | FaultKind::Premium => subject.sign_in_data,
            FaultKind::ExpiredPage => subject.page_token,
            FaultKind::Resync => subject.delta_token,
            FaultKind::ClaimsChallenge => {
                subject.graph && subject.token.is_some_and(|token| !token.claims_met)
            }
            FaultKind::Throttle
            | FaultKind::Unavailable
            | FaultKind::Drop
            | FaultKind::Truncate
            | FaultKind::Hold
            | FaultKind::ServerError
            | FaultKind::Concurrency
            | FaultKind::MissingRows
            | FaultKind::SlowBody
            | FaultKind::Latency => true,
            FaultKind::ActivityCap => {
                subject.sign_in_data && subject.top.is_some_and(|top| top > MOST_ACTIVITIES)
            }
            FaultKind::RetriedPage => subject.lost_page,
            FaultKind::ErrorShape => subject.graph,
            FaultKind::ThrottledBatch => subject.path.ends_with("$batch"),
            FaultKind::DuplicateRows
            | FaultKind::ReorderedRows
            | FaultKind::Fractions
            | FaultKind::StaleRead
            | FaultKind::EmptyPage => subject.graph && subject.method == "GET",
        };
        let method = self.method.as_ref();
        let path = self.path.as_ref();
        let lacks = |role: &String| {
            let token = subject.token;
            token.is_some_and(|token| !token.roles.contains(role))
        };
        kind && self.without_role.as_ref().is_none_or(lacks)
            && method.is_none_or(|only| only.eq_ignore_ascii_case(subject.method))
            && path.is_none_or(|prefix| bare(subject.path).starts_with(&bare(prefix)))
    }
}

impl Befalling {
    /// What is answered in place of the request's own answer.
    pub(crate) fn reply(&self) -> Reply {
        let reply = match self.fault.kind {
            FaultKind::Throttle => Reply::throttled(),
            FaultKind::Premium => Reply::premium(),
            FaultKind::Concurrency => Reply::error(
                409,
                "Directory_ConcurrencyViolation",
                "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
            ),
            FaultKind::ExpiredPage if self.is_log => Reply::error(
                400,
                "",
                "Token not found: token is either invalid or expired",
            ),
            FaultKind::ExpiredPage => Reply::expired_page(),
            FaultKind::ActivityCap => Reply::bad_request(format!(
                "Cannot query data for more than {MOST_ACTIVITIES} users at a time."
            )),
            FaultKind::RetriedPage => Reply::lost_page(),
            FaultKind::ClaimsChallenge => claims_challenge(),
            FaultKind::ServerError if self.fault.empty => {
                Reply::empty(self.fault.status.unwrap_or(502))
            }
            FaultKind::ServerError => Reply::text(
                self.fault.status.unwrap_or(502),
                "text/html",
                "<html><body><h1>Bad Gateway</h1></body></html>".to_owned(),
            ),
            FaultKind::Unavailable
            | FaultKind::Drop
            | FaultKind::Truncate
            | FaultKind::Hold
            | FaultKind::SignInActivity
            | FaultKind::MissingRows
            | FaultKind::Resync
            | FaultKind::EmptyPage
            | FaultKind::DuplicateRows
            | FaultKind::ReorderedRows
            | FaultKind::Fractions
            | FaultKind::ErrorShape
            | FaultKind::StaleRead
            | FaultKind::ThrottledBatch
            | FaultKind::SlowBody
            | FaultKind::Latency => {
                Reply::error(503, "ServiceUnavailable", "The service is unavailable.")
            }
        };
        match &self.fault.retry_after {
            Some(seconds) => reply.with("retry-after", seconds.clone()),
            None => reply,
        }
    }

    /// Whether the row of this object is among those that are hit.
    pub(crate) fn hits(&self, id: Uuid) -> bool {
        let share = self.fault.rows.unwrap_or(1.0);
        Dice::for_object(id, self.seed ^ self.id).share(share)
    }
}

/// "Bearer realm="", authorization_uri=..., error="insufficient_claims", claims=..."
fn claims_challenge() -> Reply {
    let claims = json!({ "access_token": { "nbf": { "essential": true, "value": "1604106651" } } });
    let claims = STANDARD.encode(claims.to_string());
    Reply::error(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
    )
    .with(
        "www-authenticate",
        format!(
            r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="{claims}""#
        ),
    )
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.added += 1;
        self.active.push(Active {
            id: self.added,
            fault,
            seen: 0,
            hits: 0,
        });
        self.added
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.active.len();
        self.active.retain(|active| active.id != id);
        self.active.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    pub(crate) fn has(&self, id: u64) -> bool {
        self.active.iter().any(|active| active.id == id)
    }

    pub(crate) fn has_kind(&self, kind: FaultKind) -> bool {
        self.active.iter().any(|active| active.fault.kind == kind)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Active> {
        self.active.iter()
    }

    /// The faults that befall this request.
    pub(crate) fn befalling(&mut self, seed: u64, subject: Subject<'_>) -> Vec<Befalling> {
        let mut befalling = Vec::new();
        for active in &mut self.active {
            let spent = active.fault.next.is_some_and(|next| active.hits >= next);
            if spent || !active.fault.concerns(subject) {
                continue;
            }
            active.seen += 1;
            let share = active.fault.share.unwrap_or(1.0);
            if active.seen > u64::from(active.fault.skip)
                && Dice::of(&[seed, active.id, active.seen]).share(share)
            {
                active.hits += 1;
                befalling.push(Befalling {
                    id: active.id,
                    fault: active.fault.clone(),
                    seed,
                    is_log: subject.path.contains("/auditLogs/"),
                });
            }
        }
        befalling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Subject<'_> {
        Subject {
            method: "GET",
            path,
            sign_in_data: false,
            page_token: false,
            delta_token: false,
            lost_page: false,
            top: None,
            graph: true,
            token: None,
        }
    }

    #[test]
    fn a_fault_befalls_only_what_it_names_and_only_so_often() {
        let mut faults = Faults::default();
        faults.add(Fault {
            method: Some("get".into()),
            path: Some("/users".into()),
            next: Some(2),
            skip: 1,
            ..Fault::new(FaultKind::Truncate)
        });
        let mut hit = |path: &str| !faults.befalling(1, get(path)).is_empty();
        assert!(!hit("/v1.0/groups"));
        assert!(!hit("/v1.0/users"), "the first one is spared");
        assert!(hit("/v1.0/users"));
        assert!(hit("/v1.0/users/x"));
        assert!(!hit("/v1.0/users"));
    }

    #[test]
    fn a_share_is_a_share_and_is_repeatable() {
        let drawn = |seed| {
            let mut faults = Faults::default();
            faults.add(Fault {
                share: Some(0.3),
                ..Fault::new(FaultKind::Truncate)
            });
            let draws = (0..1000).map(|_| !faults.befalling(seed, get("/v1.0/users")).is_empty());
            draws.collect::<Vec<_>>()
        };
        assert_eq!(drawn(4), drawn(4));
        assert_ne!(drawn(4), drawn(5));
        let hits = drawn(4).into_iter().filter(|hit| *hit).count();
        assert!((240..360).contains(&hits), "{hits}");
    }

    #[test]
    fn a_broken_sense_befalls_only_requests_for_sign_in_data() {
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::SignInActivity));
        assert!(faults.befalling(1, get("/v1.0/users")).is_empty());
        let subject = Subject {
            sign_in_data: true,
            ..get("/v1.0/users")
        };
        assert_eq!(faults.befalling(1, subject).len(), 1);
    }
}
