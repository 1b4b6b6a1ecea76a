//! The judging of one guest: protections first, then every rule, then what follows from all of them together.

mod marks;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Judge, Judgement};
use crate::attestation::{ANSWERED, Standing};
use crate::case::{Case, CaseChange, Closing};
use crate::decision::Decision;
use crate::facts::{Fact, FactName, Facts};
use crate::group::Found;
use crate::guest::GuestView;
use crate::ids::GroupId;
use crate::policy::{
    Action, FromGroups, Notice, OnUnknown, Recipient, Rule, RuleName, Stage, Truth,
};
use crate::verdict::{
    Cause, Conclusion, Effect, NextStage, Protector, Step, Uncertain, Verdict, Waiting,
};

/// So often an account is taken from a guest against somebody's will, and not once more.
const TIMES: u32 = 2;

/// The judging of one guest.
pub(super) struct Hearing<'x> {
    judge: &'x Judge<'x>,
    guest: &'x GuestView,
    facts: Facts<'x>,
    changes: Vec<CaseChange>,
}

/// A case that has lost its ground.
struct Closable<'x> {
    case: &'x Case,
    closing: Closing,
    because: String,
}

impl Closable<'_> {
    fn change(&self) -> CaseChange {
        let Self {
            case,
            closing,
            because: _,
        } = self;
        CaseChange::Close {
            case: case.id,
            guest: case.guest,
            rule: case.rule.clone(),
            closing: closing.clone(),
        }
    }
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

    /// What protects the guest, or the first protection that cannot be judged while no other holds.
    fn protection(&self) -> Result<Option<Protector>, (RuleName, FactName)> {
        if let Some(Decision { by, reason, .. }) = self.guest.hold() {
            return Ok(Some(Protector::Hold {
                by: by.clone(),
                reason: reason.clone(),
            }));
        }
        if let Some(role) = self.facts.roles.first() {
            return Ok(Some(Protector::DirectoryRole(role.clone())));
        }
        if let Some(role) = self.eligible_role() {
            return Ok(Some(Protector::EligibleRole(role.clone())));
        }
        if self.facts.synced == Fact::Known(true) {
            return Ok(Some(Protector::Synced));
        }
        if self.guest.record.guest.management_restricted == Some(true) {
            return Ok(Some(Protector::Restricted));
        }
        if let Some(governs) = self.guest.access.governed_by() {
            return Ok(Some(Protector::Governed(governs.package.clone())));
        }
        if let Some((until, Decision { by, reason, .. })) = self.guest.exemption(self.judge.now) {
            return Ok(Some(Protector::Exempt {
                until,
                by: by.clone(),
                reason: reason.clone(),
            }));
        }
        if let Some(group) = self.exempting_group() {
            return Ok(Some(Protector::ExemptGroup(group.to_owned())));
        }
        let mut uncertain = None;
        for protection in &self.judge.policy.protections {
            match protection.when.judge(&self.facts) {
                Truth::True => return Ok(Some(Protector::Policy(protection.name.clone()))),
                Truth::False => {}
                Truth::Unknown(fact) => {
                    uncertain = uncertain.or_else(|| Some((protection.name.clone(), fact)));
                }
            }
        }
        uncertain.map_or(Ok(None), Err)
    }

    /// A group that exempts it.
    fn exempting_group(&self) -> Option<&str> {
        let named = self.judge.named_groups;
        let mut groups = self.judge.policy.exempt_groups.iter();
        groups.find_map(|key| {
            let group = named.get(key)?.group()?;
            let is_in = self.guest.access.exempt_by.contains(&group.id)
                || self.guest.groups.iter().any(|of| of.id == group.id);
            is_in.then_some(group.name.as_str())
        })
    }

    /// A group that might exempt anybody, since it was not found or several have its name.
    fn unknown_exempting_group(&self) -> Option<&String> {
        let named = self.judge.named_groups;
        let is_known = |key: &&String| named.get(*key).and_then(Found::group).is_some();
        let mut groups = self.judge.policy.exempt_groups.iter();
        groups.find(|key| !is_known(key))
    }

    /// A directory role that it may activate; one that was read once counts even where no newer list can be read.
    fn eligible_role(&self) -> Option<&String> {
        let given = match self.facts.eligible_roles {
            Fact::Known(roles) => roles,
            Fact::Nothing | Fact::Unknown => &[],
        };
        let mut roles = self.guest.access.eligible_roles.iter().chain(given);
        roles.next()
    }

    fn protected(&mut self, protector: Protector) -> Conclusion {
        let by = protector.to_string();
        let closable = |case| Closable {
            case,
            closing: Closing::Protected { by: by.clone() },
            because: by.clone(),
        };
        let closable: Vec<Closable<'_>> = self.guest.cases.iter().map(closable).collect();
        match &protector {
            Protector::Policy(_) | Protector::ExemptGroup(_) | Protector::Exempt { .. } => {
                let mut undo: Vec<Step> = self.close(&closable, &[]).into_iter().collect();
                let closing = Closing::Protected { by: by.clone() };
                undo.extend(self.unmark(&closable, &[], Some((&closing, &by))));
                if undo.is_empty() {
                    Conclusion::Protected(protector)
                } else {
                    Conclusion::Act(undo)
                }
            }
            // Not even what is ours is undone where the account's authority is elsewhere.
            Protector::DirectoryRole(_)
            | Protector::EligibleRole(_)
            | Protector::Synced
            | Protector::Restricted
            | Protector::Governed(_) => {
                self.changes.extend(closable.iter().map(Closable::change));
                Conclusion::Protected(protector)
            }
            // The cases stay, so that what is ours can still be undone when the hold is lifted; until then time stands
            // still. (The others only bar what is due, and come of the rules.)
            Protector::Hold { .. } | Protector::UnderReview(_) | Protector::SoleOwner(_) => {
                for case in &self.guest.cases {
                    self.blind(case);
                }
                Conclusion::Protected(protector)
            }
        }
    }

    /// As long as a protection cannot be judged, the guest counts as protected and time stands still.
    fn perhaps_protected(&mut self, rule: RuleName, fact: FactName) -> Conclusion {
        for case in &self.guest.cases {
            self.blind(case);
        }
        Conclusion::Unknown(Uncertain {
            rule,
            protection: true,
            cause: Cause::Fact(fact),
            stage: None,
        })
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
            let takes_the_account = matches!(effect, Effect::Disable | Effect::Delete);
            if takes_the_account && self.guest.brought_back >= TIMES {
                findings.contested.push(Uncertain {
                    rule: rule.name.clone(),
                    protection: false,
                    cause: Cause::BroughtBack(self.guest.brought_back),
                    stage: Some(index),
                });
                return;
            }
            // To somebody of whom it is not known whether there is an invitation, none is sent again.
            let is_invited = matches!(self.facts.pending_days, Fact::Known(_));
            if effect == Effect::ResendInvitation && !is_invited {
                findings.uncertain.push(Uncertain {
                    rule: rule.name.clone(),
                    protection: false,
                    cause: Cause::Fact(FactName::PendingDays),
                    stage: Some(index),
                });
                return;
            }
            if let Some(register) = self.guest.access.unread()
                && effect.is_destructive()
            {
                findings.contested.push(Uncertain {
                    rule: rule.name.clone(),
                    protection: false,
                    cause: Cause::Unread(register),
                    stage: Some(index),
                });
                return;
            }
            if let Some(group) = self.unknown_exempting_group()
                && effect.is_destructive()
            {
                findings.contested.push(Uncertain {
                    rule: rule.name.clone(),
                    protection: false,
                    cause: Cause::ExemptGroup(group.clone()),
                    stage: Some(index),
                });
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

    /// What for a time keeps this from being done. The case waits where it is: notices go on, and what is ours can be
    /// undone.
    fn barred(&self, effect: &Effect) -> Option<Protector> {
        let access = &self.guest.access;
        if effect.is_destructive()
            && let Some(review) = access.reviews.first()
        {
            return Some(Protector::UnderReview(review.clone()));
        }
        let takes_the_account = matches!(effect, Effect::Disable | Effect::Delete);
        let group = access.sole_owner_of.first();
        group
            .filter(|_| takes_the_account)
            .map(|group| Protector::SoleOwner(group.clone()))
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

    /// Closes cases, and undoes what no case requires any more: at most one step, since the account is one.
    ///
    /// The case that carries the undo stays open until the account is enabled, so that a refused or failed undo is
    /// tried again.
    fn close(&mut self, closable: &[Closable<'_>], due: &[Step]) -> Option<Step> {
        let still_requires = |case: &Case| {
            case.has_done(Action::Disable)
                && !closable.iter().any(|closable| closable.case.id == case.id)
        };
        let is_required = self.guest.cases.iter().any(still_requires);
        let is_taken_next = due
            .iter()
            .any(|step| matches!(step.effect, Effect::Disable | Effect::Delete));
        let mut undo = None;
        for closable in closable {
            let is_ours = self.guest.record.disabled_by_us.is_some()
                && closable.case.has_done(Action::Disable);
            if is_ours && !is_required && is_taken_next {
                // Another case is about to require it: it takes over first.
            } else if is_ours && !is_required && undo.is_none() {
                undo = Some(self.undo(closable));
            } else {
                self.changes.push(closable.change());
            }
        }
        undo
    }

    fn undo(&self, closable: &Closable<'_>) -> Step {
        let Closable {
            case,
            closing,
            because,
        } = closable;
        let stage = case
            .done
            .iter()
            .position(|done| *done == Action::Disable)
            .unwrap_or_default();
        Step {
            guest: case.guest,
            case: case.id,
            rule: case.rule.clone(),
            stage,
            effect: Effect::Enable {
                closing: closing.clone(),
            },
            due: self.judge.now,
            because: because.clone(),
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

    /// Until when a guest is spared whose account somebody brought back.
    fn immune_until(&self) -> Option<DateTime<Utc>> {
        let until = self.guest.record.revived? + self.judge.policy.limits.immunity;
        Some(until).filter(|until| *until > self.judge.now)
    }

    /// The account can be used again although this case had taken it.
    fn was_revived(&self, case: &Case) -> bool {
        let enabled = self.facts.enabled == Fact::Known(true);
        case.has_done(Action::Delete) || (case.has_done(Action::Disable) && enabled)
    }

    fn effect(&self, stage: &Stage) -> Effect {
        match stage.action {
            Action::Flag => Effect::Flag,
            Action::Mark => self.mark(stage),
            Action::Notify => Effect::Notify {
                to: stage.to.clone(),
                notice: Notice::Stage,
            },
            Action::ResendInvitation => Effect::ResendInvitation,
            Action::RemoveAppRoles => Effect::RemoveAppRoles {
                of: stage.of.clone(),
            },
            Action::AddSponsor => Effect::AddSponsor,
            Action::RemoveFromGroup => Effect::RemoveFromGroups {
                groups: self.groups_of(&stage.from),
            },
            Action::Disable => Effect::Disable,
            Action::Delete => Effect::Delete,
        }
    }

    /// Those of the stage's groups that the guest is in, and that Graph lets us take it out of.
    fn groups_of(&self, from: &FromGroups) -> Vec<GroupId> {
        let is_meant_group = |id: GroupId| match from {
            FromGroups::Named(keys) => keys
                .iter()
                .filter_map(|key| self.judge.named_groups.get(key)?.group())
                .any(|group| group.id == id),
            FromGroups::EndedProjects => match &self.facts.projects {
                Fact::Known(projects) => projects
                    .iter()
                    .any(|project| project.group == id && project.ended()),
                Fact::Nothing | Fact::Unknown => false,
            },
        };
        let member_of = self
            .guest
            .groups
            .iter()
            .filter(|group| group.membership.is_writable());
        member_of
            .map(|group| group.id)
            .filter(|id| is_meant_group(*id))
            .collect()
    }
}

/// Immunity spares a guest what takes something away or stands in the directory, and lets no wait end. What comes at once and takes nothing may.
fn must_respect_immunity(stage: &Stage) -> bool {
    stage.action.is_destructive() || stage.action == Action::Mark || stage.wait > TimeDelta::zero()
}
