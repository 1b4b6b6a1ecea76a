//! What chaos came to: what must not be, and how much later things were done than with perfect eyes.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::Call;
use innkeeper_engine::{CycleError, Report, Undone};
use innkeeper_store::{IntentRow, StoreError};
use serde_json::{Value, json};

use super::super::folder::Folder;
use super::super::observer::{Deed, Observer};
use super::super::world::{ActiveFault, TrueGuest, Write};
use super::fate::{Ended, Fate};
use super::people::Meddling;
use super::trouble::Trouble;
use super::witness::Findings;
use crate::cli::Output;
use crate::output::{Rows, print, print_json};

/// What happens, day by day.
pub(super) struct Account {
    seed: u64,
    days: u32,
    guests: usize,
    cycles: u64,
    failed: u64,
    unhealthy: u64,
    deaths: u64,
    lost_databases: u64,
    lost_leases: u64,
    undos: u64,
    meddlings: BTreeMap<&'static str, u64>,
    faults: BTreeMap<String, u64>,
    expected: Vec<(DateTime<Utc>, Deed)>,
    /// Whom Innkeeper has disabled.
    ours: BTreeSet<GuestId>,
}

/// What it came to.
pub(super) struct Outcome {
    account: Account,
    findings: Findings,
    is_intact: bool,
    done: BTreeMap<&'static str, u64>,
    lateness: Vec<i64>,
    /// What was late the most.
    latest: Option<(i64, DateTime<Utc>, Deed)>,
    not_yet: u64,
    overtaken: u64,
}

impl Account {
    pub(super) fn new(seed: u64, days: u32, guests: usize) -> Self {
        Self {
            seed,
            days,
            guests,
            cycles: 0,
            failed: 0,
            unhealthy: 0,
            deaths: 0,
            lost_databases: 0,
            lost_leases: 0,
            undos: 0,
            meddlings: BTreeMap::new(),
            faults: BTreeMap::new(),
            expected: Vec::new(),
            ours: BTreeSet::new(),
        }
    }

    /// The world as it would be had the observer done what it wanted, and Innkeeper nothing.
    pub(super) fn without_us(
        &self,
        truth: &[TrueGuest],
        observer: &Observer,
        now: DateTime<Utc>,
    ) -> Vec<TrueGuest> {
        let mut truth = truth.to_vec();
        for guest in &mut truth {
            let is_enabled = guest.enabled || self.ours.contains(&guest.id);
            guest.enabled = is_enabled && !observer.has_disabled(guest.id);
            if observer.has_deleted(guest.id) {
                guest.deleted = guest.deleted.or(Some(now));
            }
        }
        truth
    }

    pub(super) fn expect(&mut self, deeds: BTreeSet<Deed>, now: DateTime<Utc>) {
        self.expected
            .extend(deeds.into_iter().map(|deed| (now, deed)));
    }

