//! Whom a notice about a guest goes to, and who answers for it.

use std::collections::BTreeSet;

use innkeeper_domain::group::NamedGroups;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::policy::{Link, Policy, Recipient};
use innkeeper_domain::sponsor::{Circle, Finding, Hop, Succession, chain, managers, successor};
use innkeeper_domain::verdict::{Effect, Step, Verdict};
use innkeeper_store::{StoreError, Tx};

use crate::cycle::Cycle;
use crate::error::CycleError;
use crate::ports::{ReadDirectory, WriteDirectory};

/// Whom a notice goes to, and how they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addressed {
    /// The addresses, sorted.
    pub(super) to: Vec<String>,
    /// Everybody who was considered.
    pub(super) hops: Vec<Hop>,
}

/// Everybody whom Innkeeper knows around a guest, as last observed.
///
/// # Errors
/// When the database fails.
pub async fn circle_of(
    tx: &mut Tx,
    tenant: TenantId,
    policy: &Policy,
    view: &GuestView,
    named_groups: &NamedGroups,
) -> Result<Circle, StoreError> {
    let named: Vec<SponsorId> = policy.sponsoring.users().collect();
    let mut circle = tx.circle(tenant, view.record.guest.id, &named).await?;
    let groups: BTreeSet<GroupId> = policy
        .projects
        .iter()
        .filter_map(|project| named_groups.get(&project.group)?.group())
        .map(|group| group.id)
        .filter(|id| view.groups.iter().any(|of| of.id == *id))
        .collect();
    for group in groups {
        let owners = tx.owners(tenant, group).await?.into_iter();
        circle.owners.extend(owners.map(|owner| (group, owner)));
    }
    Ok(circle)
}

/// A verdict by which somebody would become a sponsor, heeding what of the chain is not known: what is judged alone does
/// not see it.
///
/// # Errors
/// When the database fails.
pub async fn heed_chain(
    tx: &mut Tx,
    tenant: TenantId,
    policy: &Policy,
    view: &GuestView,
    named_groups: &NamedGroups,
    verdict: Verdict,
) -> Result<Verdict, StoreError> {
    if !verdict.adds_sponsor() {
        return Ok(verdict);
    }
    let circle = circle_of(tx, tenant, policy, view, named_groups).await?;
    let hops = chain(view, &circle, &policy.sponsoring);
    Ok(match successor(&hops, view) {
        Succession::InDoubt(doubt) => verdict.without_sponsor(&doubt),
        Succession::Is(_) | Succession::Nobody => verdict,
    })
}

