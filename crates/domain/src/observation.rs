//! One complete reading of a tenant, and what its worth is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::access::{Register, Told};
use crate::ids::{GroupId, ObservationId};
use crate::policy::{Eyes, exceeds};
use crate::watch::Watched;

/// A complete reading of a tenant. There is no value for an incomplete one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Derived from the tenant and the start.
    pub id: ObservationId,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When the last page was in.
    pub finished: DateTime<Utc>,
    /// What was read.
    pub counts: Counts,
    /// Whether it can be believed.
    pub health: Health,
    /// The watch after it.
    pub watched: Watched,
}

/// What one observation counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Only what changed since the observation before was read; what is not counted anew is as it was then.
    #[serde(default)]
    pub changes_only: bool,
    /// Guests read, or known to be there.
    pub guests: u64,
    /// What Graph's own `$count` said of the guests, when it said anything.
    pub counted: Option<u64>,
    /// Guests that were known to be in the directory before; `None` at the first observation.
    pub before: Option<u64>,
    /// Guests seen for the first time.
    pub new: u64,
    /// Guests that are no longer in the directory.
    pub gone: u64,
    /// Guests whose row came without the properties asked for.
    pub unreadable: u64,
    /// Guests that had a sign-in time before and lack it now.
    pub vanished: u64,
    /// Guests with a sign-in time older than the one remembered.
    pub regressed: u64,
    /// Guests with sign-in times in this reading.
    pub with_sign_ins: u64,
    /// The newest sign-in time of any guest.
    pub newest_sign_in: Option<DateTime<Utc>>,
    /// The newest entry of the tenant's sign-in log, whoever it is about; `None` where the log could not be read or had
    /// none.
    #[serde(default)]
    pub newest_log_entry: Option<DateTime<Utc>>,
    /// What the log says where the guests' sign-in times are all old; `None` where it was not asked or could not tell.
    #[serde(default)]
    pub silence: Option<Silence>,
    /// Guests whose sign-in the log showed before `signInActivity` did; `None` where the log could not be read.
    #[serde(default)]
    pub logged_in: Option<u64>,
    /// Pages on which the guests came, or what changed.
    #[serde(default)]
    pub pages: u64,
    /// Requests sent for it, retries among them; a batch counts once.
    #[serde(default)]
    pub requests: u64,
    /// Requests sent again.
    #[serde(default)]
    pub retries: u64,
    /// Answers that asked to slow down.
    #[serde(default)]
    pub throttled: u64,
    /// By how many seconds this machine's clock is ahead of Graph's, or behind it if less than zero. `None`: Graph did not
    /// say.
    #[serde(default)]
    pub clock_ahead: Option<i64>,
    /// The application permissions in the token; `None` where it could not be looked into.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
    /// How what takes a licence of its own could be read last. Sign-in times take one too: without it no observation is
    /// complete.
    #[serde(default)]
    pub registers: BTreeMap<Register, Told>,
    /// When the client secret ends, where the application may read itself; as last read.
    #[serde(default)]
    pub secret_ends: Option<SecretEnd>,
    /// Groups that the policy names and that could not be found, or not told apart, by their key.
    pub groups_missing: Vec<String>,
    /// Groups whose listing lacked many of those who were in it; their members are taken to be as they were.
    #[serde(default)]
    pub groups_emptied: Vec<Emptied>,
}

/// When the client secret ends, as Entra has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretEnd {
    /// When.
    pub at: DateTime<Utc>,
    /// It is told from all others; else it is the first to end of those that may be the one in use.
    pub is_certain: bool,
}

/// What the sign-in log says of guests whose sign-in times are all old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "silence", rename_all = "kebab-case")]
pub enum Silence {
    /// No guest signed in by the log either: they are silent.
    Confirmed,
    /// One did, and long enough ago for its sign-in times to tell.
    Refuted {
        /// When.
        signed_in: DateTime<Utc>,
    },
}

/// A group whose listing lacks many of those who were in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    /// Which.
    pub group: GroupId,
    /// Guests who were in it.
    pub before: u64,
    /// Of these, how many the listing lacks.
    pub lost: u64,
}

/// Whether an observation can be believed enough to take something away from a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Health {
    /// It can.
    Healthy,
    /// It cannot.
    Unhealthy {
        /// Each thing that is wrong with it.
        reasons: Vec<Doubt>,
    },
}

