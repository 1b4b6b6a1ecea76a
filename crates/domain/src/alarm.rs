//! Alarms: what an operator has to hear without asking, above all that Innkeeper has fallen silent.
//!
//! Pure judgement over what the store remembers. Invariant: an alarm says what was counted against which bound, so that
//! nobody has to look up why it was raised; when it is told, and when told again, is the business of [`telling`].

mod judge;
pub mod telling;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::acceptance::count;
use crate::ids::PlanId;
use crate::observation::{Doubt, Observation};

/// Something that an operator has to hear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "alarm", rename_all = "kebab-case")]
pub enum Alarm {
    /// No cycle was complete and healthy for too long.
    Silent {
        /// The last one, or when Innkeeper began.
        since: DateTime<Utc>,
        /// Whole hours that have passed since.
        hours: i64,
        /// There was one at all.
        ever: bool,
    },
    /// The newest observation cannot be believed.
    Unhealthy {
        /// Why, with the numbers.
        doubts: Vec<Doubt>,
    },
    /// Fewer guests than were known to be there.
    FewerGuests {
        /// Read.
        guests: u64,
        /// Known before.
        before: u64,
    },
    /// Steps are due, and for several cycles not one was carried out.
    NothingDone {
        /// Steps that are due now.
        due: u64,
        /// For so many cycles.
        cycles: u32,
    },
    /// What is due and has to be put off grows.
    BacklogGrows {
        /// So many cycles ago.
        cycles: u32,
        /// Steps then.
        from: u64,
        /// Steps now.
        to: u64,
    },
    /// The certificate or the client secret ends.
    CredentialEnds {
        /// When.
        at: DateTime<Utc>,
        /// Whole days that are left; 0 or less once it has ended.
        days: i64,
        /// So close that it is told anew.
        soon: bool,
        /// Several secrets may be the one in use, and this is the first of them to end.
        #[serde(default)]
        first_of_several: bool,
    },
    /// A plan waits for a person.
    PlanWaits {
        /// Which.
        plan: PlanId,
        /// Its steps that wait.
        steps: u64,
    },
    /// A changed policy, or a new version of deciding, waits for a person.
    PolicyWaits(WaitingPolicy),
    /// Guests whose accounts others brought back again and again are left alone.
    LeftAlone {
        /// How many.
        guests: u64,
    },
}

