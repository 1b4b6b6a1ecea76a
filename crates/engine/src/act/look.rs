//! The fresh look right before a step: is the very same step still due?

use std::collections::HashMap;

use chrono::TimeDelta;
use futures_util::{StreamExt, TryStreamExt, stream};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::guest::{Guest, GuestRecord, GuestView, Invitation, UserType};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::intent::{Call, Intent};
use innkeeper_domain::merge::{merge, merge_without_sign_ins};
use innkeeper_domain::observation::Observation;
use innkeeper_domain::policy::Recipient;
use innkeeper_domain::sponsor::{Circle, Succession, chain, successor};
use innkeeper_domain::verdict::{Conclusion, Effect, Step};
use innkeeper_graph::{Depth, Looked, Reread};
use tokio::time::Instant;

use super::recipients::{self, circle_of};
use super::senses::Senses;
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Guests that one request reads again.
const PER_LOOK: usize = 15;

/// Requests on their way at once.
const LANES: usize = 4;

/// What was read again.
#[derive(Default)]
pub(super) struct Fresh {
    pub(super) answers: HashMap<GuestId, Reread>,
    /// Since when each guest may have changed unseen: before its request was sent, not when that began to wait for its
    /// turn, which with the scarcest request can take a minute.
    looked: HashMap<GuestId, Instant>,
}

impl Fresh {
    /// Since when the guest may have changed unseen.
    pub(super) fn looked(&self, guest: GuestId) -> Instant {
        let looked = self.looked.get(&guest).copied();
        // Of whom there is no answer nothing is done.
        looked.unwrap_or_else(Instant::now)
    }
}

/// What there is to judge a guest by again.
pub(super) struct SeenAgain<'f> {
    /// The guest itself.
    pub(super) answer: Option<&'f Reread>,
    /// The directory roles that it holds beside those in the answer; `None` where nobody asked.
    pub(super) roles: Option<&'f [String]>,
}

impl SeenAgain<'_> {
    /// All of its directory roles. Where nobody asked for those that an answer lacks, what is known of them goes on.
    fn all_roles(&self, in_answer: &[String], known: &[String]) -> Vec<String> {
        let beside = self.roles.unwrap_or(known);
        let mut all: Vec<String> = in_answer.iter().chain(beside).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}

/// What a fresh look made of a step.
pub(super) enum Look {
    /// It is still due.
    Due(Box<GuestView>),
    /// It is not due any more.
    NotDue { because: String },
    /// The directory already is as it should be.
    Already,
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the guests again, a few requests at a time.
    pub(super) async fn look_again(
        &self,
        steps: &[&Step],
        senses: &Senses,
    ) -> Result<Fresh, CycleError> {
        let depth = senses.depth(steps);
        let guests: Vec<GuestId> = steps.iter().map(|step| step.guest).collect();
        let looks = guests
            .chunks(PER_LOOK)
            .map(|chunk| self.tenant.reader.look(chunk, depth));
        let looks: Vec<Looked> = stream::iter(looks)
            .buffer_unordered(LANES)
            .try_collect()
            .await?;
        let mut fresh = Fresh::default();
        for Looked { sent, answers } in looks {
            // As old as the oldest of what it goes by.
            let looked = senses.asked().map_or(sent, |asked| asked.min(sent));
            for answer in answers {
                fresh.looked.insert(answer.guest_id(), looked);
                fresh.answers.insert(answer.guest_id(), answer);
            }
        }
        Ok(fresh)
    }

    /// Reads again what the guests were given access to, where something would be taken from them or the policy asks.
    pub(super) async fn look_at_access(&self, steps: &[&Step]) -> Result<(), CycleError> {
        let asks = self.policy.asks_access();
        let guests: Vec<GuestId> = steps
            .iter()
            .filter(|step| asks || step.effect.is_destructive())
            .map(|step| step.guest)
            .collect();
        self.refresh_access(&guests).await?;
        let leaving: Vec<GuestId> = steps
            .iter()
            .filter(|step| matches!(step.effect, Effect::Disable | Effect::Delete))
            .map(|step| step.guest)
            .collect();
        self.look_for_sole_owners(&leaving).await
    }

