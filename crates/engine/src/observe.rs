//! Observing: reading a whole tenant, or nothing.
//!
//! Invariant: an observation exists only when every guest, sponsor, named group and role was read. What a broken-off
//! reading leaves behind are rows that were truly read and marks that only move forward; nothing is concluded from
//! them, since only a complete observation is ever decided upon. It is complete in the very transaction that holds
//! what was decided upon it: the watch never moves without the time being taken off that a case could not be seen.

mod access;
mod changes;
mod conditions;
mod freshness;
mod groups;
mod guests;
mod log;
mod people;
mod place;
mod sponsors;
mod spread;

pub(crate) use log::SignedIn;

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::case::Closing;
use innkeeper_domain::group::Found;
use innkeeper_domain::ids::{GroupId, GuestId, ObservationId};
use innkeeper_domain::journal::Event;
use innkeeper_domain::observation::{Counts, Health, Observation};
use innkeeper_domain::policy::LEAVE;
use innkeeper_domain::watch::Watched;
use innkeeper_graph::ChangesSince;
use innkeeper_store::Tx;
use roaring::RoaringTreemap;
use tracing::{info, warn};

use self::changes::Marks;
use self::guests::Pass;
use self::place::Begun;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// What `employeeLeaveDateTime` is read with.
const LEAVE_PERMISSIONS: [&str; 2] = [
    "User-LifeCycleInfo.Read.All",
    "User-LifeCycleInfo.ReadWrite.All",
];

/// A complete observation, and by how much it moved the watch.
pub(crate) struct Observed {
    pub(crate) observation: Observation,
    pub(crate) span: TimeDelta,
}

/// Everything that was read, before anything is made of it.
pub(crate) struct Reading {
    id: ObservationId,
    started: DateTime<Utc>,
    seen: Seen,
}

/// What was read.
struct Seen {
    presence: Presence,
    counts: Counts,
    /// From where changes can be read the next time.
    marks: Option<Marks>,
    /// How long it was waited between pages.
    waited: Duration,
}

impl Reading {
    /// How long it was waited between pages, so that they are spread.
    pub(crate) fn waited(&self) -> Duration {
        self.seen.waited
    }
}

/// Who is there.
enum Presence {
    /// Those whose rows these are, and nobody else.
    Only(RoaringTreemap),
    /// Everybody who was there before or is new, but for these.
    AllBut(Vec<GuestId>),
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the tenant.
    pub(crate) async fn observe(&self) -> Result<Reading, CycleError> {
        // What is under way stops in order when it takes too long, as it does when a stop is asked for.
        let patience = self.stop.child_token();
        self.stopped_by(&patience).observe_in_time().await
    }

    async fn observe_in_time(&self) -> Result<Reading, CycleError> {
        let now = self.clock.now();
        if let Some(begun) = self.broken_off(now).await? {
            return self
                .start(begun.id, begun.started, self.read_rest(&begun))
                .await;
        }
        // A clock can stand still, or be set back; an epoch is never the same.
        let [started_bytes, epoch] =
            [now.timestamp_micros(), self.lease.epoch()].map(i64::to_be_bytes);
        let id = ObservationId::derived(&[self.tenant.id.0.as_bytes(), &started_bytes, &epoch]);
        self.start(id, now, self.read(id, now)).await
    }

