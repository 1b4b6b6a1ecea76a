//! What people decided about one guest, whatever the policy says: exempt, on hold, or expected to leave on a day.
//!
//! Invariant: a decision says who took it and why; one with an end is over by itself when its last day is (UTC).

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The kinds of decision; a guest has at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    /// No rule touches the guest until a day.
    Exempt,
    /// Nothing is taken from the guest and nothing undone, until somebody lifts it.
    Hold,
    /// The guest is expected to leave on a day.
    Expire,
}

impl OrderKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Exempt, Self::Hold, Self::Expire];

    /// The word stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Hold => "hold",
            Self::Expire => "expire",
        }
    }

    /// The inverse of [`OrderKind::as_str`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for OrderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// No rule touches the guest; what is ours is undone.
    Exempt {
        /// The last day (UTC).
        until: NaiveDate,
    },
    /// A legal hold: the account stays as it is.
    Hold,
    /// `guest.expires_in_days` counts to this day. What follows is for the policy to say.
    Expire {
        /// The last day (UTC).
        on: NaiveDate,
    },
}

impl Order {
    /// Of which kind it is.
    #[must_use]
    pub fn kind(&self) -> OrderKind {
        match self {
            Self::Exempt { .. } => OrderKind::Exempt,
            Self::Hold => OrderKind::Hold,
            Self::Expire { .. } => OrderKind::Expire,
        }
    }

    /// The day that it names.
    #[must_use]
    pub fn day(&self) -> Option<NaiveDate> {
        match self {
            Self::Exempt { until: day } | Self::Expire { on: day } => Some(*day),
            Self::Hold => None,
        }
    }

    /// An order of a kind with the day that it names; `None` when one of them lacks the other.
    #[must_use]
    pub fn of(kind: OrderKind, day: Option<NaiveDate>) -> Option<Self> {
        match (kind, day) {
            (OrderKind::Exempt, Some(until)) => Some(Self::Exempt { until }),
            (OrderKind::Hold, None) => Some(Self::Hold),
            (OrderKind::Expire, Some(on)) => Some(Self::Expire { on }),
            (OrderKind::Exempt | OrderKind::Expire, None) | (OrderKind::Hold, Some(_)) => None,
        }
    }

    /// It counts at this instant.
    #[must_use]
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        match self {
            Self::Exempt { until } => now.date_naive() <= *until,
            Self::Hold | Self::Expire { .. } => true,
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exempt { until } => write!(f, "exempt until {until}"),
            Self::Hold => f.write_str("on hold"),
            Self::Expire { on } => write!(f, "expected to leave on {on}"),
        }
    }
}

/// A decision of a person about one guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    #[serde(flatten)]
    pub order: Order,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            order,
            reason,
            by,
            at: _,
        } = self;
        write!(f, "{order}, by {by}: {reason}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_counts_until_its_last_day_is_over() {
        let until = NaiveDate::from_ymd_opt(2027, 3, 31).expect("a day");
        let order = Order::Exempt { until };
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        assert!(order.is_in_force(at("2027-03-31T23:59:59Z")));
        assert!(!order.is_in_force(at("2027-04-01T00:00:00Z")));
    }

    #[test]
    fn an_order_is_put_together_again_from_its_parts_and_from_json() {
        let until = NaiveDate::from_ymd_opt(2027, 3, 31);
        let day = until.expect("a day");
        for order in [
            Order::Exempt { until: day },
            Order::Hold,
            Order::Expire { on: day },
        ] {
            assert_eq!(Order::of(order.kind(), order.day()), Some(order));
            let decision = Decision {
                order,
                reason: "an audit".into(),
                by: "olga".into(),
                at: DateTime::UNIX_EPOCH,
            };
            let json = serde_json::to_string(&decision).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Decision>(&json).expect("a decision"),
                decision
            );
        }
        assert_eq!(Order::of(OrderKind::Exempt, None), None);
        assert_eq!(Order::of(OrderKind::Hold, until), None);
    }
}
