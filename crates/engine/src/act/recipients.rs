//! Whom a notice about a guest goes to.

use std::collections::BTreeSet;

use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::{GroupId, GuestId};
use innkeeper_domain::policy::Recipient;
use innkeeper_domain::sponsor::Sponsor;
use innkeeper_store::Tx;

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// The addresses that a notice about this guest goes to, as last observed.
    pub(super) async fn addresses(
        &self,
        guest: GuestId,
        to: &[Recipient],
    ) -> Result<Vec<String>, CycleError> {
        let mut tx = self.store.read().await?;
        let Some(row) = tx.guest_row(self.tenant.id, guest).await? else {
            return Ok(Vec::new());
        };
        let named_groups = tx.named_groups(self.tenant.id).await?;
        let owners = self
            .project_owners(&mut tx, &row.view, &named_groups)
            .await?;
        Ok(addresses(&row.view, &owners, to, &self.tenant.operators))
    }

    /// The guest's own address, as last observed; empty where it has none.
    pub(super) async fn address_of(&self, guest: GuestId) -> Result<String, CycleError> {
        let mut tx = self.store.read().await?;
        let row = tx.guest_row(self.tenant.id, guest).await?;
        Ok(row
            .and_then(|row| row.view.record.guest.mail)
            .unwrap_or_default())
    }

    /// The owners of the guest's project groups: those who answer for it where it has no sponsor of its own.
    pub(super) async fn project_owners(
        &self,
        tx: &mut Tx,
        view: &GuestView,
        named_groups: &NamedGroups,
    ) -> Result<Vec<Sponsor>, CycleError> {
        let projects = self.policy.projects.iter();
        let groups: BTreeSet<GroupId> = projects
            .filter_map(|project| named_groups.get(&project.group)?.group())
            .map(|group| group.id)
            .filter(|id| view.groups.iter().any(|of| of.id == *id))
            .collect();
        let mut owners = Vec::new();
        for group in groups {
            owners.extend(tx.owners(self.tenant.id, group).await?);
        }
        Ok(owners)
    }
}

/// The addresses, sorted. A guest without a sponsor who is fit and can be reached is a matter of the owners of its
/// projects, and where none of these is fit either, of the operators.
pub(super) fn addresses(
    view: &GuestView,
    owners: &[Sponsor],
    to: &[Recipient],
    operators: &[String],
) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for recipient in to {
        match recipient {
            Recipient::Operators => addresses.extend_from_slice(operators),
            Recipient::Guest => addresses.extend(view.record.guest.mail.clone()),
            Recipient::Sponsor => {
                let reached = [reached(&view.sponsors), reached(owners)];
                let first = reached.into_iter().find(|reached| !reached.is_empty());
                addresses.extend(first.unwrap_or_else(|| operators.to_vec()));
            }
        }
    }
    if addresses.is_empty() {
        addresses.extend_from_slice(operators);
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// The addresses of those who are fit to answer.
fn reached(sponsors: &[Sponsor]) -> Vec<String> {
    sponsors
        .iter()
        .filter(|sponsor| sponsor.eligible() == Some(true))
        .filter_map(|sponsor| sponsor.mail.clone())
        .collect()
}
