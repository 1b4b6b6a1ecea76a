//! `plans`: what was planned, and the word of a person where one is needed.

mod kept;

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use innkeeper_domain::approve::Answer;
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::Event;
use innkeeper_engine::Clock;
use innkeeper_store::{DecisionRow, PlanRow, Tx, WaitingStep};
use serde_json::{Value, json};

use super::backlog::Pace;
use super::judging::shown;
use crate::cli::{Decision, Global, Output, Plans};
use crate::exit::{Exit, UsageError};
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};
use kept::{Kept, State, word};

/// Steps that a table shows of a plan.
const SHOWN: usize = 50;

pub(crate) async fn run(global: &Global, command: Plans) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?;
    let desk = Desk {
        tenant: tenant.id,
        name: &tenant.name,
        now: installation.clock.now(),
        pace: Pace::of(&installation.config.schedule, installation.clock.now()),
        output: global.output,
    };
    match command {
        Plans::List { limit } => {
            desk.list(&mut installation.store.read().await?, limit)
                .await
        }
        Plans::Show { plan } => {
            desk.show(&mut installation.store.read().await?, &plan)
                .await
        }
        Plans::Approve { decision, expires } => {
            let tx = installation.store.begin().await?;
            let until = desk
                .now
                .checked_add_signed(expires)
                .context("--expires is too far away")?;
            desk.decide(tx, decision, Some(until)).await
        }
        Plans::Reject { decision } => {
            let tx = installation.store.begin().await?;
            desk.decide(tx, decision, None).await
        }
    }
}

/// Where a person sits who looks at the plans of one tenant.
struct Desk<'d> {
    tenant: TenantId,
    name: &'d str,
    now: DateTime<Utc>,
    pace: Pace,
    output: Output,
}

