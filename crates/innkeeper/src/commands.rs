//! What each command does.

mod apply;
mod backlog;
mod check;
mod doctor;
mod explain;
mod forecast;
mod guests;
mod journal;
mod judging;
mod plan;
mod plans;
mod policy;
mod report;
mod simulate;
mod undo;

use anyhow::Result;

use crate::cli::{Cli, Command, Config, Db, Guests, Journal, Report};
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
        Command::Plans(command) => plans::run(&global, command).await,
        Command::Doctor => doctor::run(&global).await,
        Command::Explain { guest, at } => explain::run(&global, &guest, at).await,
        Command::Forecast { days } => forecast::run(&global, days).await,
        Command::Guests(Guests::List { verdict, rule }) => {
            guests::list(&global, verdict, rule.as_deref()).await
        }
        Command::Guests(Guests::Show { guest }) => guests::show(&global, &guest).await,
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
