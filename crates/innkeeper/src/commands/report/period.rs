//! `report period`: what happened to whom, why and by whom; for a recertification every quarter.

mod people;

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;
use chrono::{DateTime, SecondsFormat, Utc};
use innkeeper_domain::case::Closing;
use innkeeper_domain::guest::{Guest, GuestRecord};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Call, Outcome, Trace};
use innkeeper_domain::journal::{Anchors, Broken, Head};
use innkeeper_domain::policy::Truth;
use innkeeper_domain::verdict::{Conclusion, Protector};
use innkeeper_store::{CaseRow, IntentRow, RowKey, Tx};
use serde_json::json;

use super::guest::{proof_sentence, shown};
use super::page::{Document, Section};
use super::{deliver, format, pretty};
use crate::cli::{DocumentOptions, Format, Global, Moment};
use crate::commands::judging::Bench;
use crate::exit::{Exit, UsageError};
use crate::installation::Installation;
use crate::output::Rows;

/// Guests in memory at once, besides those reported.
const PAGE: u32 = 1_000;

/// The lists of the report, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Removed,
    RemovedByOthers,
    Disabled,
    Enabled,
    EnabledByOthers,
    LeftGroup,
    LostAppRole,
    Kept,
    NoLongerDue,
    Exception,
    Decision,
    PlanDecision,
    Failed,
}

impl List {
    const ALL: [Self; 13] = [
        Self::Removed,
        Self::RemovedByOthers,
        Self::Disabled,
        Self::Enabled,
        Self::EnabledByOthers,
        Self::LeftGroup,
        Self::LostAppRole,
        Self::Kept,
        Self::NoLongerDue,
        Self::Exception,
        Self::Decision,
        Self::PlanDecision,
        Self::Failed,
    ];

    /// The word in JSON and CSV.
    fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::RemovedByOthers => "removed-by-others",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::EnabledByOthers => "enabled-by-others",
            Self::LeftGroup => "removed-from-group",
            Self::LostAppRole => "removed-app-role",
            Self::Kept => "kept",
            Self::NoLongerDue => "no-longer-due",
            Self::Exception => "exceptions",
            Self::Decision => "decisions",
            Self::PlanDecision => "plan-decisions",
            Self::Failed => "failed",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Removed => "Removed by Innkeeper",
            Self::RemovedByOthers => "Removed by others",
            Self::Disabled => "Disabled",
            Self::Enabled => "Enabled again by Innkeeper",
            Self::EnabledByOthers => "Brought back by others",
            Self::LeftGroup => "Taken out of groups",
            Self::LostAppRole => "Roles in applications taken away",
            Self::Kept => "Kept although a rule holds",
            Self::NoLongerDue => "No longer due",
            Self::Exception => "Exempt or on hold",
            Self::Decision => "What people decided",
            Self::PlanDecision => "Plans approved and rejected",
            Self::Failed => "Tried in vain",
        }
    }

    /// The columns that say nothing of these on a page.
    fn left_out(self) -> &'static [&'static str] {
        match self {
            Self::Exception | Self::Decision => {
                &["what", "upn", "rule", "request_id", "client_request_id"]
            }
            Self::PlanDecision => &[
                "what",
                "guest_id",
                "display_name",
                "mail",
                "upn",
                "rule",
                "request_id",
                "client_request_id",
            ],
            Self::Removed
            | Self::RemovedByOthers
            | Self::Disabled
            | Self::Enabled
            | Self::EnabledByOthers
            | Self::LeftGroup
            | Self::LostAppRole
            | Self::Kept
            | Self::NoLongerDue
            | Self::Failed => &["what", "upn", "until", "reason", "client_request_id"],
        }
    }

    fn note(self) -> &'static str {
        match self {
            Self::RemovedByOthers => {
                "They were no longer in the directory; Innkeeper had not deleted them."
            }
            Self::EnabledByOthers => {
                "Somebody restored or enabled what Innkeeper had removed or disabled."
            }
            Self::Kept => {
                "As of the last observation, with every rule that would hold and what stands against it."
            }
            Self::NoLongerDue => {
                "Cases that closed in the period without a removal: the guest came back, or is excepted now."
            }
            Self::Exception => {
                "In force at some time in the period and not released, each with who answers for it, until when and why."
            }
            Self::Decision => {
                "About guests, projects, the policy and what was done; with who, when and why."
            }
            Self::PlanDecision => {
                "Steps over the ceiling are taken only when a person approves them."
            }
            Self::Removed
            | Self::Disabled
            | Self::Enabled
            | Self::LeftGroup
            | Self::LostAppRole
            | Self::Failed => "",
        }
    }
}