    /// Takes in the fresh reading, and judges the guest by it: is the very same step still due?
    pub(super) async fn look(
        &self,
        step: &Step,
        intents: &[Intent],
        seen: SeenAgain<'_>,
        senses: &Senses,
        observation: &Observation,
    ) -> Result<Look, CycleError> {
        let (guest, sponsors, groups, roles) = match seen.answer {
            Some(Reread::Present {
                guest,
                sponsors,
                groups,
                roles,
            }) => (guest, sponsors, groups, roles),
            Some(Reread::Deleted(_) | Reread::Absent(_))
                if matches!(step.effect, Effect::Delete) =>
            {
                return Ok(Look::Already);
            }
            Some(Reread::Deleted(_) | Reread::Absent(_)) => {
                return Ok(Look::NotDue {
                    because: "the guest is no longer in the directory".to_owned(),
                });
            }
            None => {
                return Ok(Look::NotDue {
                    because: "Graph gave no answer about the guest".to_owned(),
                });
            }
        };
        if guest.user_type != UserType::Guest {
            return Ok(Look::NotDue {
                because: "the account is no longer a guest".to_owned(),
            });
        }
        let now = self.clock.now();
        let tenant = self.tenant.id;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let Some(row) = tx.guest_row(tenant, step.guest).await? else {
            return Ok(Look::NotDue {
                because: "the guest is not known".to_owned(),
            });
        };
        let before = &row.view.record;
        let read = Guest::clone(guest);
        let log = senses.signed_in();
        let logged_in = log.and_then(|log| log.get(&guest.id).copied());
        let (record, _) = match senses.depth(&[step]) {
            Depth::WithoutSignIns => merge_without_sign_ins(before, read, logged_in, now),
            Depth::Whole => merge(Some(before), read, now),
        };
        // Where both were read, either may have what the other lacks.
        let record = GuestRecord {
            logged_in: record.logged_in.max(logged_in),
            ..record
        };
        if record != *before {
            tx.save_guests(tenant, &[&record]).await?;
        }
        tx.save_sponsors(tenant, sponsors).await?;
        tx.set_guest_sponsors(
            tenant,
            &[(
                step.guest,
                sponsors.iter().map(|sponsor| sponsor.id).collect(),
            )],
        )
        .await?;
        tx.set_guest_groups(tenant, step.guest, groups).await?;
        let roles = seen.all_roles(roles, &row.view.roles);
        tx.set_guest_roles(tenant, step.guest, &roles).await?;
        let named_groups = tx.named_groups(tenant).await?;
        let view = tx.guest_row(tenant, step.guest).await?.map(|row| row.view);
        let circle = match &view {
            Some(view) => circle_of(&mut tx, tenant, self.policy, view, &named_groups).await?,
            None => Circle::default(),
        };
        tx.commit().await?;
        let Some(view) = view.filter(|view| view.record.gone.is_none()) else {
            return Ok(Look::NotDue {
                because: "the guest is no longer in the directory".to_owned(),
            });
        };
        let judge = Judge {
            tenant,
            policy: self.policy,
            named_groups: &named_groups,
            now,
            watched: observation.watched + (now - observation.finished),
            span: TimeDelta::zero(),
        };
        let verdict = judge.judge(&view).verdict;
        let still_due = match &verdict.conclusion {
            Conclusion::Act(steps) => steps.iter().any(|fresh| is_same(fresh, step)),
            Conclusion::Keep
            | Conclusion::Wait(_)
            | Conclusion::Protected(_)
            | Conclusion::Unknown(_) => false,
        };
        if !still_due {
            return Ok(Look::NotDue {
                because: verdict.reason(),
            });
        }
        if step.effect == Effect::ResendInvitation {
            return Ok(self.invitation(view, intents));
        }
        Ok(match &step.effect {
            Effect::Disable if view.record.guest.enabled == Some(false) => Look::Already,
            Effect::Enable { .. } if view.record.guest.enabled == Some(true) => Look::Already,
            Effect::Notify { to, notice: _ }
                if !self.is_addressed_to(intents, &view, &circle, to) =>
            {
                Look::NotDue {
                    because: "the people answerable for the guest have changed".to_owned(),
                }
            }
            Effect::AddSponsor => self.succession(intents, view, &circle),
            Effect::Flag
            | Effect::Mark { .. }
            | Effect::Unmark { .. }
            | Effect::Notify { .. }
            | Effect::ResendInvitation
            | Effect::RemoveAppRoles { .. }
            | Effect::RemoveFromGroups { .. }
            | Effect::Disable
            | Effect::Delete
            | Effect::Enable { .. } => Look::Due(Box::new(view)),
        })
    }

