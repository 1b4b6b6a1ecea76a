//! Flags: marks in Innkeeper alone. Nothing is written to the directory, so no fresh look is taken, and many fit into one
//! transaction; an intent and its outcome are committed together.

use innkeeper_domain::intent::{Call, Outcome};
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
            for intent in &intents {
                self.conclude_in(&mut tx, intent, &outcome, true).await?;
                report.note(intent.guest, &intent.call, &outcome);
            }
            tx.commit().await?;
        }
        Ok(steps.len() as u64)
    }
}