impl Health {
    /// Judges a reading that ended at a time by its counts and the policy's bounds.
    #[must_use]
    pub fn of(counts: &Counts, eyes: &Eyes, finished: DateTime<Utc>) -> Self {
        let reasons = Doubt::all(counts, eyes, finished);
        if reasons.is_empty() {
            Self::Healthy
        } else {
            Self::Unhealthy { reasons }
        }
    }

    /// Nothing speaks against believing it.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        match self {
            Self::Healthy => true,
            Self::Unhealthy { .. } => false,
        }
    }
}

/// A reason not to believe an observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "doubt", rename_all = "kebab-case")]
pub enum Doubt {
    /// No guest was read.
    #[error("no guest was read; an empty answer is more likely a fault than an empty tenant")]
    Empty,
    /// Far fewer guests than last time.
    #[error("{guests} guests were read where {before} were known to be there")]
    Shrunk {
        /// Now.
        guests: u64,
        /// Then.
        before: u64,
    },
    /// Graph's own count is another.
    #[error("{guests} guests were read where Graph counts {counted}")]
    CountDiffers {
        /// Read.
        guests: u64,
        /// Counted by Graph.
        counted: u64,
    },
    /// Many guests lost their sign-in times, or had them set back.
    #[error("the sign-in times of {vanished} guests vanished and of {regressed} went backwards")]
    SignInsRegressed {
        /// Vanished.
        vanished: u64,
        /// Went backwards.
        regressed: u64,
    },
    /// Not one guest has a sign-in time.
    #[error(
        "not one of {guests} guests has a sign-in time; a licence or the permission AuditLog.Read.All is likely missing"
    )]
    NoSignIns {
        /// Read.
        guests: u64,
    },
    /// Many rows came without what was asked for.
    #[error("{unreadable} guests came without the properties asked for")]
    Unreadable {
        /// How many.
        unreadable: u64,
    },
    /// No guest has signed in for longer than is usual: the sign-in times have stopped.
    #[error("the newest sign-in of {with_sign_ins} guests is {hours} hours old ({newest})")]
    Stale {
        /// The newest.
        newest: DateTime<Utc>,
        /// How old it was.
        hours: i64,
        /// Guests with sign-in times.
        with_sign_ins: u64,
    },
    /// Nobody at all has signed in for longer than is usual: the log has stopped.
    #[error("the newest entry of the tenant's sign-in log is {hours} hours old ({newest})")]
    LogStale {
        /// The newest.
        newest: DateTime<Utc>,
        /// How old it was.
        hours: i64,
    },
    /// The sign-in log has what the guests' sign-in times lack: these have stopped.
    #[error(
        "a guest signed in at {signed_in} by the sign-in log, and the newest sign-in time of any guest is {}",
        newest.map_or_else(|| "none".to_owned(), |at| at.to_string())
    )]
    SignInsBehind {
        /// By the log.
        signed_in: DateTime<Utc>,
        /// By the guests' sign-in times.
        newest: Option<DateTime<Utc>>,
    },
    /// Many answers could only be had by asking again.
    #[error("{retries} of {requests} requests had to be sent again")]
    Troubled {
        /// Sent again, but for those that were to slow down.
        retries: u64,
        /// Sent.
        requests: u64,
    },
    /// A group's listing lacks many of those who were in it.
    #[error("the listing of group {group} lacks {lost} of {before} guests who were in it")]
    MembersLost {
        /// Which.
        group: GroupId,
        /// Before.
        before: u64,
        /// Missing now.
        lost: u64,
    },
}

/// With fewer requests sent again than this a short reading over a bad line is no sign of anything.
const FEW_RETRIES: u64 = 20;

