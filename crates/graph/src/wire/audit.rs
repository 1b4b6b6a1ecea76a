//! An entry of the directory's audit log, as far as it tells who invited whom, or did something else to a user.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, SponsorId};
use serde::Deserialize;
use uuid::Uuid;

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
    app: Option<AppIdentity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppIdentity {
    app_id: Option<String>,
    service_principal_id: Option<String>,
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

/// Something that was done to a user.
pub(crate) struct Deed {
    pub(crate) target: Uuid,
    pub(crate) by: Initiated,
    pub(crate) at: DateTime<Utc>,
}

/// Who did it, by the ids that the entry has.
#[derive(Clone, Copy)]
pub(crate) enum Initiated {
    User(Option<Uuid>),
    Application {
        application: Option<Uuid>,
        service_principal: Option<Uuid>,
    },
    Nobody,
}

impl DirectoryAudit {
    /// What was done, of each that it was done to; nothing when that failed, or when it does not say when.
    pub(crate) fn done(self) -> Vec<Deed> {
        let Some(at) = self.activity_date_time.0 else {
            return Vec::new();
        };
        if self.result.as_deref() != Some("success") {
            return Vec::new();
        }
        let by = match self.initiated_by {
            Some(Initiator {
                user: Some(user), ..
            }) => Initiated::User(id(user.id)),
            Some(Initiator {
                user: None,
                app: Some(app),
            }) => Initiated::Application {
                application: id(app.app_id),
                service_principal: id(app.service_principal_id),
            },
            Some(Initiator {
                user: None,
                app: None,
            })
            | None => Initiated::Nobody,
        };
        let targets = self.target_resources.into_iter().flatten();
        let targets = targets.filter_map(|target| id(target.id));
        targets.map(|target| Deed { target, by, at }).collect()
    }

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
            (None, Some(_)) => (None, None),
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

fn id(text: Option<String>) -> Option<Uuid> {
    let id: Uuid = text?.parse().ok()?;
    (!id.is_nil()).then_some(id)
}

fn text(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