    /// Counts the requests that were befallen, and each setting of the day as one.
    pub(super) fn troubles(&mut self, active: &[ActiveFault], troubles: &[Trouble]) -> Result<()> {
        for ActiveFault { hits, fault } in active {
            let kind = serde_json::to_value(fault.kind)?;
            let when = if fault.after_effect {
                "_after_effect"
            } else {
                ""
            };
            let kind = format!("{}{when}", kind.as_str().unwrap_or_default());
            *self.faults.entry(kind).or_default() += hits;
        }
        for trouble in troubles {
            match trouble {
                Trouble::Fault(_) => {}
                Trouble::Setting { name, .. } => {
                    *self.faults.entry((*name).to_owned()).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// What somebody did by hand.
    pub(super) fn meddled(&mut self, guest: GuestId, meddling: Meddling) {
        *self.meddlings.entry(meddling.as_str()).or_default() += 1;
        if meddling == Meddling::Enabled {
            self.ours.remove(&guest);
        }
    }

    /// What became of an undo: whom it gave something, or `None` if it died.
    pub(super) fn undo(
        &mut self,
        ended: Ended<Result<Undone, CycleError>>,
    ) -> Result<Option<Vec<GuestId>>> {
        match ended {
            Ended::Dead => {
                self.deaths += 1;
                Ok(None)
            }
            Ended::Alive(undone) => {
                self.undos += 1;
                let given = undone?.undoings.into_iter();
                // Who only loses a sponsor that was added does not begin anew.
                let gives = |call: &Call| !matches!(call, Call::RemoveSponsor { .. });
                let given = given.filter(|undoing| undoing.calls.iter().any(gives));
                Ok(Some(given.map(|undoing| undoing.guest).collect()))
            }
        }
    }

    /// What became of a cycle; whether it is over for today. One that fails because of Graph is retried the next day, as
    /// the daemon does; one that was cut off is begun again at once, by another process.
    pub(super) fn cycle(
        &mut self,
        fate: Fate,
        ended: Ended<Result<Report, CycleError>>,
    ) -> Result<bool> {
        self.cycles += 1;
        let result = match (ended, fate) {
            (Ended::Dead, _) => {
                self.deaths += 1;
                return Ok(false);
            }
            (Ended::Alive(Err(CycleError::Store(_))), Fate::LosesDatabase(_)) => {
                self.lost_databases += 1;
                return Ok(false);
            }
            (Ended::Alive(Err(CycleError::Store(StoreError::LeaseLost))), Fate::LosesLease(_)) => {
                self.lost_leases += 1;
                return Ok(false);
            }
            (Ended::Alive(result), _) => result,
        };
        match result {
            Ok(report) => {
                let is_healthy = report.plan.observation.health.is_healthy();
                self.unhealthy += u64::from(!is_healthy);
            }
            Err(error @ (CycleError::Store(_) | CycleError::Busy { .. } | CycleError::Stopped)) => {
                return Err(error.into());
            }
            Err(
                CycleError::Graph(_)
                | CycleError::NotPermitted { .. }
                | CycleError::SponsorsIncomplete { .. }
                | CycleError::TooMany { .. }
                | CycleError::TooLong { .. }
                | CycleError::ClockSkew { .. },
            ) => self.failed += 1,
        }
        Ok(true)
    }

    pub(super) fn evening(&mut self, writes: &[Write]) {
        for write in writes {
            if let Some(guest) = write.target {
                match write.kind.as_str() {
                    "disable" => _ = self.ours.insert(guest),
                    "enable" => _ = self.ours.remove(&guest),
                    _ => {}
                }
            }
        }
    }

    /// Finds for each thing that the observer wanted when it was done.
    pub(super) fn conclude(
        self,
        actions: &[IntentRow],
        observer: &Observer,
        findings: Findings,
        is_intact: bool,
    ) -> Outcome {
        let mut done: BTreeMap<Deed, Vec<DateTime<Utc>>> = BTreeMap::new();
        let mut counts = BTreeMap::new();
        for IntentRow {
            intent, outcome, ..
        } in actions
        {
            if outcome
                .as_ref()
                .is_some_and(|(_, outcome)| outcome.is_in_effect())
            {
                let effect = intent.call.as_str();
                let deed = (intent.guest, intent.rule.to_string(), effect);
                done.entry(deed).or_default().push(intent.created);
                *counts.entry(effect).or_default() += 1;
            }
        }
        let mut lateness = Vec::new();
        let mut latest = None;
        let [mut not_yet, mut overtaken] = [0; 2];
        for (at, deed) in &self.expected {
            let times = done.get_mut(deed);
            let found = times.and_then(|times| {
                let index = times.iter().position(|time| time >= at)?;
                Some(times.remove(index))
            });
            match found {
                Some(time) => {
                    let days = (time - *at).num_days();
                    lateness.push(days);
                    latest = latest.max(Some((days, *at, deed.clone())));
                }
                None if observer.persists(deed.0, &deed.1) => not_yet += 1,
                None => overtaken += 1,
            }
        }
        Outcome {
            account: self,
            findings,
            is_intact,
            done: counts,
            lateness,
            latest,
            not_yet,
            overtaken,
        }
    }
}

impl Outcome {
    /// Nothing happened that must not.
    pub(super) fn is_clean(&self) -> bool {
        let Findings {
            wrong,
            double,
            skipped,
            unwarned,
            lenient: _,
            told: _,
        } = &self.findings;
        wrong + double + skipped + unwarned == 0 && self.is_intact
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean of days")]
    fn mean(&self) -> f64 {
        let sum: i64 = self.lateness.iter().sum();
        let mean = sum as f64 / self.lateness.len().max(1) as f64;
        (mean * 100.0).round() / 100.0
    }

    fn max(&self) -> i64 {
        self.lateness.iter().copied().max().unwrap_or_default()
    }

    pub(super) fn print(&self, output: Output, folder: &Folder) -> Result<()> {
        match output {
            Output::Json => print_json(&self.json(folder)),
            Output::Csv => self.rows().print_csv(),
            Output::Table => self.tell(folder),
        }
    }

    fn json(&self, folder: &Folder) -> Value {
        let Account {
            seed,
            days,
            guests,
            cycles,
            failed,
            unhealthy,
            deaths,
            lost_databases,
            lost_leases,
            undos,
            meddlings,
            faults,
            expected: _,
            ours: _,
        } = &self.account;
        let Findings {
            wrong,
            double,
            skipped,
            unwarned,
            lenient,
            told,
        } = &self.findings;
        json!({
            "seed": seed,
            "days": days,
            "guests": guests,
            "cycles": cycles,
            "failed_cycles": failed,
            "unhealthy_cycles": unhealthy,
            "deaths": deaths,
            "lost_databases": lost_databases,
            "lost_leases": lost_leases,
            "undos": undos,
            "meddlings": meddlings,
            "faults": faults.values().sum::<u64>(),
            "faults_by_kind": faults,
            "done": self.done,
            "wrong_actions": wrong,
            "double_actions": double,
            "skipped_stages": skipped,
            "missed_warnings": unwarned,
            "lenient_enablings": lenient,
            "journal_intact": self.is_intact,
            "lateness_days": { "mean": self.mean(), "max": self.max() },
            "latest": self.latest.as_ref().map(|(days, at, (guest, rule, effect))| json!({ "days": days, "due": at, "guest_id": guest, "rule": rule, "action": effect })),
            "in_time_or_late": self.lateness.len(),
            "not_yet": self.not_yet,
            "overtaken": self.overtaken,
            "findings": told,
            "config": folder.config,
        })
    }

    fn rows(&self) -> Rows {
        let Account {
            cycles,
            failed,
            unhealthy,
            deaths,
            lost_databases,
            lost_leases,
            undos,
            meddlings,
            faults,
            ..
        } = &self.account;
        let findings = &self.findings;
        let mut rows = Rows::new(["what", "count"]);
        let intact = if self.is_intact { "intact" } else { "BROKEN" };
        for (what, count) in [
            ("cycles", cycles.to_string()),
            ("of which failed", failed.to_string()),
            (
                "of which saw what they could not believe",
                unhealthy.to_string(),
            ),
            ("of which died", deaths.to_string()),
            ("of which lost the database", lost_databases.to_string()),
            ("of which lost the lease", lost_leases.to_string()),
            ("undos", undos.to_string()),
            (
                "done by people",
                meddlings.values().sum::<u64>().to_string(),
            ),
            ("faults", faults.values().sum::<u64>().to_string()),
            ("wrong actions", findings.wrong.to_string()),
            ("double actions", findings.double.to_string()),
            ("skipped stages", findings.skipped.to_string()),
            ("missed warnings", findings.unwarned.to_string()),
            ("journal", intact.to_owned()),
            ("enabled again too early", findings.lenient.to_string()),
            (
                "done as a perfect observer would",
                self.lateness.len().to_string(),
            ),
            ("days later, on average", self.mean().to_string()),
            ("days later, at most", self.max().to_string()),
            ("not done yet", self.not_yet.to_string()),
            (
                "not done, the reason having gone",
                self.overtaken.to_string(),
            ),
        ] {
            rows.push([what.to_owned(), count]);
        }
        rows
    }

    fn tell(&self, folder: &Folder) -> Result<()> {
        let Account {
            seed, days, guests, ..
        } = &self.account;
        print(&format!(
            "{days} days of chaos by seed {seed} in a simulated tenant of {guests} guests.\n\n"
        ))?;
        self.rows().print_table(usize::MAX)?;
        for finding in &self.findings.told {
            print(&format!("\n{finding}"))?;
        }
        print(&format!(
            "\nThe same again: innkeeper demo --chaos {seed} --days {days} --guests {guests}\n\
             The database and the configuration are left behind: {}\n",
            folder.config.display()
        ))
    }
}
