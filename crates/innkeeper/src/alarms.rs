//! Alarms: what operators have to hear is judged, told, told again and cleared; and signs of life are given.
//!
//! Invariants: nothing here fails a cycle; of several processes and moments that see the same alarm, one tells of it; what
//! could not be told is tried again at the next look. How a message looks is in [`message`].

mod message;
mod timer;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use innkeeper_domain::alarm::telling::{Channel, Kept, Message, State};
use innkeeper_domain::alarm::{Alarm, CycleEnd, Ending, Kind, Signs, WaitingPolicy, Work};
use innkeeper_domain::approve::Backlog;
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::Event;
use innkeeper_domain::plan::Mode;
use innkeeper_engine::schedule::Schedule;
use innkeeper_engine::{CycleError, Report};
use innkeeper_graph::{Credential, WriteError, Writer};
use innkeeper_store::{AlarmRow, Store, StoreError};

use crate::config::{Alarms, Config, Heartbeat, TenantConfig};
use crate::hook;
use crate::installation::GraphTenant;

pub(crate) use timer::look_often;

/// A tenant that is watched over, and whom to tell of it.
pub(crate) struct Watched {
    pub(crate) id: TenantId,
    pub(crate) name: String,
    mode: Mode,
    /// Present where mail may be sent.
    writer: Option<Writer>,
    operators: Vec<String>,
    credential: Credential,
    secret_ends: Option<DateTime<Utc>>,
    heartbeat: Option<Heartbeat>,
}

/// From where on who is told.
pub(crate) struct Watch {
    pub(crate) tenants: Vec<Watched>,
    alarms: Alarms,
    schedule: Schedule,
}

/// What was found at one look.
#[derive(Default)]
pub(crate) struct Look {
    /// What the log is to say.
    pub(crate) lines: Vec<(Message, Alarm)>,
    /// What went wrong.
    pub(crate) warnings: Vec<anyhow::Error>,
}

/// Whether silence is judged: not while a cycle has had no chance yet, as after a start or when the machine wakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    Judged,
    NotYet,
}

impl Watched {
    /// One that is looked at without telling anybody.
    pub(crate) fn of(config: &TenantConfig) -> Self {
        let end = |day: chrono::NaiveDate| {
            (day + TimeDelta::days(1))
                .and_time(NaiveTime::MIN)
                .and_utc()
        };
        Self {
            id: config.id,
            name: config.name.clone(),
            mode: config.mode,
            writer: None,
            operators: Vec::new(),
            credential: config.credential.clone(),
            secret_ends: config.secret_expires_on.map(end),
            heartbeat: config.heartbeat.clone(),
        }
    }

    /// What is judged. A certificate whose file cannot be read fails the cycles, which is told of by itself.
    async fn signs(&self, store: &Store, alarms: &Alarms, started: DateTime<Utc>) -> Result<Signs> {
        let mut tx = store.read().await?;
        let newest = alarms.idle_cycles.max(alarms.growing_cycles);
        let first = tx.first_reading(self.id).await?;
        let certificate = self.credential.ends().ok().flatten();
        Ok(Signs {
            began: first.unwrap_or(started),
            last_healthy: tx.last_healthy_cycle(self.id).await?,
            observation: tx.last_observation(self.id).await?,
            cycles: tx.cycle_ends(self.id, newest).await?,
            credential_ends: [certificate, self.secret_ends].into_iter().flatten().min(),
            waiting: tx.waiting_policy(self.id).await?.map(waiting),
        })
    }
}

impl Watch {
    /// For the tenants of a configuration, by their connections.
    pub(crate) fn of(config: &Config, tenants: &[GraphTenant]) -> Self {
        let watched = |config: &TenantConfig| {
            let tenant = tenants.iter().find(|tenant| tenant.id == config.id)?;
            Some(Watched {
                writer: tenant.writer.clone(),
                operators: tenant.operators.clone(),
                ..Watched::of(config)
            })
        };
        Self {
            tenants: config.tenants.iter().filter_map(watched).collect(),
            alarms: config.alarms.clone(),
            schedule: config.schedule.clone(),
        }
    }

