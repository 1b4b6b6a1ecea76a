//! Cases that have lost their ground: they are closed, and what is ours and nothing requires any more is undone.

use super::Hearing;
use crate::case::{Case, CaseChange, Closing};
use crate::policy::Action;
use crate::verdict::{Effect, Step};

/// A case that has lost its ground.
pub(super) struct Closable<'x> {
    pub(super) case: &'x Case,
    pub(super) closing: Closing,
    pub(super) because: String,
}

impl Closable<'_> {
    pub(super) fn change(&self) -> CaseChange {
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

impl Hearing<'_> {
    /// Closes cases, and undoes what no case requires any more: at most one step, since the account is one.
    ///
    /// The case that carries the undo stays open until the account is enabled, so that a refused or failed undo is
    /// tried again.
    pub(super) fn close(&mut self, closable: &[Closable<'_>], due: &[Step]) -> Option<Step> {
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
}
