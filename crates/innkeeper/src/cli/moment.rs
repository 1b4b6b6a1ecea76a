//! A day or a time, as somebody writes it.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// A day or an instant, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Day(NaiveDate),
    At(DateTime<Utc>),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day = text.parse().map(Self::Day);
        day.or_else(|_| text.parse().map(Self::At)).map_err(|_| {
            "it is neither a day, such as 2027-01-31, nor a time, such as 2027-01-31T12:00:00Z"
                .to_owned()
        })
    }
}

impl Moment {
    /// Where what it begins begins.
    pub(crate) fn start(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => day.and_time(NaiveTime::MIN).and_utc(),
            Self::At(at) => at,
        }
    }

    /// Before when what it ends ends: the whole of a day belongs to it.
    pub(crate) fn end(self) -> DateTime<Utc> {
        match self {
            Self::Day(day) => {
                let next = day.succ_opt().unwrap_or(day);
                next.and_time(NaiveTime::MIN).and_utc()
            }
            Self::At(at) => at,
        }
    }
}
