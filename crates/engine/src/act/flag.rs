//! Flags: marks in Innkeeper alone. Nothing is written to the directory, so no fresh look is taken, and many fit into one
//! transaction; an intent and its outcome are committed together.

use std::collections::HashMap;

use innkeeper_domain::case::Case;
use innkeeper_domain::ids::{CaseId, IntentId};
use innkeeper_domain::intent::{Call, Intent, Outcome, Trace};
use innkeeper_domain::journal::Event;
use innkeeper_domain::observation::Observation;
use innkeeper_domain::plan::Plan;
use innkeeper_domain::policy::Action;
use innkeeper_domain::verdict::Step;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Deeds;

/// Flags in one transaction.
const AT_ONCE: usize = 500;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Sets the flags; returns how many.
    pub(super) async fn flag(
        &self,
        plan: &Plan,
        steps: &[&Step],
        deeds: &mut Deeds,
    ) -> Result<u64, CycleError> {
        let tenant = self.tenant.id;
        let outcome = Outcome::Done { request_id: None };
        let Observation {
            finished, watched, ..
        } = plan.observation;
        for chunk in steps.chunks(AT_ONCE) {
            let intents: Vec<Intent> = chunk
                .iter()
                .map(|step| self.intent(plan, step, Call::Flag))
                .collect();
            let ids: Vec<IntentId> = intents.iter().map(|intent| intent.id).collect();
            let cases: Vec<CaseId> = intents.iter().map(|intent| intent.case).collect();
            let concluded = |intent: &Intent| {
                let event = Event::Concluded {
                    intent: intent.id,
                    outcome: outcome.clone(),
                    graph: Trace::default(),
                };
                (Some(intent.guest), event)
            };
            let events: Vec<_> = intents.iter().map(concluded).collect();
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            self.write_down(&mut tx, &intents).await?;
            let now = self.clock.now();
            tx.conclude(tenant, &ids, now, &outcome).await?;
            let open = tx.open_among(tenant, &cases).await?;
            let stages: HashMap<CaseId, usize> = intents
                .iter()
                .map(|intent| (intent.case, intent.stage))
                .collect();
            let executed: Vec<Case> = open
                .into_iter()
                .map(|case| {
                    let stage = stages[&case.id];
                    case.executed(stage, Action::Flag, now, finished, watched)
                })
                .collect();
            tx.save_cases(tenant, &executed).await?;
            tx.append(tenant, now, &events).await?;
            tx.commit().await?;
            for intent in &intents {
                deeds.note(intent.guest, &intent.call, &outcome);
            }
        }
        Ok(steps.len() as u64)
    }
}
