//! What goes wrong on one day of chaos, drawn by the seed.
//!
//! Most of it is over the next day. Now and then something stays wrong for weeks: longer than the waits of the policy, so
//! that what is concluded from it would come to be carried out.
//!
//! Invariant: the same seed and day give the same troubles.

use innkeeper_simulator::{DEFAULT_PERMISSIONS, Dice, Fault, FaultKind, RowFault};
use serde_json::{Value, json};

/// Days out of a thousand on which nothing is broken.
const QUIET: u64 = 300;

/// Days in which a thing or two can stay wrong for weeks.
const SEASON: u32 = 40;

/// Seasons out of a thousand in which something does.
const LASTING: u64 = 700;

/// The writes of a cycle.
const WRITES: [[&str; 2]; 4] = [
    ["/users", "POST"],
    ["/users", "PATCH"],
    ["/users", "DELETE"],
    ["/groups", "DELETE"],
];

/// Something that is wrong for a day.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// Requests are answered wrongly, late or not at all.
    Fault(Box<Fault>),
    /// The tenant itself is not as it should be: the setting, its value of the day, and its customary one.
    Setting {
        name: &'static str,
        value: Value,
        customary: Value,
    },
}

/// The troubles of a day.
pub(super) fn of_day(seed: u64, day: u32) -> Vec<Trouble> {
    let mut dice = Dice::of(&[seed, u64::from(day), 0x000c_4a05]);
    let lasting = of_season(seed, day);
    if dice.per_mille(QUIET) {
        return lasting;
    }
    let count = dice.between(1, 4);
    let mut troubles: Vec<Trouble> = (0..count).map(|_| draw(&mut dice)).collect();
    // Writes are few: what befalls them is drawn on its own.
    if dice.per_mille(300) {
        let writes = WRITES.map(|write| after_effect(&mut dice, write));
        troubles.extend(writes.map(|fault| Trouble::Fault(Box::new(fault))));
    }
    troubles.extend(lasting);
    troubles
}

/// What stays wrong for weeks, on each of its days.
fn of_season(seed: u64, day: u32) -> Vec<Trouble> {
    let mut dice = Dice::of(&[seed, u64::from(day / SEASON), 0x5ea5_0000]);
    let begins = dice.between(0, 15);
    let lasts = dice.between(16, 24);
    let is_on = (begins..begins + lasts).contains(&i64::from(day % SEASON));
    if !dice.per_mille(LASTING) || !is_on {
        return Vec::new();
    }
    // Without the log nothing else tells who has come back.
    let without_log = Fault {
        path: Some("/auditLogs".to_owned()),
        ..Fault::new(FaultKind::Premium)
    };
    let without_log = dice.per_mille(500).then_some(without_log);
    let fault = match dice.below(8) {
        0..=2 => Fault {
            encoding: RowFault::Stale,
            days: *dice.pick(&[None, Some(100), Some(30)]),
            rows: *dice.pick(&[None, None, Some(0.5)]),
            ..Fault::new(FaultKind::SignInActivity)
        },
        3 => Fault {
            encoding: *dice.pick(&[
                RowFault::Absent,
                RowFault::Null,
                RowFault::MinDate,
                RowFault::Empty,
            ]),
            rows: *dice.pick(&[None, None, Some(0.5)]),
            ..Fault::new(FaultKind::SignInActivity)
        },
        4 => Fault {
            rows: *dice.pick(&[None, Some(0.3), Some(0.01)]),
            ..Fault::new(FaultKind::MissingRows)
        },
        5 => Fault {
            share: Some(0.2),
            ..Fault::new(FaultKind::Unavailable)
        },
        _ => return vec![setting(&mut dice)],
    };
    let faults = without_log.into_iter().chain([fault]);
    faults
        .map(|fault| Trouble::Fault(Box::new(fault)))
        .collect()
}

fn draw(dice: &mut Dice) -> Trouble {
    let fault = match dice.below(12) {
        0..=4 => transport(dice),
        5 | 6 => sense(dice),
        7 | 8 => listing(dice),
        9 => paging(dice),
        10 => token(dice),
        _ => return setting(dice),
    };
    Trouble::Fault(Box::new(fault))
}

/// Answers that fail, come late, come in part or do not come.
fn transport(dice: &mut Dice) -> Fault {
    let kinds = [
        FaultKind::Throttle,
        FaultKind::Unavailable,
        FaultKind::ServerError,
        FaultKind::Drop,
        FaultKind::Truncate,
        FaultKind::Concurrency,
        FaultKind::ThrottledBatch,
        FaultKind::SlowBody,
        FaultKind::Latency,
        FaultKind::ErrorShape,
    ];
    // It costs a second each time.
    if dice.per_mille(20) {
        return Fault {
            next: Some(1),
            ..Fault::new(FaultKind::Hold)
        };
    }
    let retry_after = [None, Some("0"), Some("0.02"), Some("soon"), Some("86400")];
    let paths = [
        None,
        Some("/users"),
        Some("/groups"),
        Some("/auditLogs/signIns"),
        Some("/roleManagement"),
        Some("/$batch"),
    ];
    let methods = [None, None, Some("GET"), Some("PATCH"), Some("DELETE")];
    let kind = *dice.pick(&kinds);
    let fault = Fault {
        path: dice.pick(&paths).map(str::to_owned),
        method: dice.pick(&methods).map(str::to_owned),
        retry_after: dice.pick(&retry_after).map(str::to_owned),
        status: dice.pick(&[None, Some(500), Some(504)]).to_owned(),
        empty: dice.per_mille(300),
        millis: dice.below(6),
        ..Fault::new(kind)
    };
    often(dice, fault)
}

