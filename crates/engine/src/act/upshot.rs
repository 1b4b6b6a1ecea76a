//! What came of a call, with everything that proves it.

use chrono::{DateTime, Utc};
use innkeeper_domain::intent::{Intent, Outcome, Trace};

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upshot {
    pub(crate) outcome: Outcome,
    /// By which ids Microsoft finds it.
    pub(crate) trace: Trace,
    /// What the directory was asked, where its answer did not tell.
    pub(crate) read_back: Option<ReadBack>,
    /// When it was done, by the directory's audit log, where that alone tells whose doing it was.
    pub(crate) claimed: Option<DateTime<Utc>>,
    /// It is not certain yet: the intent is left open, and the next cycle settles it.
    pub(crate) stays_open: bool,
}

/// A look at the directory that told what came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadBack {
    pub(crate) because: String,
    pub(crate) shown: String,
}

impl From<Outcome> for Upshot {
    /// No call was made.
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            trace: Trace::default(),
            read_back: None,
            claimed: None,
            stays_open: false,
        }
    }
}

/// By which ids Microsoft finds the call of an intent: it is sent by the intent's own id.
pub(crate) fn trace(intent: &Intent, request_id: Option<String>) -> Trace {
    Trace {
        request_id,
        client_request_id: Some(intent.id.0),
    }
}
