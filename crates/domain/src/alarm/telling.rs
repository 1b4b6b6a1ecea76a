//! When an alarm is told: once when it is raised, again with restraint while it lasts, once when it is cleared.
//!
//! Invariants: on each channel nothing is told twice for the same reason; no channel hears that something is over of
//! which it never heard; and an alarm that comes and goes is told of no more often than one that stays.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Alarm;

/// By which an operator hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// A line of the log.
    Log,
    /// Mail to the operators.
    Mail,
    /// The operators' webhook.
    Webhook,
}

/// How soon an alarm that stays is told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// After the first telling.
    pub first: TimeDelta,
    /// After each other.
    pub later: TimeDelta,
}

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// It is raised.
    Raised,
    /// It is still there, or has become graver.
    Still,
    /// It is over.
    Cleared,
}

/// What a channel was told last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When it was last told that the alarm is there.
    pub at: DateTime<Utc>,
    /// How often, since it was raised.
    pub times: u32,
    gravity: u8,
    cleared: bool,
}

/// Whether an alarm is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It is.
    Raised {
        /// Since.
        since: DateTime<Utc>,
    },
    /// It was.
    Cleared {
        /// From.
        since: DateTime<Utc>,
        /// Until.
        at: DateTime<Utc>,
    },
}

/// An alarm as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// With the newest numbers.
    pub alarm: Alarm,
    /// Whether it is there.
    pub state: State,
    /// What each channel was told.
    pub told: BTreeMap<Channel, Told>,
}

impl Kept {
    /// One that is raised now.
    #[must_use]
    pub fn raised(alarm: Alarm, now: DateTime<Utc>) -> Self {
        Self {
            alarm,
            state: State::Raised { since: now },
            told: BTreeMap::new(),
        }
    }

    /// It is there.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        match self.state {
            State::Raised { .. } => true,
            State::Cleared { .. } => false,
        }
    }

    /// The same after another judgement: `alarm` is absent where there is nothing to be alarmed about any more.
    #[must_use]
    pub fn judged(self, alarm: Option<Alarm>, now: DateTime<Utc>) -> Self {
        let state = match (&alarm, self.state) {
            (Some(_), raised @ State::Raised { .. }) => raised,
            (Some(_), State::Cleared { .. }) => State::Raised { since: now },
            (None, State::Raised { since }) => State::Cleared { since, at: now },
            (None, cleared @ State::Cleared { .. }) => cleared,
        };
        Self {
            alarm: alarm.unwrap_or(self.alarm),
            state,
            told: self.told,
        }
    }

    /// What a channel is to be told now.
    #[must_use]
    pub fn due(&self, channel: Channel, pace: Pace, now: DateTime<Utc>) -> Option<Message> {
        let told = self.told.get(&channel);
        match (self.is_raised(), told) {
            (true, None) => Some(Message::Raised),
            (true, Some(told)) if told.cleared => {
                (now - told.at >= pace.first).then_some(Message::Raised)
            }
            (true, Some(told)) => {
                let after = if told.times <= 1 {
                    pace.first
                } else {
                    pace.later
                };
                let is_due = now - told.at >= after || self.alarm.gravity() > told.gravity;
                is_due.then_some(Message::Still)
            }
            (false, Some(told)) => (!told.cleared).then_some(Message::Cleared),
            (false, None) => None,
        }
    }

    /// The same after a channel was told.
    #[must_use]
    pub fn after(mut self, channel: Channel, message: Message, now: DateTime<Utc>) -> Self {
        let before = self.told.remove(&channel);
        let gravity = self.alarm.gravity();
        let told = match (message, before) {
            (Message::Cleared, Some(before)) => Told {
                cleared: true,
                ..before
            },
            (Message::Still, Some(before)) => Told {
                at: now,
                times: before.times + 1,
                gravity,
                cleared: false,
            },
            (Message::Raised, _) | (Message::Still, None) => Told {
                at: now,
                times: 1,
                gravity,
                cleared: false,
            },
            (Message::Cleared, None) => return self,
        };
        self.told.insert(channel, told);
        self
    }
}
