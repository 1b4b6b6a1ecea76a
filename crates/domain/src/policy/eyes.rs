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
    /// By how much this machine's clock may differ from Graph's.
    pub clock_skew: TimeDelta,
}

/// A group that loses fewer guests than this is no sign of bad eyes, whatever the share.
pub const FEW_MEMBERS: u64 = 5;

impl Eyes {
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
    /// days since the newest sign-in of 200 guests; a quarter of an hour.
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
            clock_skew: TimeDelta::minutes(15),
        }
    }
}
