//! What a cycle concludes for one guest, always with a reason.

use std::fmt;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::access::Register;
use crate::approve::Purse;
use crate::case::Closing;
use crate::facts::FactName;
use crate::ids::{CaseId, GroupId, GuestId};
use crate::mark::Mark;
use crate::policy::{Action, Notice, Recipient, RuleName, in_days};
use crate::sponsor::Hop;

/// The conclusion for one guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The guest.
    pub guest: GuestId,
    /// The conclusion.
    pub conclusion: Conclusion,
}

/// Keep, Wait, Act, Protected or Unknown.
#[derive(Clone, Debug, PartialEq)]
pub enum Conclusion {
    /// No rule holds.
    Keep,
    /// A rule holds; its next stage is not due yet, or all are done.
    Wait(Waiting),
    /// A stage is due, or something of ours is to be undone. The mildest due step first.
    Act(Vec<Step>),
    /// A protection holds; no rule counts.
    Protected(Protector),
    /// Whether a rule or a protection holds cannot be told.
    Unknown(Uncertain),
}

/// A rule that holds, and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The rule.
    pub rule: RuleName,
    /// The stage that comes next, unless all are done.
    pub next: Option<NextStage>,
    /// What made the rule hold.
    pub because: String,
}

/// A stage that is not due yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextStage {
    /// Its index in the rule.
    pub stage: usize,
    /// What it will do.
    pub action: Action,
    /// The earliest that it can be due, if the tenant is watched without a gap.
    pub due: DateTime<Utc>,
    /// It waits because the outcome of the last attempt is not known.
    pub held: bool,
    /// It waits for this instant because somebody brought the account back.
    pub immune: Option<DateTime<Utc>>,
}

/// One thing to be done to one guest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// The guest.
    #[serde(rename = "guest_id")]
    pub guest: GuestId,
    /// The case that it belongs to.
    #[serde(rename = "case_id")]
    pub case: CaseId,
    /// The case's rule.
    pub rule: RuleName,
    /// The stage's index in the rule; of an undo the index of what is undone.
    pub stage: usize,
    /// What is done.
    pub effect: Effect,
    /// Since when it has been due.
    pub due: DateTime<Utc>,
    /// What made the rule hold, or no longer hold.
    pub because: String,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "kebab-case")]
pub enum Effect {
    /// Mark the guest in Innkeeper.
    Flag,
    /// Mark it in Innkeeper, and in an attribute.
    Mark {
        /// What is written.
        mark: Mark,
        /// It is marked in Innkeeper already: the stage was executed when nothing was written to the directory yet.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        flagged: bool,
    },
    /// Write to people.
    Notify {
        /// Whom.
        to: Vec<Recipient>,
        /// About what.
        #[serde(default, skip_serializing_if = "Notice::is_stage")]
        notice: Notice,
    },
    /// Make whoever the sponsor chain finds a sponsor; nothing where that is a sponsor already.
    AddSponsor,
    /// Have the invitation sent again.
    ResendInvitation,
    /// Take away the guest's own app role assignments, as they are found right before.
    RemoveAppRoles {
        /// Only of these applications; of all where none is named.
        of: Vec<String>,
    },
    /// Take the guest out of these groups.
    RemoveFromGroups {
        /// Which; empty when the guest is in none of them any more.
        groups: Vec<GroupId>,
    },
    /// Disable the account.
    Disable,
    /// Delete the account.
    Delete,
    /// Clear what Innkeeper wrote into an attribute and no open case requires any more.
    Unmark {
        /// What was written.
        mark: Mark,
        /// Why its case closes; `None` when it has closed before.
        closing: Option<Closing>,
    },
    /// Enable an account that Innkeeper had disabled; then the case closes.
    Enable {
        /// Why it closes.
        closing: Closing,
    },
}

