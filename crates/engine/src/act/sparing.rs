//! Asking again, right before something is taken from guests, for what can forbid it and no look at the guests themselves
//! tells: directory roles held in whatever scope, role-assignable groups that they own, groups that exempt however deeply,
//! and whether their sponsors are in the sponsor group where that decides.
//!
//! Invariant: of whom one of these cannot be read nothing is taken, and which one it was stands in the journal with the
//! step.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_domain::verdict::Step;
use innkeeper_graph::{GraphError, Lists, Reread};
use tracing::warn;

use super::look::Fresh;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Guests asked about together.
const TOGETHER: usize = 20;

/// Such askings on their way at once.
const LANES: usize = 4;

/// A guest, with its sponsors as it was just read.
type Read<'f> = (GuestId, &'f [Sponsor]);

/// What could not be asked, and why not.
type Unasked = (&'static str, CycleError);

/// What was asked again.
#[derive(Default)]
pub(super) struct Asked {
    roles: Lists<String>,
    doubts: BTreeMap<GuestId, String>,
}

impl Asked {
    /// What is not known of a guest, and so forbids to take anything from it.
    pub(super) fn doubt(&self, guest: GuestId) -> Option<&String> {
        self.doubts.get(&guest)
    }

    /// The directory roles that the guest holds beside those that a look shows; `None` where nobody asked.
    pub(super) fn roles(&self, guest: GuestId) -> Option<&[String]> {
        self.roles.get(&guest).map(Vec::as_slice)
    }

    fn take(&mut self, other: Self) {
        self.roles.extend(other.roles);
        self.doubts.extend(other.doubts);
    }
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Asks about those guests that are there and from whom something would be taken. An error is one that has nothing to
    /// do with them: Graph cannot be reached, or a stop was asked for.
    pub(super) async fn ask_again(
        &self,
        steps: &[&Step],
        fresh: &Fresh,
    ) -> Result<Asked, CycleError> {
        let taken = steps.iter().filter(|step| step.effect.is_destructive());
        let there = taken.filter_map(|step| match fresh.answers.get(&step.guest) {
            Some(Reread::Present { sponsors, .. }) => Some((step.guest, sponsors.as_slice())),
            Some(Reread::Deleted(_) | Reread::Absent(_)) | None => None,
        });
        let guests: Vec<Read<'_>> = there.collect();
        let askings = guests.chunks(TOGETHER).map(|some| self.ask_some(some));
        let askings: Vec<_> = askings.collect();
        let answers: Vec<Asked> = stream::iter(askings)
            .buffer_unordered(LANES)
            .try_collect()
            .await?;
        let mut asked = Asked::default();
        for answer in answers {
            asked.take(answer);
        }
        Ok(asked)
    }

    /// Together, and one by one where that fails for one of them, so that it does not keep the others.
    async fn ask_some(&self, guests: &[Read<'_>]) -> Result<Asked, CycleError> {
        let mut asked = Asked::default();
        let error = match self.ask_about(guests).await {
            Ok(answered) => return Ok(answered),
            Err(error) => error,
        };
        if let [(guest, _)] = guests {
            asked.doubts.insert(*guest, doubt(error)?);
            return Ok(asked);
        }
        // Else it is no matter of one of them.
        doubt(error)?;
        for (guest, sponsors) in guests {
            match self.ask_about(&[(*guest, *sponsors)]).await {
                Ok(answered) => asked.take(answered),
                Err(error) => _ = asked.doubts.insert(*guest, doubt(error)?),
            }
        }
        Ok(asked)
    }

    async fn ask_about(&self, guests: &[Read<'_>]) -> Result<Asked, Unasked> {
        let ids: Vec<GuestId> = guests.iter().map(|(guest, _)| *guest).collect();
        let what = "whether it holds a directory role";
        let reading = self.tenant.reader.privileges_of(&ids);
        let answered = self.unless_stopped(reading).await;
        let roles = answered
            .and_then(|roles| Ok(roles?))
            .map_err(|error| (what, error))?;
        let what = "whether it is in a group whose members no rule touches";
        let refreshed = self.refresh_exemptions(&ids).await;
        refreshed.map_err(|error| (what, error))?;
        let sponsors = guests.iter().flat_map(|(_, sponsors)| *sponsors);
        let sponsors: BTreeMap<_, SponsorKind> =
            sponsors.map(|sponsor| (sponsor.id, sponsor.kind)).collect();
        if self.policy.decides_by_sponsor_group() && !sponsors.is_empty() {
            let what = "whether its sponsors are in the sponsor group";
            let refreshed = self.refresh_sponsor_group(&sponsors).await;
            refreshed.map_err(|error| (what, error))?;
        }
        let unanswered = ids.iter().filter(|id| !roles.contains_key(id));
        let because = || "Graph gave no answer about the directory roles that it holds".to_owned();
        let doubts = unanswered.map(|id| (*id, because())).collect();
        Ok(Asked { roles, doubts })
    }
}

/// Why nothing is taken from a guest; or the error itself, where it has nothing to do with any guest.
fn doubt((what, error): Unasked) -> Result<String, CycleError> {
    match error {
        CycleError::Graph(error) if !is_outage(&error) => {
            warn!(%error, "{what} could not be read again; nothing is taken from the guest in this cycle");
            Ok(format!("{what} could not be read again: {error}"))
        }
        other => Err(other),
    }
}

/// It passes, and befalls whatever is asked. What one of them is answered with may be malformed for ever.
fn is_outage(error: &GraphError) -> bool {
    error.is_transient() && !matches!(error, GraphError::Malformed { .. })
}
