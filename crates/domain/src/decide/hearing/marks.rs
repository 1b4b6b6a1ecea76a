//! Marks of a guest: those that are to be written after all, and those that nothing requires any more.

use super::closing::Closable;
use super::{Findings, Hearing};
use crate::case::{Case, Closing};
use crate::ids::CaseId;
use crate::mark::{Mark, Written};
use crate::policy::{Rule, Stage};
use crate::verdict::{Effect, Step};

impl Hearing<'_> {
    /// What a stage does that marks. While another text of ours stands there it is a flag in Innkeeper, and written after
    /// all when that one is cleared.
    pub(super) fn mark(&self, stage: &Stage) -> Effect {
        match stage.mark.clone().filter(|mark| !self.is_taken(mark)) {
            Some(mark) => Effect::Mark {
                mark,
                flagged: false,
            },
            None => Effect::Flag,
        }
    }

    /// Another text of ours stands in the attribute.
    fn is_taken(&self, mark: &Mark) -> bool {
        let marks = &self.guest.marks;
        marks.iter().any(|written| is_other(&written.mark, mark))
    }

    /// What was only flagged is written after all: when the mode did not allow it, or the policy did not ask for it.
    pub(super) fn mark_after_all(
        &self,
        rule: &Rule,
        case: &Case,
        because: &str,
        findings: &mut Findings<'_>,
    ) {
        if self.immune_until().is_some() {
            return;
        }
        let now = self.judge.now;
        let is_held = case.hold_until.is_some_and(|until| until > now);
        let unmarked = case.unmarked(&rule.stages).filter(|_| !is_held);
        findings.due.extend(unmarked.filter_map(|(index, stage)| {
            Some(Step {
                guest: case.guest,
                case: case.id,
                rule: rule.name.clone(),
                stage: index,
                effect: Effect::Mark {
                    mark: stage.mark.clone().filter(|mark| !self.is_taken(mark))?,
                    flagged: true,
                },
                due: now,
                because: because.to_owned(),
            })
        }));
    }

    /// Clears what no open case requires any more. A mark outlives its case until it is cleared, so that a refused or
    /// failed clearing is tried again. `closed` says why, of those whose case has closed before.
    pub(super) fn unmark(
        &self,
        closable: &[Closable<'_>],
        due: &[Step],
        closed: Option<(&Closing, &str)>,
    ) -> Vec<Step> {
        let closes = |case: CaseId| closable.iter().find(|closable| closable.case.id == case);
        let is_open = |case: CaseId| self.guest.cases.iter().any(|open| open.id == case);
        let marks = &self.guest.marks;
        let is_required = |mark: &Mark| {
            let by_case = |written: &Written| {
                written.mark == *mark && is_open(written.case) && closes(written.case).is_none()
            };
            // Another case is about to require it: it takes over.
            let is_due_again =
                |step: &Step| matches!(&step.effect, Effect::Mark { mark: due, .. } if due == mark);
            marks.iter().any(by_case) || due.iter().any(is_due_again)
        };
        let mut steps: Vec<Step> = Vec::new();
        for written in marks.iter().filter(|written| !is_required(&written.mark)) {
            let Written {
                case,
                rule,
                stage,
                mark,
            } = written.clone();
            let is_cleared = |step: &Step| matches!(&step.effect, Effect::Unmark { mark: cleared, .. } if *cleared == mark);
            if steps.iter().any(is_cleared) {
                continue;
            }
            let (closing, because) = match (closes(case), closed) {
                (Some(closable), _) => (Some(closable.closing.clone()), closable.because.clone()),
                (None, Some((closing, because))) => (Some(closing.clone()), because.to_owned()),
                (None, None) => (None, "its mark is still there".to_owned()),
            };
            steps.push(Step {
                guest: self.guest.record.guest.id,
                case,
                rule,
                stage,
                effect: Effect::Unmark { mark, closing },
                due: self.judge.now,
                because,
            });
        }
        steps
    }
}

/// Of several texts for one attribute the first is written; the others come when it is cleared.
pub(super) fn one_text_each(due: &mut Vec<Step>) {
    let mut texts: Vec<Mark> = Vec::new();
    due.retain(|step| {
        let Effect::Mark { mark, flagged: _ } = &step.effect else {
            return true;
        };
        let is_taken = texts.iter().any(|text| is_other(text, mark));
        texts.push(mark.clone());
        !is_taken
    });
}

/// Whether one stands in the other's way.
fn is_other(one: &Mark, other: &Mark) -> bool {
    one.attribute == other.attribute && one.value != other.value
}
