//! Telling the operators before Entra lets go for good of a guest that Innkeeper deleted.
//!
//! Invariant: each deletion is announced once. When nobody knows whether the notice was sent it is not sent again; one
//! that was certainly not sent is tried again in the next cycle, as long as there is time.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{GuestId, PlanId};
use innkeeper_domain::intent::{Call, Intent, Outcome};
use innkeeper_domain::policy::Notice;
use innkeeper_graph::{Depth, Reread};
use innkeeper_store::IntentRow;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::notice::{self, LastDays};
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Deeds;
use crate::undo::KEPT;

/// Guests in one mail at most.
const PER_MAIL: usize = 60;

/// Guests announced in a cycle; the others follow in the next.
const MOST: u32 = 600;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Announces the guests whose last days among the deleted users have begun.
    pub(crate) async fn announce_last_days(
        &self,
        writer: &W,
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        let now = self.clock.now();
        let (tenant, ahead) = (self.tenant.id, self.tenant.before_final_day);
        if ahead <= TimeDelta::zero() || self.tenant.operators.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        let ending = tx
            .deleted_by_us_between(tenant, now - KEPT, now - KEPT + ahead, MOST)
            .await?;
        let mut due: Vec<(GuestRecord, DateTime<Utc>, Intent)> = Vec::new();
        for record in ending {
            let Some(deleted) = record.deleted_by_us else {
                continue;
            };
            let intents = tx.intents_of(tenant, record.guest.id).await?;
            if let Some(deletion) = unannounced(&intents, deleted) {
                due.push((record, deleted, deletion.clone()));
            }
        }
        drop(tx);
        for chunk in due.chunks(PER_MAIL) {
            if self.stop.is_cancelled() {
                deeds.interrupted = true;
                break;
            }
            self.announce(writer, chunk, deeds).await?;
        }
        Ok(())
    }

    async fn announce(
        &self,
        writer: &W,
        ending: &[(GuestRecord, DateTime<Utc>, Intent)],
        deeds: &mut Deeds,
    ) -> Result<(), CycleError> {
        // Somebody may have restored them, or deleted them for good.
        let guests: Vec<GuestId> = ending.iter().map(|(record, ..)| record.guest.id).collect();
        let looks = self
            .tenant
            .reader
            .reread(&guests, Depth::WithoutSignIns)
            .await?;
        let is_deleted = |guest: GuestId| {
            let look = looks.iter().find(|look| look.guest_id() == guest);
            look.is_some_and(|look| matches!(look, Reread::Deleted(_)))
        };
        let ending: Vec<_> = ending
            .iter()
            .filter(|(record, ..)| is_deleted(record.guest.id))
            .collect();
        if ending.is_empty() {
            return Ok(());
        }
        let (tenant, now) = (self.tenant.id, self.clock.now());
        let to = self.tenant.operators.clone();
        let call = Call::Notify {
            notice: Notice::LastDays,
            to: to.clone(),
        };
        let intent = |(record, deleted, deletion): &&(GuestRecord, DateTime<Utc>, Intent)| {
            // Each attempt is an intent of its own. A clock can stand still, or be set back; an epoch is never the same.
            let deleted = deleted.timestamp_micros().to_be_bytes();
            let epoch = self.lease.epoch().to_be_bytes();
            let guest = record.guest.id;
            let parts = [
                tenant.0.as_bytes().as_slice(),
                b"last days",
                guest.0.as_bytes(),
                &deleted,
                &epoch,
            ];
            let plan = PlanId::derived(&parts);
            Intent {
                id: Intent::id_of(tenant, plan, deletion.case, deletion.stage, &call),
                plan,
                guest,
                call: call.clone(),
                created: now,
                ..deletion.clone()
            }
        };
        let intents: Vec<Intent> = ending.iter().map(intent).collect();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        self.write_down(&mut tx, &intents).await?;
        tx.commit().await?;
        let guests: Vec<LastDays<'_>> = ending
            .iter()
            .map(|(record, deleted, deletion)| LastDays {
                guest: &record.guest,
                rule: &deletion.rule,
                deleted: *deleted,
                gone: *deleted + KEPT,
            })
            .collect();
        let mail = notice::last_days(self.tenant, &guests, to);
        let Some(first) = intents.first() else {
            return Ok(());
        };
        let sent = writer.sent_as(first.id.0).send_mail(&mail).await;
        let upshot = self.outcome(first, sent).await?;
        self.conclude_and_note(&intents, &upshot, deeds).await
    }
}

/// The deletion, unless it was announced or perhaps was.
fn unannounced(intents: &[IntentRow], deleted: DateTime<Utc>) -> Option<&Intent> {
    let may_have_been_sent = |outcome: Option<&Outcome>| match outcome {
        None
        | Some(
            Outcome::Done { .. }
            | Outcome::Already
            | Outcome::FoundDone
            | Outcome::FoundSo { .. }
            | Outcome::Uncertain,
        ) => true,
        Some(Outcome::Skipped { .. } | Outcome::Failed { .. } | Outcome::FoundNotDone) => false,
    };
    let is_announced = intents.iter().any(
        |IntentRow {
             intent, outcome, ..
         }| {
            let is_notice = matches!(
                intent.call,
                Call::Notify {
                    notice: Notice::LastDays,
                    ..
                }
            );
            let outcome = outcome.as_ref().map(|(_, outcome)| outcome);
            is_notice && intent.created >= deleted && may_have_been_sent(outcome)
        },
    );
    if is_announced {
        return None;
    }
    let mut newest_first = intents.iter().rev();
    let deletion = newest_first.find(|row| row.intent.call == Call::Delete)?;
    Some(&deletion.intent)
}
