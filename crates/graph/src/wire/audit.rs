//! An entry of the directory's audit log, as far as it tells who invited whom.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, SponsorId};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Moment;

/// An entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DirectoryAudit {
    #[serde(default)]
    activity_date_time: Moment,
    result: Option<String>,
    initiated_by: Option<Initiator>,
    #[serde(default)]
    target_resources: Option<Vec<Target>>,
}

/// Who did it: a user or an application.
#[derive(Deserialize)]
pub(super) struct Initiator {
    user: Option<UserIdentity>,
    app: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity {
    id: Option<String>,
    user_principal_name: Option<String>,
}

/// To whom it was done.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Target {
    id: Option<String>,
    user_principal_name: Option<String>,
}

/// An invitation that went out.
pub(crate) struct Invitation {
    pub(crate) guest: Option<GuestId>,
    pub(crate) upn: Option<String>,
    pub(crate) by: Option<SponsorId>,
    /// Where the entry has no id of who invited.
    pub(crate) by_upn: Option<String>,
    pub(crate) at: DateTime<Utc>,
}

impl DirectoryAudit {
    /// What it says of an invitation; nothing when that failed, or when it does not say by whom or of whom.
    pub(crate) fn invitation(self) -> Option<Invitation> {
        let at = self.activity_date_time.0?;
        if self.result.as_deref() != Some("success") {
            return None;
        }
        let target = self.target_resources?.into_iter().next()?;
        let guest = id(target.id).map(GuestId);
        let upn = text(target.user_principal_name);
        if guest.is_none() && upn.is_none() {
            return None;
        }
        let Initiator { user, app } = self.initiated_by?;
        let (by, by_upn) = match (user, app) {
            (Some(user), _) => {
                let by = id(user.id).map(SponsorId);
                let by_upn = text(user.user_principal_name).filter(|_| by.is_none());
                if by.is_none() && by_upn.is_none() {
                    return None;
                }
                (by, by_upn)
            }
            (None, Some(IgnoredAny)) => (None, None),
            (None, None) => return None,
        };
        Some(Invitation {
            guest,
            upn,
            by,
            by_upn,
            at,
        })
    }
}

fn id(text: Option<String>) -> Option<uuid::Uuid> {
    let id: uuid::Uuid = text?.parse().ok()?;
    (!id.is_nil()).then_some(id)
}

fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
