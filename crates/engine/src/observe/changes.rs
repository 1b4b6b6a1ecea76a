//! Reading what changed since the last observation, instead of everything: a handful of requests for a quiet tenant.
//!
//! Sign-in activity, sponsors and roles are not among what Graph tracks. The log shows who signed in; the rest stays as
//! it was read last, until the next whole reading, and is looked at again before each step. What cannot be followed
//! from where it was left is read whole.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt};
use innkeeper_domain::guest::{Guest, GuestRecord};
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::merge::{Change, merge, merge_without_sign_ins};
use innkeeper_domain::observation::Counts;
use innkeeper_domain::policy::Policy;
use innkeeper_graph::{
    ChangePage, ChangesSince, Depth, GraphError, GroupChange, Lost, Reread, UserChange,
};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::people::Followed;
use super::{Presence, Seen};
use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Guests looked at in one go.
const AT_ONCE: usize = 15;

/// From where changes are read the next time.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Marks {
    users: String,
    /// One for fifty groups.
    members: Vec<String>,
    /// The groups that the policy named.
    groups: Vec<String>,
    /// The properties of users that are told.
    #[serde(default)]
    selected: String,
    /// What each guest holds in applications and groups was read too.
    #[serde(default)]
    holdings: bool,
    /// What was read of people.
    #[serde(default)]
    followed: Followed,
    /// When everything was read last.
    whole: DateTime<Utc>,
}

/// What a round of user changes comes to: of each the last word.
#[derive(Default)]
struct Users {
    present: BTreeMap<GuestId, Guest>,
    gone: BTreeSet<GuestId>,
    unreadable: BTreeSet<GuestId>,
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Points from which the changes can be read that come after this whole reading. They are taken before anything is
    /// read, so that nothing falls between; `groups` are read after this.
    pub(super) async fn marks(
        &self,
        users: ChangesSince,
        groups: &[GroupId],
        started: DateTime<Utc>,
    ) -> Result<Marks, CycleError> {
        let members = self
            .unless_stopped(self.tenant.reader.members_from_now(groups))
            .await??;
        Ok(Marks {
            users: users.0,
            members: members.into_iter().map(|point| point.0).collect(),
            groups: self.group_keys(),
            selected: self.tenant.reader.selected(),
            holdings: self.policies().any(Policy::asks_holdings),
            followed: self.followed(),
            whole: started,
        })
    }

    fn group_keys(&self) -> Vec<String> {
        let keys = self.groups();
        keys.into_iter().map(str::to_owned).collect()
    }

    /// Reads what changed; `None` where everything has to be read.
    pub(super) async fn read_changes(
        &self,
        started: DateTime<Utc>,
    ) -> Result<Option<Seen>, CycleError> {
        let Some(whole_every) = self.tenant.whole_every else {
            return Ok(None);
        };
        let mut tx = self.store.read().await?;
        let marks = tx.change_marks(self.tenant.id).await?;
        let last = tx.last_observation(self.tenant.id).await?;
        drop(tx);
        let marks: Option<Marks> = marks.and_then(|marks| serde_json::from_str(&marks).ok());
        let (Some(mut marks), Some(last)) = (marks, last) else {
            return Ok(None);
        };
        let is_current = last.health.is_healthy()
            && started - marks.whole < whole_every
            && marks.groups == self.group_keys()
            && marks.followed == self.followed()
            && marks.selected == self.tenant.reader.selected()
            && (marks.holdings || !self.policies().any(Policy::asks_holdings));
        if !is_current {
            return Ok(None);
        }
        let mut users = Users::default();
        let mut pages = 0;
        let since = ChangesSince(marks.users);
        let round = self.tenant.reader.user_changes(&since);
        let Some(next) = self
            .round(round, &mut pages, |change| users.take(change))
            .await?
        else {
            return Ok(None);
        };
        marks.users = next.0;
        let mut members = Vec::new();
        let mut deleted = None;
        for point in &mut marks.members {
            let since = ChangesSince(std::mem::take(point));
            let round = self.tenant.reader.member_changes(&since);
            let next = self
                .round(round, &mut pages, |change| match change {
                    GroupChange::Removed(group) => deleted = Some(group),
                    members_of @ GroupChange::Members { .. } => members.push(members_of),
                })
                .await?;
            let Some(next) = next else { return Ok(None) };
            *point = next.0;
        }
        if let Some(group) = deleted {
            info!(group.id = %group, "a group that the policy names is deleted: everything is read");
            return Ok(None);
        }
        let mut counts = Counts {
            changes_only: true,
            counted: None,
            new: 0,
            gone: 0,
            unreadable: 0,
            pages,
            ..last.counts
        };
        let gone = self.take_in_changes(users, &mut counts).await?;
        self.take_in_members(members).await?;
        self.read_what_nothing_follows().await?;
        self.read_inviters(started).await?;
        self.look_for_people().await?;
        counts.logged_in = self.read_log(started).await?;
        self.keep_freshness(&mut counts).await?;
        Ok(Some(Seen {
            presence: Presence::AllBut(gone),
            waited: Duration::ZERO,
            counts,
            marks: Some(marks),
        }))
    }