/// One thing that happened to one guest, or that a person decided.
struct Item {
    list: List,
    guest: Option<GuestId>,
    rule: String,
    by: String,
    at: Option<DateTime<Utc>>,
    detail: String,
    /// Until when it counts, of what people decided.
    until: String,
    /// Why, of what people decided.
    reason: String,
    trace: Trace,
}

impl Item {
    /// One that says nothing yet.
    fn of(list: List) -> Self {
        Self {
            list,
            guest: None,
            rule: String::new(),
            by: String::new(),
            at: None,
            detail: String::new(),
            until: String::new(),
            reason: String::new(),
            trace: Trace::default(),
        }
    }
}

pub(crate) async fn period(
    global: &Global,
    from: Moment,
    to: Moment,
    options: &DocumentOptions,
) -> Result<Exit> {
    let (from, to) = (from.start(), to.end());
    if from >= to {
        return Err(UsageError("--from must lie before --to".to_owned()).into());
    }
    let installation = Installation::open(global).await?;
    let mut tx = installation.store.read().await?;
    let bench = Bench::read(&installation, global, None, &mut tx).await?;
    let tenant = bench.tenant;
    let mut items = Vec::new();
    for row in tx.actions_between(tenant, from, to).await? {
        items.extend(deed(row));
    }
    let gone = tx.guests_gone_between(tenant, from, to).await?;
    items.extend(gone.iter().filter_map(removed_by_others));
    for row in tx.cases_closed_between(tenant, from, to).await? {
        items.extend(closed(row));
    }
    let (kept, counts) = kept(&bench, &mut tx).await?;
    items.extend(kept);
    items.extend(people::exceptions(&mut tx, tenant, from, to).await?);
    items.extend(people::decisions(&mut tx, tenant, from, to).await?);
    items.sort_by_key(|item| (item.list, item.at, item.guest));
    let names = names(&bench, &mut tx, &items).await?;
    let proof = tx.verify_journal(tenant, &Anchors::default()).await?;

    let report = Report {
        bench: &bench,
        from,
        to,
        items,
        names,
        verdicts: counts,
        proof,
    };
    let text = match format(global, options) {
        Format::Html => report.document().html(),
        Format::Json => pretty(&report.object())?,
        Format::Csv => report.rows(&List::ALL).csv()?,
    };
    deliver(&text, options.out.as_deref())
}

struct Report<'r> {
    bench: &'r Bench,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    items: Vec<Item>,
    names: HashMap<GuestId, Guest>,
    /// Guests in the directory now, by the word of their verdict.
    verdicts: BTreeMap<&'static str, u64>,
    proof: Result<Head, Broken>,
}

