//! How each kind of guest behaves, drawn anew for every guest.

use crate::dice::Dice;
use crate::second::{DAY, Second};
use crate::tenant::{Habits, Persona};

/// The mix of a tenant that nobody has tidied up: per thousand guests.
const MIX: &[(u64, Persona)] = &[
    (430, Persona::Regular),
    (170, Persona::Occasional),
    (90, Persona::Fading),
    (110, Persona::Gone),
    (70, Persona::Returner),
    (60, Persona::NeverRedeemed),
    (30, Persona::Silent),
    (40, Persona::DisabledByAdmin),
];

pub(super) fn draw_persona(dice: &mut Dice) -> Persona {
    let mut left = dice.below(1000);
    for (weight, persona) in MIX {
        if left < *weight {
            return *persona;
        }
        left -= weight;
    }
    Persona::Regular
}

/// The habits of a guest who is there at the start.
pub(super) fn draw_habits(persona: Persona, start: Second, dice: &mut Dice) -> Habits {
    let days = |dice: &mut Dice, low: i64, high: i64| dice.between(low * DAY, high * DAY);
    let period = |seconds: i64| u32::try_from(seconds).unwrap_or(0);
    match persona {
        Persona::Regular => Habits {
            period: period(days(dice, 1, 5)),
            ..Habits::default()
        },
        Persona::Occasional => Habits {
            period: period(days(dice, 8, 45)),
            ..Habits::default()
        },
        Persona::Fading => Habits {
            period: period(days(dice, 1, 8)),
            stops: Some(start.plus(days(dice, -20, 180))),
            ..Habits::default()
        },
        Persona::Gone => Habits {
            period: period(days(dice, 1, 8)),
            stops: Some(start.minus(days(dice, 31, 1400))),
            ..Habits::default()
        },
        Persona::Returner => {
            let returns = start.plus(days(dice, 1, 200));
            let away = match dice.below(10) {
                // In the very days in which a policy of 90 days and 14 days' notice comes to an end.
                0..5 => days(dice, 90, 105),
                5..7 => days(dice, 30, 90),
                _ => days(dice, 105, 300),
            };
            Habits {
                period: period(days(dice, 1, 6)),
                stops: Some(returns.minus(away)),
                returns: Some(returns),
                redeems: None,
            }
        }
        Persona::NeverRedeemed => Habits {
            period: period(days(dice, 2, 20)),
            redeems: dice.per_mille(200).then(|| start.plus(days(dice, 1, 150))),
            ..Habits::default()
        },
        Persona::DisabledByAdmin => Habits {
            period: period(days(dice, 2, 10)),
            // Half of them keep trying.
            stops: dice
                .per_mille(500)
                .then(|| start.minus(days(dice, 40, 500))),
            ..Habits::default()
        },
        Persona::Silent | Persona::Employee | Persona::SharedMailbox | Persona::Scripted => {
            Habits::default()
        }
    }
}