impl Desk<'_> {
    async fn list(&self, tx: &mut Tx, limit: u32) -> Result<Exit> {
        let plans = Kept::newest(tx, self.tenant, limit, self.now).await?;
        let mut rows = Rows::new([
            "plan_id", "made", "state", "steps", "actions", "waiting", "by", "reason", "expires",
        ]);
        for kept in &plans {
            rows.push(row(kept));
        }
        match self.output {
            Output::Json => print_json(&plans.iter().map(Kept::object).collect())?,
            Output::Csv => rows.print_csv()?,
            Output::Table if rows.is_empty() => {
                print("No plan is kept yet; `innkeeper plan` makes one.\n")?;
            }
            Output::Table => {
                rows.print_table(usize::MAX)?;
                if let Some(kept) = plans.iter().find(|kept| kept.state == State::Waiting) {
                    print(&format!(
                        "{}\n",
                        waits(self.name, &kept.plan.id.to_string(), kept.waiting())
                    ))?;
                }
            }
        }
        Ok(Exit::Ok)
    }

    async fn show(&self, tx: &mut Tx, plan: &str) -> Result<Exit> {
        let kept = Kept::find(tx, self.tenant, plan, self.now).await?;
        let waiting = tx.waiting_steps(self.tenant, kept.plan.id).await?;
        let approved = approved(tx, self.tenant, &kept.plan).await?;
        let steps: Vec<Value> = approved
            .into_iter()
            .chain(waiting.iter().map(waiting_object))
            .collect();
        match self.output {
            Output::Json => {
                let mut object = kept.object();
                object["refusals"] = json!(kept.refusals());
                object["backlog"] = json!(self.pace_of(&kept).objects(&kept.backlog()));
                object["planned"] = json!(steps);
                print_json(&object)?;
            }
            Output::Csv => step_rows(&steps).print_csv()?,
            Output::Table => self.print_plan(&kept, &steps)?,
        }
        Ok(Exit::Ok)
    }

    /// What waits can begin now at the earliest; everything else began when the plan was made.
    fn pace_of(&self, kept: &Kept) -> Pace {
        match kept.state {
            State::Waiting => self.pace,
            State::NotAsked
            | State::Approved
            | State::Rejected
            | State::Expired
            | State::Superseded => self.pace.from(kept.plan.made),
        }
    }

    fn print_plan(&self, kept: &Kept, steps: &[Value]) -> Result<()> {
        let Kept {
            plan,
            decision,
            state,
        } = kept;
        print(&format!(
            "Plan {id} of {tenant}, made {made}: {state}.\n  steps   {steps} ({actions})\n  hash    {hash}\n  policy  {policy}\n",
            id = plan.id,
            tenant = self.name,
            made = plan.made.format("%Y-%m-%d %H:%M UTC"),
            state = state.as_str(),
            steps = plan.steps,
            actions = actions(kept),
            hash = plan.plan_hash,
            policy = plan.policy_hash,
        ))?;
        if let Some(DecisionRow {
            answer,
            at,
            by,
            reason,
            expires,
            ..
        }) = decision
        {
            let until = expires.map_or_else(String::new, |until| {
                format!(", until {}", until.format("%Y-%m-%d %H:%M UTC"))
            });
            print(&format!(
                "  {}  by {by} {}{until}: {reason}\n",
                word(*answer),
                at.format("%Y-%m-%d %H:%M UTC")
            ))?;
        }
        for refusal in kept.refusals() {
            print(&format!("Refused: {refusal}.\n"))?;
        }
        let backlog = self.pace_of(kept).rows(&kept.backlog());
        if !backlog.is_empty() {
            print("\nNot done with this plan, and when it is at the earliest:\n")?;
            backlog.print_table(usize::MAX)?;
        }
        if !steps.is_empty() {
            print("\nSteps:\n")?;
            step_rows(steps).without(&["guest_id"]).print_table(SHOWN)?;
        }
        if *state == State::Waiting {
            print(&format!(
                "\n{}\n",
                waits(self.name, &plan.id.to_string(), kept.waiting())
            ))?;
        }
        Ok(())
    }

    /// Writes down what a person says of a plan; with an end it is a yes.
    async fn decide(
        &self,
        mut tx: Tx,
        decision: Decision,
        until: Option<DateTime<Utc>>,
    ) -> Result<Exit> {
        let Decision { plan, reason, by } = decision;
        let by = person(by)?;
        if reason.trim().is_empty() {
            return Err(
                UsageError("--reason says why, for the record; it is empty".to_owned()).into(),
            );
        }
        let kept = Kept::find(&mut tx, self.tenant, &plan, self.now).await?;
        let waiting = tx.waiting_steps(self.tenant, kept.plan.id).await?;
        let newest = tx.last_plan(self.tenant).await?;
        let is_old = newest.is_some_and(|newest| newest.policy_hash != kept.plan.policy_hash);
        if waiting.is_empty() || is_old {
            return Err(UsageError(nothing_to_decide(&kept)).into());
        }
        let steps = waiting.len() as u64;
        let (id, hash) = (kept.plan.id, kept.plan.plan_hash.clone());
        let (answer, event) = match until {
            Some(until) => (
                Answer::Approved,
                Event::PlanApproved {
                    plan: id,
                    hash,
                    steps,
                    by: by.clone(),
                    reason: reason.clone(),
                    until,
                },
            ),
            None => (
                Answer::Rejected,
                Event::PlanRejected {
                    plan: id,
                    hash,
                    steps,
                    by: by.clone(),
                    reason: reason.clone(),
                },
            ),
        };
        let row = DecisionRow {
            plan: id,
            answer,
            at: self.now,
            by,
            reason,
            expires: until,
        };
        tx.decide_plan(self.tenant, &row).await?;
        tx.append(self.tenant, self.now, &[(None, event)]).await?;
        tx.commit().await?;
        self.tell(&kept, &row, steps)?;
        Ok(Exit::Ok)
    }

    fn tell(&self, kept: &Kept, decision: &DecisionRow, steps: u64) -> Result<()> {
        let waiting: Vec<_> = kept
            .backlog()
            .into_iter()
            .filter(|of| of.waiting > 0)
            .collect();
        let finish = waiting
            .iter()
            .map(|of| self.pace.finish(of))
            .try_fold(self.now, |latest, at| Some(latest.max(at?)));
        if self.output == Output::Json {
            return print_json(&json!({
                "plan_id": decision.plan,
                "plan_hash": kept.plan.plan_hash,
                "decision": word(decision.answer),
                "steps": steps,
                "by": decision.by,
                "reason": decision.reason,
                "expires": decision.expires,
                "finish": finish,
            }));
        }
        let Some(until) = decision.expires else {
            return print(&format!(
                "Rejected: the {steps} steps of plan {id} that waited are not taken, until the plan is approved after all or the policy is edited.\n",
                id = decision.plan
            ));
        };
        print(&format!(
            "Approved: the {steps} steps of plan {id} that waited, until {until}. The next cycles take them under the caps, as far as they are still due.\n",
            id = decision.plan,
            until = until.format("%Y-%m-%d %H:%M UTC"),
        ))?;
        match finish {
            Some(finish) if finish > until => print(&format!(
                "Under the caps they take until {} at the earliest. What is not done when the approval ends waits again; --expires makes it last longer.\n",
                finish.format("%Y-%m-%d")
            )),
            Some(_) => Ok(()),
            None => print("A cap of 0 in the policy lets some of them through never.\n"),
        }
    }
}

