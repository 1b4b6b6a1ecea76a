//! `backtest`: a policy replayed over the past, beside the policy in force.

use std::path::Path;

use anyhow::Result;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use innkeeper_domain::backtest::{Instant, Replay, Taken, replay};
use innkeeper_domain::policy::Policy;
use innkeeper_store::Tx;
use serde_json::{Value, json};

use super::judging::{Bench, shown};
use super::policy as policies;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

/// Guests replayed between two looks at the store.
const PAGE: u32 = 500;

/// Rows shown in a table.
const SHOWN: usize = 50;

/// What is not known of the past, or is left out.
const LIMITS: [&str; 5] = [
    "limits are left out, so everybody has a turn at once",
    "guests who have left the directory are replayed until they left; one who was taken and left cannot have come back since",
    "names, addresses, company, domain and type of account are taken as they are now; an attribute that holds a date, and where a guest authenticates, are unknown",
    "sign-ins within seven days of each other are not told apart; a guest counts as active in between",
    "a guest whom Innkeeper disabled for real could not sign in, so it can hardly have come back",
];

/// What one policy would have done.
#[derive(Default)]
struct Tally {
    replayed: u64,
    notified: u64,
    taken: u64,
    came_back: u64,
    /// Of those taken, the ones who are no longer in the directory.
    left: u64,
    /// Guests of whom something was not known at some time.
    unknown: u64,
}

/// A guest whose account one of the policies would have taken.
struct Found {
    guest: String,
    upn: String,
    policy: &'static str,
    taken: Taken,
}

