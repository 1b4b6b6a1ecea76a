//! A case: one guest under one rule, from the first match until it closes.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{CaseId, GuestId, TenantId};
use crate::policy::{Action, RuleName, Stage};
use crate::verdict::Effect;
use crate::watch::Watched;

/// One guest under one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Derived from the tenant, the guest, the rule and the opening.
    pub id: CaseId,
    /// The guest.
    pub guest: GuestId,
    /// The rule.
    pub rule: RuleName,
    /// When the rule was first seen to hold.
    pub opened: DateTime<Utc>,
    /// The stages executed, in order.
    pub done: Vec<Action>,
    /// The watch when the last of them was executed, or when the case opened.
    pub since: Watched,
    /// Of the time since then, how much the rule could not be judged for this guest. It does not count.
    pub blind: TimeDelta,
    /// Until when nothing is done, because the last step's outcome is not known for certain.
    pub hold_until: Option<DateTime<Utc>>,
    /// The watch when a notice went out last that executed no stage.
    pub reminded: Option<Watched>,
}

impl Case {
    /// A case that opens now.
    #[must_use]
    pub fn open(
        tenant: TenantId,
        guest: GuestId,
        rule: &RuleName,
        now: DateTime<Utc>,
        watched: Watched,
    ) -> Self {
        let opened = now.timestamp_micros().to_be_bytes();
        Self {
            id: CaseId::derived(&[
                tenant.0.as_bytes(),
                guest.0.as_bytes(),
                rule.as_str().as_bytes(),
                &opened,
            ]),
            guest,
            rule: rule.clone(),
            opened: now,
            done: Vec::new(),
            since: watched,
            blind: TimeDelta::zero(),
            hold_until: None,
            reminded: None,
        }
    }

    /// The stage that comes next under `stages`, with its index; `None` after the last.
    ///
    /// A stage counts as executed only while the rule still begins with the very stages executed. After an edit
    /// of the policy the case goes on from where both agree, so that an edit can never skip a stage.
    #[must_use]
    pub fn next<'s>(&self, stages: &'s [Stage]) -> Option<(usize, &'s Stage)> {
        let agreed = self
            .done
            .iter()
            .zip(stages)
            .take_while(|(done, stage)| done.counts_as(stage.action))
            .count();
        stages.get(agreed).map(|stage| (agreed, stage))
    }

    /// How much of `stage`'s wait is left; zero or less when it is due.
    #[must_use]
    pub fn wait_left(&self, stage: &Stage, watched: Watched) -> TimeDelta {
        stage.wait - (watched - self.since - self.blind)
    }

    /// The case after an attempt whose outcome is not known: it rests until `until`.
    #[must_use]
    pub fn held(self, until: DateTime<Utc>) -> Self {
        Self {
            hold_until: Some(until),
            ..self
        }
    }

    /// The case after the stage at `index` was executed at `at`; `watched` is what the watch showed at `observed`.
    #[must_use]
    pub fn executed(
        mut self,
        index: usize,
        action: Action,
        at: DateTime<Utc>,
        observed: DateTime<Utc>,
        watched: Watched,
    ) -> Self {
        // The flag was set before, and only the directory did not have it yet: no wait begins anew.
        if action == Action::Mark
            && let Some(done @ Action::Flag) = self.done.get_mut(index)
        {
            *done = Action::Mark;
            return self;
        }
        self.done.truncate(index);
        self.done.push(action);
        self.since = watched + (at - observed).max(TimeDelta::zero());
        self.blind = TimeDelta::zero();
        self.hold_until = None;
        self
    }

    /// The case after what a step does was done; a notice that executes no stage leaves it where it is.
    #[must_use]
    pub fn after(
        self,
        effect: &Effect,
        index: usize,
        at: DateTime<Utc>,
        observed: DateTime<Utc>,
        watched: Watched,
    ) -> Self {
        match effect {
            Effect::Notify { notice, .. } if !notice.is_stage() => {
                self.reminded(at, observed, watched)
            }
            effect => match effect.action() {
                Some(action) => self.executed(index, action, at, observed, watched),
                None => self,
            },
        }
    }

    /// The case after a notice that executed no stage.
    #[must_use]
    pub fn reminded(self, at: DateTime<Utc>, observed: DateTime<Utc>, watched: Watched) -> Self {
        Self {
            reminded: Some(watched + (at - observed).max(TimeDelta::zero())),
            hold_until: None,
            ..self
        }
    }

    /// The stage executed last, under `stages`, with its index.
    #[must_use]
    pub fn last<'s>(&self, stages: &'s [Stage]) -> Option<(usize, &'s Stage)> {
        let next = self.next(stages).map_or(stages.len(), |(index, _)| index);
        let last = next.checked_sub(1)?;
        stages.get(last).map(|stage| (last, stage))
    }

    /// Whether a notice that is repeated every so often is due again.
    #[must_use]
    pub fn due_again(&self, repeat: TimeDelta, watched: Watched) -> bool {
        let last = self.reminded.map_or(self.since, |at| at.max(self.since));
        watched - last - self.blind >= repeat
    }

    /// The stages that were executed as flags although `stages` has them written into an attribute, each with its index.
    pub fn unmarked<'s>(&self, stages: &'s [Stage]) -> impl Iterator<Item = (usize, &'s Stage)> {
        let next = self.next(stages).map_or(stages.len(), |(index, _)| index);
        let executed = self.done.clone().into_iter().zip(stages).enumerate();
        executed.take(next).filter_map(|(index, (done, stage))| {
            let is_only_flagged = done == Action::Flag && stage.action == Action::Mark;
            is_only_flagged.then_some((index, stage))
        })
    }

    /// Whether what this case did includes `action`.
    #[must_use]
    pub fn has_done(&self, action: Action) -> bool {
        self.done.contains(&action)
    }
}

