//! Who did something to a user, as the directory's audit log tells.

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::TryStreamExt;
use uuid::Uuid;

use super::Reader;
use crate::budget::Kind;
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::token::OwnIds;
use crate::wire::{DirectoryAudit, Initiated};

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// To whom.
    pub target: Uuid,
    /// By whom.
    pub by: Author,
    /// When.
    pub at: DateTime<Utc>,
}

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The application whose credential is in use.
    Own,
    /// Somebody else, by their object id; or another application.
    Other(Uuid),
    /// The log does not say, or nothing tells whether that is the application itself.
    Unknown,
}

impl Reader {
    /// What was done successfully to users by one kind of activity (`activityDisplayName`), since then: 7 days at most in
    /// every tenant, 30 with a licence; of what is older the log says nothing, without an error.
    ///
    /// # Errors
    /// `Forbidden` without `AuditLog.Read.All` and `Directory.Read.All`.
    pub async fn audited(
        &self,
        activity: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<Audited>, GraphError> {
        let request = self.audits(activity, since);
        let entries: Vec<DirectoryAudit> = pages(&self.0, request).try_concat().await?;
        let own = self.0.own_ids().await?;
        let done = entries.into_iter().flat_map(DirectoryAudit::done);
        Ok(done
            .map(|done| Audited {
                target: done.target,
                by: author(done.by, own),
                at: done.at,
            })
            .collect())
    }

    /// What the directory's audit log has of one kind of activity, since then.
    pub(super) fn audits(&self, activity: &str, since: DateTime<Utc>) -> Request {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let filter = format!("activityDisplayName eq '{activity}' and activityDateTime ge {since}");
        self.0
            .get(
                &["auditLogs", "directoryAudits"],
                "/auditLogs/directoryAudits",
                "AuditLog.Read.All and Directory.Read.All",
            )
            .with("$filter", &filter)
            .of_kind(Kind::Reports)
    }
}

fn author(by: Initiated, own: OwnIds) -> Author {
    match by {
        Initiated::User(Some(id)) => Author::Other(id),
        Initiated::User(None) | Initiated::Nobody => Author::Unknown,
        Initiated::Application {
            application,
            service_principal,
        } => {
            let pairs = [
                (service_principal, own.service_principal),
                (application, own.application),
            ];
            let mut told = pairs
                .into_iter()
                .filter_map(|(found, own)| Some((found?, own?)));
            match told.next() {
                Some((found, own)) if found == own => Author::Own,
                Some((found, _)) => Author::Other(found),
                None => Author::Unknown,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_application_with_our_own_id_is_ourselves() {
        let [ours, ours_here, other] = [1, 2, 3].map(Uuid::from_u128);
        let own = OwnIds {
            application: Some(ours),
            service_principal: Some(ours_here),
        };
        let app = |application, service_principal| Initiated::Application {
            application,
            service_principal,
        };
        assert_eq!(author(app(Some(ours), None), own), Author::Own);
        assert_eq!(author(app(None, Some(ours_here)), own), Author::Own);
        assert_eq!(author(app(None, Some(other)), own), Author::Other(other));
        assert_eq!(author(app(Some(other), None), own), Author::Other(other));
        assert_eq!(author(app(None, None), own), Author::Unknown);
        let user = Initiated::User(Some(ours));
        assert_eq!(author(user, own), Author::Other(ours));
        assert_eq!(author(Initiated::User(None), own), Author::Unknown);
        assert_eq!(author(Initiated::Nobody, own), Author::Unknown);
        let opaque = OwnIds::default();
        let is_told = author(app(Some(ours), Some(ours_here)), opaque);
        assert_eq!(is_told, Author::Unknown, "a token that tells nothing");
    }
}