    pub(crate) fn tenant(&self, id: TenantId) -> Option<&Watched> {
        self.tenants.iter().find(|watched| watched.id == id)
    }

    /// Notes how a cycle ended, tells what there is to tell, and gives a sign of life.
    pub(crate) async fn after_cycle(
        &self,
        store: &Store,
        watched: &Watched,
        ended: Result<&Report, &CycleError>,
        now: DateTime<Utc>,
    ) -> Look {
        let Some(how) = ending(watched.mode, ended) else {
            return Look::default();
        };
        let is_healthy = how.is_healthy();
        let noted = note(store, watched.id, CycleEnd { at: now, how }).await;
        let mut look = self.look(store, watched, Silence::Judged, now, now).await;
        look.warnings.extend(noted.err());
        look.warnings.extend(beat(watched, is_healthy).await.err());
        look
    }

    /// Judges, and tells what is due. `started` is when this process began.
    pub(crate) async fn look(
        &self,
        store: &Store,
        watched: &Watched,
        silence: Silence,
        started: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Look {
        let mut look = Look::default();
        let kept = match self.judge(store, watched, silence, started, now).await {
            Ok(kept) => kept,
            Err(error) => {
                let error = error.context("alarms could not be judged");
                look.warnings.push(error);
                return look;
            }
        };
        let mail = watched
            .writer
            .as_ref()
            .filter(|_| !watched.operators.is_empty());
        let channels = [
            Some(Channel::Log),
            self.alarms.url.as_ref().map(|_| Channel::Webhook),
            mail.map(|_| Channel::Mail),
        ];
        let mut kept = kept;
        for channel in channels.into_iter().flatten() {
            match self.tell(store, watched, channel, &mut kept, now).await {
                Ok(told) => {
                    let noted = note_told(store, watched.id, channel, &told, now).await;
                    look.warnings.extend(noted.err());
                    if channel == Channel::Log {
                        look.lines = told;
                    }
                }
                Err(error) => look.warnings.push(error),
            }
        }
        look
    }

    /// Brings what is kept up to date.
    async fn judge(
        &self,
        store: &Store,
        watched: &Watched,
        silence: Silence,
        started: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Vec<AlarmRow>> {
        let signs = watched.signs(store, &self.alarms, started).await?;
        let bounds = self.alarms.bounds(&self.schedule, now);
        let alarms = Alarm::all(&signs, &bounds, now);
        let mut before = store.read().await?.alarms(watched.id).await?;
        let mut rows = Vec::new();
        let mut changed = Vec::new();
        for kind in Kind::ALL {
            let row = before.iter().position(|row| row.kept.alarm.kind() == kind);
            let row = row.map(|index| before.swap_remove(index));
            let alarm = alarms.iter().find(|alarm| alarm.kind() == kind).cloned();
            if kind == Kind::Silent && silence == Silence::NotYet {
                rows.extend(row);
                continue;
            }
            match (row, alarm) {
                (None, None) => {}
                (None, Some(alarm)) => changed.push((Kept::raised(alarm, now), 0, false)),
                (Some(AlarmRow { kept, version }), alarm) => {
                    let judged = kept.clone().judged(alarm, now);
                    if judged == kept {
                        rows.push(AlarmRow { kept, version });
                    } else {
                        changed.push((judged, version, kept.is_raised()));
                    }
                }
            }
        }
        if !changed.is_empty() {
            let mut tx = store.begin().await?;
            let mut events = Vec::new();
            for (kept, version, was_raised) in changed {
                // Whoever was faster judges the same.
                if let Some(version) = tx
                    .save_alarm(watched.id, kept.alarm.kind(), &kept, version)
                    .await?
                {
                    events.extend(turn(&kept, was_raised).map(|event| (None, event)));
                    rows.push(AlarmRow { kept, version });
                }
            }
            tx.append(watched.id, now, &events).await?;
            tx.commit().await?;
        }
        Ok(rows)
    }

    /// Tells a channel what it is due. First it is written down, so that nobody else tells the same; what then could not
    /// be told is due again.
    async fn tell(
        &self,
        store: &Store,
        watched: &Watched,
        channel: Channel,
        rows: &mut [AlarmRow],
        now: DateTime<Utc>,
    ) -> Result<Vec<(Message, Alarm)>> {
        let pace = self.alarms.pace();
        if rows
            .iter()
            .all(|row| row.kept.due(channel, pace, now).is_none())
        {
            return Ok(Vec::new());
        }
        let mut claimed = Vec::new();
        let mut tx = store.begin().await?;
        for row in rows.iter_mut() {
            let Some(message) = row.kept.due(channel, pace, now) else {
                continue;
            };
            let before = row.clone();
            let after = before.kept.clone().after(channel, message, now);
            let kind = after.alarm.kind();
            let saved = tx.save_alarm(watched.id, kind, &after, row.version).await?;
            if let Some(version) = saved {
                *row = AlarmRow {
                    kept: after,
                    version,
                };
                claimed.push((message, before));
            }
        }
        tx.commit().await?;
        let told: Vec<(Message, Kept)> = claimed
            .iter()
            .map(|(message, row)| (*message, row.kept.clone()))
            .collect();
        if told.is_empty() {
            return Ok(Vec::new());
        }
        if let Err(error) = self.deliver(watched, channel, &told, now).await {
            let mut tx = store.begin().await?;
            for (_, before) in claimed {
                let kind = before.kept.alarm.kind();
                let row = rows.iter_mut().find(|row| row.kept.alarm.kind() == kind);
                if let Some(row) = row
                    && let Some(version) = tx
                        .save_alarm(watched.id, kind, &before.kept, row.version)
                        .await?
                {
                    *row = AlarmRow {
                        kept: before.kept,
                        version,
                    };
                }
            }
            tx.commit().await?;
            return Err(error);
        }
        Ok(told
            .into_iter()
            .map(|(message, kept)| (message, kept.alarm))
            .collect())
    }

    async fn deliver(
        &self,
        watched: &Watched,
        channel: Channel,
        told: &[(Message, Kept)],
        now: DateTime<Utc>,
    ) -> Result<()> {
        match channel {
            // The caller has the log.
            Channel::Log => Ok(()),
            Channel::Webhook => match &self.alarms.url {
                Some(url) => hook::post(url, &message::json(watched, told, now))
                    .await
                    .context("alarms were not sent (alarms.url); the next look tries again"),
                None => Ok(()),
            },
            Channel::Mail => {
                let Some(writer) = &watched.writer else {
                    return Ok(());
                };
                let mail = message::mail(watched, told);
                match writer.send_mail(&mail).await {
                    // One of which it is not known whether it was sent counts as sent: it is told again anyway.
                    Ok(_) | Err(WriteError::Unclear(_)) => Ok(()),
                    Err(WriteError::Refused(error)) => Err(error).context(
                        "alarms were not sent to the operators; the next look tries again",
                    ),
                }
            }
        }
    }
}

/// What the journal is to hold of an alarm that was judged anew: that it came, or that it is over.
fn turn(kept: &Kept, was_raised: bool) -> Option<Event> {
    let alarm = kept.alarm.clone();
    match &kept.state {
        State::Raised { .. } => (!was_raised).then_some(Event::AlarmRaised { alarm }),
        State::Cleared { since, .. } => was_raised.then_some(Event::AlarmCleared {
            alarm,
            since: *since,
        }),
    }
}

/// Keeps in the journal what was told. It is told by now, whatever comes of this.
async fn note_told(
    store: &Store,
    tenant: TenantId,
    channel: Channel,
    told: &[(Message, Alarm)],
    now: DateTime<Utc>,
) -> Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let event = |(message, alarm): &(Message, Alarm)| {
        let event = Event::AlarmTold {
            alarm: alarm.clone(),
            message: *message,
            by: channel,
        };
        (None, event)
    };
    let events: Vec<_> = told.iter().map(event).collect();
    let noted = async {
        let mut tx = store.begin().await?;
        tx.append(tenant, now, &events).await?;
        tx.commit().await?;
        anyhow::Ok(())
    };
    noted
        .await
        .context("the journal does not hold that alarms were told")
}

fn waiting(policy: innkeeper_store::WaitingPolicy) -> WaitingPolicy {
    let innkeeper_store::WaitingPolicy {
        hash,
        decision_version: _,
        affected,
        before,
        allowed,
        since: _,
        held,
    } = policy;
    WaitingPolicy {
        hash,
        affected,
        before,
        allowed,
        held,
    }
}

async fn note(store: &Store, tenant: TenantId, end: CycleEnd) -> Result<()> {
    let noted = async {
        let mut tx = store.begin().await?;
        tx.note_cycle_end(tenant, &end).await?;
        tx.commit().await?;
        anyhow::Ok(())
    };
    noted.await.context("the end of the cycle was not noted")
}

/// Tells the tenant's dead-man's switch how the cycle went.
async fn beat(watched: &Watched, is_healthy: bool) -> Result<()> {
    let Some(Heartbeat { url, failure_url }) = &watched.heartbeat else {
        return Ok(());
    };
    match (is_healthy, failure_url) {
        (true, _) => hook::call(url)
            .await
            .context("no sign of life was given (tenants.heartbeat.url)"),
        (false, Some(url)) => hook::call(url)
            .await
            .context("the failure was not told (tenants.heartbeat.failure_url)"),
        (false, None) => Ok(()),
    }
}

/// What is noted of a cycle; `None` where none took place, as when another process has its turn.
fn ending(mode: Mode, ended: Result<&Report, &CycleError>) -> Option<Ending> {
    let report = match ended {
        Ok(report) => report,
        // Where another process has the tenant, or takes it over, that one's cycle is what counts.
        Err(
            CycleError::Stopped
            | CycleError::Busy { .. }
            | CycleError::Store(StoreError::LeaseLost),
        ) => return None,
        Err(_) => return Some(Ending::Failed),
    };
    let waiting = report.approval.waiting.len() as u64;
    Some(Ending::Complete {
        healthy: report.plan.observation.health.is_healthy(),
        work: work(mode, report),
        left_alone: report.plan.left_alone,
        waiting: (waiting > 0).then_some((report.recorded, waiting)),
    })
}

fn work(mode: Mode, report: &Report) -> Option<Work> {
    let counts = |of: &&Backlog| match mode {
        Mode::Observe => false,
        Mode::Warn => of.action == "notify",
        Mode::Enforce => of.action != "flag",
    };
    let backlog = || report.approval.backlog.iter().filter(counts);
    let due = |of: &Backlog| of.due.saturating_sub(of.held + of.waiting);
    let left = |of: &Backlog| of.left().saturating_sub(of.waiting);
    (mode != Mode::Observe).then(|| Work {
        due: backlog().map(due).sum(),
        done: report.deeds.done(),
        left: backlog().map(left).sum(),
    })
}

/// The alarms of a tenant as judged now, each with since when it is known; nothing is told or written.
pub(crate) async fn now(
    store: &Store,
    config: &Config,
    tenant: &TenantConfig,
    now: DateTime<Utc>,
) -> Result<Vec<(Alarm, Option<Kept>)>> {
    let watched = Watched::of(tenant);
    let signs = watched.signs(store, &config.alarms, now).await?;
    let kept = store.read().await?.alarms(tenant.id).await?;
    let known = |alarm: &Alarm| {
        let row = kept
            .iter()
            .find(|row| row.kept.alarm.kind() == alarm.kind());
        row.map(|row| row.kept.clone()).filter(Kept::is_raised)
    };
    let bounds = config.alarms.bounds(&config.schedule, now);
    Ok(Alarm::all(&signs, &bounds, now)
        .into_iter()
        .map(|alarm| {
            let kept = known(&alarm);
            (alarm, kept)
        })
        .collect())
}
