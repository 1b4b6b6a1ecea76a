//! A fault as it is switched on: what happens, and to which requests.

use serde::{Deserialize, Serialize};

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
    /// By how many days the times are too old; 365 by default (`sign_in_activity` with `stale`), or 10 (`stopped_log`).
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
    /// What no Graph would answer (`hostile`).
    #[serde(default)]
    pub answer: Hostility,
    /// What is wrong with the answers of a batch (`batch_answers`).
    #[serde(default)]
    pub answers: BatchAnswers,
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
    /// 400. Befalls only listings of users with `$expand`.
    ExpandRefused,
    /// Rows come without what was to be expanded. Befalls only listings of users with `$expand`.
    ExpandIgnored,
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
    /// An answer that no Graph would give. Befalls only reads.
    Hostile,
    /// The answers of a batch are not those of its requests. Befalls only batches.
    BatchAnswers,
    /// The sign-in log lacks what is newer than so many days. Befalls only reads of it.
    StoppedLog,
    /// The body comes in pieces, with pauses.
    SlowBody,
    /// The answer takes longer.
    Latency,
}

/// An answer that no Graph would give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hostility {
    /// Listings of users go on for ever, with guests that nobody knows.
    #[default]
    Endless,
    /// 80 MiB of nothing.
    Huge,
    /// JSON of a hundred thousand levels.
    Deep,
    /// A redirection to another host.
    Redirect,
    /// A thousand headers of a thousand bytes.
    Headers,
    /// The first row has a name of a million letters.
    LongText,
    /// The first row has a name with U+0000 in it.
    Nul,
    /// The first guest has a million sponsors.
    Sponsors,
}

/// What is wrong with the answers of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchAnswers {
    /// The first is missing.
    #[default]
    Missing,
    /// The first comes twice.
    Twice,
    /// There is one that nobody asked for.
    Unknown,
    /// The first has no body.
    Bodiless,
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
            answer: Hostility::default(),
            answers: BatchAnswers::default(),
            millis: 0,
        }
    }
}
