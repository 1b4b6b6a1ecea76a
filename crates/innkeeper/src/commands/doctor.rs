//! `doctor`: everything that would keep the daemon from its work, with why it matters and what to do.
//!
//! Invariants: nothing is written, neither to a directory nor to the database, and no mail is sent; every check runs
//! that can, whatever the others found; what was not checked is said so.

mod alarms;
mod answers;
mod directory;
mod finding;
mod here;
mod licence;
mod named;
mod permissions;
mod show;

use anyhow::Result;
use innkeeper_engine::Clock;

use crate::cli::Global;
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::installation::{load_config, tenants_of};
use crate::simulation::InstallationClock;
use finding::{Check, Finding, Report, Runs, State};

/// How many of the next runs are shown.
const RUNS: usize = 5;

pub(crate) async fn run(global: &Global) -> Result<Exit> {
    let mut report = Report::default();
    match load_config(&global.config) {
        Ok(config) => examine(&config, global, &mut report).await?,
        Err(error) => report.add(None, here::broken(&error.downcast::<ConfigError>()?)),
    }
    show::print(&report, global.output)?;
    Ok(report.exit())
}

async fn examine(config: &Config, global: &Global, report: &mut Report) -> Result<()> {
    let tenants = tenants_of(config, global)?;
    report.add(None, here::configuration(config, &global.config));
    report.add(None, [here::database(config).await]);
    report.add(None, answers::examine(config));
    let clock = InstallationClock::of(config);
    let followed = here::followed(&clock).await;
    let is_running = followed
        .as_ref()
        .is_none_or(|finding| finding.state == State::Ok);
    report.add(None, followed);
    report.runs = is_running.then(|| Runs {
        zone: config.schedule.zone(),
        next: config.schedule.upcoming(clock.now(), RUNS),
    });
    report.add(
        None,
        [Finding::ok(
            Check::Schedule,
            format!("`{}` in {}", config.schedule, config.schedule.zone()),
        )],
    );
    for tenant in tenants {
        let (policy, found) = here::policy(tenant);
        let name = Some(tenant.name.as_str());
        report.add(name, found);
        let (set, found) = here::projects(config, tenant).await;
        report.add(name, found);
        let policy = policy.map(|policy| policy.with_projects(&set));
        let (told, found) = directory::examine(tenant, policy.as_ref(), &clock).await;
        report.add(name, [here::credential(tenant, &told)]);
        report.add(name, found);
        report.add(name, alarms::raised(config, tenant, &clock).await);
    }
    Ok(())
}
