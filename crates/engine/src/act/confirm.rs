//! Telling people that an answer was given in their name: whoever has their link can give one.
//!
//! Invariant: each answer is confirmed at most once. That it is has been committed before the mail is sent; when nobody
//! knows whether it was sent, it is not sent again.

use innkeeper_domain::ids::PlanId;
use innkeeper_domain::intent::{Call, Intent};
use innkeeper_domain::policy::Notice;
use innkeeper_store::Unconfirmed;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::notice;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::report::Deeds;

/// Answers confirmed in a cycle; the others follow in the next.
const MOST: u32 = 500;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Confirms the answers that came by links since the last cycle.
    pub(crate) async fn confirm(&self, writer: &W, deeds: &mut Deeds) -> Result<(), CycleError> {
        let tenant = self.tenant.id;
        let mut tx = self.store.read().await?;
        let unconfirmed = tx.unconfirmed(tenant, MOST).await?;
        drop(tx);
        for Unconfirmed {
            key,
            guest,
            case,
            rule,
            said,
        } in unconfirmed
        {
            if self.stop.is_cancelled() {
                deeds.interrupted = true;
                break;
            }
            let to = vec![said.word.by.clone()];
            let call = Call::Notify {
                notice: Notice::Answered,
                to: to.clone(),
            };
            let plan = PlanId::derived(&[tenant.0.as_bytes(), b"answer", &key.to_be_bytes()]);
            let intent = Intent {
                id: Intent::id_of(tenant, plan, case, 0, &call),
                plan,
                case,
                guest,
                rule,
                stage: 0,
                call,
                created: self.clock.now(),
            };
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            let row = tx.guest_row(tenant, guest).await?;
            self.write_down(&mut tx, std::slice::from_ref(&intent))
                .await?;
            tx.confirm(tenant, key, intent.id).await?;
            tx.commit().await?;
            let view = row.as_ref().map(|row| &row.view);
            let mail = notice::confirmation(self.tenant, view, &said, to);
            let sent = writer.sent_as(intent.id.0).send_mail(&mail).await;
            let upshot = self.outcome(&intent, sent).await?;
            self.conclude_and_note(&[intent], &upshot, deeds).await?;
        }
        Ok(())
    }
}