struct Backtest {
    from: DateTime<Utc>,
    /// The first time at which anything is known of any guest.
    reaches: Option<DateTime<Utc>>,
    observations: usize,
    /// In the directory at some time since then.
    guests: u64,
    /// Those of them who have left it.
    gone: u64,
    /// Guests of whom nothing is kept of that time.
    without_past: u64,
    /// Those of them who have left.
    gone_without_past: u64,
    tallies: [(&'static str, Tally); 2],
    found: Vec<Found>,
}

const IN_FORCE: &str = "in force";
const NEW: &str = "new";

pub(crate) async fn run(
    global: &Global,
    file: &Path,
    days: u32,
    from: Option<NaiveDate>,
) -> Result<Exit> {
    let new = policies::load(file)?;
    let installation = Installation::open(global).await?;
    let mut tx = installation.store.read().await?;
    let bench = Bench::read(&installation, global, None, &mut tx).await?;
    let new = new.with_projects(&tx.projects(bench.tenant).await?);
    let in_force = &bench.policy;
    let from = match from {
        Some(day) => day.and_time(NaiveTime::MIN).and_utc(),
        None => bench.now - TimeDelta::days(days.into()),
    };
    let backtest = Backtest::of(&bench, &mut tx, [in_force, &new], from).await?;
    match global.output {
        Output::Json => print_json(&backtest.document(&bench, &new))?,
        Output::Csv => backtest.rows().print_csv()?,
        Output::Table => {
            if let Some(text) = bench.standing.told() {
                print(&format!("{text}\n\n"))?;
            }
            backtest.print()?;
        }
    }
    Ok(Exit::Ok)
}

/// One observation a day: as often as the forecast looks.
fn daily(instants: Vec<Instant>) -> Vec<Instant> {
    let mut daily: Vec<Instant> = Vec::new();
    for instant in instants {
        let is_same_day = |last: &Instant| last.at.date_naive() == instant.at.date_naive();
        if !daily.last().is_some_and(is_same_day) {
            daily.push(instant);
        }
    }
    daily
}

impl Backtest {
    async fn of(
        bench: &Bench,
        tx: &mut Tx,
        policies: [&Policy; 2],
        from: DateTime<Utc>,
    ) -> Result<Self> {
        let instants = daily(tx.instants(bench.tenant, from).await?);
        let mut backtest = Self {
            from,
            reaches: None,
            observations: instants.len(),
            guests: 0,
            gone: 0,
            without_past: 0,
            gone_without_past: 0,
            tallies: [(IN_FORCE, Tally::default()), (NEW, Tally::default())],
            found: Vec::new(),
        };
        let judges = policies.map(|policy| bench.judge_by(policy));
        let mut after = None;
        loop {
            let rows = tx.guest_rows_since(bench.tenant, from, after, PAGE).await?;
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                return Ok(backtest);
            };
            after = Some(last.key);
            let states = tx.states(bench.tenant, first.key, last.key).await?;
            for row in &rows {
                let is_gone = row.view.record.gone.is_some();
                backtest.guests += 1;
                backtest.gone += u64::from(is_gone);
                let states = states.get(&row.key).map(Vec::as_slice).unwrap_or_default();
                let mut first = None;
                for (judge, (policy, tally)) in judges.iter().zip(&mut backtest.tallies) {
                    let replay = replay(judge, &row.view, states, &instants);
                    first = replay.from;
                    tally.count(&replay);
                    if let Some(taken) = replay.taken {
                        let guest = &row.view.record.guest;
                        backtest.found.push(Found {
                            guest: guest.id.to_string(),
                            upn: guest.upn.clone(),
                            policy,
                            taken,
                        });
                    }
                }
                match (first, backtest.reaches) {
                    (None, _) => {
                        backtest.without_past += 1;
                        backtest.gone_without_past += u64::from(is_gone);
                    }
                    (Some(first), Some(reaches)) if reaches <= first => {}
                    (Some(first), _) => backtest.reaches = Some(first),
                }
            }
        }
    }

    fn summary(&self) -> Rows {
        let mut rows = Rows::new([
            "policy",
            "replayed",
            "written_to",
            "taken",
            "came_back",
            "left",
            "regret",
            "unknown_at_times",
        ]);
        for (policy, tally) in &self.tallies {
            rows.push([
                (*policy).to_owned(),
                tally.replayed.to_string(),
                tally.notified.to_string(),
                tally.taken.to_string(),
                tally.came_back.to_string(),
                tally.left.to_string(),
                tally
                    .regret()
                    .map(|regret| format!("{regret:.1} %"))
                    .unwrap_or_default(),
                tally.unknown.to_string(),
            ]);
        }
        rows
    }

    fn rows(&self) -> Rows {
        let mut rows = Rows::new([
            "guest_id",
            "upn",
            "policy",
            "action",
            "rule",
            "at",
            "came_back",
            "how",
            "left",
            "because",
        ]);
        for Found {
            guest,
            upn,
            policy,
            taken,
        } in &self.found
        {
            rows.push([
                guest.clone(),
                upn.clone(),
                (*policy).to_owned(),
                taken.action.as_str().to_owned(),
                taken.rule.to_string(),
                shown(Some(taken.at)),
                shown(taken.came_back.map(|back| back.at)),
                taken
                    .came_back
                    .map(|back| back.how.as_str().to_owned())
                    .unwrap_or_default(),
                shown(taken.left),
                taken.because.clone(),
            ]);
        }
        rows
    }

    fn print(&self) -> Result<()> {
        match self.reaches {
            Some(reaches) => print(&format!(
                "Replayed from {}, over {} daily observations: {} guests, {} of whom have left the directory since.\n\
                 Outside the stored history are {} of them, {} of these having left: of them nothing is kept of that time.\n",
                reaches.format("%Y-%m-%d"),
                self.observations,
                self.guests,
                self.gone,
                self.without_past,
                self.gone_without_past
            ))?,
            None => print(&format!(
                "Nothing is kept of any of {} guests since {}: the past is kept from the first cycle of this version on.\n",
                self.guests,
                self.from.format("%Y-%m-%d")
            ))?,
        }
        self.summary().print_table(usize::MAX)?;
        let rows = self.rows();
        if !rows.is_empty() {
            rows.without(&["guest_id", "because"]).print_table(SHOWN)?;
        }
        for limit in LIMITS {
            print(&format!("Note: {limit}.\n"))?;
        }
        Ok(())
    }

    fn document(&self, bench: &Bench, new: &Policy) -> Value {
        let side = |policy: &Policy, (_, tally): &(&str, Tally)| {
            json!({
                "hash": policy.hash,
                "replayed": tally.replayed,
                "written_to": tally.notified,
                "taken": tally.taken,
                "came_back": tally.came_back,
                "left": tally.left,
                "regret_percent": tally.regret(),
                "unknown_at_times": tally.unknown,
            })
        };
        let [of_old, of_new] = &self.tallies;
        let found = |found: &Found| {
            let Found {
                guest,
                upn,
                policy,
                taken,
            } = found;
            json!({
                "guest_id": guest,
                "upn": upn,
                "policy": policy,
                "action": taken.action,
                "rule": taken.rule,
                "at": taken.at,
                "because": taken.because,
                "came_back_at": taken.came_back.map(|back| back.at),
                "came_back_by": taken.came_back.map(|back| back.how.as_str()),
                "left_at": taken.left,
            })
        };
        json!({
            "from": self.from,
            "reaches_back_to": self.reaches,
            "observations": self.observations,
            "guests": self.guests,
            "guests_left": self.gone,
            "guests_without_past": self.without_past,
            "guests_left_without_past": self.gone_without_past,
            "policy": bench.standing.object(),
            "in_force": side(&bench.policy, of_old),
            "new": side(new, of_new),
            "taken": self.found.iter().map(found).collect::<Vec<_>>(),
            "notes": LIMITS,
        })
    }
}

impl Tally {
    fn count(&mut self, replay: &Replay) {
        let Replay {
            from,
            notified,
            unknown,
            taken,
        } = replay;
        self.replayed += u64::from(from.is_some());
        self.notified += u64::from(notified.is_some());
        self.unknown += u64::from(*unknown > 0);
        self.taken += u64::from(taken.is_some());
        let came_back = taken
            .as_ref()
            .is_some_and(|taken| taken.came_back.is_some());
        self.came_back += u64::from(came_back);
        let has_left = taken.as_ref().is_some_and(|taken| taken.left.is_some());
        self.left += u64::from(has_left);
    }

    /// How many in a hundred of those taken came back.
    #[expect(clippy::cast_precision_loss, reason = "counts of guests")]
    fn regret(&self) -> Option<f64> {
        (self.taken > 0).then(|| self.came_back as f64 * 100.0 / self.taken as f64)
    }
}