impl Effect {
    /// The word used in tables, plans and the store.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        self.purse().as_str()
    }

    /// Takes something away from the guest.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        self.action().is_some_and(Action::is_destructive)
    }

    /// The action whose cap it counts against; `None` for an undo.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match self {
            Self::Flag => Some(Action::Flag),
            Self::Mark { .. } => Some(Action::Mark),
            Self::Notify { .. } => Some(Action::Notify),
            Self::AddSponsor => Some(Action::AddSponsor),
            Self::ResendInvitation => Some(Action::ResendInvitation),
            Self::RemoveAppRoles { .. } => Some(Action::RemoveAppRoles),
            Self::RemoveFromGroups { .. } => Some(Action::RemoveFromGroup),
            Self::Disable => Some(Action::Disable),
            Self::Delete => Some(Action::Delete),
            Self::Unmark { .. } | Self::Enable { .. } => None,
        }
    }

    /// The budget that it draws on.
    #[must_use]
    pub fn purse(&self) -> Purse {
        match self {
            Self::Flag => Purse::Action(Action::Flag),
            Self::Mark { .. } => Purse::Action(Action::Mark),
            Self::Notify { .. } => Purse::Action(Action::Notify),
            Self::AddSponsor => Purse::Action(Action::AddSponsor),
            Self::ResendInvitation => Purse::Action(Action::ResendInvitation),
            Self::RemoveAppRoles { .. } => Purse::Action(Action::RemoveAppRoles),
            Self::RemoveFromGroups { .. } => Purse::Action(Action::RemoveFromGroup),
            Self::Disable => Purse::Action(Action::Disable),
            Self::Delete => Purse::Action(Action::Delete),
            Self::Unmark { .. } => Purse::Unmark,
            Self::Enable { .. } => Purse::Enable,
        }
    }

    /// The guest is protected now, and what this gives back follows from that.
    #[must_use]
    pub fn follows_from_protection(&self) -> bool {
        let closing = match self {
            Self::Enable { closing } => Some(closing),
            Self::Unmark { mark: _, closing } => closing.as_ref(),
            Self::Flag
            | Self::Mark { .. }
            | Self::Notify { .. }
            | Self::AddSponsor
            | Self::ResendInvitation
            | Self::RemoveAppRoles { .. }
            | Self::RemoveFromGroups { .. }
            | Self::Disable
            | Self::Delete => None,
        };
        matches!(closing, Some(Closing::Protected { .. }))
    }
}

/// What protects a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protector {
    /// A protection of the policy.
    Policy(RuleName),
    /// It holds a directory role. No policy can lift this.
    DirectoryRole(String),
    /// It may activate a directory role. No policy can lift this.
    EligibleRole(String),
    /// It is mastered on-premises or in another tenant. No policy can lift this.
    Synced,
    /// It came by this access package, and entitlement management itself blocks and removes it. No policy can lift this.
    Governed(String),
    /// It is in a restricted management administrative unit, whose members no application changes. No policy can lift
    /// this.
    Restricted,
    /// Something would be taken from it that is due, and this access review that is running decides on it and will act by
    /// itself. No policy can lift this; it ends with the review.
    UnderReview(String),
    /// Its account would be taken, and it is the only owner of this group. No policy can lift this; it ends when the group
    /// has another owner.
    SoleOwner(String),
    /// It is in this group, which the policy names among `exempt_groups`.
    ExemptGroup(String),
    /// A person exempted it.
    Exempt {
        /// The last day (UTC).
        until: NaiveDate,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A person put it on hold. No policy can lift this.
    Hold {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Protector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(name) => write!(f, "protected by \"{name}\""),
            Self::DirectoryRole(role) => write!(
                f,
                "holds the directory role {role}, which Innkeeper never touches"
            ),
            Self::EligibleRole(role) => write!(
                f,
                "may activate the directory role {role}, so Innkeeper never touches it"
            ),
            Self::Governed(package) => write!(
                f,
                "came by the access package {package:?}: entitlement management blocks and removes it when its last one ends, and Innkeeper never touches it"
            ),
            Self::Synced => f.write_str(
                "is mastered elsewhere and synchronised here, which Innkeeper never touches",
            ),
            Self::ExemptGroup(group) => {
                write!(
                    f,
                    "is in the group {group:?}, whose members no rule touches"
                )
            }
            Self::Restricted => f.write_str(
                "is in a restricted management administrative unit, which Innkeeper never touches",
            ),
            Self::UnderReview(review) => write!(
                f,
                "the access review {review:?} is running, decides on the guest and acts by itself; until it is over Innkeeper takes nothing from it"
            ),
            Self::SoleOwner(group) => write!(
                f,
                "is the only owner of the group {group:?}: give the group another owner, until then the account stays"
            ),
            Self::Exempt { until, by, reason } => {
                write!(f, "exempt until {until}, by {by}: {reason}")
            }
            Self::Hold { by, reason } => write!(
                f,
                "on hold, by {by}: {reason}; nothing is done or undone until it is lifted"
            ),
        }
    }
}

