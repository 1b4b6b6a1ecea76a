//! The bounds of the eyes: what an observation has to be for anything to be taken away by it.

use chrono::TimeDelta;

/// The bounds within which an observation can be believed; they stand among the `[limits]` of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Eyes {
    /// By how many in a hundred the number of guests may fall from one observation to the next.
    pub shrink_percent: f64,
    /// By how many in a hundred the guests read may differ from Graph's own count.
    pub count_percent: f64,
    /// So many guests in a hundred may have lost their sign-in times, or had them set back.
    pub regressed_percent: f64,
    /// So many guests in a hundred may come without the properties asked for.
    pub unreadable_percent: f64,
    /// So many requests in a hundred may have had to be sent again for another reason than to slow down.
    pub retry_percent: f64,
    /// By how many in a hundred the guests of a named group may fall from one whole reading to the next.
    pub members_percent: f64,
    /// How old the newest sign-in of any guest may be,
    pub newest_sign_in: TimeDelta,
    /// in a tenant with sign-in times of at least so many guests: fewer may truly all be silent.
    pub newest_sign_in_guests: u64,
    /// How old the newest entry of the tenant's sign-in log may be, where it can be read.
    pub newest_log_entry: TimeDelta,
    /// By how many in a hundred a listing may exceed both Graph's own count and the guests known, before it is read no
    /// further.
    pub surplus_percent: f64,
    /// How long one reading may take, besides what its pages are spread over.
    pub longest_reading: TimeDelta,
    /// By how much this machine's clock may differ from Graph's.
    pub clock_skew: TimeDelta,
}

/// A group that loses fewer guests than this is no sign of bad eyes, whatever the share.
pub const FEW_MEMBERS: u64 = 5;

/// So many guests more than are counted are no sign of bad eyes, whatever the share: a tenant can be small and grow.
pub const FEW_GUESTS: u64 = 1_000;

impl Eyes {
    /// How many guests are read at most where so many are counted or known.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, never negative"
    )]
    pub fn most_guests(&self, counted: u64, known: u64) -> u64 {
        let expected = counted.max(known);
        let surplus = (expected as f64 * self.surplus_percent / 100.0) as u64;
        expected.saturating_add(surplus.max(FEW_GUESTS))
    }

    /// A group's listing lacks so many of those who were in it that it cannot be believed.
    #[must_use]
    pub fn is_emptied(&self, before: u64, lost: u64) -> bool {
        lost >= FEW_MEMBERS && exceeds(lost, before, self.members_percent)
    }
}

/// More than so many of a hundred.
#[expect(clippy::cast_precision_loss, reason = "a share of a count")]
pub(crate) fn exceeds(count: u64, of: u64, percent: f64) -> bool {
    count as f64 * 100.0 > of as f64 * percent
}

impl Default for Eyes {
    /// A fifth fewer guests; one guest in a hundred with a fault; every second request; three tenths of a group; three
    /// days since the newest sign-in of 200 guests, a week since that of anybody; a quarter of an hour. As many guests again
    /// as are counted and known; a day for a reading, which a million guests do not need.
    fn default() -> Self {
        Self {
            shrink_percent: 20.0,
            count_percent: 1.0,
            regressed_percent: 1.0,
            unreadable_percent: 1.0,
            retry_percent: 50.0,
            members_percent: 30.0,
            newest_sign_in: TimeDelta::days(3),
            newest_sign_in_guests: 200,
            newest_log_entry: TimeDelta::days(7),
            surplus_percent: 100.0,
            longest_reading: TimeDelta::days(1),
            clock_skew: TimeDelta::minutes(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_as_many_guests_as_are_counted_or_known_are_read_and_a_thousand_more_in_any_case() {
        let eyes = Eyes::default();
        assert_eq!(eyes.most_guests(0, 0), 1_000);
        assert_eq!(eyes.most_guests(600, 20), 1_600);
        assert_eq!(eyes.most_guests(50_000, 20), 100_000);
        assert_eq!(eyes.most_guests(20, 50_000), 100_000);
        assert_eq!(eyes.most_guests(u64::MAX, 0), u64::MAX);
        let narrow = Eyes {
            surplus_percent: 5.0,
            ..eyes
        };
        assert_eq!(narrow.most_guests(100_000, 0), 105_000);
    }
}
