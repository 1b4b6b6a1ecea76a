//! `guests attest` and `attestations`: what those answerable for guests say of them.

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::attestation::{Answer, Attestation, Means, Standing, Word};
use innkeeper_engine::Clock;
use serde_json::{Value, json};

use super::decisions;
use super::judging::{find, shown};
use crate::cli::{Global, Output, Why};
use crate::exit::{Exit, UsageError};
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

/// Writes down what somebody says of a guest.
pub(crate) async fn attest(
    global: &Global,
    guest: &str,
    answer: Answer,
    until: Option<NaiveDate>,
    why: Why,
) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let now = installation.clock.now();
    if let Some(day) = until.filter(|day| *day < now.date_naive()) {
        return Err(UsageError(format!(
            "--until {day} is past; give a day from {} on",
            now.date_naive()
        ))
        .into());
    }
    let (reason, by) = why.checked()?;
    let mut tx = installation.store.begin().await?;
    let id = find(&mut tx, tenant, guest).await?;
    let row = tx.guest_row(tenant, id).await?;
    let is_by = |mail: &Option<String>| {
        mail.as_ref()
            .is_some_and(|mail| mail.eq_ignore_ascii_case(&by))
    };
    let sponsors = row.as_ref().map(|row| row.view.sponsors.as_slice());
    let sponsor = sponsors
        .unwrap_or_default()
        .iter()
        .find(|sponsor| is_by(&sponsor.mail) || sponsor.id.to_string() == by)
        .map(|sponsor| sponsor.id);
    let attestation = Attestation {
        answer,
        means: Means::Command,
        at: now,
        until,
        sponsor,
        word: Word { by, reason },
    };
    tx.attest(tenant, id, &attestation, None).await?;
    tx.commit().await?;
    match global.output {
        Output::Json => print_json(&json!({ "guest_id": id, "attestation": attestation }))?,
        Output::Table | Output::Csv => print(&format!("{guest}: {attestation}\n"))?,
    }
    Ok(Exit::Ok)
}

/// Shows every attestation, or those about one guest.
pub(crate) async fn list(global: &Global, guest: Option<&str>) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let now = installation.clock.now();
    let mut tx = installation.store.read().await?;
    let all = match guest {
        Some(guest) => {
            let id = find(&mut tx, tenant, guest).await?;
            let of_guest = tx.attestations_of(tenant, id).await?;
            of_guest.into_iter().map(|said| (id, said)).collect()
        }
        None => tx.attestations(tenant).await?,
    };
    let mut rows = Rows::new([
        "guest_id", "guest", "answer", "by", "said", "until", "counts", "means", "reason",
    ]);
    let mut objects = Vec::new();
    for about in all.chunk_by(|(one, _), (other, _)| one == other) {
        let Some((id, _)) = about.first() else {
            continue;
        };
        let view = tx.guest_row(tenant, *id).await?.map(|row| row.view);
        let name = view.as_ref().map(decisions::name).unwrap_or_default();
        let said: Vec<Attestation> = about.iter().map(|(_, said)| said.clone()).collect();
        let standing = Standing::of(&said, now);
        for said in &said {
            let does_count = counts(&standing, said);
            rows.push([
                id.to_string(),
                name.clone(),
                said.answer.to_string(),
                said.word.by.clone(),
                shown(Some(said.at)),
                said.until.map(|day| day.to_string()).unwrap_or_default(),
                if does_count { "yes" } else { "no" }.to_owned(),
                said.means.to_string(),
                said.word.reason.clone(),
            ]);
            let mut object = document(said, does_count);
            object["guest_id"] = json!(id);
            object["guest"] = json!(name);
            objects.push(object);
        }
    }
    match global.output {
        Output::Json => print_json(&Value::Array(objects))?,
        Output::Csv => rows.print_csv()?,
        Output::Table if rows.is_empty() => print("Nobody said anything about a guest.\n")?,
        Output::Table => rows.without(&["guest_id"]).print_table(usize::MAX)?,
    }
    Ok(Exit::Ok)
}

fn counts(standing: &Standing<'_>, said: &Attestation) -> bool {
    [standing.keep, standing.let_go]
        .into_iter()
        .flatten()
        .any(|counted| counted == said)
}

fn document(said: &Attestation, does_count: bool) -> Value {
    let mut object = json!(said);
    object["counts"] = json!(does_count);
    object
}

/// A guest's attestations as documents show them.
pub(super) fn objects(all: &[Attestation], now: DateTime<Utc>) -> Value {
    let standing = Standing::of(all, now);
    all.iter()
        .map(|said| document(said, counts(&standing, said)))
        .collect()
}

/// A guest's attestations as a description shows them, one a line.
pub(super) fn lines(all: &[Attestation], now: DateTime<Utc>) -> String {
    let standing = Standing::of(all, now);
    let line = |said: &Attestation| {
        let over = if counts(&standing, said) {
            ""
        } else {
            " (does not count)"
        };
        format!("  {said}{over}\n")
    };
    all.iter().map(line).collect()
}