/// What an intent came to. Flags, marks and notices take nothing from anybody.
fn deed(row: IntentRow) -> Option<Item> {
    let IntentRow {
        intent,
        outcome,
        trace,
    } = row;
    let (at, outcome) = outcome?;
    let list = match &intent.call {
        Call::Delete => List::Removed,
        Call::Disable => List::Disabled,
        Call::Enable | Call::Restore => List::Enabled,
        Call::RemoveAppRole { .. } => List::LostAppRole,
        Call::RemoveFromGroup { .. } => List::LeftGroup,
        Call::Flag
        | Call::Mark { .. }
        | Call::Unmark { .. }
        | Call::Notify { .. }
        | Call::ResendInvitation { .. }
        | Call::AddAppRole { .. }
        | Call::AddToGroup { .. }
        | Call::AddSponsor { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => {
            return None;
        }
    };
    let of_what = match &intent.call {
        Call::RemoveFromGroup { group } => format!("group {group}; "),
        Call::RemoveAppRole { app_role, .. } => format!("{}; ", app_role.application()),
        Call::Flag
        | Call::Mark { .. }
        | Call::Unmark { .. }
        | Call::Notify { .. }
        | Call::ResendInvitation { .. }
        | Call::AddAppRole { .. }
        | Call::Disable
        | Call::Enable
        | Call::Delete
        | Call::Restore
        | Call::AddToGroup { .. }
        | Call::AddSponsor { .. }
        | Call::SetManager { .. }
        | Call::RemoveSponsor { .. } => String::new(),
    };
    let (list, detail) = match &outcome {
        // Among the deleted it stands as somebody else's.
        Outcome::FoundSo { .. } if intent.call == Call::Delete => return None,
        Outcome::Done { .. } | Outcome::FoundDone | Outcome::FoundSo { .. } => {
            (list, format!("{of_what}{outcome}"))
        }
        Outcome::Failed { .. } | Outcome::FoundNotDone | Outcome::Uncertain => (
            List::Failed,
            format!("{}: {of_what}{outcome}", intent.call.as_str()),
        ),
        // Somebody else had done it; or its case closes, or stays open for the next cycle.
        Outcome::Already | Outcome::Skipped { .. } => return None,
    };
    Some(Item {
        guest: Some(intent.guest),
        by: if let Outcome::FoundSo { .. } = outcome {
            format!("not known; the rule \"{}\" asked for it", intent.rule)
        } else {
            format!("Innkeeper, by the rule \"{}\"", intent.rule)
        },
        rule: intent.rule.to_string(),
        at: Some(at),
        detail,
        trace,
        ..Item::of(list)
    })
}

fn removed_by_others(record: &GuestRecord) -> Option<Item> {
    if record.deleted_by_us.is_some() {
        return None;
    }
    Some(Item {
        guest: Some(record.guest.id),
        by: "somebody in the directory".to_owned(),
        at: record.gone,
        ..Item::of(List::RemovedByOthers)
    })
}

fn closed(row: CaseRow) -> Option<Item> {
    let CaseRow { case, closed } = row;
    let (at, closing) = closed?;
    let (list, by) = match &closing {
        Closing::Revived => (
            List::EnabledByOthers,
            "somebody in the directory".to_owned(),
        ),
        Closing::RuleNoLongerHolds => (List::NoLongerDue, "the guest's own facts".to_owned()),
        Closing::Protected { by } => (List::NoLongerDue, by.clone()),
        Closing::Undone { .. } => (List::NoLongerDue, "a person, by undo".to_owned()),
        Closing::RuleRemoved => (List::NoLongerDue, "the policy".to_owned()),
        // Among those removed.
        Closing::Gone => return None,
    };
    Some(Item {
        guest: Some(case.guest),
        rule: case.rule.to_string(),
        by,
        at: Some(at),
        detail: closing.to_string(),
        ..Item::of(list)
    })
}

/// Those whom a protection keeps from a rule that holds, and how many guests have which verdict.
async fn kept(bench: &Bench, tx: &mut Tx) -> Result<(Vec<Item>, BTreeMap<&'static str, u64>)> {
    let judge = bench.judge();
    let mut items = Vec::new();
    let mut counts = BTreeMap::new();
    let mut after: Option<RowKey> = None;
    loop {
        let page = tx.guest_rows(bench.tenant, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.key);
        for row in &page {
            let verdict = judge.judge(&row.view).verdict;
            *counts.entry(verdict.as_str()).or_default() += 1;
            let Conclusion::Protected(protector) = &verdict.conclusion else {
                continue;
            };
            let facts = judge.facts(&row.view);
            let holding = bench
                .policy
                .rules
                .iter()
                .filter(|rule| rule.when.judge(&facts) == Truth::True);
            items.extend(holding.map(|rule| Item {
                guest: Some(verdict.guest),
                rule: rule.name.to_string(),
                by: match protector {
                    Protector::Policy(name) => format!("the protection \"{name}\""),
                    Protector::DirectoryRole(role) => format!("the directory role {role}"),
                    Protector::EligibleRole(role) => {
                        format!("the directory role {role}, which it may activate")
                    }
                    Protector::Synced => "its being mastered elsewhere".to_owned(),
                    Protector::Governed(package) => {
                        format!("entitlement management, by the access package \"{package}\"")
                    }
                    Protector::ExemptGroup(group) => {
                        format!("being in the group \"{group}\", which exempts")
                    }
                    Protector::Restricted => {
                        "being in a restricted management administrative unit".to_owned()
                    }
                    Protector::UnderReview(review) => {
                        format!("the access review \"{review}\", which is running")
                    }
                    Protector::SoleOwner(group) => {
                        format!("being the only owner of the group \"{group}\"")
                    }
                    Protector::Exempt { until, by, reason } => {
                        format!("an exemption until {until} by {by}: {reason}")
                    }
                    Protector::Hold { by, reason } => format!("a hold by {by}: {reason}"),
                },
                detail: rule.when.because(&facts),
                ..Item::of(List::Kept)
            }));
        }
    }
    Ok((items, counts))
}

async fn names(bench: &Bench, tx: &mut Tx, items: &[Item]) -> Result<HashMap<GuestId, Guest>> {
    let mut ids: Vec<GuestId> = items.iter().filter_map(|item| item.guest).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = tx.guests_by_id(bench.tenant, &ids).await?;
    Ok(known
        .into_iter()
        .map(|(_, record)| (record.guest.id, record.guest))
        .collect())
}

impl Report<'_> {
    fn of(&self, list: List) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.list == list)
    }

    /// How often each list has which rule and which cause.
    fn causes(&self) -> BTreeMap<(List, &str, &str), u64> {
        let mut causes = BTreeMap::new();
        let happened = |item: &&Item| {
            !matches!(
                item.list,
                List::Exception | List::Decision | List::PlanDecision
            )
        };
        for Item { list, rule, by, .. } in self.items.iter().filter(happened) {
            *causes
                .entry((*list, rule.as_str(), by.as_str()))
                .or_default() += 1;
        }
        causes
    }

    fn rows(&self, lists: &[List]) -> Rows {
        let mut rows = Rows::new([
            "what",
            "guest_id",
            "display_name",
            "mail",
            "upn",
            "rule",
            "by",
            "at",
            "detail",
            "until",
            "reason",
            "request_id",
            "client_request_id",
        ]);
        for item in lists.iter().flat_map(|list| self.of(*list)) {
            let Item {
                list,
                guest,
                rule,
                by,
                at,
                detail,
                until,
                reason,
                trace,
            } = item;
            let known = guest.as_ref().and_then(|guest| self.names.get(guest));
            let attribute =
                |of: fn(&Guest) -> Option<String>| known.and_then(of).unwrap_or_default();
            rows.push([
                list.as_str().to_owned(),
                guest.map(|guest| guest.to_string()).unwrap_or_default(),
                attribute(|guest| guest.display_name.clone()),
                attribute(|guest| guest.mail.clone()),
                attribute(|guest| Some(guest.upn.clone())),
                rule.clone(),
                by.clone(),
                at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
                    .unwrap_or_default(),
                detail.clone(),
                until.clone(),
                reason.clone(),
                trace.request_id.clone().unwrap_or_default(),
                trace
                    .client_request_id
                    .map(|id| id.to_string())
                    .unwrap_or_default(),
            ]);
        }
        rows
    }

    fn object(&self) -> serde_json::Value {
        let counts = List::ALL.map(|list| (list.as_str().to_owned(), json!(self.of(list).count())));
        let lists = List::ALL.map(|list| (list.as_str().to_owned(), self.rows(&[list]).objects()));
        let causes = self.causes();
        let causes = causes.iter().map(|((list, rule, by), times)| {
            json!({ "what": list.as_str(), "rule": rule, "by": by, "times": times })
        });
        json!({
            "tenant_id": self.bench.tenant,
            "from": self.from,
            "to": self.to,
            "reported": self.bench.now,
            "observed": self.bench.observation.finished,
            "policy_hash": self.bench.policy.hash,
            "policy": self.bench.standing.object(),
            "record": proof_sentence(&self.proof),
            "intact": self.proof.is_ok(),
            "verdicts_now": self.verdicts,
            "counts": counts.into_iter().collect::<serde_json::Value>(),
            "causes": causes.collect::<Vec<_>>(),
            "lists": lists.into_iter().collect::<serde_json::Value>(),
        })
    }

    fn document(&self) -> Document {
        let verdicts = self.verdicts.iter();
        let verdicts = verdicts.map(|(verdict, count)| format!("{count} {verdict}"));
        let mut causes = Rows::new(["what", "rule", "by", "times"]);
        for ((list, rule, by), times) in self.causes() {
            causes.push([
                list.title().to_owned(),
                rule.to_owned(),
                by.to_owned(),
                times.to_string(),
            ]);
        }
        let mut sections = vec![Section {
            title: "By rule and by whom",
            note: String::new(),
            rows: causes,
        }];
        sections.extend(List::ALL.map(|list| Section {
            title: list.title(),
            note: list.note().to_owned(),
            rows: self.rows(&[list]).without(list.left_out()),
        }));
        Document {
            title: "Guest accounts: what was done".to_owned(),
            head: vec![
                (
                    "period",
                    format!(
                        "{} until before {}",
                        shown(Some(self.from)),
                        shown(Some(self.to))
                    ),
                ),
                ("tenant", self.bench.tenant.to_string()),
                ("reported", shown(Some(self.bench.now))),
                ("as observed", shown(Some(self.bench.observation.finished))),
                ("policy now", self.bench.standing.described()),
                ("guests now", verdicts.collect::<Vec<_>>().join(", ")),
                ("the record", proof_sentence(&self.proof)),
            ],
            sections,
        }
    }
}
