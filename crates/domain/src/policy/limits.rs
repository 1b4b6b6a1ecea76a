//! How much may happen at once.

use chrono::TimeDelta;

use super::{Action, Eyes};

/// The most guests that something may reach: the smaller of both numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cap {
    /// So many guests.
    pub guests: u64,
    /// So many in a hundred of the tenant's guests, rounded up (so that a small tenant is not stuck at none).
    pub percent: f64,
}

impl Cap {
    /// How many of `guests` guests it allows.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, clamped to the count"
    )]
    pub fn of(&self, guests: u64) -> u64 {
        let share = (guests as f64 * self.percent / 100.0)
            .ceil()
            .clamp(0.0, guests as f64);
        self.guests.min(share as u64)
    }

    /// What a day has where a policy does not say: as much as four cycles.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    pub fn a_day(&self) -> Self {
        Self {
            guests: self.guests.saturating_mul(CYCLES),
            percent: (self.percent * CYCLES as f64).min(100.0),
        }
    }
}

/// The cycles of a day on the schedule that an installation has unless it says otherwise.
const CYCLES: u64 = 4;

/// A percentage of a tenant with fewer guests than this stops at numbers that a person would not be asked about.
const SMALL_TENANT: u64 = 100;

/// The `[limits]` of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// A cap for each action and cycle, in the order of [`Action::ALL`].
    caps: [Cap; Action::ALL.len()],
    /// The same for any 24 hours.
    days: [Cap; Action::ALL.len()],
    /// How many guests of one domain each destructive action may reach in one cycle.
    pub per_domain: Cap,
    /// How many guests of one sponsor each destructive action may reach in one cycle.
    pub per_sponsor: Cap,
    /// With more destructive steps than this a plan waits for a person.
    pub ceiling: Cap,
    /// Within which bounds an observation can be believed.
    pub eyes: Eyes,
    /// The longest time between two observations that counts as watched.
    pub longest_gap: TimeDelta,
    /// How long a guest is spared after somebody brought its account back.
    pub immunity: TimeDelta,
}

impl Limits {
    /// The cap of an action in one cycle.
    #[must_use]
    pub fn cap(&self, action: Action) -> Cap {
        self.caps[action as usize]
    }

    /// The cap of an action in 24 hours.
    #[must_use]
    pub fn day(&self, action: Action) -> Cap {
        self.days[action as usize]
    }

    /// Sets the cap of an action in one cycle, and what is customary beside it in a day.
    pub fn set_cap(&mut self, action: Action, cap: Cap) {
        self.caps[action as usize] = cap;
        self.days[action as usize] = cap.a_day();
    }

    /// Sets the cap of an action in 24 hours.
    pub fn set_day(&mut self, action: Action, cap: Cap) {
        self.days[action as usize] = cap;
    }

    /// How many destructive steps a plan for a tenant of `guests` guests may have without a person.
    #[must_use]
    pub fn ceiling_of(&self, guests: u64) -> u64 {
        self.ceiling.of(guests.max(SMALL_TENANT))
    }
}

impl Default for Limits {
    /// What a policy without `[limits]` has: 500 guests marked, mail to 500 guests' sponsors,
    /// 100 or 10 % given a sponsor, 100 or 10 % invited again, 50 or 5 % disabled, 25 or 2 % deleted; 25 of
    /// one domain or one sponsor; a person from 500 or 20 %.
    fn default() -> Self {
        let cap = |guests, percent| Cap { guests, percent };
        let caps = [
            cap(u64::MAX, 100.0),
            cap(500, 100.0),
            cap(500, 100.0),
            cap(100, 10.0),
            cap(100, 10.0),
            cap(50, 5.0),
            cap(50, 5.0),
            cap(50, 5.0),
            cap(25, 2.0),
        ];
        Self {
            caps,
            days: caps.map(|cap| cap.a_day()),
            per_domain: cap(25, 100.0),
            per_sponsor: cap(25, 100.0),
            ceiling: cap(500, 20.0),
            eyes: Eyes::default(),
            longest_gap: TimeDelta::days(7),
            immunity: TimeDelta::days(14),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_the_smaller_of_number_and_share_and_never_strands_a_small_tenant() {
        let cap = Cap {
            guests: 50,
            percent: 5.0,
        };
        assert_eq!(cap.of(100_000), 50);
        assert_eq!(cap.of(400), 20);
        assert_eq!(cap.of(3), 1);
        assert_eq!(cap.of(0), 0);
        assert_eq!(
            Cap {
                guests: 0,
                percent: 5.0
            }
            .of(400),
            0
        );
    }

    #[test]
    fn a_day_has_four_cycles_unless_told_otherwise_and_a_small_tenant_counts_as_a_hundred_for_the_ceiling()
     {
        let mut limits = Limits::default();
        assert_eq!(limits.day(Action::Disable).of(100_000), 200);
        assert_eq!(limits.day(Action::Flag).guests, u64::MAX);
        limits.set_cap(
            Action::Disable,
            Cap {
                guests: 7,
                percent: 60.0,
            },
        );
        assert_eq!(
            limits.day(Action::Disable),
            Cap {
                guests: 28,
                percent: 100.0
            }
        );
        assert_eq!(limits.ceiling_of(3), 20);
        assert_eq!(limits.ceiling_of(1_000), 200);
        assert_eq!(limits.ceiling_of(50_000), 500);
    }

    #[test]
    fn the_defaults_grow_stricter_with_the_gravity_of_the_action() {
        let limits = Limits::default();
        let allowed = Action::ALL.map(|action| limits.cap(action).of(100_000));
        assert!(
            allowed.is_sorted_by(|milder, graver| milder >= graver),
            "{allowed:?}"
        );
    }
}
