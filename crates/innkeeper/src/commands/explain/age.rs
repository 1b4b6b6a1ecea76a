//! As of when each fact is known.

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::facts::FactName;
use innkeeper_domain::observation::Observation;
use innkeeper_store::{ObservationState, Tx};

use crate::commands::judging::Bench;

/// Readings looked through for the last whole one.
const LOOKED_THROUGH: u32 = 500;

/// When what facts derive from was read last.
pub(in crate::commands) struct Ages {
    now: DateTime<Utc>,
    observed: DateTime<Utc>,
    /// Absent when it is too long ago to be found.
    whole: Option<DateTime<Utc>>,
}

impl Ages {
    /// Of a tenant's facts.
    pub(in crate::commands) async fn of(bench: &Bench, tx: &mut Tx) -> Result<Self> {
        let Observation {
            finished, counts, ..
        } = &bench.observation;
        let whole = if counts.changes_only {
            let readings = tx.observations(bench.tenant, LOOKED_THROUGH).await?;
            readings
                .into_iter()
                .find_map(|reading| match reading.state {
                    ObservationState::Complete(of) => {
                        (!of.counts.changes_only).then_some(of.finished)
                    }
                    ObservationState::Running | ObservationState::Failed { .. } => None,
                })
        } else {
            Some(*finished)
        };
        Ok(Self {
            now: bench.read_at(),
            observed: *finished,
            whole,
        })
    }

    /// As of when a fact is known at the least; `None` when that is too long ago to be told.
    pub(super) fn as_of(&self, fact: FactName) -> Option<DateTime<Utc>> {
        match fact {
            // Innkeeper's own record.
            FactName::DisabledByInnkeeperDays
            | FactName::PreviousCases
            | FactName::Attested
            | FactName::AttestedDaysAgo
            | FactName::AttestedBy
            | FactName::LetGo => Some(self.now),
            // Nothing tells of their changes.
            FactName::SponsorCount
            | FactName::EligibleSponsorCount
            | FactName::DeletedSponsors
            | FactName::Sponsors
            | FactName::Roles
            | FactName::EligibleRoles
            | FactName::AppRoles
            | FactName::GroupCount
            | FactName::MailGroupCount
            | FactName::AccessPackages
            | FactName::LostAccessPackages
            | FactName::LostAccessPackagesDays => self.whole,
            FactName::InactiveDays
            | FactName::NeverSignedIn
            | FactName::PendingDays
            | FactName::ExpiresInDays
            | FactName::ExpiresBy
            | FactName::LastSeenBy
            | FactName::RedeemedOn
            | FactName::RedeemedDays
            | FactName::RestoredDaysAgo
            | FactName::InvitedBy
            | FactName::CreationType
            | FactName::External
            | FactName::Groups
            | FactName::Projects
            | FactName::AllProjectsEnded
            | FactName::Domain
            | FactName::Enabled
            | FactName::AccountAgeDays
            | FactName::Synced
            | FactName::UserType
            | FactName::Upn
            | FactName::Mail
            | FactName::Company => Some(self.observed),
        }
    }

    /// The same in a table.
    pub(super) fn shown(&self, fact: FactName) -> String {
        self.as_of(fact).map_or_else(
            || "long ago".to_owned(),
            |at| at.format("%Y-%m-%d %H:%M").to_string(),
        )
    }
}
