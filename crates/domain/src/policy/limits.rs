//! How much may happen at once.

use chrono::TimeDelta;

use super::Action;

/// The most guests that one action may reach in one cycle: the smaller of both numbers.
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
}

/// The `[limits]` of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// A cap for each action, in the order of [`Action::ALL`].
    caps: [Cap; Action::ALL.len()],
    /// By how many in a hundred the number of guests may fall from one observation to the next.
    pub shrink_percent: f64,
    /// The longest time between two observations that counts as watched.
    pub longest_gap: TimeDelta,
    /// How long a guest is spared after somebody brought its account back.
    pub immunity: TimeDelta,
}

impl Limits {
    /// The cap of an action.
    #[must_use]
    pub fn cap(&self, action: Action) -> Cap {
        self.caps[action as usize]
    }

    /// Sets the cap of an action.
    pub fn set_cap(&mut self, action: Action, cap: Cap) {
        self.caps[action as usize] = cap;
    }
}

impl Default for Limits {
    /// What a policy without `[limits]` has: mail to 500 guests' sponsors, 50 or 5 % disabled, 25 or 2 % deleted.
    fn default() -> Self {
        let cap = |guests, percent| Cap { guests, percent };
        Self {
            caps: [
                cap(u64::MAX, 100.0),
                cap(500, 100.0),
                cap(50, 5.0),
                cap(50, 5.0),
                cap(25, 2.0),
            ],
            shrink_percent: 20.0,
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
    fn the_defaults_grow_stricter_with_the_gravity_of_the_action() {
        let limits = Limits::default();
        let allowed = Action::ALL.map(|action| limits.cap(action).of(100_000));
        assert!(
            allowed.is_sorted_by(|milder, graver| milder >= graver),
            "{allowed:?}"
        );
    }
}
