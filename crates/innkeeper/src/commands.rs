//! What each command does.

mod apply;
mod check;
mod explain;
mod guests;
mod journal;
mod judging;
mod plan;
mod report;
mod simulate;

use anyhow::Result;

use crate::cli::{Cli, Command, Config, Db, Guests, Journal, Policy, Report};
use crate::exit::Exit;
use crate::{daemon, demo};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    innkeeper_graph::install_crypto();
    let Cli { global, command } = cli;
    match command {
        Command::Run => daemon::run(&global).await,
        Command::Plan => plan::run(&global).await,
        Command::Apply => apply::run(&global).await,
        Command::Explain { guest } => explain::run(&global, &guest).await,
        Command::Guests(Guests::List { verdict, rule }) => {
            guests::list(&global, verdict, rule.as_deref()).await
        }
        Command::Guests(Guests::Show { guest }) => guests::show(&global, &guest).await,
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
        Command::Policy(Policy::Check { file }) => check::policy(&global, file.as_deref()),
        Command::Config(Config::Check) => check::config(&global),
        Command::Config(Config::Show) => check::show(&global),
        Command::Db(Db::Migrate) => check::migrate(&global).await,
        Command::Simulate(options) => simulate::run(&options).await,
        Command::Demo(options) => demo::run(&global, &options).await,
    }
}
