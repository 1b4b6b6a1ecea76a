//! Undoing: giving back what was taken away, guest by guest, and saying what cannot be given back.
//!
//! An undo is bound like everything else: under the tenant's lease, each call an intent that is committed before and
//! concluded after. It goes by what the directory shows now, so that undoing twice does nothing the second time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::case::Closing;
use innkeeper_domain::guest::GuestRecord;
use innkeeper_domain::ids::{GuestId, PlanId};
use innkeeper_domain::intent::{Call, Intent, Outcome, each_once};
use innkeeper_domain::journal::Event;
use innkeeper_domain::mark::{Mark, Sight};
use innkeeper_graph::{Depth, Reread};
use innkeeper_store::IntentRow;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::act::snapshots;
use crate::cycle::{Cycle, Engine, Tenant};
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::{Progress, Silent};
use crate::report::Deeds;

/// How long Entra keeps a deleted account.
pub(crate) const KEPT: TimeDelta = TimeDelta::days(30);

/// Guests looked at in one go.
const AT_ONCE: usize = 15;

/// Who wants something undone, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What undoing comes to for one guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Undoing {
    /// The guest.
    pub guest: GuestId,
    /// What was taken away and is to be given back.
    pub taken: Vec<IntentRow>,
    /// What is to be called, in this order.
    pub calls: Vec<Call>,
    /// What cannot be given back, and why; and what is worth knowing.
    pub remarks: Vec<String>,
}

/// What an undo did.
#[derive(Debug)]
pub struct Undone {
    /// What was asked for, as it was found before.
    pub undoings: Vec<Undoing>,
    /// What came of the calls.
    pub deeds: Deeds,
    /// What could not be given back, found out while undoing.
    pub remarks: Vec<(GuestId, String)>,
}

impl Engine {
    /// What undoing these would come to, without doing it.
    ///
    /// # Errors
    /// Why the directory or the database cannot be read, or that a cycle is running.
    pub async fn preview_undo<R: ReadDirectory, W: WriteDirectory>(
        &self,
        tenant: &Tenant<R, W>,
        taken: Vec<IntentRow>,
    ) -> Result<Vec<Undoing>, CycleError> {
        let stop = CancellationToken::new();
        self.under_lease(tenant, &Silent, &stop, async |cycle| {
            cycle.undoings(taken).await
        })
        .await
    }

    /// Undoes these. `stop` ends it after the guest in hand.
    ///
    /// # Errors
    /// Why it ended early. What was done until then is recorded; undoing again goes on from there.
    pub async fn undo<R: ReadDirectory, W: WriteDirectory>(
        &self,
        tenant: &Tenant<R, W>,
        writer: &W,
        taken: Vec<IntentRow>,
        asked: &Asked,
        progress: &dyn Progress,
        stop: &CancellationToken,
    ) -> Result<Undone, CycleError> {
        self.under_lease(tenant, progress, stop, async |cycle| {
            cycle.undo(writer, taken, asked).await
        })
        .await
    }

