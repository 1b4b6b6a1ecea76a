//! `policy diff`: what another policy changes for the guests as last observed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use innkeeper_domain::comparison::{Brief, Change, Difference, differences};
use innkeeper_domain::guest::Guest;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::policy::Policy;
use innkeeper_store::Tx;
use serde_json::{Value, json};

use super::super::judging::{Bench, shown};
use super::load;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

/// Rows shown in a table.
const SHOWN: usize = 100;

/// A difference, and whose.
struct Found {
    guest: GuestId,
    upn: String,
    difference: Difference,
}

/// Two policies and what lies between them.
pub(super) struct Diff {
    guests: usize,
    found: Vec<Found>,
    /// The groups that the new policy names and that were never read.
    unread: Vec<String>,
}

pub(crate) async fn run(global: &Global, old: &Path, new: &Path) -> Result<Exit> {
    let (old, new) = (load(old)?, load(new)?);
    let installation = Installation::open(global).await?;
    let mut tx = installation.store.read().await?;
    let bench = Bench::read(&installation, global, None, &mut tx).await?;
    let set = tx.projects(bench.tenant).await?;
    let (old, new) = (old.with_projects(&set), new.with_projects(&set));
    let diff = Diff::of(&bench, &mut tx, &old, &new).await?;
    diff.show(global.output, &old, &new)?;
    Ok(if diff.found.is_empty() {
        Exit::Ok
    } else {
        Exit::SomethingToDo
    })
}

impl Diff {
    /// Compares two policies by the guests as last observed.
    pub(super) async fn of(bench: &Bench, tx: &mut Tx, old: &Policy, new: &Policy) -> Result<Self> {
        let guests = bench.guests(tx).await?;
        let (by_old, by_new) = (bench.judge_by(old), bench.judge_by(new));
        let mut found = Vec::new();
        for view in &guests {
            let Guest { id, upn, .. } = &view.record.guest;
            for difference in differences(&by_old, &by_new, view) {
                let (guest, upn) = (*id, upn.clone());
                found.push(Found {
                    guest,
                    upn,
                    difference,
                });
            }
        }
        Ok(Self {
            guests: guests.len(),
            found,
            unread: bench.unread(new),
        })
    }

    pub(super) fn show(&self, output: Output, old: &Policy, new: &Policy) -> Result<()> {
        match output {
            Output::Json => print_json(&self.document(old, new)),
            Output::Csv => self.rows().print_csv(),
            Output::Table => self.print(),
        }
    }
}

impl Diff {
    fn print(&self) -> Result<()> {
        for key in &self.unread {
            print(&format!(
                "Doubt: the group {key:?} that the new policy names was never read; what depends on it is unknown here.\n"
            ))?;
        }
        if self.found.is_empty() {
            return print(&format!(
                "No difference for any of {} guests.\n",
                self.guests
            ));
        }
        self.rows().without(&["guest_id"]).print_table(SHOWN)?;
        let mut rules: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        let mut verdicts = 0;
        for Found { difference, .. } in &self.found {
            match &difference.change {
                Change::Enters(rule) => rules.entry(rule.as_str()).or_default().0 += 1,
                Change::Leaves(rule) => rules.entry(rule.as_str()).or_default().1 += 1,
                Change::Verdict { .. } => verdicts += 1,
            }
        }
        for (rule, (enter, leave)) in rules {
            print(&format!(
                "{rule:?}: {enter} guests newly in scope, {leave} no longer.\n"
            ))?;
        }
        print(&format!(
            "The verdict changes for {verdicts} of {} guests.\n",
            self.guests
        ))
    }

    fn rows(&self) -> Rows {
        let mut rows = Rows::new([
            "guest_id", "upn", "change", "rule", "before", "after", "why",
        ]);
        for Found {
            guest,
            upn,
            difference: Difference { change, why },
        } in &self.found
        {
            let (word, rule, before, after) = match change {
                Change::Enters(rule) => ("enters", rule.to_string(), String::new(), String::new()),
                Change::Leaves(rule) => ("leaves", rule.to_string(), String::new(), String::new()),
                Change::Verdict { before, after } => {
                    ("verdict", String::new(), text(before), text(after))
                }
            };
            rows.push([
                guest.to_string(),
                upn.clone(),
                word.to_owned(),
                rule,
                before,
                after,
                why.clone(),
            ]);
        }
        rows
    }

    fn document(&self, old: &Policy, new: &Policy) -> Value {
        let difference = |found: &Found| {
            let Found {
                guest,
                upn,
                difference: Difference { change, why },
            } = found;
            let (word, rule, before, after) = match change {
                Change::Enters(rule) => ("enters", Some(rule), Value::Null, Value::Null),
                Change::Leaves(rule) => ("leaves", Some(rule), Value::Null, Value::Null),
                Change::Verdict { before, after } => {
                    ("verdict", None, object(before), object(after))
                }
            };
            json!({
                "guest_id": guest,
                "upn": upn,
                "change": word,
                "rule": rule,
                "before": before,
                "after": after,
                "why": why,
            })
        };
        json!({
            "old_hash": old.hash,
            "new_hash": new.hash,
            "guests": self.guests,
            "groups_never_read": self.unread,
            "differences": self.found.iter().map(difference).collect::<Vec<_>>(),
        })
    }
}

fn text(brief: &Brief) -> String {
    let Brief {
        verdict,
        rule,
        action,
        due,
    } = brief;
    let rule = rule.as_ref().map(ToString::to_string).unwrap_or_default();
    let parts = [
        (*verdict).to_owned(),
        rule,
        action.unwrap_or_default().to_owned(),
        shown(*due),
    ];
    let given: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    given.join(", ")
}

fn object(brief: &Brief) -> Value {
    let Brief {
        verdict,
        rule,
        action,
        due,
    } = brief;
    json!({ "verdict": verdict, "rule": rule, "action": action, "due": due })
}
