//! Attestations: what the people answerable for a guest said when asked whether it is still needed.
//!
//! Invariant: an attestation is never changed or taken back; whoever thinks otherwise says so anew. It does nothing by
//! itself: it is a fact, and what follows is for the policy to say.

use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::SponsorId;

/// What was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The guest is still needed.
    Keep,
    /// The guest is not needed any more.
    LetGo,
}

impl Answer {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Keep, Self::LetGo];

    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::LetGo => "let-go",
        }
    }

    /// The inverse of [`Answer::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == word)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// By the link in a notice.
    Link,
    /// By `innkeeper guests attest`.
    Command,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Link, Self::Command];

    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Command => "command",
        }
    }

    /// The inverse of [`Means::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|means| means.as_str() == word)
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One answer about one guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What.
    pub answer: Answer,
    /// How.
    pub means: Means,
    /// When.
    pub at: DateTime<Utc>,
    /// The last day (UTC) for which a `keep` counts; without one it counts until the policy wants a newer one.
    pub until: Option<NaiveDate>,
    /// The object id of who said so, where it is known.
    pub sponsor: Option<SponsorId>,
    /// Who said so, and why.
    pub word: Word,
}

/// What an attestation says of a person beyond ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who: an address or a name.
    pub by: String,
    /// Why, if that was said.
    pub reason: String,
}

impl Attestation {
    /// By whom, as answers of one person are told from those of another.
    #[must_use]
    pub fn person(&self) -> String {
        self.word.by.to_lowercase()
    }

    /// It is a `keep` that counts at this instant.
    #[must_use]
    pub fn stands(&self, now: DateTime<Utc>) -> bool {
        match self.answer {
            Answer::Keep => self.until.is_none_or(|until| now.date_naive() <= until),
            Answer::LetGo => false,
        }
    }
}

impl fmt::Display for Attestation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answer,
            means,
            at,
            until,
            sponsor: _,
            word: Word { by, reason },
        } = self;
        write!(f, "{answer}, said {by} on {} by {means}", at.date_naive())?;
        if let Some(until) = until {
            write!(f, ", until {until}")?;
        }
        if reason.is_empty() {
            Ok(())
        } else {
            write!(f, ": {reason}")
        }
    }
}

/// How long a person who said `keep` is not asked again about a rule that cannot be judged.
pub const ANSWERED: TimeDelta = TimeDelta::days(90);

/// What the answers about a guest come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The newest `keep` that counts.
    pub keep: Option<&'a Attestation>,
    /// The newest `let-go`, unless anybody said `keep` at the same time or later.
    pub let_go: Option<&'a Attestation>,
}

impl<'a> Standing<'a> {
    /// Of each person the newest answer counts. One `keep` is enough, whoever else says otherwise; a `let-go` counts
    /// until somebody says `keep` after it, and does not count again when that one is over.
    #[must_use]
    pub fn of(attestations: &'a [Attestation], now: DateTime<Utc>) -> Self {
        let mut newest: Vec<&Attestation> = Vec::new();
        for attestation in attestations {
            let person = attestation.person();
            match newest.iter_mut().find(|known| known.person() == person) {
                // Of two at the same instant the later one listed counts.
                Some(known) if attestation.at >= known.at => *known = attestation,
                Some(_) => {}
                None => newest.push(attestation),
            }
        }
        let last = |answer: Answer| {
            let said = newest.iter().filter(|said| said.answer == answer);
            said.copied().max_by_key(|said| said.at)
        };
        let kept = last(Answer::Keep);
        let standing = newest.iter().copied().filter(|said| said.stands(now));
        Self {
            keep: standing.max_by_key(|said| said.at),
            let_go: last(Answer::LetGo).filter(|said| kept.is_none_or(|kept| kept.at < said.at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn said(by: &str, answer: Answer, day: i64, until: Option<i64>) -> Attestation {
        Attestation {
            answer,
            means: Means::Link,
            at: at(day),
            until: until.map(|day| at(day).date_naive()),
            sponsor: None,
            word: Word {
                by: by.to_owned(),
                reason: String::new(),
            },
        }
    }

    #[test]
    fn of_each_person_the_newest_answer_counts() {
        let all = [
            said("Sara@contoso.example", Answer::Keep, 1, None),
            said("sara@contoso.example", Answer::LetGo, 2, None),
        ];
        let standing = Standing::of(&all, at(3));
        assert_eq!(standing.keep, None);
        assert_eq!(standing.let_go, Some(&all[1]));
        let turned = [
            all[1].clone(),
            said("sara@contoso.example", Answer::Keep, 2, None),
        ];
        assert_eq!(Standing::of(&turned, at(3)).keep, Some(&turned[1]));
        assert_eq!(Standing::of(&turned, at(3)).let_go, None);
    }

    #[test]
    fn one_keep_is_enough_and_a_let_go_counts_only_until_somebody_says_keep() {
        let mut all = vec![
            said("sara", Answer::Keep, 1, None),
            said("sven", Answer::LetGo, 2, None),
        ];
        let standing = Standing::of(&all, at(3));
        assert_eq!(standing.keep, Some(&all[0]));
        assert_eq!(standing.let_go, Some(&all[1]));
        all.push(said("olga", Answer::Keep, 4, Some(5)));
        assert_eq!(Standing::of(&all, at(4)).let_go, None);
        assert_eq!(Standing::of(&all, at(4)).keep, Some(&all[2]));
        // Olga's is over: Sara's counts again, and Sven's does not.
        assert_eq!(Standing::of(&all, at(6)).keep, Some(&all[0]));
        assert_eq!(Standing::of(&all, at(6)).let_go, None);
    }

    #[test]
    fn a_keep_counts_until_its_last_day_is_over() {
        let keep = said("sara", Answer::Keep, 1, Some(5));
        assert!(keep.stands(at(6) - TimeDelta::microseconds(1)));
        assert!(!keep.stands(at(6)));
        assert!(!said("sara", Answer::LetGo, 1, None).stands(at(1)));
    }
}
