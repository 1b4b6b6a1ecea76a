//! Faults: what can befall an exchange, switched on through the control API, for the next few requests or for a seeded
//! share of them.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// A fault, and the requests that it befalls.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    #[serde(default)]
    pub path: Option<String>,
    /// Only the next so many that match.
    #[serde(default)]
    pub next: Option<u32>,
    /// Only this share of those that match; 1 by default.
    #[serde(default)]
    pub share: Option<f64>,
    /// The effect of a write is had all the same (`unavailable`, `drop`).
    #[serde(default)]
    pub after_effect: bool,
    /// Seconds of `Retry-After`, which may be a decimal (`throttle`, `unavailable`).
    #[serde(default)]
    pub retry_after: Option<String>,
    /// When the request is held (`hold`).
    #[serde(default)]
    pub when: Moment,
    /// What becomes of `signInActivity` (`sign_in_activity`).
    #[serde(default)]
    pub encoding: RowFault,
    /// The status (`server_error`).
    #[serde(default)]
    pub status: Option<u16>,
    /// A delay (`latency`).
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
    /// The rows' `signInActivity` is not what it should be.
    SignInActivity,
    /// 500 or another status, with HTML for a body.
    ServerError,
    /// The 403 of a tenant without a licence.
    Premium,
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
    /// Its times are a year older than they were.
    Stale,
}

/// A fault that is switched on.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    left: Option<u32>,
}

/// The faults that are switched on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    added: u64,
    asked: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.added += 1;
        self.active.push(Active {
            id: self.added,
            left: fault.next,
            fault,
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

    pub(crate) fn all(&self) -> impl Iterator<Item = &Active> {
        self.active.iter()
    }

    /// The faults that befall this request.
    pub(crate) fn befalling(&mut self, seed: u64, method: &str, path: &str) -> Vec<Fault> {
        let mut befalling = Vec::new();
        for active in &mut self.active {
            let Fault {
                method: only,
                path: prefix,
                share,
                ..
            } = &active.fault;
            let matches = only
                .as_ref()
                .is_none_or(|only| only.eq_ignore_ascii_case(method))
                && prefix
                    .as_ref()
                    .is_none_or(|prefix| path.starts_with(prefix.as_str()))
                && active.left != Some(0);
            self.asked += 1;
            if matches && Dice::of(&[seed, active.id, self.asked]).share(share.unwrap_or(1.0)) {
                active.left = active.left.map(|left| left - 1);
                befalling.push(active.fault.clone());
            }
        }
        befalling
    }
}
