//! The record of every write that Graph really carried out, and of every mail it took.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Who asked: enough to trace a write back to the request that caused it.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) at: DateTime<Utc>,
    pub(crate) request_id: Uuid,
    pub(crate) client_request_id: String,
}

/// The kinds of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriteKind {
    Disable,
    Enable,
    Update,
    Delete,
    Restore,
    Purge,
    AddMember,
    RemoveMember,
    AddSponsor,
    SetManager,
    RemoveSponsor,
    AddAppRole,
    RemoveAppRole,
    Invite,
    DeleteGroup,
    SendMail,
}

impl WriteKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Purge => "purge",
            Self::AddMember => "add-member",
            Self::RemoveMember => "remove-member",
            Self::AddSponsor => "add-sponsor",
            Self::SetManager => "set-manager",
            Self::RemoveSponsor => "remove-sponsor",
            Self::AddAppRole => "add-app-role",
            Self::RemoveAppRole => "remove-app-role",
            Self::Invite => "invite",
            Self::DeleteGroup => "delete-group",
            Self::SendMail => "send-mail",
        }
    }
}

/// One write that was carried out.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) kind: WriteKind,
    /// The user that was written to.
    pub(crate) target: Uuid,
    /// The group of a membership, the sponsor of a sponsorship, the application of a role in one.
    pub(crate) other: Option<Uuid>,
    /// False when it left everything as it was, such as disabling a disabled account.
    pub(crate) changed: bool,
    pub(crate) by: Caller,
}

/// One mail that was accepted for delivery.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) cc: Vec<String>,
    pub(crate) bcc: Vec<String>,
    pub(crate) subject: String,
    pub(crate) content_type: String,
    pub(crate) content: String,
    pub(crate) by: Caller,
}
