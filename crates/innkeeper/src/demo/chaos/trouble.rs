//! What goes wrong on one day of chaos, drawn by the seed.
//!
//! Most of it is over the next day. Now and then something stays wrong for weeks: longer than the waits of the policy, so
//! that what is concluded from it would come to be carried out.
//!
//! Invariant: the same seed and day give the same troubles.

use innkeeper_simulator::{
    BatchAnswers, DEFAULT_PERMISSIONS, Dice, ErrorShape, Fault, FaultKind, Hostility, Moment,
    RowFault,
};
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
    let fault = match dice.below(13) {
        0..=4 => transport(dice),
        5 | 6 => sense(dice),
        7 | 8 => listing(dice),
        9 => paging(dice),
        10 => token(dice),
        11 => strange(dice),
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
            when: *dice.pick(&[Moment::Before, Moment::After]),
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
        shape: *dice.pick(&[
            ErrorShape::EmptyCode,
            ErrorShape::Status,
            ErrorShape::UnknownError,
            ErrorShape::JsonMessage,
            ErrorShape::LowerCase,
        ]),
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
        FaultKind::ExpandRefused,
        FaultKind::ExpandIgnored,
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

/// Answers that no Graph should give, and a log that has stopped.
fn strange(dice: &mut Dice) -> Fault {
    if dice.per_mille(350) {
        return Fault {
            days: *dice.pick(&[None, Some(1), Some(3)]),
            ..Fault::new(FaultKind::StoppedLog)
        };
    }
    if dice.per_mille(500) {
        let fault = Fault {
            answers: *dice.pick(&[
                BatchAnswers::Missing,
                BatchAnswers::Twice,
                BatchAnswers::Unknown,
                BatchAnswers::Bodiless,
            ]),
            ..Fault::new(FaultKind::BatchAnswers)
        };
        return often(dice, fault);
    }
    // It costs time, and whoever gives such an answer once is not asked again.
    Fault {
        answer: *dice.pick(&[
            Hostility::Endless,
            Hostility::Huge,
            Hostility::Deep,
            Hostility::Redirect,
            Hostility::Headers,
            Hostility::LongText,
            Hostility::Nul,
            Hostility::Sponsors,
        ]),
        path: dice
            .pick(&[Some("/users"), Some("/users"), None])
            .map(str::to_owned),
        next: Some(1),
        ..Fault::new(FaultKind::Hostile)
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
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// How many kinds of fault there are.
    const KINDS: usize = 29;

    /// A kind's place among all. A new kind needs one, and to be drawn above.
    fn place(kind: FaultKind) -> usize {
        match kind {
            FaultKind::Throttle => 0,
            FaultKind::Unavailable => 1,
            FaultKind::Drop => 2,
            FaultKind::Truncate => 3,
            FaultKind::Hold => 4,
            FaultKind::SignInActivity => 5,
            FaultKind::ServerError => 6,
            FaultKind::Premium => 7,
            FaultKind::Concurrency => 8,
            FaultKind::ExpiredPage => 9,
            FaultKind::ClaimsChallenge => 10,
            FaultKind::Resync => 11,
            FaultKind::EmptyPage => 12,
            FaultKind::MissingRows => 13,
            FaultKind::ActivityCap => 14,
            FaultKind::RetriedPage => 15,
            FaultKind::DuplicateRows => 16,
            FaultKind::ReorderedRows => 17,
            FaultKind::Fractions => 18,
            FaultKind::ErrorShape => 19,
            FaultKind::StaleRead => 20,
            FaultKind::ThrottledBatch => 21,
            FaultKind::Hostile => 22,
            FaultKind::BatchAnswers => 23,
            FaultKind::StoppedLog => 24,
            FaultKind::SlowBody => 25,
            FaultKind::Latency => 26,
            FaultKind::ExpandRefused => 27,
            FaultKind::ExpandIgnored => 28,
        }
    }

    /// The same of what a fault can do in more than one way.
    fn ways(fault: &Fault) -> Vec<(&'static str, usize)> {
        let encoding = match fault.encoding {
            RowFault::Absent => 0,
            RowFault::Null => 1,
            RowFault::MinDate => 2,
            RowFault::Empty => 3,
            RowFault::Stale => 4,
        };
        let shape = match fault.shape {
            ErrorShape::EmptyCode => 0,
            ErrorShape::Status => 1,
            ErrorShape::UnknownError => 2,
            ErrorShape::JsonMessage => 3,
            ErrorShape::LowerCase => 4,
        };
        let answers = match fault.answers {
            BatchAnswers::Missing => 0,
            BatchAnswers::Twice => 1,
            BatchAnswers::Unknown => 2,
            BatchAnswers::Bodiless => 3,
        };
        let hostility = match fault.answer {
            Hostility::Endless => 0,
            Hostility::Huge => 1,
            Hostility::Deep => 2,
            Hostility::Redirect => 3,
            Hostility::Headers => 4,
            Hostility::LongText => 5,
            Hostility::Nul => 6,
            Hostility::Sponsors => 7,
        };
        let moment = match fault.when {
            Moment::Before => 0,
            Moment::After => 1,
        };
        vec![
            ("encoding", encoding),
            ("shape", shape),
            ("answers", answers),
            ("answer", hostility),
            ("when", moment),
        ]
    }

    fn faults(seed: u64, days: u32) -> Vec<Fault> {
        let troubles = (0..days).flat_map(|day| of_day(seed, day));
        let fault = |trouble| match trouble {
            Trouble::Fault(fault) => Some(*fault),
            Trouble::Setting { .. } => None,
        };
        troubles.filter_map(fault).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_troubles() {
        let shown = |seed| -> String {
            let days = (0..365).map(|day| format!("{:?}", of_day(seed, day)));
            days.collect()
        };
        assert_eq!(shown(1), shown(1));
        assert_ne!(shown(1), shown(2));
        for word in ["permissions", "license", "date-skew", "delta"] {
            assert!(shown(1).contains(word), "{word}");
        }
    }

    #[test]
    fn nothing_that_can_go_wrong_is_left_out_for_long() {
        let drawn: Vec<Fault> = (1..=4).flat_map(|seed| faults(seed, 365)).collect();
        let kinds: BTreeSet<usize> = drawn.iter().map(|fault| place(fault.kind)).collect();
        assert_eq!(kinds, (0..KINDS).collect());
        let mut all: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (what, way) in drawn.iter().flat_map(ways) {
            all.entry(what).or_default().insert(way);
        }
        let many = all.iter().map(|(what, ways)| (*what, ways.len()));
        let expected = [
            ("answer", 8),
            ("answers", 4),
            ("encoding", 5),
            ("shape", 5),
            ("when", 2),
        ];
        assert_eq!(many.collect::<Vec<_>>(), expected);
        assert!(drawn.iter().any(|fault| fault.after_effect));
    }
}
