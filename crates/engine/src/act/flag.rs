//! Flags: marks in Innkeeper alone. Nothing is written to the directory, so no fresh look is taken, and many fit into one
//! transaction; an intent and its outcome are committed together.

use innkeeper_domain::intent::{Call, Outcome};
use innkeeper_domain::journal::Event;
use innkeeper_domain::observation::Observation;
use innkeeper_domain::policy::Action;
use innkeeper_domain::verdict::Step;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Report;

/// Flags in one transaction.
const AT_ONCE: usize = 500;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Sets the flags; returns how many.
    pub(super) async fn flag(
        &self,
        steps: &[Step],
        report: &mut Report,
    ) -> Result<u64, CycleError> {
        let outcome = Outcome::Done { request_id: None };
        for chunk in steps.chunks(AT_ONCE) {
            let intents: Vec<_> = chunk
                .iter()
                .map(|step| self.intent(step, Call::Flag, report))
                .collect();
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            self.write_down(&mut tx, &intents).await?;
            let now = self.clock.now();
            let mut events = Vec::with_capacity(intents.len());
            for intent in &intents {
                tx.conclude(self.tenant.id, intent.id, now, &outcome)
                    .await?;
                if let Some(case) = tx.case(self.tenant.id, intent.case).await? {
                    let Observation {
                        finished, watched, ..
                    } = report.plan.observation;
                    let executed =
                        case.executed(intent.stage, Action::Flag, now, finished, watched);
                    tx.save_case(self.tenant.id, &executed).await?;
                }
                let concluded = Event::Concluded {
                    intent: intent.id,
                    outcome: outcome.clone(),
                };
                events.push((Some(intent.guest), concluded));
                report.note(intent.guest, &intent.call, &outcome);
            }
            tx.append(self.tenant.id, now, &events).await?;
            tx.commit().await?;
        }
        Ok(steps.len() as u64)
    }
}