/// A rule or protection that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncertain {
    /// Its name.
    pub rule: RuleName,
    /// It is a protection.
    pub protection: bool,
    /// What it is for want of.
    pub cause: Cause,
    /// The case's next stage, if one is open: it waits until the rule can be judged.
    pub stage: Option<usize>,
}

/// For want of what it cannot be told whether a guest should go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This fact is not known.
    Fact(FactName),
    /// A person's word: somebody has brought the account back so many times after Innkeeper had taken it.
    BroughtBack(u32),
    /// This register: before it was read, nothing is taken away.
    Unread(Register),
    /// This one of the policy's `exempt_groups`: before it is known who is in it, nothing is taken away.
    ExemptGroup(String),
    /// This hop of the sponsor chain: whoever comes after it becomes no sponsor before it is known.
    Succession(Hop),
}

impl Verdict {
    /// Whether somebody is about to become a sponsor.
    #[must_use]
    pub fn adds_sponsor(&self) -> bool {
        matches!(&self.conclusion, Conclusion::Act(steps) if steps.iter().any(|step| step.effect == Effect::AddSponsor))
    }

    /// The same without making anybody a sponsor, where this hop of the chain leaves in doubt who it should be.
    #[must_use]
    pub fn without_sponsor(self, doubt: &Hop) -> Self {
        let Conclusion::Act(steps) = self.conclusion else {
            return self;
        };
        let is_other = |step: &Step| step.effect != Effect::AddSponsor;
        let (others, left): (Vec<Step>, Vec<Step>) = steps.into_iter().partition(is_other);
        let conclusion = match left.into_iter().next() {
            Some(step) if others.is_empty() => Conclusion::Unknown(Uncertain {
                rule: step.rule,
                protection: false,
                cause: Cause::Succession(doubt.clone()),
                stage: Some(step.stage),
            }),
            Some(_) | None => Conclusion::Act(others),
        };
        Self { conclusion, ..self }
    }

