//! Reading who answers for guests where their sponsors do not: the sponsor group, managers, inviters.
//!
//! Nothing is read that the policy in force does not follow. All of it only decides whom Innkeeper writes to, and who
//! becomes a sponsor: never whether a guest stays.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use innkeeper_domain::facts::FactName;
use innkeeper_domain::group::{Found, NamedGroups};
use innkeeper_domain::ids::{GuestId, SponsorId};
use innkeeper_domain::policy::{Link, Policy};
use innkeeper_domain::sponsor::SponsorKind;
use innkeeper_graph::Invited;
use innkeeper_store::{InvitedBy, SponsorGroup};
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// How long the audit log keeps an entry at most.
const KEPT: TimeDelta = TimeDelta::days(30);

/// How late an entry of the audit log can appear.
const LATE: TimeDelta = TimeDelta::hours(24);

/// Managers written down in one transaction.
const AT_ONCE: usize = 200;

/// What of people a whole reading read: after another policy it has to be read anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Followed {
    group: Option<String>,
    managers: bool,
    users: Vec<SponsorId>,
}

/// Two policies want to know of two groups.
struct TwoGroups;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// What is read of people.
    pub(super) fn followed(&self) -> Followed {
        Followed {
            group: self.sponsor_group().unwrap_or_default(),
            managers: self.policies().any(Policy::reads_managers),
            users: self.stewards().into_iter().collect(),
        }
    }

    /// The group of those who may sponsor; an error where the policy in force and one that waits to be accepted name
    /// two.
    fn sponsor_group(&self) -> Result<Option<String>, TwoGroups> {
        let mut groups = self.policies().map(|policy| &policy.sponsoring.group);
        let group = groups.next().cloned().flatten();
        if groups.all(|other| *other == group) {
            Ok(group)
        } else {
            Err(TwoGroups)
        }
    }

    fn stewards(&self) -> BTreeSet<SponsorId> {
        let followed = self.policies().filter(|policy| {
            policy.follows_chain() && policy.sponsoring.chain.contains(&Link::Steward)
        });
        followed
            .flat_map(|policy| policy.sponsoring.users())
            .collect()
    }

    /// Reads everybody whom the chain may come to, after the guests' sponsors were read.
    pub(super) async fn read_people(&self, named: &NamedGroups) -> Result<(), CycleError> {
        self.read_sponsor_group(named).await?;
        if self.policies().any(Policy::reads_managers) {
            let mut tx = self.store.read().await?;
            let sponsors = tx.sponsoring_users(self.tenant.id).await?;
            drop(tx);
            for chunk in sponsors.chunks(AT_ONCE) {
                self.read_managers(chunk).await?;
            }
        }
        self.look_for_people().await
    }

    /// Everybody in the sponsor group, and the group itself, which may be somebody's sponsor.
    async fn read_sponsor_group(&self, named: &NamedGroups) -> Result<(), CycleError> {
        let group = match self.sponsor_group() {
            Err(TwoGroups) => {
                warn!(
                    "a policy with another sponsor group waits to be accepted: until then who may sponsor counts as not known"
                );
                SponsorGroup::Unknown
            }
            Ok(None) => SponsorGroup::NotAsked,
            Ok(Some(key)) => match named.get(&key).and_then(Found::group) {
                None => {
                    warn!(
                        group = key.as_str(),
                        "the sponsor group was not found, or several have its name: who may sponsor is not known"
                    );
                    SponsorGroup::Unknown
                }
                Some(group) => {
                    let reading = self.tenant.reader.everybody_in(group.id);
                    let mut members = self.unless_stopped(reading).await??;
                    members.push(group.id.0.into());
                    SponsorGroup::Members(members)
                }
            },
        };
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_sponsor_group(self.tenant.id, &group).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Reads again whether these sponsors are in the group of those who may sponsor. Where that group was not found, or two
    /// are meant, who is in it is not known anyway.
    pub(crate) async fn refresh_sponsor_group(
        &self,
        sponsors: &BTreeMap<SponsorId, SponsorKind>,
    ) -> Result<(), CycleError> {
        let Ok(Some(key)) = self.sponsor_group() else {
            return Ok(());
        };
        let mut tx = self.store.read().await?;
        let named = tx.named_groups(self.tenant.id).await?;
        drop(tx);
        let Some(group) = named.get(&key).and_then(Found::group) else {
            return Ok(());
        };
        let reading = self.tenant.reader.sponsors_in(sponsors, group.id);
        let looked = self.unless_stopped(reading).await??;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.note_sponsor_group(self.tenant.id, &looked).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Reads the managers of these users.
    pub(crate) async fn read_managers(&self, of: &[Uuid]) -> Result<(), CycleError> {
        let reading = self.tenant.reader.managers(of);
        let managers = self.unless_stopped(reading).await??;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.save_managers(self.tenant.id, &managers).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Looks for those who stand in no listing that is read anyway: sponsors that a guest has no more, inviters, and the
    /// users whom the policy names.
    pub(super) async fn look_for_people(&self) -> Result<(), CycleError> {
        let is_asked =
            |policy: &Policy| policy.follows_chain() || policy.asks(FactName::DeletedSponsors);
        if !self.policies().any(is_asked) {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        let mut people: BTreeSet<SponsorId> = tx
            .people_to_read(self.tenant.id)
            .await?
            .into_iter()
            .collect();
        drop(tx);
        people.extend(self.stewards());
        let people: Vec<SponsorId> = people.into_iter().collect();
        self.look_at_people(&people).await
    }

    /// Looks at these people now. Who is not found is there no more, if a look at them alone says so too.
    pub(crate) async fn look_at_people(&self, people: &[SponsorId]) -> Result<(), CycleError> {
        if people.is_empty() {
            return Ok(());
        }
        let found = self
            .unless_stopped(self.tenant.reader.people(people))
            .await??;
        let there: BTreeSet<SponsorId> = found.iter().map(|person| person.id).collect();
        let departed = people.iter().copied().filter(|id| !there.contains(id));
        let missing: Vec<SponsorId> = departed.collect();
        let mut tx = self.store.read().await?;
        let missing = tx.not_departed(self.tenant.id, &missing).await?;
        drop(tx);
        // A listing may lag behind: that somebody was deleted takes more than that it lacks them.
        let departed = self
            .unless_stopped(self.tenant.reader.gone(&missing))
            .await??;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.save_people(self.tenant.id, &found, &departed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes from the audit log who invited whom, before the log forgets it. Where it cannot be read the inviters are not
    /// known, which takes nothing away, and it is read from the same point the next time.
    pub(super) async fn read_inviters(&self, started: DateTime<Utc>) -> Result<(), CycleError> {
        if !self.policies().any(Policy::reads_inviters) {
            return Ok(());
        }
        let mut tx = self.store.read().await?;
        let until = tx.audit_read_until(self.tenant.id).await?;
        drop(tx);
        let since = until.map_or(started - KEPT, |until| until - LATE);
        let mut entries: Vec<Invited> = Vec::new();
        let mut pages = pin!(self.tenant.reader.invited_since(since));
        loop {
            match self.unless_stopped(pages.try_next()).await? {
                Ok(Some(page)) => entries.extend(page),
                Ok(None) => break,
                Err(error) => {
                    warn!(%error, "the audit log cannot be read: who invited a guest is not known, and the sponsor chain goes on without; it takes the permissions AuditLog.Read.All and Directory.Read.All");
                    return Ok(());
                }
            }
        }
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let mut invited = Vec::new();
        for Invited { guest, upn, by, at } in entries {
            let guest: Option<GuestId> = match (guest, upn) {
                (Some(guest), _) => Some(guest),
                (None, Some(upn)) => tx.guest_named(self.tenant.id, &upn).await?,
                (None, None) => None,
            };
            invited.extend(guest.map(|guest| InvitedBy { guest, by, at }));
        }
        tx.save_inviters(self.tenant.id, &invited, started).await?;
        tx.commit().await?;
        Ok(())
    }
}