    /// Only who certainly has not redeemed the invitation gets it again, at the very address that was intended.
    fn invitation(&self, view: GuestView, intents: &[Intent]) -> Look {
        let mail = view.record.guest.mail.as_deref();
        let not_due = |because: &str| Look::NotDue {
            because: because.to_owned(),
        };
        let is_intended = |intent: &Intent| matches!(&intent.call, Call::ResendInvitation { to } if Some(to.as_str()) == mail);
        match view.record.guest.invitation {
            Invitation::Accepted { .. } => Look::Already,
            Invitation::None => not_due("the account was not made by an invitation"),
            Invitation::Unrecognised => not_due("whether the invitation was redeemed is not known"),
            Invitation::Pending { .. } if mail.is_none() => not_due("the guest has no address"),
            Invitation::Pending { .. } if view.record.guest.enabled != Some(true) => not_due(
                "the account is not known to be enabled: nobody could redeem the invitation",
            ),
            Invitation::Pending { .. } if !intents.iter().all(is_intended) => {
                not_due("the guest's address has changed")
            }
            Invitation::Pending { .. } => Look::Due(Box::new(view)),
        }
    }

    fn is_addressed_to(
        &self,
        intents: &[Intent],
        view: &GuestView,
        circle: &Circle,
        to: &[Recipient],
    ) -> bool {
        let operators = &self.tenant.operators;
        let addressed = recipients::addressed(view, circle, self.policy, to, operators);
        intents.iter().all(
            |intent| matches!(&intent.call, Call::Notify { to, notice: _ } if *to == addressed.to),
        )
    }

    /// The chain must still come to whom the intent is about to make a sponsor, or to nobody if there is no intent.
    fn succession(&self, intents: &[Intent], view: GuestView, circle: &Circle) -> Look {
        let hops = chain(&view, circle, &self.policy.sponsoring);
        let calls = match successor(&hops, &view) {
            Succession::Is(sponsor) => vec![Call::AddSponsor { sponsor }],
            Succession::Nobody => Vec::new(),
            Succession::InDoubt(hop) => {
                let because = format!("who should become the sponsor is not known ({hop})");
                return Look::NotDue { because };
            }
        };
        if intents.iter().map(|intent| &intent.call).eq(&calls) {
            Look::Due(Box::new(view))
        } else {
            Look::NotDue {
                because: "the person answerable for the guest has changed".to_owned(),
            }
        }
    }
}

/// The same stage of the same case, doing the same thing. To whom a notice goes is held against the intent, and why an
/// account is enabled again does not matter.
fn is_same(fresh: &Step, step: &Step) -> bool {
    let does_the_same = match (&fresh.effect, &step.effect) {
        (
            Effect::RemoveFromGroups { groups: fresh },
            Effect::RemoveFromGroups { groups: planned },
        ) => fresh == planned,
        (
            Effect::Notify { notice: fresh, .. },
            Effect::Notify {
                notice: planned, ..
            },
        ) => fresh == planned,
        (Effect::Mark { mark: fresh, .. }, Effect::Mark { mark: planned, .. })
        | (Effect::Unmark { mark: fresh, .. }, Effect::Unmark { mark: planned, .. }) => {
            fresh == planned
        }
        (Effect::RemoveAppRoles { of: fresh }, Effect::RemoveAppRoles { of: planned }) => {
            fresh == planned
        }
        (fresh, planned) => fresh.as_str() == planned.as_str(),
    };
    fresh.case == step.case && fresh.stage == step.stage && does_the_same
}
