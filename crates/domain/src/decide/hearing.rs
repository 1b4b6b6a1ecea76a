//! The judging of one guest: protections first, then every rule, then what follows from all of them together.

mod closing;
mod effect;
mod marks;
mod protection;

use chrono::TimeDelta;

use self::closing::Closable;
use self::effect::must_respect_immunity;
use super::{Judge, Judgement};
use crate::attestation::{ANSWERED, Standing};
use crate::case::{Case, CaseChange, Closing};
use crate::facts::{Fact, FactName, Facts};
use crate::guest::GuestView;
use crate::policy::{Action, Notice, OnUnknown, Recipient, Rule, Truth};
use crate::verdict::{
    Cause, Conclusion, Effect, NextStage, Protector, Step, Uncertain, Verdict, Waiting,
};

/// The judging of one guest.
pub(super) struct Hearing<'x> {
    judge: &'x Judge<'x>,
    guest: &'x GuestView,
    facts: Facts<'x>,
    changes: Vec<CaseChange>,
}

/// What the rules made of a guest.
#[derive(Default)]
struct Findings<'x> {
    due: Vec<Step>,
    waiting: Vec<Waiting>,
    uncertain: Vec<Uncertain>,
    /// What is due and waits: for a person, since somebody keeps undoing it, or for a list that cannot be read.
    contested: Vec<Uncertain>,
    /// What keeps something that is due from being taken away, for as long as it lasts.
    barred: Option<Protector>,
    closable: Vec<Closable<'x>>,
}

impl<'x> Hearing<'x> {
    pub(super) fn of(judge: &'x Judge<'x>, guest: &'x GuestView, facts: Facts<'x>) -> Self {
        Self {
            judge,
            guest,
            facts,
            changes: Vec::new(),
        }
    }

    pub(super) fn conclude(mut self) -> Judgement {
        let conclusion = match self.protection() {
            Ok(None) => self.by_rules(),
            Ok(Some(protector)) => self.protected(protector),
            Err((protection, fact)) => self.perhaps_protected(protection, fact),
        };
        let guest = self.guest.record.guest.id;
        Judgement {
            verdict: Verdict { guest, conclusion },
            cases: self.changes,
        }
    }

    fn by_rules(&mut self) -> Conclusion {
        let mut findings = Findings::default();
        for rule in &self.judge.policy.rules {
            let case = self.guest.cases.iter().find(|case| case.rule == rule.name);
            match (rule.when.judge(&self.facts), case) {
                (Truth::True, Some(case)) if self.was_revived(case) => {
                    let because =
                        "somebody brought back the account that Innkeeper had taken".to_owned();
                    findings.closable.push(Closable {
                        case,
                        closing: Closing::Revived,
                        because,
                    });
                }
                (Truth::True, case) => self.holds(rule, case, &mut findings),
                (Truth::False, None) => {}
                (Truth::False, Some(case)) => {
                    let because = rule.when.because(&self.facts);
                    findings.closable.push(Closable {
                        case,
                        closing: Closing::RuleNoLongerHolds,
                        because,
                    });
                }
                (Truth::Unknown(fact), case) => {
                    let stage = case
                        .and_then(|case| case.next(&rule.stages))
                        .map(|(index, _)| index);
                    findings.uncertain.push(Uncertain {
                        rule: rule.name.clone(),
                        protection: false,
                        cause: Cause::Fact(fact),
                        stage,
                    });
                    if let Some(case) = case {
                        self.blind(case);
                    }
                    let ask = self.ask(rule, case, fact, stage.unwrap_or_default());
                    findings.due.extend(ask);
                }
            }
        }
        for case in self
            .guest
            .cases
            .iter()
            .filter(|case| self.judge.policy.rule(&case.rule).is_none())
        {
            let because = "the policy was edited".to_owned();
            findings.closable.push(Closable {
                case,
                closing: Closing::RuleRemoved,
                because,
            });
        }
        self.weigh(findings)
    }

    /// A rule that holds: opens its case, and tells what comes next and when.
    fn holds(&mut self, rule: &Rule, case: Option<&Case>, findings: &mut Findings<'x>) {
        let because = rule.when.because(&self.facts);
        let Judge {
            tenant,
            now,
            watched,
            ..
        } = *self.judge;
        let case = case.cloned().unwrap_or_else(|| {
            let case = Case::open(tenant, self.guest.record.guest.id, &rule.name, now, watched);
            self.changes.push(CaseChange::Open {
                case: case.clone(),
                because: because.clone(),
            });
            case
        });
        self.mark_after_all(rule, &case, &because, findings);
        let again = self.again(rule, &case, &because);
        let Some((index, stage)) = case.next(&rule.stages) else {
            findings.due.extend(again);
            findings.waiting.push(Waiting {
                rule: rule.name.clone(),
                next: None,
                because,
            });
            return;
        };
        let held = case.hold_until.filter(|until| *until > now);
        let due = (now + case.wait_left(stage, watched)).max(held.unwrap_or(case.opened));
        let immune = self
            .immune_until()
            .filter(|until| *until > due && must_respect_immunity(stage));
        let due = immune.unwrap_or(due);
        if due > now {
            findings.due.extend(again);
            let next = NextStage {
                stage: index,
                action: stage.action,
                due,
                held: held.is_some(),
                immune,
            };
            findings.waiting.push(Waiting {
                rule: rule.name.clone(),
                next: Some(next),
                because,
            });
        } else {
            let effect = self.effect(stage);
            let uncertain = |cause| Uncertain {
                rule: rule.name.clone(),
                protection: false,
                cause,
                stage: Some(index),
            };
            if let Some(cause) = self.contested(&effect) {
                findings.contested.push(uncertain(cause));
                return;
            }
            // To somebody of whom it is not known whether there is an invitation, none is sent again.
            let is_invited = matches!(self.facts.pending_days, Fact::Known(_));
            if effect == Effect::ResendInvitation && !is_invited {
                let cause = Cause::Fact(FactName::PendingDays);
                findings.uncertain.push(uncertain(cause));
                return;
            }
            if let Some(protector) = self.barred(&effect) {
                findings.barred.get_or_insert(protector);
                return;
            }
            findings.due.push(Step {
                guest: case.guest,
                case: case.id,
                rule: rule.name.clone(),
                stage: index,
                effect,
                due,
                because,
            });
        }
    }

