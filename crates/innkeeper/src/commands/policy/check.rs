//! `policy check`: everything that is wrong with a policy.

use std::path::Path;

use anyhow::Result;
use innkeeper_engine::PolicyInForce;

use crate::cli::Global;
use crate::exit::Exit;
use crate::installation::{load_config, load_policy};
use crate::output::print;

pub(crate) fn run(global: &Global, file: Option<&Path>) -> Result<Exit> {
    let files = match file {
        Some(file) => vec![file.to_owned()],
        None => load_config(&global.config)?
            .tenants
            .into_iter()
            .map(|tenant| tenant.policy)
            .collect(),
    };
    for file in files {
        let PolicyInForce { policy, .. } = load_policy(&file)?;
        print(&format!(
            "{}: {} rules, {} protections, {} projects; hash {}\n",
            file.display(),
            policy.rules.len(),
            policy.protections.len(),
            policy.projects.len(),
            policy.hash
        ))?;
    }
    Ok(Exit::Ok)
}