/// What to do about a plan that waits.
pub(super) fn waits(tenant: &str, plan: &str, steps: u64) -> String {
    format!(
        "{tenant}: {steps} steps of plan {plan} wait for a person: look at them with `innkeeper plans show {plan}`, then \
         `innkeeper plans approve {plan} --reason \"...\"`, or reject."
    )
}

fn nothing_to_decide(kept: &Kept) -> String {
    let id = kept.plan.id;
    match kept.state {
        State::NotAsked => format!("nothing of plan {id} waits for a person"),
        State::Waiting | State::Approved | State::Rejected | State::Expired | State::Superseded => {
            format!(
                "plan {id} is {}, and its steps are no longer kept; `innkeeper plans list` shows which plan waits now, and `innkeeper plan` makes a new one",
                kept.state.as_str()
            )
        }
    }
}

/// Who decides: as given, else who is logged in.
#[expect(clippy::disallowed_methods, reason = "this is the binary")]
pub(super) fn person(by: Option<String>) -> Result<String> {
    let logged_in = || {
        ["SUDO_USER", "USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| {
                std::env::var(name)
                    .ok()
                    .filter(|name| !name.trim().is_empty())
            })
    };
    by.filter(|by| !by.trim().is_empty())
        .or_else(logged_in)
        .ok_or_else(|| UsageError("say who decides, for the record: --by NAME".to_owned()).into())
}

fn actions(kept: &Kept) -> String {
    kept.backlog()
        .iter()
        .map(|of| format!("{} {}", of.action, of.due))
        .collect::<Vec<_>>()
        .join(", ")
}

fn row(kept: &Kept) -> [String; 9] {
    let decision = kept.decision.as_ref();
    let text = |of: fn(&DecisionRow) -> String| decision.map(of).unwrap_or_default();
    [
        kept.plan.id.to_string(),
        kept.plan.made.format("%Y-%m-%d %H:%M").to_string(),
        kept.state.as_str().to_owned(),
        kept.plan.steps.to_string(),
        actions(kept),
        kept.waiting().to_string(),
        text(|decision| decision.by.clone()),
        text(|decision| decision.reason.clone()),
        text(|decision| {
            decision
                .expires
                .map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M").to_string())
        }),
    ]
}

/// The steps that were approved when the plan was made.
async fn approved(tx: &mut Tx, tenant: TenantId, plan: &PlanRow) -> Result<Vec<Value>> {
    let mut steps: Vec<Value> =
        serde_json::from_str(&plan.body).context("the steps kept of the plan cannot be read")?;
    let mut upns: HashMap<String, Option<String>> = HashMap::new();
    for step in &mut steps {
        let guest = step["guest_id"].as_str().unwrap_or_default().to_owned();
        if !upns.contains_key(&guest) {
            let upn = match guest.parse() {
                Ok(id) => tx
                    .guest_row(tenant, id)
                    .await?
                    .map(|row| row.view.record.guest.upn),
                Err(_) => None,
            };
            upns.insert(guest.clone(), upn);
        }
        *step = json!({
            "part": "approved",
            "guest_id": step["guest_id"],
            "upn": upns[&guest],
            "rule": step["rule"],
            "stage": step["stage"],
            "effect": step["effect"],
            "due": step["due"],
            "because": step["because"],
        });
    }
    Ok(steps)
}

fn waiting_object(step: &WaitingStep) -> Value {
    let WaitingStep {
        guest,
        upn,
        rule,
        stage,
        effect,
        due,
        because,
    } = step;
    json!({
        "part": "waiting",
        "guest_id": guest,
        "upn": upn,
        "rule": rule,
        "stage": stage,
        "effect": effect,
        "due": due,
        "because": because,
    })
}

fn step_rows(steps: &[Value]) -> Rows {
    let mut rows = Rows::new([
        "part", "guest_id", "upn", "rule", "stage", "action", "due", "because",
    ]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for step in steps {
        rows.push([
            text(&step["part"]),
            text(&step["guest_id"]),
            text(&step["upn"]),
            text(&step["rule"]),
            step["stage"].to_string(),
            text(&step["effect"]["effect"]),
            shown(step["due"].as_str().and_then(|due| due.parse().ok())),
            text(&step["because"]),
        ]);
    }
    rows
}
