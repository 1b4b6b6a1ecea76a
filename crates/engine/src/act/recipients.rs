//! Whom a notice about a guest goes to.

use std::collections::BTreeSet;

use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::policy::{Policy, Recipient};
use innkeeper_domain::sponsor::Sponsor;
use innkeeper_store::{StoreError, Tx};

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
        Ok(owners(tx, self.tenant.id, self.policy, view, named_groups).await?)
    }
}

async fn owners(
    tx: &mut Tx,
    tenant: TenantId,
    policy: &Policy,
    view: &GuestView,
    named_groups: &NamedGroups,
) -> Result<Vec<Sponsor>, StoreError> {
    let projects = policy.projects.iter();
    let groups: BTreeSet<GroupId> = projects
        .filter_map(|project| named_groups.get(&project.group)?.group())
        .map(|group| group.id)
        .filter(|id| view.groups.iter().any(|of| of.id == *id))
        .collect();
    let mut owners = Vec::new();
    for group in groups {
        owners.extend(tx.owners(tenant, group).await?);
    }
    Ok(owners)
}

/// Somebody who may say whether a guest is still needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// The address that notices go to.
    pub address: String,
    /// The object id; an operator is known by the address alone.
    pub id: Option<SponsorId>,
}

/// Everybody who may answer for a guest, as last observed: its sponsors and the owners of its projects as far as they are
/// fit, and the operators. Never the guest itself.
///
/// # Errors
/// When the database fails.
pub async fn answerers(
    tx: &mut Tx,
    tenant: TenantId,
    policy: &Policy,
    operators: &[String],
    view: &GuestView,
) -> Result<Vec<Answerer>, StoreError> {
    let named_groups = tx.named_groups(tenant).await?;
    let owners = owners(tx, tenant, policy, view, &named_groups).await?;
    let fit = view.sponsors.iter().chain(&owners).filter_map(|sponsor| {
        let address = sponsor.mail.clone()?;
        (sponsor.eligible() == Some(true)).then_some(Answerer {
            address,
            id: Some(sponsor.id),
        })
    });
    let operators = operators.iter().map(|address| Answerer {
        address: address.clone(),
        id: None,
    });
    let itself = view.record.guest.mail.as_deref().unwrap_or_default();
    Ok(fit
        .chain(operators)
        .filter(|answerer| !answerer.address.eq_ignore_ascii_case(itself))
        .collect())
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
