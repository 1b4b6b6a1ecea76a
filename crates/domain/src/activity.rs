//! A guest's signs of life, and how far the last reading of them can be believed.
//!
//! Invariant: a mark only moves forward. What a later reading lacks, or puts back, is a fault of the sensor.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::policy::Basis;

/// The three times of Graph's `signInActivity`, as read or as remembered.
///
/// `None` is "Graph gave no value", in any of its four spellings (absent, `null`, `0001-01-01T00:00:00Z`, `""`);
/// it never means "never signed in".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIns {
    /// `lastSuccessfulSignInDateTime`: interactive or not. Not recorded by Entra before 2023-12-01.
    pub successful: Option<DateTime<Utc>>,
    /// `lastSignInDateTime`: the last interactive attempt, successful or failed.
    pub interactive: Option<DateTime<Utc>>,
    /// `lastNonInteractiveSignInDateTime`: the last attempt by a client on the guest's behalf.
    pub non_interactive: Option<DateTime<Utc>>,
}

impl SignIns {
    /// Nothing at all was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            successful,
            interactive,
            non_interactive,
        } = self;
        successful.is_none() && interactive.is_none() && non_interactive.is_none()
    }

    /// The last known sign-in: the last successful one and, only where Entra records none, the last attempt.
    ///
    /// Attempts count for nothing once a success is known, because a client that keeps retrying with a disabled
    /// account moves them for ever.
    #[must_use]
    pub fn last(&self) -> Option<DateTime<Utc>> {
        self.successful
            .or_else(|| self.interactive.max(self.non_interactive))
    }

    /// The last known sign-in, by what counts as one.
    #[must_use]
    pub fn last_by(&self, basis: Basis) -> Option<DateTime<Utc>> {
        match basis {
            Basis::Successful => self.last(),
            Basis::Attempts => self
                .successful
                .max(self.interactive)
                .max(self.non_interactive),
        }
    }

    /// Of each time the newer one.
    #[must_use]
    pub fn ratchet(&self, later: &Self) -> Self {
        Self {
            successful: self.successful.max(later.successful),
            interactive: self.interactive.max(later.interactive),
            non_interactive: self.non_interactive.max(later.non_interactive),
        }
    }
}

/// What the newest reading of a guest's sign-ins was worth, against everything read before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// Times were read, and each is at least as new as the one remembered.
    Fresh,
    /// No times, now or ever. Either the guest never signed in or Graph never told: the wire does not say which.
    Never,
    /// A time that was known before is missing now.
    Vanished,
    /// A time is older than the one remembered.
    Regressed,
}

impl Reading {
    /// Judges a reading against the marks remembered from before it.
    #[must_use]
    pub fn of(read: &SignIns, marks: &SignIns) -> Self {
        let pairs = [
            (read.successful, marks.successful),
            (read.interactive, marks.interactive),
            (read.non_interactive, marks.non_interactive),
        ];
        if pairs
            .iter()
            .any(|(read, mark)| read.is_none() && mark.is_some())
        {
            Self::Vanished
        } else if pairs
            .iter()
            .any(|(read, mark)| whole_second(*read) < whole_second(*mark))
        {
            Self::Regressed
        } else if read.is_empty() {
            Self::Never
        } else {
            Self::Fresh
        }
    }

    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Never => "never",
            Self::Vanished => "vanished",
            Self::Regressed => "regressed",
        }
    }

    /// The inverse of [`Reading::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Fresh, Self::Never, Self::Vanished, Self::Regressed]
            .into_iter()
            .find(|reading| reading.as_str() == word)
    }
}

/// Graph writes a time with a fraction of a second today and without tomorrow: that is the same time.
fn whole_second(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(day * 86_400, 0)
    }

    #[test]
    fn an_attempt_counts_only_where_no_success_is_known() {
        let attempt = SignIns {
            interactive: at(9),
            ..SignIns::default()
        };
        assert_eq!(attempt.last(), at(9));
        assert_eq!(
            SignIns {
                successful: at(3),
                ..attempt
            }
            .last(),
            at(3)
        );
    }

    #[test]
    fn a_time_that_goes_back_or_goes_missing_is_a_fault_and_never_lowers_a_mark() {
        let marks = SignIns {
            successful: at(9),
            interactive: at(9),
            non_interactive: None,
        };
        let back = SignIns {
            successful: at(8),
            ..marks
        };
        let gone = SignIns {
            successful: None,
            ..marks
        };
        assert_eq!(Reading::of(&back, &marks), Reading::Regressed);
        assert_eq!(Reading::of(&gone, &marks), Reading::Vanished);
        assert_eq!(Reading::of(&marks, &marks), Reading::Fresh);
        assert_eq!(
            Reading::of(&SignIns::default(), &SignIns::default()),
            Reading::Never
        );
        assert_eq!(marks.ratchet(&back), marks);
        assert_eq!(marks.ratchet(&gone), marks);
    }

    #[test]
    fn a_time_that_loses_its_fraction_of_a_second_has_not_gone_back() {
        let seconds = |seconds, nanos| SignIns {
            successful: DateTime::from_timestamp(seconds, nanos),
            ..SignIns::default()
        };
        let marks = seconds(86_400, 123_000_000);
        assert_eq!(Reading::of(&seconds(86_400, 0), &marks), Reading::Fresh);
        assert_eq!(Reading::of(&seconds(86_399, 0), &marks), Reading::Regressed);
        assert_eq!(marks.ratchet(&seconds(86_400, 0)), marks);
    }
}
