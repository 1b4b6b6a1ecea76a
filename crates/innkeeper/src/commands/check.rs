//! `config check`, `config show`, `db migrate`.

use anyhow::Result;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::PolicyInForce;

use super::policy;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::{load_config, load_policy, open_store};
use crate::output::{print, print_json};

pub(crate) fn config(global: &Global) -> Result<Exit> {
    let config = load_config(&global.config)?;
    for warning in &config.warnings {
        eprintln!("warning: {warning}");
    }
    for tenant in &config.tenants {
        let file = tenant.policy.display().to_string();
        let PolicyInForce { text, .. } = load_policy(&tenant.policy)?;
        for warning in Policy::check(&file, &text)?.1 {
            eprintln!("{}", policy::check::shown(&file, &warning));
        }
    }
    print(&format!(
        "{}: {} tenants; nothing is wrong with it\n",
        global.config.display(),
        config.tenants.len()
    ))?;
    Ok(Exit::Ok)
}

pub(crate) fn show(global: &Global) -> Result<Exit> {
    print(&load_config(&global.config)?.show())?;
    Ok(Exit::Ok)
}

pub(crate) async fn migrate(global: &Global) -> Result<Exit> {
    let store = open_store(&load_config(&global.config)?).await?;
    let applied = store.migrate().await?;
    match (global.output, applied.as_slice()) {
        (Output::Json, applied) => print_json(&serde_json::json!({ "applied": applied }))?,
        (Output::Table | Output::Csv, []) => print("the database is up to date\n")?,
        (Output::Table | Output::Csv, applied) => {
            print(&format!("applied: {}\n", applied.join(", ")))?;
        }
    }
    Ok(Exit::Ok)
}