impl Alarm {
    /// What it is about: of each kind a tenant has one alarm at most.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Silent { .. } => Kind::Silent,
            Self::Unhealthy { .. } => Kind::Unhealthy,
            Self::FewerGuests { .. } => Kind::FewerGuests,
            Self::NothingDone { .. } => Kind::NothingDone,
            Self::BacklogGrows { .. } => Kind::BacklogGrows,
            Self::CredentialEnds { .. } => Kind::CredentialEnds,
            Self::PlanWaits { .. } => Kind::PlanWaits,
            Self::PolicyWaits(_) => Kind::PolicyWaits,
            Self::LeftAlone { .. } => Kind::LeftAlone,
        }
    }

    /// One that has become graver is told at once.
    #[must_use]
    pub fn gravity(&self) -> u8 {
        match self {
            Self::CredentialEnds { days, soon, .. } => u8::from(*soon) + u8::from(*days <= 0),
            Self::PolicyWaits(waiting) => u8::from(waiting.held),
            Self::Silent { .. }
            | Self::Unhealthy { .. }
            | Self::FewerGuests { .. }
            | Self::NothingDone { .. }
            | Self::BacklogGrows { .. }
            | Self::PlanWaits { .. }
            | Self::LeftAlone { .. } => 0,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Silent { .. } => {
                "see that the daemon runs, and what its log says; `innkeeper doctor` finds most causes"
            }
            Self::Unhealthy { .. } => {
                "nothing is taken from any guest until an observation can be believed again; `innkeeper doctor` finds most causes"
            }
            Self::FewerGuests { .. } => {
                "find out who removed them, or whether the application has lost sight of a part of the directory"
            }
            Self::NothingDone { .. } => {
                "`innkeeper plan` says what keeps the steps from being carried out"
            }
            Self::BacklogGrows { .. } => {
                "the caps of the policy let less through than comes due; `innkeeper plan` says how long it will take"
            }
            Self::CredentialEnds { .. } => {
                "renew it in the app registration and in the configuration; from its end on every cycle fails"
            }
            Self::PlanWaits { .. } => {
                "look at it with `innkeeper plans show`, then `innkeeper plans approve` or `innkeeper plans reject`"
            }
            Self::PolicyWaits(_) => {
                "`innkeeper policy accept` shows whom it affects; accept it with `innkeeper policy accept --yes --reason TEXT`, or put the policy back as it was"
            }
            Self::LeftAlone { .. } => {
                "`innkeeper guests list --verdict unknown` names them; write a protection, or take the accounts away by hand"
            }
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent { since, hours, ever } => {
                let since = since.format("%Y-%m-%d %H:%M UTC");
                if *ever {
                    write!(f, "no healthy cycle for {hours} hours, since {since}")
                } else {
                    write!(
                        f,
                        "no healthy cycle yet, {hours} hours after the start at {since}"
                    )
                }
            }
            Self::Unhealthy { doubts } => {
                let doubts: Vec<String> = doubts.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "the observation cannot be believed: {}",
                    doubts.join("; ")
                )
            }
            Self::FewerGuests { guests, before } => {
                write!(
                    f,
                    "{guests} guests were read where {before} were known to be there"
                )
            }
            Self::NothingDone { due, cycles } => {
                write!(
                    f,
                    "{due} steps are due, and for {cycles} cycles not one was carried out"
                )
            }
            Self::BacklogGrows { cycles, from, to } => {
                write!(
                    f,
                    "the backlog grew from {from} to {to} steps within {cycles} cycles"
                )
            }
            Self::CredentialEnds {
                at,
                days,
                soon: _,
                first_of_several,
            } => {
                let day = at.format("%Y-%m-%d");
                if *days > 0 {
                    write!(
                        f,
                        "the certificate or client secret ends on {day}, in {days} days"
                    )?;
                } else {
                    write!(
                        f,
                        "the certificate or client secret ends, or has ended, on {day}"
                    )?;
                }
                if *first_of_several {
                    write!(
                        f,
                        "; which of several secrets is in use cannot be told, and this is the first of them to end"
                    )?;
                }
                Ok(())
            }
            Self::PlanWaits { plan, steps } => {
                write!(f, "{steps} steps of the plan {plan} wait for a person")
            }
            Self::PolicyWaits(waiting) => waiting.fmt(f),
            Self::LeftAlone { guests } => {
                write!(
                    f,
                    "{guests} guests whose accounts somebody keeps bringing back are left alone"
                )
            }
        }
    }
}

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Alarm::Silent`].
    Silent,
    /// [`Alarm::Unhealthy`].
    Unhealthy,
    /// [`Alarm::FewerGuests`].
    FewerGuests,
    /// [`Alarm::NothingDone`].
    NothingDone,
    /// [`Alarm::BacklogGrows`].
    BacklogGrows,
    /// [`Alarm::CredentialEnds`].
    CredentialEnds,
    /// [`Alarm::PlanWaits`].
    PlanWaits,
    /// [`Alarm::PolicyWaits`].
    PolicyWaits,
    /// [`Alarm::LeftAlone`].
    LeftAlone,
}

impl Kind {
    /// All of them, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::Silent,
        Self::Unhealthy,
        Self::FewerGuests,
        Self::NothingDone,
        Self::BacklogGrows,
        Self::CredentialEnds,
        Self::PlanWaits,
        Self::PolicyWaits,
        Self::LeftAlone,
    ];

    /// Its word, as used in the store, in metrics and in what programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Unhealthy => "unhealthy",
            Self::FewerGuests => "fewer-guests",
            Self::NothingDone => "nothing-done",
            Self::BacklogGrows => "backlog-grows",
            Self::CredentialEnds => "credential-ends",
            Self::PlanWaits => "plan-waits",
            Self::PolicyWaits => "policy-waits",
            Self::LeftAlone => "left-alone",
        }
    }
}

/// From where on something is worth an alarm.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Without a healthy cycle for that long.
    pub silent: TimeDelta,
    /// So many per cent fewer guests,
    pub fewer_percent: u32,
    /// and at least so many fewer.
    pub fewer_least: u32,
    /// So many cycles in a row with nothing done of what is due.
    pub idle_cycles: u32,
    /// Over so many cycles the backlog has grown and never fallen.
    pub growing_cycles: u32,
    /// So many days before the credential ends,
    pub credential_days: u32,
    /// and again so many days before.
    pub credential_days_again: u32,
}

/// How one cycle ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleEnd {
    /// When.
    pub at: DateTime<Utc>,
    /// How.
    pub how: Ending,
}

/// How a cycle ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// It failed.
    Failed,
    /// It came to its end.
    Complete {
        /// Its observation could be believed.
        healthy: bool,
        /// What was due and done; `None` where the mode lets nothing be done.
        work: Option<Work>,
        /// Guests that are left alone, since others keep bringing them back.
        left_alone: u64,
        /// The plan that waits for a person, and how many of its steps.
        waiting: Option<(PlanId, u64)>,
    },
}

/// What was due in a cycle and what came of it. Flags, what a person rejected and what waits for a person are not
/// counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Steps that were due.
    pub due: u64,
    /// Steps that were carried out.
    pub done: u64,
    /// Steps that the caps put off.
    pub left: u64,
}

impl Ending {
    /// It was complete, and its observation could be believed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        match self {
            Self::Failed => false,
            Self::Complete { healthy, .. } => *healthy,
        }
    }
}

/// What alarms are judged by.
#[derive(Clone, Debug)]
pub struct Signs {
    /// When Innkeeper began to look after the tenant.
    pub began: DateTime<Utc>,
    /// The end of the last healthy cycle.
    pub last_healthy: Option<DateTime<Utc>>,
    /// The newest complete observation.
    pub observation: Option<Observation>,
    /// The newest cycles, the newest first.
    pub cycles: Vec<CycleEnd>,
    /// When the credential ends, where that is known by the certificate or the configuration. When the client secret does
    /// is known from the observation, where Entra told it.
    pub credential_ends: Option<DateTime<Utc>>,
    /// The policy that waits for a person.
    pub waiting: Option<WaitingPolicy>,
}

/// A policy that waits for a person to accept it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingPolicy {
    /// Its hash.
    pub hash: String,
    /// How many guests it newly affects.
    pub affected: u64,
    /// How many others edits before it did, since a person accepted a policy last.
    pub before: u64,
    /// How many may be without a person.
    pub allowed: u64,
    /// No other policy decides until then, so that nothing is taken away.
    pub held: bool,
}

impl fmt::Display for WaitingPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hash,
            affected,
            before,
            allowed,
            held,
        } = self;
        let until_then = if *held {
            "nothing is taken away"
        } else {
            "the policy accepted last decides"
        };
        let count = count(*affected, *before, *allowed);
        write!(
            f,
            "the policy {hash} waits to be accepted: {count}; until then {until_then}"
        )
    }
}