    /// Follows a round to its end; `None` where Graph does not know the point any more.
    async fn round<T>(
        &self,
        pages: impl Stream<Item = Result<Result<ChangePage<T>, Lost>, GraphError>>,
        came_on: &mut u64,
        mut take: impl FnMut(T),
    ) -> Result<Option<ChangesSince>, CycleError> {
        let mut pages = pin!(pages);
        let mut next = None;
        while let Some(page) = self.unless_stopped(pages.try_next()).await?? {
            match page {
                Ok(page) => {
                    *came_on += 1;
                    page.changes.into_iter().for_each(&mut take);
                    next = page.next.or(next);
                }
                Err(Lost(why)) => {
                    info!(
                        why,
                        "changes cannot be followed any more: everything is read"
                    );
                    return Ok(None);
                }
            }
        }
        Ok(next)
    }

    /// Writes down what changed of guests; returns those who are not there any more.
    async fn take_in_changes(
        &self,
        users: Users,
        counts: &mut Counts,
    ) -> Result<Vec<GuestId>, CycleError> {
        let tenant = self.tenant.id;
        let now = self.clock.now();
        let Users {
            mut present,
            gone,
            unreadable,
        } = users;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let ids: Vec<GuestId> = present.keys().copied().collect();
        let known = tx.guests_by_id(tenant, &ids).await?;
        let mut records = Vec::new();
        for (_, before) in known {
            if let Some(guest) = present.remove(&before.guest.id) {
                let (record, change) = merge_without_sign_ins(&before, guest, None, now);
                if change != Change::Unchanged {
                    records.push(record);
                }
            }
        }
        // Nothing is known of those who are left: neither from before nor of their sponsors.
        let mut to_read: BTreeSet<GuestId> = present.keys().copied().collect();
        counts.new = to_read.len() as u64;
        records.extend(present.into_values().map(|guest| merge(None, guest, now).0));
        let records: Vec<&GuestRecord> = records.iter().collect();
        tx.save_guests(tenant, &records).await?;
        let unreadable: Vec<GuestId> = unreadable.into_iter().collect();
        let known = tx.guests_by_id(tenant, &unreadable).await?;
        to_read.extend(known.iter().map(|(_, record)| record.guest.id));
        let gone: Vec<GuestId> = gone.into_iter().collect();
        let known = tx.guests_by_id(tenant, &gone).await?;
        tx.commit().await?;
        let present = known
            .into_iter()
            .filter(|(_, record)| record.gone.is_none())
            .map(|(_, record)| record.guest.id);
        let mut gone: Vec<GuestId> = present.collect();
        let to_read: Vec<GuestId> = to_read.into_iter().collect();
        for chunk in to_read.chunks(AT_ONCE) {
            gone.extend(self.read_apart(chunk).await?);
        }
        Ok(gone)
    }

    /// Reads a few guests with all that hangs on them; returns those who are not there any more.
    async fn read_apart(&self, guests: &[GuestId]) -> Result<Vec<GuestId>, CycleError> {
        let tenant = self.tenant.id;
        let now = self.clock.now();
        let answers = self
            .unless_stopped(self.tenant.reader.reread(guests, Depth::WithoutSignIns))
            .await??;
        let is_there = |answer: &&Reread| matches!(answer, Reread::Present { .. });
        let there: Vec<GuestId> = answers
            .iter()
            .filter(is_there)
            .map(Reread::guest_id)
            .collect();
        // What a look has no roles for: those held in a part of the tenant, and by owning a group.
        let mut beside = self
            .unless_stopped(self.tenant.reader.privileges_of(&there))
            .await??;
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        let mut gone = Vec::new();
        for answer in answers {
            let Reread::Present {
                guest,
                sponsors,
                groups,
                mut roles,
            } = answer
            else {
                gone.push(answer.guest_id());
                continue;
            };
            let id = guest.id;
            let known = tx.guests_by_id(tenant, &[id]).await?;
            for (_, before) in known {
                let (record, _) = merge_without_sign_ins(&before, Guest::clone(&guest), None, now);
                tx.save_guests(tenant, &[&record]).await?;
            }
            tx.save_sponsors(tenant, &sponsors).await?;
            let links = (id, sponsors.iter().map(|sponsor| sponsor.id).collect());
            tx.set_guest_sponsors(tenant, &[links]).await?;
            tx.set_guest_groups(tenant, id, &groups).await?;
            // One without an answer went meanwhile, and the next reading tells.
            if let Some(beside) = beside.remove(&id) {
                roles.extend(beside);
                tx.set_guest_roles(tenant, id, &roles).await?;
            }
        }
        tx.commit().await?;
        self.refresh_access(&there).await?;
        self.refresh_exemptions(&there).await?;
        Ok(gone)
    }

    async fn take_in_members(&self, changes: Vec<GroupChange>) -> Result<(), CycleError> {
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        for change in changes {
            if let GroupChange::Members {
                group,
                added,
                removed,
            } = change
            {
                tx.change_members(self.tenant.id, group, &added, &removed)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Users {
    fn take(&mut self, change: UserChange) {
        match change {
            UserChange::Present(guest) => {
                self.gone.remove(&guest.id);
                self.unreadable.remove(&guest.id);
                self.present.insert(guest.id, *guest);
            }
            UserChange::NoGuest(id) | UserChange::Removed(id) => {
                self.present.remove(&id);
                self.unreadable.remove(&id);
                self.gone.insert(id);
            }
            UserChange::Unreadable(id) => {
                self.gone.remove(&id);
                self.unreadable.insert(id);
            }
        }
    }
}
