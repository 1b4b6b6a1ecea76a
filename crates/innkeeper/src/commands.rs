//! What each command does.

mod alarms;
mod apply;
mod attestations;
mod backlog;
mod backtest;
mod check;
mod decisions;
mod doctor;
mod explain;
mod forecast;
mod guests;
mod journal;
mod judging;
mod plan;
mod plans;
mod policy;
mod projects;
mod report;
mod simulate;
mod undo;

use anyhow::Result;
use innkeeper_domain::attestation::Answer;
use innkeeper_domain::decision::{Order, OrderKind};

use crate::cli::{Alarms, Cli, Command, Config, Db, Guests, Journal, Projects, Report};
use crate::exit::Exit;
use crate::{daemon, demo};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    innkeeper_graph::install_crypto();
    let Cli { global, command } = cli;
    match command {
        Command::Run => daemon::run(&global).await,
        Command::Plan { changes } => plan::run(&global, changes).await,
        Command::Undo {
            what,
            yes,
            reason,
            by,
        } => {
            let wanted = undo::Wanted {
                what: &what,
                yes,
                reason: reason.as_deref(),
                by: by.as_deref(),
            };
            undo::run(&global, wanted).await
        }
        Command::Apply { changes } => apply::run(&global, changes).await,
        Command::Backtest { policy, days, from } => {
            backtest::run(&global, &policy, days, from).await
        }
        Command::Plans(command) => plans::run(&global, command).await,
        Command::Alarms(Alarms::List) => alarms::list(&global).await,
        Command::Doctor => doctor::run(&global).await,
        Command::Explain { guest, at, by } => {
            explain::run(&global, &guest, at, by.policy.as_deref()).await
        }
        Command::Forecast { days, by } => forecast::run(&global, days, by.policy.as_deref()).await,
        Command::Guests(Guests::List { verdict, rule, by }) => {
            guests::list(&global, verdict, rule.as_deref(), by.policy.as_deref()).await
        }
        Command::Guests(Guests::Show { guest, by }) => {
            guests::show(&global, &guest, by.policy.as_deref()).await
        }
        Command::Guests(Guests::Exempt { guest, until, why }) => {
            decisions::decide(&global, &guest, Order::Exempt { until }, why).await
        }
        Command::Guests(Guests::Hold { guest, why }) => {
            decisions::decide(&global, &guest, Order::Hold, why).await
        }
        Command::Guests(Guests::Expire { guest, on, why }) => {
            decisions::decide(&global, &guest, Order::Expire { on }, why).await
        }
        Command::Guests(Guests::Release {
            guest,
            hold,
            expiry,
            why,
        }) => {
            let kind = match (hold, expiry) {
                (true, _) => OrderKind::Hold,
                (false, true) => OrderKind::Expire,
                (false, false) => OrderKind::Exempt,
            };
            decisions::release(&global, &guest, kind, why).await
        }
        Command::Guests(Guests::Attest {
            guest,
            keep: _,
            let_go,
            until,
            why,
        }) => {
            let answer = if let_go { Answer::LetGo } else { Answer::Keep };
            attestations::attest(&global, &guest, answer, until, why).await
        }
        Command::Guests(Guests::Attestations { guest }) => {
            attestations::list(&global, guest.as_deref()).await
        }
        Command::Guests(Guests::Exemptions) => decisions::list(&global).await,
        Command::Projects(Projects::Set { group, ends, why }) => {
            projects::set(&global, group, ends, why).await
        }
        Command::Projects(Projects::Remove { group, why }) => {
            projects::remove(&global, &group, why).await
        }
        Command::Projects(Projects::List) => projects::list(&global).await,
        Command::Projects(Projects::Import { file, why }) => {
            projects::import(&global, &file, why).await
        }
        Command::Policy(command) => policy::run(&global, command).await,
        Command::Journal(Journal::Verify { file, anchor }) => {
            journal::verify(&global, file.as_deref(), anchor.as_deref()).await
        }
        Command::Journal(Journal::Export { from, to, guest }) => {
            journal::export(&global, from, to, guest.as_deref()).await
        }
        Command::Report(Report::Guest { guest, document }) => {
            report::guest(&global, &guest, &document).await
        }
        Command::Report(Report::Period { from, to, document }) => {
            report::period(&global, from, to, &document).await
        }
        Command::Config(Config::Check) => check::config(&global),
        Command::Config(Config::Show) => check::show(&global),
        Command::Db(Db::Migrate) => check::migrate(&global).await,
        Command::Simulate(options) => simulate::run(&options).await,
        Command::Demo(options) => demo::run(&global, &options).await,
    }
}
