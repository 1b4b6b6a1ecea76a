//! What each command does.

mod apply;
mod backlog;
mod check;
mod doctor;
mod explain;
mod guests;
mod judging;
mod plan;
mod plans;
mod simulate;

use anyhow::Result;

use crate::cli::{Cli, Command, Config, Db, Guests, Policy};
use crate::exit::Exit;
use crate::{daemon, demo};

/// Runs the command.
pub(crate) async fn run(cli: Cli) -> Result<Exit> {
    innkeeper_graph::install_crypto();
    let Cli { global, command } = cli;
    match command {
        Command::Run => daemon::run(&global).await,
        Command::Plan => plan::run(&global).await,
        Command::Plans(command) => plans::run(&global, command).await,
        Command::Apply => apply::run(&global).await,
        Command::Doctor => doctor::run(&global).await,
        Command::Explain { guest } => explain::run(&global, &guest).await,
        Command::Guests(Guests::List { verdict, rule }) => {
            guests::list(&global, verdict, rule.as_deref()).await
        }
        Command::Guests(Guests::Show { guest }) => guests::show(&global, &guest).await,
        Command::Policy(Policy::Check { file }) => check::policy(&global, file.as_deref()),
        Command::Config(Config::Check) => check::config(&global),
        Command::Config(Config::Show) => check::show(&global),
        Command::Db(Db::Migrate) => check::migrate(&global).await,
        Command::Simulate(options) => simulate::run(&options).await,
        Command::Demo(options) => demo::run(&global, &options).await,
    }
}
