//! The `innkeeper` binary: command line, configuration, wiring. The only place with `anyhow` and the environment.
//!
//! It is a library with one function, so that a test can run the whole of it and end the process wherever it wants.

mod alarms;
mod anchor;
mod cli;
mod commands;
mod config;
mod daemon;
mod demo;
mod exit;
mod hook;
mod installation;
mod oddities;
mod output;
mod progress;
mod simulation;
mod standing;
mod telemetry;
mod upkeep;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use innkeeper_domain::shown::legible;

use crate::cli::Cli;
use crate::exit::Exit;

/// Does what the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Printing fails only when nobody reads; the exit code still tells.
            let _ = error.print();
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
                _ => Exit::Usage,
            }
            .into();
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("innkeeper: the runtime cannot start: {error}");
            return Exit::Failed.into();
        }
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("innkeeper: {}", legible(&format!("{error:#}")));
            Exit::of(&error).into()
        }
    }
}
