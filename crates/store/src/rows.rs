//! Between values and columns.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// Both databases keep microseconds; what is finer is cut off on the way in, so that a value read equals the one written.
pub(crate) fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our values have no maps with keys other than text")
}

pub(crate) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::corrupt(what, text))
}

pub(crate) fn count(count: i64) -> u64 {
    count.unsigned_abs()
}

pub(crate) fn seconds(span: TimeDelta) -> i64 {
    span.num_seconds()
}
