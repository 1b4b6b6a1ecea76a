//! Reading the groups that the policy names, and who holds a directory role.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use futures_util::TryStreamExt;
use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::observation::Emptied;
use roaring::RoaringTreemap;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Finds the groups.
    pub(super) async fn find_groups(&self) -> Result<NamedGroups, CycleError> {
        let mut named = NamedGroups::new();
        for key in self.groups() {
            named.insert(
                key.to_owned(),
                self.unless_stopped(self.tenant.reader.find_group(key))
                    .await??,
            );
        }
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_named_groups(self.tenant.id, &named).await?;
        tx.commit().await?;
        Ok(named)
    }

    /// Reads their members and owners. A listing that cannot be believed is not taken in, but returned; `present` are the
    /// rows of those who are in the tenant, since whoever has left it is rightly missing.
    pub(super) async fn read_members(
        &self,
        groups: &[GroupId],
        present: &RoaringTreemap,
    ) -> Result<Vec<Emptied>, CycleError> {
        let mut emptied = Vec::new();
        let total = groups.len() as u64;
        for (done, group) in groups.iter().enumerate() {
            let mut members: Vec<GuestId> = Vec::new();
            let mut pages = pin!(self.tenant.reader.members(*group));
            while let Some(page) = self.unless_stopped(pages.try_next()).await?? {
                members.extend(page);
            }
            let owners = self
                .unless_stopped(self.tenant.reader.owners(*group))
                .await??;
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            let mut before = tx.members_of(self.tenant.id, *group).await?;
            before.retain(|(key, _)| present.contains((*key).into()));
            let listed: BTreeSet<GuestId> = members.iter().copied().collect();
            let lost = before.iter().filter(|(_, guest)| !listed.contains(guest));
            let (lost, before) = (lost.count() as u64, before.len() as u64);
            if self.policy.limits.eyes.is_emptied(before, lost) {
                emptied.push(Emptied {
                    group: *group,
                    before,
                    lost,
                });
            } else {
                tx.set_members(self.tenant.id, *group, &members).await?;
            }
            tx.set_owners(self.tenant.id, *group, &owners).await?;
            tx.commit().await?;
            self.progress
                .at(Phase::Groups, done as u64 + 1, Some(total));
        }
        Ok(emptied)
    }

    pub(super) async fn read_roles(&self) -> Result<(), CycleError> {
        let mut holders: BTreeMap<GuestId, Vec<String>> = BTreeMap::new();
        for (principal, role) in self
            .unless_stopped(self.tenant.reader.role_holders())
            .await??
        {
            holders.entry(principal).or_default().push(role);
        }
        let holders: Vec<_> = holders.into_iter().collect();
        let mut tx = self.store.begin().await?;
        self.lease.check(&mut tx).await?;
        tx.set_roles(self.tenant.id, &holders).await?;
        tx.commit().await?;
        Ok(())
    }
}