    async fn under_lease<R: ReadDirectory, W: WriteDirectory, T>(
        &self,
        tenant: &Tenant<R, W>,
        progress: &dyn Progress,
        stop: &CancellationToken,
        work: impl AsyncFnOnce(&Cycle<'_, R, W>) -> Result<T, CycleError>,
    ) -> Result<T, CycleError> {
        let lease = self.take_lease(tenant.id).await?;
        let result = match self.policy_of(tenant).await {
            Ok(policy) => {
                let cycle = self.begin(tenant, &policy, &lease, progress, stop);
                work(&cycle).await
            }
            Err(error) => Err(error),
        };
        lease.release().await;
        result
    }
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// What undoing comes to, by what the directory shows now.
    async fn undoings(&self, taken: Vec<IntentRow>) -> Result<Vec<Undoing>, CycleError> {
        let mut by_guest: BTreeMap<GuestId, Vec<IntentRow>> = BTreeMap::new();
        for row in taken {
            by_guest.entry(row.intent.guest).or_default().push(row);
        }
        let guests: Vec<GuestId> = by_guest.keys().copied().collect();
        let mut undoings = Vec::new();
        for chunk in guests.chunks(AT_ONCE) {
            let looks = self
                .tenant
                .reader
                .reread(chunk, Depth::WithoutSignIns)
                .await?;
            for look in looks {
                let guest = look.guest_id();
                let taken = by_guest.remove(&guest).unwrap_or_default();
                undoings.push(self.undoing(guest, taken, &look).await?);
            }
        }
        Ok(undoings)
    }

    async fn undoing(
        &self,
        guest: GuestId,
        taken: Vec<IntentRow>,
        look: &Reread,
    ) -> Result<Undoing, CycleError> {
        let mut tx = self.store.read().await?;
        let row = tx.guest_row(self.tenant.id, guest).await?;
        drop(tx);
        let record = row.map(|row| row.view.record);
        let is_ours = record
            .as_ref()
            .is_some_and(|record| record.disabled_by_us.is_some());
        let is_deleted_by_us = record.is_some_and(|record| record.deleted_by_us.is_some());
        let mut calls = Vec::new();
        let mut remarks = Vec::new();
        match look {
            Reread::Absent(_) => remarks.push(
                "is not among the deleted users any more: Entra keeps them for 30 days, or until somebody deletes them for good; invite the person anew"
                    .to_owned(),
            ),
            Reread::Deleted(_) if !is_deleted_by_us => remarks.push(
                "is deleted, but not by Innkeeper as far as it knows: it is left to whoever did it"
                    .to_owned(),
            ),
            Reread::Deleted(_) => {
                calls.push(Call::Restore);
                if is_ours {
                    calls.push(Call::Enable);
                }
                remarks.push(
                    "groups, app roles and licences are compared once it is restored".to_owned(),
                );
            }
            Reread::Present { guest: now, .. } => {
                let was_disabled = taken
                    .iter()
                    .any(|row| matches!(row.intent.call, Call::Disable | Call::Delete));
                if was_disabled && is_ours && now.enabled == Some(false) {
                    calls.push(Call::Enable);
                } else if was_disabled && now.enabled == Some(false) {
                    remarks.push(
                        "is disabled, but not by Innkeeper as far as it knows: it is left to whoever did it".to_owned(),
                    );
                }
            }
        }
        if let Reread::Present { .. } = look {
            let (back, lost) = self.missing(guest, &taken, look).await?;
            calls.extend(back);
            remarks.extend(lost);
        }
        Ok(Undoing {
            guest,
            taken,
            // What was taken twice is given back once.
            calls: each_once(calls),
            remarks,
        })
    }

    /// What the guest had before and has no more: what is to be given back, and what cannot be.
    async fn missing(
        &self,
        guest: GuestId,
        taken: &[IntentRow],
        look: &Reread,
    ) -> Result<(Vec<Call>, Vec<String>), CycleError> {
        let mut calls: Vec<Call> = Vec::new();
        let mut remarks = Vec::new();
        let Reread::Present {
            groups, sponsors, ..
        } = look
        else {
            return Ok((calls, remarks));
        };
        let mut added = Vec::new();
        for row in taken {
            if let Call::RemoveFromGroup { group } = &row.intent.call
                && !groups.contains(group)
            {
                calls.push(Call::AddToGroup { group: *group });
            }
            if let Call::AddSponsor { sponsor } = row.intent.call {
                added.push(sponsor);
                if sponsors.iter().any(|known| known.id == sponsor) {
                    calls.push(Call::RemoveSponsor { sponsor });
                }
            }
        }
        let (unmark, left) = self.marks_of(guest, taken).await?;
        calls.extend(unmark);
        remarks.extend(left);
        let took = taken.iter().filter(|row| marked(row).is_none());
        let Some(since) = took.map(|row| row.intent.created).min() else {
            return Ok((calls, remarks));
        };
        let mut tx = self.store.read().await?;
        // What it had before the first of these; a deletion may have been preceded by a disabling in an earlier cycle.
        let snapshot = tx.snapshot(self.tenant.id, guest, since).await?;
        drop(tx);
        let Some(before) = snapshot else {
            return Ok((calls, remarks));
        };
        let holdings = self.tenant.reader.holdings(&[guest]).await?;
        let holdings = holdings.into_iter().next().unwrap_or_default();
        let now = snapshots::of(look, holdings).unwrap_or_default();
        let missing = before.missing(&now);
        for group in missing.groups {
            let call = Call::AddToGroup { group };
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        for app_role in missing.app_roles {
            let is_it = |row: &IntentRow| matches!(&row.intent.call, Call::RemoveAppRole { app_role: taken, .. } if taken.resource == app_role.resource && taken.role == app_role.role);
            if taken.iter().any(is_it) {
                calls.push(Call::AddAppRole { app_role });
            } else {
                remarks.push(format!(
                    "the access to {}: Innkeeper assigns only what it took away; assign it in the admin center",
                    app_role.application()
                ));
            }
        }
        let sponsors = missing.sponsors.into_iter();
        let sponsors = sponsors.filter(|sponsor| !added.contains(sponsor));
        calls.extend(sponsors.map(|sponsor| Call::AddSponsor { sponsor }));
        let manager = missing.manager.into_iter();
        calls.extend(manager.map(|manager| Call::SetManager { manager }));
        remarks.extend(missing.lost);
        Ok((calls, remarks))
    }

    /// The marks that are to be cleared: those that stand where Innkeeper wrote them, for whatever case, since all cases
    /// close.
    async fn marks_of(
        &self,
        guest: GuestId,
        taken: &[IntentRow],
    ) -> Result<(Vec<Call>, Vec<String>), CycleError> {
        let mut tx = self.store.read().await?;
        let row = tx.guest_row(self.tenant.id, guest).await?;
        drop(tx);
        let known = row.into_iter().flat_map(|row| row.view.marks);
        let mut marks: BTreeSet<Mark> = known.map(|written| written.mark).collect();
        // Those of an account that was deleted are forgotten, though a restoring brings them back.
        marks.extend(taken.iter().filter_map(|row| marked(row).cloned()));
        if marks.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let read = self.tenant.reader.extensions(&[guest]).await?;
        let mut calls = Vec::new();
        let mut remarks = Vec::new();
        for mark in marks {
            let sight = read
                .get(&guest)
                .map_or(Sight::Unknown, |read| mark.sight(read));
            let attribute = mark.attribute;
            match sight {
                Sight::Written => calls.push(Call::Unmark { mark }),
                Sight::Free => {}
                Sight::Foreign => remarks.push(format!(
                    "{attribute} holds what somebody else wrote meanwhile, and is left as it is"
                )),
                Sight::Mastered => remarks.push(format!(
                    "{attribute} can be written on-premises alone, where the account is or was mastered: clear it there"
                )),
                Sight::Unknown => {
                    remarks.push(format!("Graph did not tell what stands in {attribute}"));
                }
            }
        }
        Ok((calls, remarks))
    }

    async fn undo(
        &self,
        writer: &W,
        taken: Vec<IntentRow>,
        asked: &Asked,
    ) -> Result<Undone, CycleError> {
        let settled = self.settle().await?;
        let undoings = self.undoings(taken).await?;
        let now = self.clock.now();
        let [at, epoch] = [now.timestamp_micros(), self.lease.epoch()].map(i64::to_be_bytes);
        let undo = PlanId::derived(&[self.tenant.id.0.as_bytes(), b"undo", &at, &epoch]);
        let to_do = undoings.iter().filter(|undoing| !undoing.calls.is_empty());
        let event = Event::UndoAsked {
            undo,
            by: asked.by.clone(),
            reason: asked.reason.clone(),
            guests: to_do.count() as u64,
        };
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.append(self.tenant.id, now, &[(None, event)]).await?;
        tx.commit().await?;
        let mut deeds = Deeds::default();
        let mut remarks = settled.remarks;
        for undoing in &undoings {
            if self.stop.is_cancelled() {
                deeds.interrupted = true;
                break;
            }
            let found = self
                .give_back(writer, undo, undoing, asked, &mut deeds)
                .await?;
            remarks.extend(found.into_iter().map(|remark| (undoing.guest, remark)));
        }
        Ok(Undone {
            undoings,
            deeds,
            remarks,
        })
    }

    /// Gives back to one guest; returns what turns out to be lost.
    async fn give_back(
        &self,
        writer: &W,
        undo: PlanId,
        undoing: &Undoing,
        asked: &Asked,
        deeds: &mut Deeds,
    ) -> Result<Vec<String>, CycleError> {
        let (guest, taken) = (undoing.guest, &undoing.taken);
        let mut remarks = Vec::new();
        if undoing.calls.is_empty() {
            return Ok(remarks);
        }
        // Before anything is given back: whoever undoes again after a death finds nothing left to give, and the guest
        // would be left without its immunity. Who only loses a sponsor that was added does not begin anew.
        let gives_back = |call: &Call| !matches!(call, Call::RemoveSponsor { .. });
        if undoing.calls.iter().any(gives_back) {
            self.revive(guest, asked).await?;
        }
        if !self
            .give(writer, undo, undoing, &undoing.calls, deeds)
            .await?
        {
            return Ok(remarks);
        }
        if undoing.calls.contains(&Call::Restore) {
            let looks = self
                .tenant
                .reader
                .reread(&[guest], Depth::WithoutSignIns)
                .await?;
            match looks.first() {
                Some(look @ Reread::Present { .. }) => {
                    let (back, lost) = self.missing(guest, taken, look).await?;
                    remarks.extend(lost);
                    self.give(writer, undo, undoing, &each_once(back), deeds)
                        .await?;
                }
                _ => remarks.push(
                    "is restored, but Graph does not show it yet; undo again in some minutes to compare groups and app roles"
                        .to_owned(),
                ),
            }
        }
        Ok(remarks)
    }

    /// Makes the calls one after the other; whether all are in effect.
    async fn give(
        &self,
        writer: &W,
        undo: PlanId,
        undoing: &Undoing,
        calls: &[Call],
        deeds: &mut Deeds,
    ) -> Result<bool, CycleError> {
        let Some(first) = undoing.taken.first() else {
            return Ok(true);
        };
        for call in calls {
            let Intent {
                case, rule, stage, ..
            } = first.intent.clone();
            let intent = Intent {
                id: Intent::id_of(self.tenant.id, undo, case, stage, call),
                plan: undo,
                case,
                guest: undoing.guest,
                rule,
                stage,
                call: call.clone(),
                created: self.clock.now(),
            };
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            self.write_down(&mut tx, std::slice::from_ref(&intent))
                .await?;
            tx.commit().await?;
            let writer = writer.sent_as(intent.id.0);
            let answer = match call {
                Call::Restore => writer.restore(intent.guest).await,
                Call::Enable => writer.enable(intent.guest).await,
                Call::AddToGroup { group } => writer.add_to_group(*group, intent.guest).await,
                Call::AddAppRole { app_role } => writer.add_app_role(intent.guest, app_role).await,
                Call::AddSponsor { sponsor } => writer.add_sponsor(intent.guest, *sponsor).await,
                Call::SetManager { manager } => writer.set_manager(intent.guest, *manager).await,
                Call::RemoveSponsor { sponsor } => {
                    writer.remove_sponsor(intent.guest, *sponsor).await
                }
                Call::Unmark { mark } => {
                    let attribute = mark.attribute;
                    writer.set_attribute(intent.guest, attribute, None).await
                }
                Call::Flag
                | Call::Mark { .. }
                | Call::Notify { .. }
                | Call::ResendInvitation { .. }
                | Call::RemoveAppRole { .. }
                | Call::RemoveFromGroup { .. }
                | Call::Disable
                | Call::Delete => unreachable!("an undo takes nothing away"),
            };
            let upshot = self.outcome(&intent, answer).await?;
            // A mark that is cleared is forgotten with it; of what is given back no stage is executed.
            self.conclude_call(&intent, &upshot, false).await?;
            let outcome = upshot.outcome;
            deeds.note(intent.guest, call, &outcome);
            let is_essential = matches!(call, Call::Restore | Call::Enable);
            if is_essential && !outcome.is_in_effect() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The guest begins anew: its cases close, and its time counts from now.
    async fn revive(&self, guest: GuestId, asked: &Asked) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        if let Some(row) = tx.guest_row(tenant, guest).await? {
            let record = GuestRecord {
                revived: Some(now),
                ..row.view.record
            };
            tx.save_guests(tenant, &[&record]).await?;
        }
        let closing = Closing::Undone {
            reason: asked.reason.clone(),
        };
        let mut events = Vec::new();
        for row in tx.cases_of(tenant, guest).await? {
            if row.closed.is_none() {
                tx.close_case(tenant, row.case.id, now, &closing).await?;
                let closed = Event::CaseClosed {
                    case: row.case.id,
                    rule: row.case.rule,
                    closing: closing.clone(),
                };
                events.push((Some(guest), closed));
            }
        }
        tx.append(tenant, now, &events).await?;
        tx.commit().await?;
        info!(guest.id = %guest, "begins anew");
        Ok(())
    }
}

/// Whether an action can be undone: it took something away or added a sponsor, and it happened.
#[must_use]
pub fn is_undoable(row: &IntentRow) -> bool {
    let takes_away = matches!(
        row.intent.call,
        Call::Mark { .. }
            | Call::Disable
            | Call::Delete
            | Call::RemoveFromGroup { .. }
            | Call::RemoveAppRole { .. }
            | Call::AddSponsor { .. }
    );
    let happened = row
        .outcome
        .as_ref()
        .is_some_and(|(_, outcome)| matches!(outcome, Outcome::Done { .. } | Outcome::FoundDone));
    takes_away && happened
}

/// What an action wrote into an attribute.
fn marked(row: &IntentRow) -> Option<&Mark> {
    if let Call::Mark { mark } = &row.intent.call {
        Some(mark)
    } else {
        None
    }
}

/// The last moment at which a deletion can be undone.
#[must_use]
pub fn final_day(deleted: DateTime<Utc>) -> DateTime<Utc> {
    deleted + KEPT
}