impl<R: ReadDirectory, W: WriteDirectory> Cycle<'_, R, W> {
    /// Whom a notice about this guest goes to, as last observed.
    pub(super) async fn addressed(
        &self,
        guest: GuestId,
        to: &[Recipient],
    ) -> Result<Addressed, CycleError> {
        let Some((view, circle)) = self.around(guest).await? else {
            return Ok(Addressed::default());
        };
        Ok(addressed(
            &view,
            &circle,
            self.policy,
            to,
            &self.tenant.operators,
        ))
    }

    /// The guest's own address, as last observed; empty where it has none.
    pub(super) async fn address_of(&self, guest: GuestId) -> Result<String, CycleError> {
        let mut tx = self.store.read().await?;
        let row = tx.guest_row(self.tenant.id, guest).await?;
        Ok(row
            .and_then(|row| row.view.record.guest.mail)
            .unwrap_or_default())
    }

    /// Who should become this guest's sponsor, and everybody who was considered.
    pub(super) async fn successor_of(
        &self,
        guest: GuestId,
    ) -> Result<(Succession, Vec<Hop>), CycleError> {
        let Some((view, circle)) = self.around(guest).await? else {
            return Ok((Succession::Nobody, Vec::new()));
        };
        let hops = chain(&view, &circle, &self.policy.sponsoring);
        Ok((successor(&hops, &view), hops))
    }

    async fn around(&self, guest: GuestId) -> Result<Option<(GuestView, Circle)>, CycleError> {
        let tenant = self.tenant.id;
        let mut tx = self.store.read().await?;
        let Some(row) = tx.guest_row(tenant, guest).await? else {
            return Ok(None);
        };
        let named_groups = tx.named_groups(tenant).await?;
        let circle = circle_of(&mut tx, tenant, self.policy, &row.view, &named_groups).await?;
        Ok(Some((row.view, circle)))
    }

    /// Looks at whoever the steps depend on, before anything is intended: guests' own managers, which no listing has,
    /// and those who are about to become sponsors.
    pub(super) async fn look_around(&self, steps: &[&Step]) -> Result<(), CycleError> {
        let mut guests = Vec::new();
        let mut people = BTreeSet::new();
        for step in steps {
            match &step.effect {
                Effect::Notify { to, notice: _ } if to.contains(&Recipient::Manager) => {
                    guests.push(step.guest.0);
                }
                Effect::AddSponsor => match self.successor_of(step.guest).await?.0 {
                    Succession::Is(person) => _ = people.insert(person),
                    Succession::Nobody | Succession::InDoubt(_) => {}
                },
                Effect::Flag
                | Effect::Mark { .. }
                | Effect::Unmark { .. }
                | Effect::Notify { .. }
                | Effect::ResendInvitation
                | Effect::RemoveAppRoles { .. }
                | Effect::RemoveFromGroups { .. }
                | Effect::Disable
                | Effect::Delete
                | Effect::Enable { .. } => {}
            }
        }
        if !guests.is_empty() {
            self.read_managers(&guests).await?;
        }
        let people: Vec<SponsorId> = people.into_iter().collect();
        self.look_at_people(&people).await
    }
}

/// Somebody who may say whether a guest is still needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answerer {
    /// The address that notices go to.
    pub address: String,
    /// The object id; an operator is known by the address alone.
    pub id: Option<SponsorId>,
}

/// Everybody who may answer for a guest, as last observed: those whom the sponsor chain comes to, the managers, and the
/// operators. Never the guest itself.
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
    let circle = circle_of(tx, tenant, policy, view, &named_groups).await?;
    let found = [
        chain(view, &circle, &policy.sponsoring),
        managers(view, &circle, &policy.sponsoring),
    ];
    let fit = found.into_iter().flatten().filter_map(|hop| {
        let address = hop.mail?;
        (hop.finding == Finding::Chosen).then_some(Answerer {
            address,
            id: hop.person,
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

/// Whom a notice goes to; where that is nobody, the operators.
pub(super) fn addressed(
    view: &GuestView,
    circle: &Circle,
    policy: &Policy,
    to: &[Recipient],
    operators: &[String],
) -> Addressed {
    let mut addresses: Vec<String> = Vec::new();
    let mut hops: Vec<Hop> = Vec::new();
    for recipient in to {
        let found = match recipient {
            Recipient::Operators => {
                addresses.extend_from_slice(operators);
                continue;
            }
            Recipient::Guest => {
                addresses.extend(view.record.guest.mail.clone());
                continue;
            }
            Recipient::Sponsor => chain(view, circle, &policy.sponsoring),
            Recipient::Manager => managers(view, circle, &policy.sponsoring),
        };
        for hop in found {
            if hop.finding == Finding::Chosen {
                match hop.link {
                    Link::Operators => addresses.extend_from_slice(operators),
                    Link::GuestManager
                    | Link::Sponsor
                    | Link::Manager
                    | Link::ProjectOwner
                    | Link::Inviter
                    | Link::Steward => addresses.extend(hop.mail.clone()),
                }
            }
            if !hops.contains(&hop) {
                hops.push(hop);
            }
        }
    }
    if addresses.is_empty() {
        addresses.extend_from_slice(operators);
    }
    addresses.sort_unstable();
    addresses.dedup();
    Addressed {
        to: addresses,
        hops,
    }
}

/// Whether a chain says more than that the sponsors answer, which the addresses say already.
pub(super) fn is_telling(hops: &[Hop]) -> bool {
    let is_plain = |hop: &Hop| hop.link == Link::Sponsor && hop.finding == Finding::Chosen;
    !hops.iter().all(is_plain)
}