    /// The notice executed last, if it is due again.
    fn again(&self, rule: &Rule, case: &Case, because: &str) -> Option<Step> {
        let Judge { now, watched, .. } = *self.judge;
        let (index, stage) = case.last(&rule.stages)?;
        let repeat = stage.repeat?;
        let is_held = case.hold_until.is_some_and(|until| until > now);
        (!is_held && case.due_again(repeat, watched)).then(|| Step {
            guest: case.guest,
            case: case.id,
            rule: rule.name.clone(),
            stage: index,
            effect: Effect::Notify {
                to: stage.to.clone(),
                notice: Notice::Again,
            },
            due: now,
            because: because.to_owned(),
        })
    }

    /// Asks the sponsors about a rule that cannot be judged, where the policy wants it and nobody was asked of late.
    fn ask(
        &mut self,
        rule: &Rule,
        case: Option<&Case>,
        fact: FactName,
        stage: usize,
    ) -> Option<Step> {
        let Judge {
            tenant,
            now,
            watched,
            ..
        } = *self.judge;
        match rule.unknown {
            OnUnknown::Hold => return None,
            OnUnknown::Ask => {}
        }
        let because = format!("guest.{fact} is not known: {}", fact.absent_when());
        let case = case.cloned().unwrap_or_else(|| {
            let case = Case::open(tenant, self.guest.record.guest.id, &rule.name, now, watched);
            self.changes.push(CaseChange::Open {
                case: case.clone(),
                because: because.clone(),
            });
            case
        });
        let is_held = case.hold_until.is_some_and(|until| until > now);
        let was_asked = case
            .reminded
            .is_some_and(|at| watched - at < OnUnknown::PAUSE);
        let was_answered = Standing::of(&self.guest.attestations, now)
            .keep
            .is_some_and(|keep| now - keep.at < ANSWERED);
        (!is_held && !was_asked && !was_answered).then(|| Step {
            guest: case.guest,
            case: case.id,
            rule: rule.name.clone(),
            stage,
            effect: Effect::Notify {
                to: vec![Recipient::Sponsor],
                notice: Notice::Ask,
            },
            due: now,
            because,
        })
    }

    /// What the rules come to when taken together.
    fn weigh(&mut self, findings: Findings<'_>) -> Conclusion {
        let Findings {
            mut due,
            mut waiting,
            uncertain,
            contested,
            barred,
            closable,
        } = findings;
        due.sort_by_key(|step| (step.effect.action(), step.due));
        let mut taken = false;
        due.retain(|step| {
            let destructive = step.effect.action().is_some_and(Action::is_destructive);
            !destructive || !std::mem::replace(&mut taken, true)
        });
        marks::one_text_each(&mut due);
        let undo = self.close(&closable, &due);
        let unmark = self.unmark(&closable, &due, None);
        let steps: Vec<Step> = undo.into_iter().chain(unmark).chain(due).collect();
        if !steps.is_empty() {
            return Conclusion::Act(steps);
        }
        if let Some(protector) = barred {
            return Conclusion::Protected(protector);
        }
        if let Some(contested) = contested.into_iter().next() {
            return Conclusion::Unknown(contested);
        }
        waiting.sort_by_key(|waiting| {
            waiting
                .next
                .map_or((true, None), |next| (false, Some(next.due)))
        });
        match (waiting.into_iter().next(), uncertain.into_iter().next()) {
            (Some(waiting), _) => Conclusion::Wait(waiting),
            (None, Some(uncertain)) => Conclusion::Unknown(uncertain),
            (None, None) => Conclusion::Keep,
        }
    }

    fn blind(&mut self, case: &Case) {
        let span = self.judge.span;
        if span > TimeDelta::zero() {
            self.changes.push(CaseChange::Blind {
                case: case.id,
                span,
            });
        }
    }

    /// The account can be used again although this case had taken it.
    fn was_revived(&self, case: &Case) -> bool {
        let enabled = self.facts.enabled == Fact::Known(true);
        case.has_done(Action::Delete) || (case.has_done(Action::Disable) && enabled)
    }
}
