//! Reading the groups that the policy names, and who holds a directory role.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::TryStreamExt;
use innkeeper_domain::group::{Found, NamedGroups};
use innkeeper_domain::ids::GuestId;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};
use crate::progress::Phase;

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Reads the groups; returns the keys of those that could not be found or told apart.
    pub(super) async fn read_groups(&self) -> Result<Vec<String>, CycleError> {
        let keys = self.tenant.policy.policy.groups();
        let total = keys.len() as u64;
        let mut named = NamedGroups::new();
        for key in keys {
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
        for (done, group) in named.values().filter_map(Found::group).enumerate() {
            let mut members: Vec<GuestId> = Vec::new();
            let mut pages = pin!(self.tenant.reader.members(group.id));
            while let Some(page) = self.unless_stopped(pages.try_next()).await?? {
                members.extend(page);
            }
            let owners = self
                .unless_stopped(self.tenant.reader.owners(group.id))
                .await??;
            let mut tx = self.store.begin().await?;
            self.lease.check(&mut tx).await?;
            tx.set_members(self.tenant.id, group.id, &members).await?;
            tx.set_owners(self.tenant.id, group.id, &owners).await?;
            tx.commit().await?;
            self.progress
                .at(Phase::Groups, done as u64 + 1, Some(total));
        }
        let is_doubtful = |(key, found): (String, Found)| found.group().is_none().then_some(key);
        Ok(named.into_iter().filter_map(is_doubtful).collect())
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
