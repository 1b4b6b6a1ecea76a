//! `policy facts`: the reference of the facts.

use anyhow::Result;
use innkeeper_domain::facts::{FactName, reference};
use innkeeper_domain::policy::fields;
use serde_json::{Value, json};

use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::output::{Rows, print, print_json};

pub(crate) fn run(global: &Global, markdown: bool) -> Result<Exit> {
    if markdown {
        print(&reference::markdown())?;
        return Ok(Exit::Ok);
    }
    match global.output {
        Output::Json => print_json(&FactName::ALL.iter().copied().map(object).collect())?,
        Output::Csv => rows().print_csv()?,
        Output::Table => rows().print_table(usize::MAX)?,
    }
    Ok(Exit::Ok)
}

fn rows() -> Rows {
    let mut rows = Rows::new(["fact", "type", "unit", "meaning", "source", "absent_when"]);
    for fact in FactName::ALL {
        rows.push([
            format!("guest.{fact}"),
            fact.kind().as_str().to_owned(),
            fact.unit().unwrap_or_default().to_owned(),
            fact.meaning().to_owned(),
            fact.source().to_owned(),
            fact.absent_when().to_owned(),
        ]);
    }
    rows
}

fn object(fact: FactName) -> Value {
    let fields: Vec<Value> = fields(fact.kind())
        .into_iter()
        .map(|(name, kind)| json!({ "name": name, "type": kind }))
        .collect();
    json!({
        "fact": format!("guest.{fact}"),
        "type": fact.kind().as_str(),
        "unit": fact.unit(),
        "fields": fields,
        "meaning": fact.meaning(),
        "source": fact.source(),
        "absent_when": fact.absent_when(),
    })
}
