//! `policy accept` and `policy status`: which policy decides, and a person's word for the one that waits.

use anyhow::Result;
use chrono::SecondsFormat;
use innkeeper_domain::acceptance::{Acceptance, DECISION_VERSION};
use innkeeper_domain::journal::Event;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::Clock;
use innkeeper_store::{AcceptedPolicy, WaitingPolicy};
use serde_json::json;

use super::super::judging::Bench;
use super::super::plans::person;
use super::diff::Diff;
use crate::cli::{Global, Output};
use crate::exit::{Exit, UsageError};
use crate::installation::{Installation, load_policy};
use crate::output::{Rows, print, print_json};

pub(crate) async fn run(
    global: &Global,
    yes: bool,
    reason: Option<String>,
    by: Option<String>,
) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?;
    let own = load_policy(&tenant.policy)?;
    let mut tx = installation.store.begin().await?;
    let accepted = tx.accepted_policy(tenant.id).await?;
    if let Some(accepted) = &accepted {
        let is_own =
            accepted.hash == own.policy.hash && accepted.decision_version == DECISION_VERSION;
        match (is_own, tx.affected_guests(tenant.id).await?.len()) {
            (true, 0) => {
                print("The policy of the configuration is accepted already; nothing waits.\n")?;
                return Ok(Exit::Ok);
            }
            (true, affected) => print(&format!(
                "The policy of the configuration decides already. Edits have newly affected {affected} guests since a person \
                 accepted one; a person's word for it begins the count anew.\n"
            ))?,
            (false, affected) => {
                show_changes(global, &installation, accepted, &own.policy).await?;
                if affected > 0 {
                    eprintln!(
                        "Besides, edits before it have newly affected {affected} guests since a person accepted a policy."
                    );
                }
            }
        }
    }
    if !yes {
        eprintln!("Nothing is changed yet: --yes --reason \"...\" accepts it.");
        return Ok(Exit::SomethingToDo);
    }
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    let reason =
        reason.ok_or_else(|| UsageError("say why, for the record: --reason TEXT".to_owned()))?;
    let acceptance = Acceptance::Person {
        by: person(by)?,
        reason,
    };
    let now = installation.clock.now();
    let (hash, text) = (&own.policy.hash, &own.text);
    let policy = AcceptedPolicy::of(hash, text, DECISION_VERSION, now, &acceptance);
    tx.accept_policy(tenant.id, &policy).await?;
    let event = Event::PolicyAccepted {
        hash: hash.clone(),
        decision_version: DECISION_VERSION,
        acceptance,
    };
    tx.append(tenant.id, now, &[(None, event)]).await?;
    tx.commit().await?;
    eprintln!("Accepted: {hash} decides from the next cycle on.");
    Ok(Exit::Ok)
}

/// What the policy changes for the guests as last observed.
async fn show_changes(
    global: &Global,
    installation: &Installation,
    accepted: &AcceptedPolicy,
    own: &Policy,
) -> Result<()> {
    if accepted.decision_version != DECISION_VERSION {
        eprintln!(
            "This version of Innkeeper decides otherwise ({DECISION_VERSION}) than the one that the policy was accepted with ({}); what is shown are only the changes of the policy.",
            accepted.decision_version
        );
    }
    let old = match Policy::parse("the accepted policy", &accepted.text) {
        Ok(old) => old,
        Err(problems) => {
            eprintln!(
                "The policy accepted last is not understood any more, so nothing can be compared:\n{problems}"
            );
            return Ok(());
        }
    };
    let mut tx = installation.store.read().await?;
    let bench = Bench::read(installation, global, None, &mut tx).await?;
    let set = tx.projects(bench.tenant).await?;
    let (old, own) = (old.with_projects(&set), own.with_projects(&set));
    let diff = Diff::of(&bench, &mut tx, &old, &own).await?;
    diff.show(global.output, &old, &own)
}

pub(crate) async fn status(global: &Global) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let mut tx = installation.store.read().await?;
    let mut rows = Rows::new([
        "tenant",
        "policy",
        "state",
        "version",
        "since",
        "by",
        "reason",
        "newly_affected",
        "affected_before",
        "allowed",
    ]);
    let mut objects = Vec::new();
    let mut exit = Exit::Ok;
    for tenant in installation.tenants(global)? {
        let accepted = tx.accepted_policy(tenant.id).await?;
        let waiting = tx.waiting_policy(tenant.id).await?;
        let so_far = tx.affected_guests(tenant.id).await?.len();
        if let Some(AcceptedPolicy {
            hash,
            text: _,
            decision_version,
            at,
            by,
            reason,
        }) = &accepted
        {
            rows.push([
                tenant.name.clone(),
                hash.clone(),
                "accepted".to_owned(),
                decision_version.to_string(),
                at.to_rfc3339_opts(SecondsFormat::Secs, true),
                by.clone().unwrap_or_default(),
                reason.clone().unwrap_or_default(),
                String::new(),
                so_far.to_string(),
                String::new(),
            ]);
        }
        if let Some(WaitingPolicy {
            hash,
            decision_version,
            affected,
            before,
            allowed,
            since,
            held,
        }) = &waiting
        {
            exit = Exit::SomethingToDo;
            rows.push([
                tenant.name.clone(),
                hash.clone(),
                if *held { "waits, held" } else { "waits" }.to_owned(),
                decision_version.to_string(),
                since.to_rfc3339_opts(SecondsFormat::Secs, true),
                String::new(),
                String::new(),
                affected.to_string(),
                before.to_string(),
                allowed.to_string(),
            ]);
        }
        objects.push(json!({
            "tenant": tenant.name,
            "accepted": accepted.map(|of| json!({
                "hash": of.hash, "decision_version": of.decision_version, "at": of.at, "by": of.by, "reason": of.reason,
                "affected_since_a_person": so_far,
            })),
            "waiting": waiting.map(|of| json!({
                "hash": of.hash, "decision_version": of.decision_version, "since": of.since,
                "newly_affected": of.affected, "affected_before": of.before, "allowed": of.allowed, "held": of.held,
            })),
        }));
    }
    match global.output {
        Output::Json => print_json(&json!(objects))?,
        Output::Csv => rows.print_csv()?,
        Output::Table if rows.is_empty() => {
            print("No policy has been accepted yet: the first cycle accepts the first one.\n")?;
        }
        Output::Table => rows.print_table(usize::MAX)?,
    }
    Ok(exit)
}
