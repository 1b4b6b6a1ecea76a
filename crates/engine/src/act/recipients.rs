//! Whom a notice about a guest goes to.

use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::policy::Recipient;

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
        let row = tx.guest_row(self.tenant.id, guest).await?;
        Ok(row.map_or_else(Vec::new, |row| {
            addresses(&row.view, to, &self.tenant.operators)
        }))
    }
}

/// The addresses, sorted. A guest without a sponsor who is fit and can be reached is the operators' matter.
pub(super) fn addresses(view: &GuestView, to: &[Recipient], operators: &[String]) -> Vec<String> {
    let mut addresses: Vec<String> = Vec::new();
    for recipient in to {
        match recipient {
            Recipient::Operators => addresses.extend_from_slice(operators),
            Recipient::Sponsor => {
                let fit = view
                    .sponsors
                    .iter()
                    .filter(|sponsor| sponsor.eligible() == Some(true));
                let reached: Vec<String> = fit.filter_map(|sponsor| sponsor.mail.clone()).collect();
                addresses.extend(if reached.is_empty() {
                    operators.to_vec()
                } else {
                    reached
                });
            }
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
