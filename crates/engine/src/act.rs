//! Acting: carrying out the approved steps.
//!
//! Invariant: only this takes anything away by a [`WriteDirectory`], and only what an [`ApprovedPlan`] has; what undoing
//! calls gives back. A bare list of steps cannot get here.
//! Each step is written down as an intent, held against a fresh look at the guest, called, and concluded; it happens
//! at most once, wherever the process dies.

pub(crate) mod app_roles;
mod attempt;
mod conclude;
mod confirm;
mod deliver;
mod flag;
mod last_days;
mod look;
mod mark;
pub(crate) mod recipients;
mod senses;
pub(crate) mod snapshots;
mod sparing;
pub(crate) mod upshot;

pub use recipients::{circle_of, heed_chain};

use std::collections::BTreeMap;

use innkeeper_domain::approve::ApprovedPlan;
use innkeeper_domain::plan::Plan;
use innkeeper_domain::verdict::{Effect, Step};
use tracing::info;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;
use crate::report::Deeds;
use senses::Senses;

/// Guests in one mail at most.
const PER_MAIL: usize = 60;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Carries out the approved steps of a plan, the mildest first, until done or asked to stop.
    pub(crate) async fn act(
        &self,
        writer: &W,
        plan: &Plan,
        approved: &ApprovedPlan,
    ) -> Result<Deeds, CycleError> {
        let mut deeds = Deeds::default();
        let steps = approved.steps();
        let total = steps.len() as u64;
        let (flags, steps): (Vec<&Step>, Vec<&Step>) =
            steps.iter().partition(|step| step.effect == Effect::Flag);
        let mut done = self.flag(plan, &flags, &mut deeds).await?;
        self.look_around(&steps).await?;
        let mut senses = Senses::of(&plan.observation);
        for batch in self.batches(&steps, &senses).await? {
            if self.stop.is_cancelled() {
                info!(
                    left = total - done,
                    "asked to stop: the steps that are left follow in the next cycle"
                );
                deeds.interrupted = true;
                break;
            }
            self.attempt(writer, plan, &batch, &mut senses, &mut deeds)
                .await?;
            done += batch.len() as u64;
            self.progress.at(Phase::Steps, done, Some(total));
        }
        Ok(deeds)
    }

    /// Steps that are attempted together: what can be looked at again in one go, since that is the scarcest request of
    /// all. Notices to the same people stay together, for they become one mail. A guest is in a batch once.
    async fn batches<'s>(
        &self,
        steps: &[&'s Step],
        senses: &Senses,
    ) -> Result<Vec<Vec<&'s Step>>, CycleError> {
        let mut batches: Vec<Vec<&Step>> = Vec::new();
        let mut notices: BTreeMap<Vec<String>, Vec<&Step>> = BTreeMap::new();
        for step in steps {
            match &step.effect {
                Effect::Notify { to, notice: _ } => {
                    let addressed = self.addressed(step.guest, to).await?;
                    notices.entry(addressed.to).or_default().push(step);
                }
                _ => match batches.last_mut() {
                    Some(batch) if batch.len() < senses.in_one_go(step) && fits(batch, step) => {
                        batch.push(step);
                    }
                    Some(_) | None => batches.push(vec![step]),
                },
            }
        }
        let mails: Vec<Vec<&Step>> = notices.into_values().flat_map(one_mail_each).collect();
        let mut together: Vec<Vec<&Step>> = Vec::new();
        for mail in mails {
            let most = mail.first().map_or(0, |step| senses.in_one_go(step));
            match together.last_mut() {
                Some(batch)
                    if batch.len() + mail.len() <= most
                        && mail.iter().all(|step| fits(batch, step)) =>
                {
                    batch.extend(mail);
                }
                Some(_) | None => together.push(mail),
            }
        }
        Ok(together.into_iter().chain(batches).collect())
    }
}

/// Splits the notices to the same people into mails, a guest in each at most once.
fn one_mail_each(steps: Vec<&Step>) -> Vec<Vec<&Step>> {
    let mut mails: Vec<Vec<&Step>> = Vec::new();
    for step in steps {
        match mails.iter_mut().find(|mail| {
            mail.len() < PER_MAIL && mail.iter().all(|other| other.guest != step.guest)
        }) {
            Some(mail) => mail.push(step),
            None => mails.push(vec![step]),
        }
    }
    mails
}

fn fits(batch: &[&Step], step: &Step) -> bool {
    batch
        .iter()
        .all(|other| other.guest != step.guest && other.effect.as_str() == step.effect.as_str())
}