/// What becomes of a case, besides being acted on.
#[derive(Clone, Debug, PartialEq)]
pub enum CaseChange {
    /// A rule holds for the first time.
    Open {
        /// The case.
        case: Case,
        /// What made the rule hold.
        because: String,
    },
    /// The rule could not be judged: the time since the last cycle does not count.
    Blind {
        /// Which case.
        case: CaseId,
        /// How much time.
        span: TimeDelta,
    },
    /// It ends.
    Close {
        /// Which case.
        case: CaseId,
        /// Whose.
        guest: GuestId,
        /// Its rule.
        rule: RuleName,
        /// Why.
        closing: Closing,
    },
}

/// Why a case closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Closing {
    /// The rule's condition no longer holds.
    #[error("the rule no longer holds")]
    RuleNoLongerHolds,
    /// The guest is protected now.
    #[error("the guest is protected now: {by}")]
    Protected {
        /// By what.
        by: String,
    },
    /// The policy no longer has the rule.
    #[error("the policy no longer has the rule")]
    RuleRemoved,
    /// Somebody brought the account back after Innkeeper had disabled or deleted it.
    #[error("somebody brought the account back")]
    Revived,
    /// A person undid what the case had done.
    #[error("a person undid it: {reason}")]
    Undone {
        /// Why.
        reason: String,
    },
    /// The guest is no longer in the directory.
    #[error("the guest is no longer in the directory")]
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(action: Action, days: i64) -> Stage {
        Stage {
            wait: TimeDelta::days(days),
            ..Stage::of(action)
        }
    }

    fn case() -> Case {
        let rule = RuleName::from("inactive");
        Case::open(
            TenantId::derived(&[]),
            GuestId::derived(&[]),
            &rule,
            DateTime::UNIX_EPOCH,
            Watched(0),
        )
    }

    #[test]
    fn a_wait_runs_from_the_execution_of_the_stage_before_on_the_watch() {
        let stages = [stage(Action::Notify, 0), stage(Action::Disable, 14)];
        let fresh = case();
        assert_eq!(fresh.next(&stages), Some((0, &stages[0])));
        let observed = DateTime::UNIX_EPOCH + TimeDelta::days(60);
        let watched = Watched(60 * 86_400);
        let warned = fresh.executed(
            0,
            Action::Notify,
            observed + TimeDelta::hours(1),
            observed,
            watched,
        );
        let (_, next) = warned.next(&stages).expect("a stage is left");
        assert_eq!(
            warned.wait_left(next, watched),
            TimeDelta::days(14) + TimeDelta::hours(1)
        );
        let blind = Case {
            blind: TimeDelta::days(3),
            ..warned
        };
        assert_eq!(
            blind.wait_left(next, watched + TimeDelta::days(14)),
            TimeDelta::days(3) + TimeDelta::hours(1)
        );
    }

    #[test]
    fn an_edit_of_the_stages_never_skips_one() {
        let warned = Case {
            done: vec![Action::Notify, Action::Disable],
            ..case()
        };
        let edited = [stage(Action::Disable, 0), stage(Action::Delete, 0)];
        assert_eq!(warned.next(&edited), Some((0, &edited[0])));
        let inserted = [
            stage(Action::Notify, 0),
            stage(Action::Flag, 0),
            stage(Action::Disable, 0),
        ];
        assert_eq!(warned.next(&inserted), Some((1, &inserted[1])));
    }
}
