//! Delivering a notice: one mail for everybody, or, where notices carry links to answer by, one for each recipient.

use std::collections::HashMap;

use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Intent, Outcome};
use innkeeper_domain::verdict::Step;
use tracing::warn;

use super::recipients;
use super::upshot::Upshot;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::link::{Claim, Keys, Links, Recipient};
use crate::notice;
use crate::ports::{ReadDirectory, WriteDirectory};

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Sends what the intent says to these people, and tells what came of it.
    ///
    /// A link is its recipient's alone, so that nobody can answer for another. When somebody has the mail and another one
    /// could not be sent it, nothing is certain of the notice as a whole: it rests, and then goes to all of them anew.
    pub(super) async fn deliver(
        &self,
        writer: &W,
        guests: &[(&Step, &GuestView)],
        intent: &Intent,
        to: Vec<String>,
    ) -> Result<Upshot, CycleError> {
        let writer = writer.sent_as(intent.id.0);
        let Some((links, keys)) = self.links() else {
            let none = HashMap::new();
            let mail = notice::compose(self.tenant, guests, to, self.clock.now(), &none);
            return self.outcome(intent, writer.send_mail(&mail).await).await;
        };
        let answerers = self.answerers(guests).await?;
        let mut sent = None;
        for address in to {
            let now = self.clock.now();
            let claim = |(step, view): &(&Step, &GuestView)| {
                let guest = view.record.guest.id;
                let may_answer = answerers
                    .get(&guest)
                    .is_some_and(|of| of.contains(&address));
                let claim = Claim {
                    tenant: self.tenant.id,
                    guest,
                    case: step.case,
                    recipient: Recipient::of(&address),
                    expires: now + links.valid,
                };
                may_answer.then(|| (guest, links.url(&claim.seal(&keys))))
            };
            let urls = guests.iter().filter_map(claim).collect();
            let mail = notice::compose(self.tenant, guests, vec![address.clone()], now, &urls);
            let upshot = self.outcome(intent, writer.send_mail(&mail).await).await?;
            if !upshot.outcome.is_in_effect() {
                return Ok(match sent {
                    Some(_) => Upshot {
                        outcome: Outcome::Uncertain,
                        ..upshot
                    },
                    None => upshot,
                });
            }
            sent = Some(upshot);
        }
        // The caller saw to it that there is somebody.
        Ok(sent.unwrap_or_else(|| Outcome::Uncertain.into()))
    }

    /// How links are made. Without a key notices go out all the same, and say nothing of links.
    fn links(&self) -> Option<(&Links, Keys)> {
        let links = self.tenant.links.as_ref()?;
        match links.keys() {
            Ok(keys) => Some((links, keys)),
            Err(error) => {
                warn!(
                    error = format!("{error:#}"),
                    "notices go out without links to answer by: answers.key_file is of no use"
                );
                None
            }
        }
    }

    /// Who may answer for each of these guests.
    async fn answerers(
        &self,
        guests: &[(&Step, &GuestView)],
    ) -> Result<HashMap<GuestId, Vec<String>>, CycleError> {
        let mut tx = self.store.read().await?;
        let mut answerers = HashMap::new();
        for (_, view) in guests {
            let of = recipients::answerers(
                &mut tx,
                self.tenant.id,
                self.policy,
                &self.tenant.operators,
                view,
            )
            .await?;
            let of = of.into_iter().map(|answerer| answerer.address).collect();
            answerers.insert(view.record.guest.id, of);
        }
        Ok(answerers)
    }
}