/// A write that takes effect, and is answered as if it had not, or not at all.
fn after_effect(dice: &mut Dice, [path, method]: [&str; 2]) -> Fault {
    let kinds = [
        FaultKind::Unavailable,
        FaultKind::ServerError,
        FaultKind::Drop,
        FaultKind::Truncate,
    ];
    let fault = Fault {
        path: Some(path.to_owned()),
        method: Some(method.to_owned()),
        after_effect: true,
        ..Fault::new(*dice.pick(&kinds))
    };
    Fault {
        share: *dice.pick(&[None, None, Some(0.5)]),
        ..fault
    }
}

/// Sign-in data that is refused or wrong.
fn sense(dice: &mut Dice) -> Fault {
    if dice.per_mille(200) {
        return often(dice, Fault::new(FaultKind::Premium));
    }
    if dice.per_mille(100) {
        return Fault::new(FaultKind::ActivityCap);
    }
    let encodings = [
        RowFault::Absent,
        RowFault::Null,
        RowFault::MinDate,
        RowFault::Empty,
        RowFault::Stale,
    ];
    Fault {
        encoding: *dice.pick(&encodings),
        rows: *dice.pick(&[None, Some(0.5), Some(0.1), Some(0.02)]),
        days: *dice.pick(&[None, Some(2), Some(100)]),
        ..Fault::new(FaultKind::SignInActivity)
    }
}

/// Listings with too little, too much, or things of yesterday.
fn listing(dice: &mut Dice) -> Fault {
    let kinds = [
        FaultKind::MissingRows,
        FaultKind::DuplicateRows,
        FaultKind::ReorderedRows,
        FaultKind::Fractions,
        FaultKind::StaleRead,
    ];
    Fault {
        rows: *dice.pick(&[None, Some(0.3), Some(0.05), Some(0.01)]),
        digits: *dice.pick(&[None, Some(0), Some(3)]),
        ..Fault::new(*dice.pick(&kinds))
    }
}

/// Pages that lead nowhere.
fn paging(dice: &mut Dice) -> Fault {
    let kinds = [
        FaultKind::EmptyPage,
        FaultKind::ExpiredPage,
        FaultKind::RetriedPage,
        FaultKind::Resync,
    ];
    Fault {
        next: Some(1 + u32::from(dice.per_mille(300))),
        ..Fault::new(*dice.pick(&kinds))
    }
}

/// Tokens that are refused, or not given out.
fn token(dice: &mut Dice) -> Fault {
    if dice.per_mille(500) {
        return Fault::new(FaultKind::ClaimsChallenge);
    }
    let path = format!("/{}/oauth2", innkeeper_simulator::DEFAULT_TENANT_ID);
    let fault = Fault {
        path: Some(path),
        ..Fault::new(*dice.pick(&[FaultKind::Unavailable, FaultKind::Drop, FaultKind::Truncate]))
    };
    often(dice, fault)
}

/// How many requests are befallen: a few, which trying again gets over; some of all; or every one.
fn often(dice: &mut Dice, fault: Fault) -> Fault {
    match dice.below(10) {
        0..=4 => Fault {
            next: Some(1 + u32::from(dice.per_mille(500))),
            skip: u32::from(dice.per_mille(500)),
            ..fault
        },
        5..=7 => Fault {
            share: Some(*dice.pick(&[0.05, 0.3, 0.6])),
            ..fault
        },
        _ => fault,
    }
}

fn setting(dice: &mut Dice) -> Trouble {
    let (name, value, customary) = match dice.below(4) {
        0 => {
            let taken = *dice.pick(DEFAULT_PERMISSIONS);
            let left: Vec<&str> = DEFAULT_PERMISSIONS
                .iter()
                .copied()
                .filter(|name| *name != taken)
                .collect();
            (
                "permissions",
                json!({ "roles": left, "keep_tokens": dice.per_mille(300) }),
                json!({ "roles": DEFAULT_PERMISSIONS }),
            )
        }
        1 => (
            "license",
            json!({ "licensed": false }),
            json!({ "licensed": true }),
        ),
        2 => {
            let seconds = *dice.pick(&[-86_400, -3_600, -200, -20, 20, 200, 3_600, 86_400]);
            (
                "date-skew",
                json!({ "seconds": seconds }),
                json!({ "seconds": 0 }),
            )
        }
        _ => (
            "delta",
            json!({ "page": 1 + dice.below(5), "members": 1 + dice.below(5), "duplicates": dice.per_mille(500), "replays": dice.per_mille(500) }),
            json!({}),
        ),
    };
    Trouble::Setting {
        name,
        value,
        customary,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_troubles_and_a_year_has_them_all() {
        let shown = |seed| -> String {
            let days = (0..365).map(|day| format!("{:?}", of_day(seed, day)));
            days.collect()
        };
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
        let year = shown(1) + &shown(2);
        for word in [
            "Throttle",
            "Unavailable",
            "ServerError",
            "Drop",
            "Truncate",
            "Concurrency",
            "Hold",
            "Latency",
            "SlowBody",
            "ErrorShape",
            "ThrottledBatch",
            "SignInActivity",
            "Premium",
            "ActivityCap",
            "MissingRows",
            "DuplicateRows",
            "ReorderedRows",
            "Fractions",
            "StaleRead",
            "EmptyPage",
            "ExpiredPage",
            "RetriedPage",
            "Resync",
            "ClaimsChallenge",
            "Absent",
            "Null",
            "MinDate",
            "Empty",
            "Stale",
            "permissions",
            "license",
            "date-skew",
            "delta",
            "after_effect: true",
        ] {
            assert!(year.contains(word), "{word}");
        }
    }
}
