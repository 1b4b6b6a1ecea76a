//! The commands for those who write policies.

mod check;
mod facts;

use anyhow::Result;

use crate::cli::{Global, Policy};
use crate::exit::Exit;

pub(crate) fn run(global: &Global, command: Policy) -> Result<Exit> {
    match command {
        Policy::Check { file } => check::run(global, file.as_deref()),
        Policy::Facts { markdown } => facts::run(global, markdown),
    }
}
