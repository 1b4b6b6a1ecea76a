//! `[expiry]` and `[activity]`: where the end of a guest's stay comes from, and what counts as a sign of life.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};

use crate::guest::Guest;

/// Where the end of a stay comes from, besides people and projects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// An attribute of the guest that holds a date.
    pub attribute: Option<DateAttribute>,
    /// Whether the end of the guest's access packages counts.
    pub access_packages: bool,
    /// The longest stay, from the redemption of the invitation or the last confirmation.
    pub max_stay: Option<TimeDelta>,
}

/// An attribute that holds a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateAttribute {
    /// `employeeLeaveDateTime`, or `extensionAttribute1` to `extensionAttribute15`.
    pub name: String,
    /// How the date is written, in the notation of `strftime`.
    pub format: String,
}

impl Expiry {
    /// The value of the guest's attribute, where it should be a date and is none.
    #[must_use]
    pub fn bad_date<'g>(&self, guest: &'g Guest) -> Option<&'g str> {
        let wanted = self.attribute.as_ref()?;
        let attribute = guest.attribute.as_ref()?;
        let value = attribute.value.as_deref()?;
        let is_bad = attribute.name == wanted.name
            && !value.trim().is_empty()
            && wanted.day(value).is_none();
        is_bad.then_some(value)
    }
}

/// The attribute that Graph itself takes for a time.
pub const LEAVE: &str = "employeeLeaveDateTime";

impl DateAttribute {
    /// How dates are written unless the policy says otherwise.
    pub const FORMAT: &'static str = "%Y-%m-%d";

    /// The names that there are.
    #[must_use]
    pub fn names() -> Vec<String> {
        let extensions = (1..=15).map(|number| format!("extensionAttribute{number}"));
        [LEAVE.to_owned()].into_iter().chain(extensions).collect()
    }

    /// The day (UTC) that a value means; `None` when it means none.
    #[must_use]
    pub fn day(&self, value: &str) -> Option<NaiveDate> {
        if self.name == LEAVE {
            let at = DateTime::parse_from_rfc3339(value).ok()?;
            return Some(at.to_utc().date_naive());
        }
        NaiveDate::parse_from_str(value.trim(), &self.format).ok()
    }

    /// A format by which every day is written and read again as the same day.
    pub(crate) fn is_good_format(format: &str) -> bool {
        [(2027, 3, 31), (1999, 12, 1)]
            .into_iter()
            .all(|(year, month, day)| {
                let date = NaiveDate::from_ymd_opt(year, month, day).expect("days of the calendar");
                let mut text = String::new();
                let noon: NaiveDateTime = date.and_hms_opt(12, 0, 0).expect("noon is a time");
                write!(text, "{}", noon.format(format)).is_ok()
                    && NaiveDate::parse_from_str(&text, format) == Ok(date)
            })
    }
}

/// Which of Graph's times of a sign-in count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Basis {
    /// Successful sign-ins; attempts only where Entra records no success.
    #[default]
    Successful,
    /// Attempts as well, whether they succeeded or not.
    Attempts,
}

impl Basis {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Successful, Self::Attempts];

    /// The word used in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Successful => "successful",
            Self::Attempts => "attempts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_day_month_and_year_or_is_none() {
        for good in [
            "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d %B %Y", "%y%m%d",
        ] {
            assert!(DateAttribute::is_good_format(good), "{good}");
        }
        for bad in ["", "%Y-%m", "%d.%m.", "%Y-%m-%Q", "soon", "%H:%M"] {
            assert!(!DateAttribute::is_good_format(bad), "{bad}");
        }
    }

    #[test]
    fn a_day_is_read_by_the_format_and_graphs_time_in_utc() {
        let day = NaiveDate::from_ymd_opt(2027, 3, 31);
        let attribute = |name: &str, format: &str| DateAttribute {
            name: name.to_owned(),
            format: format.to_owned(),
        };
        let german = attribute("extensionAttribute3", "%d.%m.%Y");
        assert_eq!(german.day(" 31.03.2027 "), day);
        assert_eq!(german.day("2027-03-31"), None);
        assert_eq!(german.day("31.02.2027"), None);
        let leave = attribute(LEAVE, DateAttribute::FORMAT);
        assert_eq!(leave.day("2027-04-01T00:30:00+01:00"), day);
        assert_eq!(leave.day("2027-03-31"), None);
    }
}