impl Doubt {
    #[expect(clippy::cast_precision_loss, reason = "a share of a count")]
    fn all(counts: &Counts, eyes: &Eyes, finished: DateTime<Utc>) -> Vec<Self> {
        let Eyes {
            shrink_percent,
            count_percent,
            regressed_percent,
            unreadable_percent,
            retry_percent,
            // Judged where the listing is read, so that it is not taken in.
            members_percent: _,
            newest_sign_in: oldest_news,
            newest_sign_in_guests,
            newest_log_entry: oldest_entry,
            // Judged before anything is read, or while it is.
            clock_skew: _,
            surplus_percent: _,
            longest_reading: _,
        } = *eyes;
        let Counts {
            changes_only,
            guests,
            counted,
            before,
            new: _,
            gone: _,
            unreadable,
            vanished,
            regressed,
            with_sign_ins,
            newest_sign_in,
            newest_log_entry,
            silence,
            logged_in: _,
            pages: _,
            requests,
            retries,
            throttled,
            clock_ahead: _,
            permissions: _,
            registers: _,
            secret_ends: _,
            groups_missing: _,
            groups_emptied,
        } = counts.clone();
        let mut doubts = Vec::new();
        if guests == 0 {
            doubts.push(Self::Empty);
        }
        if let Some(before) = before
            && (guests as f64) < before as f64 * (1.0 - shrink_percent / 100.0)
        {
            doubts.push(Self::Shrunk { guests, before });
        }
        if let Some(counted) = counted
            && exceeds(counted.abs_diff(guests), guests.max(counted), count_percent)
            && counted.abs_diff(guests) > 1
        {
            doubts.push(Self::CountDiffers { guests, counted });
        }
        if exceeds(vanished + regressed, guests, regressed_percent) {
            doubts.push(Self::SignInsRegressed {
                vanished,
                regressed,
            });
        }
        if guests > 0 && with_sign_ins == 0 {
            doubts.push(Self::NoSignIns { guests });
        }
        if exceeds(unreadable, guests, unreadable_percent) {
            doubts.push(Self::Unreadable { unreadable });
        }
        if let Some(newest) = newest_log_entry
            && finished - newest > oldest_entry
        {
            doubts.push(Self::LogStale {
                newest,
                hours: (finished - newest).num_hours(),
            });
        }
        // Changes do not tell of sign-ins; what is known of them is as old as the last whole reading.
        if !changes_only {
            match (silence, newest_sign_in) {
                (Some(Silence::Confirmed), _) | (None, None) => {}
                (Some(Silence::Refuted { signed_in }), newest) => {
                    doubts.push(Self::SignInsBehind { signed_in, newest });
                }
                (None, Some(newest)) => {
                    let is_old = finished - newest > oldest_news;
                    if is_old && with_sign_ins >= newest_sign_in_guests {
                        doubts.push(Self::Stale {
                            newest,
                            hours: (finished - newest).num_hours(),
                            with_sign_ins,
                        });
                    }
                }
            }
        }
        let again = retries.saturating_sub(throttled);
        if again >= FEW_RETRIES && exceeds(again, requests, retry_percent) {
            doubts.push(Self::Troubled {
                retries: again,
                requests,
            });
        }
        doubts.extend(groups_emptied.into_iter().map(
            |Emptied {
                 group,
                 before,
                 lost,
             }| Self::MembersLost {
                group,
                before,
                lost,
            },
        ));
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Counts {
        Counts {
            guests: 1_000,
            counted: Some(1_001),
            before: Some(990),
            with_sign_ins: 700,
            ..Counts::default()
        }
    }

    fn noon() -> DateTime<Utc> {
        "2027-01-04T12:00:00Z".parse().expect("a time")
    }

    fn doubts(counts: &Counts) -> Vec<String> {
        Doubt::all(counts, &Eyes::default(), noon())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_usual_reading_is_healthy_and_so_is_a_tenth_fewer_guests() {
        assert_eq!(
            Health::of(&usual(), &Eyes::default(), noon()),
            Health::Healthy
        );
        assert_eq!(
            doubts(&Counts {
                before: Some(1_111),
                ..usual()
            }),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_fault_of_the_eyes_is_named_with_its_numbers() {
        insta::assert_debug_snapshot!(doubts(&Counts { before: Some(2_000), ..usual() }), @r#"
        [
            "1000 guests were read where 2000 were known to be there",
        ]
        "#);
        insta::assert_debug_snapshot!(doubts(&Counts { guests: 0, counted: Some(7), before: Some(7), ..Counts::default() }), @r#"
        [
            "no guest was read; an empty answer is more likely a fault than an empty tenant",
            "0 guests were read where 7 were known to be there",
            "0 guests were read where Graph counts 7",
        ]
        "#);
        insta::assert_debug_snapshot!(doubts(&Counts { vanished: 9, regressed: 2, with_sign_ins: 0, unreadable: 11, ..usual() }), @r#"
        [
            "the sign-in times of 9 guests vanished and of 2 went backwards",
            "not one of 1000 guests has a sign-in time; a licence or the permission AuditLog.Read.All is likely missing",
            "11 guests came without the properties asked for",
        ]
        "#);
    }

    #[test]
    fn sign_ins_that_stopped_long_ago_are_doubted_only_where_enough_guests_sign_in() {
        let silent = |hours: i64, with_sign_ins| {
            doubts(&Counts {
                newest_sign_in: Some(noon() - chrono::TimeDelta::hours(hours)),
                with_sign_ins,
                ..usual()
            })
        };
        assert_eq!(silent(72, 700), Vec::<String>::new());
        assert_eq!(
            silent(73, 700),
            ["the newest sign-in of 700 guests is 73 hours old (2027-01-01 11:00:00 UTC)"]
        );
        assert_eq!(silent(10_000, 199), Vec::<String>::new());
    }

    #[test]
    fn the_log_says_whether_guests_are_silent_or_their_sign_in_times_have_stopped() {
        let hours = chrono::TimeDelta::hours;
        let old = Counts {
            newest_sign_in: Some(noon() - hours(1_000)),
            newest_log_entry: Some(noon() - hours(1)),
            ..usual()
        };
        let judged = |silence, counts: &Counts| {
            doubts(&Counts {
                silence,
                ..counts.clone()
            })
        };
        assert_eq!(judged(Some(Silence::Confirmed), &old), Vec::<String>::new());
        let refuted = Some(Silence::Refuted {
            signed_in: noon() - hours(60),
        });
        let behind = [
            "a guest signed in at 2027-01-02 00:00:00 UTC by the sign-in log, and the newest sign-in time of any guest is 2026-11-23 20:00:00 UTC",
        ];
        assert_eq!(judged(refuted, &old), behind);
        let few = Counts {
            with_sign_ins: 1,
            ..old.clone()
        };
        assert_eq!(judged(refuted, &few), behind, "few guests are judged too");
        assert_eq!(judged(None, &few), Vec::<String>::new());
        assert_eq!(judged(None, &old).len(), 1, "without the log as before");
        let changes = Counts {
            changes_only: true,
            ..old
        };
        assert_eq!(judged(refuted, &changes), Vec::<String>::new());
    }

    #[test]
    fn a_log_without_a_new_entry_for_a_week_is_doubted_however_few_the_guests() {
        let silent = |hours: i64, changes_only| {
            doubts(&Counts {
                newest_log_entry: Some(noon() - chrono::TimeDelta::hours(hours)),
                with_sign_ins: 1,
                changes_only,
                ..usual()
            })
        };
        assert_eq!(silent(168, false), Vec::<String>::new());
        for changes_only in [false, true] {
            assert_eq!(
                silent(169, changes_only),
                [
                    "the newest entry of the tenant's sign-in log is 169 hours old (2026-12-28 11:00:00 UTC)"
                ]
            );
        }
    }

    #[test]
    fn answers_that_came_only_when_asked_again_are_doubted_but_not_those_that_asked_to_slow_down() {
        let asked = |requests, retries, throttled| {
            doubts(&Counts {
                requests,
                retries,
                throttled,
                ..usual()
            })
        };
        assert_eq!(asked(30, 19, 0), Vec::<String>::new());
        assert_eq!(asked(100, 80, 60), Vec::<String>::new());
        assert_eq!(
            asked(100, 51, 0),
            ["51 of 100 requests had to be sent again"]
        );
    }

    #[test]
    fn a_listing_that_lacks_many_members_is_doubted() {
        let eyes = Eyes::default();
        for (before, lost, expected) in [
            (10, 3, false),
            (4, 4, false),
            (10, 5, true),
            (100, 30, false),
            (100, 31, true),
        ] {
            assert_eq!(
                eyes.is_emptied(before, lost),
                expected,
                "{lost} of {before}"
            );
        }
        let group = GroupId(uuid::Uuid::nil());
        let emptied = Emptied {
            group,
            before: 10,
            lost: 5,
        };
        let counts = Counts {
            groups_emptied: vec![emptied],
            ..usual()
        };
        assert_eq!(
            doubts(&counts),
            [format!(
                "the listing of group {group} lacks 5 of 10 guests who were in it"
            )]
        );
    }
}