    /// The word used in tables, plans and the store.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match &self.conclusion {
            Conclusion::Keep => "keep",
            Conclusion::Wait(_) => "wait",
            Conclusion::Act(_) => "act",
            Conclusion::Protected(_) => "protected",
            Conclusion::Unknown(_) => "unknown",
        }
    }

    /// The rule that decided, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&RuleName> {
        match &self.conclusion {
            Conclusion::Keep
            | Conclusion::Protected(
                Protector::DirectoryRole(_)
                | Protector::EligibleRole(_)
                | Protector::Synced
                | Protector::Governed(_)
                | Protector::Restricted
                | Protector::UnderReview(_)
                | Protector::SoleOwner(_)
                | Protector::ExemptGroup(_)
                | Protector::Exempt { .. }
                | Protector::Hold { .. },
            ) => None,
            Conclusion::Wait(waiting) => Some(&waiting.rule),
            Conclusion::Act(steps) => steps.first().map(|step| &step.rule),
            Conclusion::Protected(Protector::Policy(name)) => Some(name),
            Conclusion::Unknown(uncertain) => Some(&uncertain.rule),
        }
    }

    /// The index of the stage that comes next, if one does.
    #[must_use]
    pub fn stage(&self) -> Option<usize> {
        match &self.conclusion {
            Conclusion::Keep | Conclusion::Protected(_) => None,
            Conclusion::Wait(waiting) => waiting.next.map(|next| next.stage),
            Conclusion::Act(steps) => steps.first().map(|step| step.stage),
            Conclusion::Unknown(uncertain) => uncertain.stage,
        }
    }

    /// What comes next, in a word.
    #[must_use]
    pub fn action(&self) -> Option<&'static str> {
        match &self.conclusion {
            Conclusion::Keep | Conclusion::Protected(_) | Conclusion::Unknown(_) => None,
            Conclusion::Wait(waiting) => waiting.next.map(|next| next.action.as_str()),
            Conclusion::Act(steps) => steps.first().map(|step| step.effect.as_str()),
        }
    }

    /// When it is, or was, due.
    #[must_use]
    pub fn due(&self) -> Option<DateTime<Utc>> {
        match &self.conclusion {
            Conclusion::Keep | Conclusion::Protected(_) | Conclusion::Unknown(_) => None,
            Conclusion::Wait(waiting) => waiting.next.map(|next| next.due),
            Conclusion::Act(steps) => steps.first().map(|step| step.due),
        }
    }

    /// The reason, as a clause about the guest.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.conclusion {
            Conclusion::Keep => "no rule holds".to_owned(),
            Conclusion::Wait(Waiting {
                rule,
                next: None,
                because,
            }) => format!("\"{rule}\" holds ({because}); every stage is done"),
            Conclusion::Wait(Waiting {
                rule,
                next: Some(next),
                because,
            }) => {
                let NextStage {
                    action,
                    due,
                    held,
                    immune,
                    stage: _,
                } = next;
                let on = date(*due);
                let held = if *held {
                    "; held because the outcome of the last attempt is not known"
                } else {
                    ""
                };
                let immune = immune.map_or_else(String::new, |until| {
                    format!(
                        "; immune until {} because somebody brought the account back",
                        date(until)
                    )
                });
                format!(
                    "\"{rule}\" holds ({because}); {action} on {on} at the earliest{held}{immune}"
                )
            }
            Conclusion::Act(steps) => steps
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
            Conclusion::Protected(protector) => protector.to_string(),
            Conclusion::Unknown(Uncertain {
                rule,
                protection,
                cause: Cause::Fact(fact),
                ..
            }) => {
                let kind = if *protection { "protection " } else { "" };
                format!(
                    "{kind}\"{rule}\" cannot be judged: guest.{fact} is not known ({})",
                    fact.absent_when()
                )
            }
            Conclusion::Unknown(Uncertain {
                rule,
                cause: Cause::BroughtBack(times),
                ..
            }) => format!(
                "\"{rule}\" holds, but somebody has brought the account back {times} times after Innkeeper had taken it: \
                 a person decides; write a protection, or disable or delete it by hand"
            ),
            Conclusion::Unknown(Uncertain {
                rule,
                cause: Cause::Unread(register),
                ..
            }) => format!(
                "\"{rule}\" holds, but {} cannot be read, and until it can nothing is taken away; grant the application \
                 permission {}",
                register.tells(),
                register.permission()
            ),
            Conclusion::Unknown(Uncertain {
                rule,
                cause: Cause::ExemptGroup(group),
                ..
            }) => format!(
                "\"{rule}\" holds, but there is no single group {group:?}, which exempt_groups names: until it is known who \
                 is in it nothing is taken from anybody"
            ),
            Conclusion::Unknown(Uncertain {
                rule,
                cause: Cause::Succession(hop),
                ..
            }) => format!(
                "\"{rule}\" holds, but who should become the sponsor is not known ({hop}): nobody is made one in the place of \
                 somebody who might be fit"
            ),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            effect,
            because,
            ..
        } = self;
        match effect {
            Effect::Notify {
                notice: Notice::Ask,
                ..
            } => write!(
                f,
                "\"{rule}\" cannot be judged ({because}); the sponsors are asked"
            ),
            Effect::Notify {
                notice: Notice::Again,
                ..
            } => write!(f, "\"{rule}\" holds ({because}); notify is due again"),
            Effect::Enable { closing } => write!(
                f,
                "{closing} ({because}); enable what \"{rule}\" had disabled"
            ),
            Effect::Unmark { mark, closing } => {
                let closing = closing
                    .as_ref()
                    .map_or_else(|| "the case has closed".to_owned(), ToString::to_string);
                write!(
                    f,
                    "{closing} ({because}); clear {mark}, which \"{rule}\" had written"
                )
            }
            Effect::Mark { mark, flagged: _ } => {
                write!(f, "\"{rule}\" holds ({because}); mark is due: {mark}")
            }
            effect @ (Effect::Flag
            | Effect::Notify { .. }
            | Effect::AddSponsor
            | Effect::ResendInvitation
            | Effect::RemoveAppRoles { .. }
            | Effect::RemoveFromGroups { .. }
            | Effect::Disable
            | Effect::Delete) => write!(
                f,
                "\"{rule}\" holds ({because}); {} is due",
                effect.as_str()
            ),
        }
    }
}

fn date(at: DateTime<Utc>) -> NaiveDate {
    at.date_naive()
}

/// How long until, or since, a time: "in 3d", "5d ago".
#[must_use]
pub fn relative(to: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let span = to - now;
    if span.num_minutes() == 0 {
        "now".to_owned()
    } else if span >= TimeDelta::zero() {
        format!("in {}", in_days(span))
    } else {
        format!("{} ago", in_days(-span))
    }
}
