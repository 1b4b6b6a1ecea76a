//! Deciding: every guest of the store past the judge, page by page.

use innkeeper_domain::decide::{Judge, Judgement};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::journal::Event;
use innkeeper_domain::plan::Plan;
use innkeeper_domain::verdict::Verdict;
use innkeeper_store::{RowKey, StoredVerdict};

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::observe::Observed;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;

/// Guests judged between two looks at the store.
const PAGE: u32 = 1_000;

/// A plan, and whose verdict is another than in the cycle before.
pub(crate) struct Decided {
    pub(crate) plan: Plan,
    pub(crate) changed: Vec<Changed>,
}

/// A verdict that is another than in the cycle before.
pub(crate) struct Changed {
    pub(crate) key: RowKey,
    pub(crate) guest: GuestId,
    pub(crate) verdict: StoredVerdict,
    pub(crate) reason: String,
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    pub(crate) async fn decide(&self, observed: Observed) -> Result<Decided, CycleError> {
        let Observed { observation, span } = observed;
        let policy = &self.tenant.policy.policy;
        let mut tx = self.store.read().await?;
        let named_groups = tx.named_groups(self.tenant.id).await?;
        let judge = Judge {
            tenant: self.tenant.id,
            policy,
            named_groups: &named_groups,
            now: observation.finished,
            watched: observation.watched,
            span,
        };
        let total = observation.counts.guests;
        let mut plan = Plan::empty(self.tenant.id, observation, policy.hash.clone());
        let mut changed = Vec::new();
        let mut after = None;
        loop {
            let rows = tx.guest_rows(self.tenant.id, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key);
            for row in &rows {
                let Judgement { verdict, cases } = judge.judge(&row.view);
                changed.extend(change(row.key, row.verdict.as_ref(), &verdict));
                plan.verdicts.push(verdict);
                plan.cases.extend(cases);
            }
            self.progress
                .at(Phase::Verdicts, plan.verdicts.len() as u64, Some(total));
        }
        Ok(Decided {
            plan: plan.sorted(),
            changed,
        })
    }
}

/// A guest never judged before counts as kept.
fn change(key: RowKey, before: Option<&StoredVerdict>, verdict: &Verdict) -> Option<Changed> {
    let after = StoredVerdict {
        verdict: verdict.as_str().to_owned(),
        rule: verdict.rule().cloned(),
    };
    let keep = StoredVerdict {
        verdict: "keep".to_owned(),
        rule: None,
    };
    let is_another = before.unwrap_or(&keep) != &after;
    is_another.then(|| Changed {
        key,
        guest: verdict.guest,
        verdict: after,
        reason: verdict.reason(),
    })
}

impl Changed {
    pub(crate) fn event(&self) -> Event {
        let StoredVerdict { verdict, rule } = &self.verdict;
        Event::VerdictChanged {
            verdict: verdict.clone(),
            rule: rule.clone(),
            reason: self.reason.clone(),
        }
    }
}
