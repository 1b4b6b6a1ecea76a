//! `alarms list`: what operators have to hear, judged now.
//!
//! Invariant: it tells nobody and writes nothing, so that looking does not silence what is still to be told.

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use innkeeper_domain::alarm::Alarm;
use innkeeper_domain::alarm::telling::{Kept, State, Told};
use innkeeper_engine::Clock;
use serde_json::{Value, json};

use crate::alarms;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

pub(crate) async fn list(global: &Global) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let Installation {
        config,
        store,
        clock,
    } = &installation;
    let mut rows = Rows::new(["tenant", "alarm", "since", "told", "what", "what to do"]);
    let mut objects = Vec::new();
    for tenant in installation.tenants(global)? {
        for (alarm, kept) in alarms::now(store, config, tenant, clock.now()).await? {
            objects.push(object(&tenant.name, &alarm, kept.as_ref()));
            rows.push([
                tenant.name.clone(),
                alarm.kind().as_str().to_owned(),
                since(kept.as_ref()).map(shown).unwrap_or_default(),
                told(kept.as_ref()).map(shown).unwrap_or_default(),
                alarm.to_string(),
                alarm.advice().to_owned(),
            ]);
        }
    }
    let exit = if rows.is_empty() {
        Exit::Ok
    } else {
        Exit::SomethingToDo
    };
    match global.output {
        Output::Json => print_json(&Value::Array(objects))?,
        Output::Csv => rows.print_csv()?,
        Output::Table if rows.is_empty() => print("No alarm is raised.\n")?,
        Output::Table => rows.print_table(usize::MAX)?,
    }
    Ok(exit)
}

fn since(kept: Option<&Kept>) -> Option<DateTime<Utc>> {
    kept.map(|kept| match kept.state {
        State::Raised { since } | State::Cleared { since, .. } => since,
    })
}

/// When anybody was last told.
fn told(kept: Option<&Kept>) -> Option<DateTime<Utc>> {
    kept?.told.values().map(|told| told.at).max()
}

fn shown(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn object(tenant: &str, alarm: &Alarm, kept: Option<&Kept>) -> Value {
    let told: Vec<Value> = kept.map_or_else(Vec::new, |kept| {
        let one = |(channel, Told { at, times, .. }): (_, &Told)| json!({ "channel": channel, "at": at, "times": times });
        kept.told.iter().map(one).collect()
    });
    json!({
        "tenant": tenant,
        "kind": alarm.kind().as_str(),
        "since": since(kept),
        "told": told,
        "text": alarm.to_string(),
        "advice": alarm.advice(),
        "numbers": alarm,
    })
}