    /// Notes that a reading begins, and how it ends if it does not end well.
    async fn start(
        &self,
        id: ObservationId,
        started: DateTime<Utc>,
        reading: impl Future<Output = Result<Seen, CycleError>>,
    ) -> Result<Reading, CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.start_observation(self.tenant.id, id, started).await?;
        tx.commit().await?;
        let before = self.tenant.reader.requests();
        let read = async {
            self.check_permitted().await?;
            let mut seen = reading.await?;
            seen.counts.clock_ahead = self.check_clock()?;
            self.note_credential(&mut seen.counts).await?;
            self.note_requests(&mut seen.counts, before);
            Ok(seen)
        };
        match self.in_time(read, started).await {
            Ok(seen) => Ok(Reading { id, started, seen }),
            Err(error) => {
                self.discard(id, &error).await?;
                Err(error)
            }
        }
    }

    /// Ends a reading that takes too long. Whoever answers page after page could otherwise keep it from ever ending.
    async fn in_time(
        &self,
        read: impl Future<Output = Result<Seen, CycleError>>,
        started: DateTime<Utc>,
    ) -> Result<Seen, CycleError> {
        let now = self.clock.now();
        let spread = self.tenant.spread_until.map(|until| until - now);
        let longest = self.policy.limits.eyes.longest_reading;
        // Going on with what an earlier process began takes no longer in all.
        let left = longest - (now - started).max(TimeDelta::zero());
        let left = left + spread.unwrap_or_default().max(TimeDelta::zero());
        let mut read = pin!(read);
        tokio::select! {
            biased;
            read = &mut read => read,
            () = tokio::time::sleep(left.to_std().unwrap_or_default()) => {
                self.stop.cancel();
                match read.await {
                    Err(CycleError::Stopped) => Err(CycleError::TooLong { longest }),
                    other => other,
                }
            }
        }
    }

    /// Without the permission every value is left out, and that would say of each guest that it has none.
    async fn check_permitted(&self) -> Result<(), CycleError> {
        // Read is what the tenant's own policy asks for, whether it decides yet or not.
        let extras = self.tenant.policy.policy.extras();
        if extras.attribute.as_deref() != Some(LEAVE) {
            return Ok(());
        }
        // A token that cannot be looked into says nothing.
        let roles = self.unless_stopped(self.tenant.reader.roles()).await?;
        let is_permitted = |roles: BTreeSet<String>| {
            LEAVE_PERMISSIONS
                .iter()
                .any(|permission| roles.contains(*permission))
        };
        if roles.is_ok_and(|roles| !is_permitted(roles)) {
            return Err(CycleError::NotPermitted {
                property: LEAVE,
                permission: LEAVE_PERMISSIONS[0],
            });
        }
        Ok(())
    }

    async fn read(&self, id: ObservationId, started: DateTime<Utc>) -> Result<Seen, CycleError> {
        if let Some(seen) = self.read_changes(started).await? {
            return Ok(seen);
        }
        let from_now = match self.tenant.whole_every {
            Some(_) => self.users_from_now().await?,
            None => None,
        };
        self.read_rest(&Begun::anew(id, started, from_now)).await
    }

    /// Reads everything, or what is left of it.
    async fn read_rest(&self, begun: &Begun) -> Result<Seen, CycleError> {
        let started = begun.started;
        let counted = self
            .unless_stopped(self.tenant.reader.guest_count())
            .await??;
        // Before pages are read for nothing.
        self.check_clock()?;
        let Pass {
            keys,
            mut counts,
            waited,
            rows: _,
            is_first: _,
        } = self.read_guests(begun, counted).await?;
        counts.counted = Some(counted);
        counts.logged_in = self.read_log(started).await?;
        self.read_freshness(&mut counts).await?;
        self.read_sponsors(&keys).await?;
        let named = self.find_groups().await?;
        let groups: Vec<GroupId> = named
            .values()
            .filter_map(Found::group)
            .map(|group| group.id)
            .collect();
        // Before the members are read, so that no change falls between.
        let marks = match &begun.from_now {
            Some(users) => Some(self.marks(users.clone(), &groups, started).await?),
            None => None,
        };
        counts.groups_emptied = self.read_members(&groups, &keys).await?;
        self.read_inviters(started).await?;
        self.read_people(&named).await?;
        let is_doubtful = |(key, found): (String, Found)| found.group().is_none().then_some(key);
        counts.groups_missing = named.into_iter().filter_map(is_doubtful).collect();
        self.read_roles().await?;
        self.read_access(&keys).await?;
        Ok(Seen {
            presence: Presence::Only(keys),
            counts,
            marks,
            waited,
        })
    }

    /// Where changes begin, unless Graph does not tell: then everything is read each time.
    async fn users_from_now(&self) -> Result<Option<ChangesSince>, CycleError> {
        match self
            .unless_stopped(self.tenant.reader.users_from_now())
            .await?
        {
            Ok(since) => Ok(Some(since)),
            Err(error) => {
                warn!(%error, "changes cannot be followed; each cycle reads everything");
                Ok(None)
            }
        }
    }

    /// Makes an observation of what was read.
    pub(crate) async fn complete(
        &self,
        tx: &mut Tx,
        reading: Reading,
    ) -> Result<Observed, CycleError> {
        let Reading { id, started, seen } = reading;
        let Seen {
            presence,
            mut counts,
            marks,
            waited: _,
        } = seen;
        let limits = &self.policy.limits;
        let finished = self.clock.now();
        let registers = tx.registers(self.tenant.id).await?.into_iter();
        counts.registers = registers.map(|(of, (told, _))| (of, told)).collect();
        let last = tx.last_healthy_observation(self.tenant.id).await?;
        // Against what is known to be there: guests that Innkeeper itself deleted are not missing.
        let known = tx.guest_count(self.tenant.id).await?;
        if let Presence::AllBut(gone) = &presence {
            counts.guests = known.saturating_sub(gone.len() as u64);
        }
        counts.before = match &last {
            // Whom only readings listed that were discarded afterwards, nobody ever believed in.
            Some(last) => {
                let believed = tx
                    .guest_count_seen_by(self.tenant.id, last.finished)
                    .await?;
                Some(believed.min(known.saturating_sub(counts.new)))
            }
            None => None,
        };
        let health = Health::of(&counts, &limits.eyes, finished);
        let before = last
            .as_ref()
            .map_or(Watched::default(), |last| last.watched);
        let watched = match &last {
            Some(last) if health.is_healthy() => {
                before.advanced(last.finished, finished, limits.longest_gap)
            }
            Some(_) | None => before,
        };
        // A guest missing from a reading that cannot be believed is not known to be gone.
        if health.is_healthy() {
            counts.gone = match &presence {
                Presence::Only(keys) => tx.mark_gone(self.tenant.id, keys, finished).await?,
                Presence::AllBut(gone) => {
                    tx.mark_these_gone(self.tenant.id, gone, finished).await?
                }
            };
            self.close_cases_of_gone(tx, finished).await?;
            tx.forget_marks_of_gone(self.tenant.id).await?;
        }
        let observation = Observation {
            id,
            started,
            finished,
            counts,
            health,
            watched,
        };
        // What was read of changes that cannot be believed is not asked for again: all of it has to be read.
        let marks = marks.filter(|_| observation.health.is_healthy());
        let marks = marks.map(|marks| {
            serde_json::to_string(&marks).expect("marks have no map with keys other than text")
        });
        if self.tenant.whole_every.is_some() {
            tx.save_change_marks(self.tenant.id, marks.as_deref())
                .await?;
        }
        tx.forget_reading_place(self.tenant.id).await?;
        tx.finish_observation(self.tenant.id, &observation).await?;
        let event = Event::Observed {
            observation: Box::new(observation.clone()),
        };
        tx.append(self.tenant.id, finished, &[(None, event)])
            .await?;
        let Counts {
            guests,
            new,
            gone,
            vanished,
            regressed,
            ..
        } = &observation.counts;
        match &observation.health {
            Health::Healthy => {
                info!(observation.id = %id, guests, new, gone, vanished, regressed, "observed");
            }
            Health::Unhealthy { reasons } => {
                for doubt in reasons {
                    warn!(observation.id = %id, %doubt, "the observation cannot be believed");
                }
            }
        }
        Ok(Observed {
            span: watched - before,
            observation,
        })
    }

    async fn close_cases_of_gone(&self, tx: &mut Tx, at: DateTime<Utc>) -> Result<(), CycleError> {
        let mut events = Vec::new();
        for case in tx.cases_of_gone(self.tenant.id).await? {
            tx.close_case(self.tenant.id, case.id, at, &Closing::Gone)
                .await?;
            let closed = Event::CaseClosed {
                case: case.id,
                rule: case.rule,
                closing: Closing::Gone,
            };
            events.push((Some(case.guest), closed));
        }
        tx.append(self.tenant.id, at, &events).await?;
        Ok(())
    }

    async fn discard(&self, id: ObservationId, error: &CycleError) -> Result<(), CycleError> {
        let now = self.clock.now();
        // One that went on without an end is not gone on with.
        let is_endless = matches!(
            error,
            CycleError::TooMany { .. } | CycleError::TooLong { .. }
        );
        let error = error.to_string();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.fail_observation(self.tenant.id, id, now, &error).await?;
        if is_endless {
            tx.forget_reading_place(self.tenant.id).await?;
        }
        tx.append(
            self.tenant.id,
            now,
            &[(
                None,
                Event::ObservationFailed {
                    observation: id,
                    error,
                },
            )],
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Waits for an answer of Graph, but not after a stop is asked for. For requests that read, and for nothing else:
    /// a call of the database that is dropped halfway can leave its connection in an open transaction.
    pub(crate) async fn unless_stopped<T>(
        &self,
        answer: impl Future<Output = T>,
    ) -> Result<T, CycleError> {
        self.stop
            .run_until_cancelled(answer)
            .await
            .ok_or(CycleError::Stopped)
    }
}
