//! An intent: one effect that is about to be caused, and what came of it.
//!
//! Invariant: an intent is committed before its effect can happen, and gets exactly one outcome. One without an
//! outcome belongs to a process that died; it is settled by reading the directory, never by guessing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app_role::AssignmentId;
use crate::ids::{CaseId, GroupId, GuestId, IntentId, PlanId, SponsorId, TenantId};
use crate::mark::Mark;
use crate::policy::{Notice, RuleName};
use crate::snapshot::AppRole;

/// One effect that is about to be caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Derived from the plan, the case, the stage and the call.
    pub id: IntentId,
    /// The plan that it carries out.
    pub plan: PlanId,
    /// The case that it serves.
    pub case: CaseId,
    /// The guest.
    pub guest: GuestId,
    /// The case's rule.
    pub rule: RuleName,
    /// The stage's index in the rule.
    pub stage: usize,
    /// What is about to be done.
    pub call: Call,
    /// When it was written down.
    pub created: DateTime<Utc>,
}

/// One call that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum Call {
    /// Mark the guest in Innkeeper: no call to Graph.
    Flag,
    /// `PATCH /users/{guest}` with a text in one of `onPremisesExtensionAttributes`.
    Mark {
        /// What is written.
        mark: Mark,
    },
    /// The same with null in its place.
    Unmark {
        /// What was written.
        mark: Mark,
    },
    /// `POST /users/{sender}/sendMail`.
    Notify {
        /// The addresses, sorted.
        to: Vec<String>,
        /// About what.
        #[serde(default, skip_serializing_if = "Notice::is_stage")]
        notice: Notice,
    },
    /// `POST /invitations` with the address of a guest that is there.
    ResendInvitation {
        /// The address; empty where the guest has none.
        to: String,
    },
    /// `DELETE /users/{guest}/appRoleAssignments/{assignment}`.
    RemoveAppRole {
        /// The assignment.
        assignment: AssignmentId,
        /// What it assigns.
        app_role: AppRole,
    },
    /// `POST /users/{guest}/appRoleAssignments`.
    AddAppRole {
        /// What is assigned.
        app_role: AppRole,
    },
    /// `DELETE /groups/{group}/members/{guest}/$ref`.
    RemoveFromGroup {
        /// The group.
        group: GroupId,
    },
    /// `PATCH /users/{guest}` with `accountEnabled: false`.
    Disable,
    /// `PATCH /users/{guest}` with `accountEnabled: true`.
    Enable,
    /// `DELETE /users/{guest}`.
    Delete,
    /// `POST /directory/deletedItems/{guest}/restore`.
    Restore,
    /// `POST /groups/{group}/members/$ref`.
    AddToGroup {
        /// The group.
        group: GroupId,
    },
    /// `POST /users/{guest}/sponsors/$ref`.
    AddSponsor {
        /// The sponsor.
        sponsor: SponsorId,
    },
    /// `DELETE /users/{guest}/sponsors/{sponsor}/$ref`: only ever the undo of an [`Call::AddSponsor`].
    RemoveSponsor {
        /// The sponsor.
        sponsor: SponsorId,
    },
    /// `PUT /users/{guest}/manager/$ref`.
    SetManager {
        /// The manager.
        manager: SponsorId,
    },
}

impl Call {
    /// The word used in tables and the store.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Mark { .. } => "mark",
            Self::Unmark { .. } => "unmark",
            Self::Notify { .. } => "notify",
            Self::ResendInvitation { .. } => "resend-invitation",
            Self::RemoveAppRole { .. } => "remove-app-role",
            Self::AddAppRole { .. } => "add-app-role",
            Self::RemoveFromGroup { .. } => "remove-from-group",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::AddToGroup { .. } => "add-to-group",
            Self::AddSponsor { .. } => "add-sponsor",
            Self::RemoveSponsor { .. } => "remove-sponsor",
            Self::SetManager { .. } => "set-manager",
        }
    }

    /// What tells this call from another of the same stage: the group, the assignment, the mark, or the addresses.
    fn target(&self) -> String {
        match self {
            Self::Flag | Self::Disable | Self::Enable | Self::Delete | Self::Restore => {
                String::new()
            }
            Self::Mark { mark } | Self::Unmark { mark } => mark.to_string(),
            Self::Notify { to, notice: _ } => to.join(","),
            Self::ResendInvitation { to } => to.clone(),
            Self::RemoveAppRole { assignment, .. } => assignment.to_string(),
            Self::AddAppRole { app_role } => format!("{}/{}", app_role.resource, app_role.role),
            Self::RemoveFromGroup { group } | Self::AddToGroup { group } => group.to_string(),
            Self::AddSponsor { sponsor } | Self::RemoveSponsor { sponsor } => sponsor.to_string(),
            Self::SetManager { manager } => manager.to_string(),
        }
    }
}

/// The same calls, each once and in their order: Graph can list a thing twice, and a plan intends each call once.
#[must_use]
pub fn each_once(calls: Vec<Call>) -> Vec<Call> {
    let mut all = Vec::with_capacity(calls.len());
    for call in calls {
        if !all.contains(&call) {
            all.push(call);
        }
    }
    all
}

impl Intent {
    /// The id of an intent. A plan intends each call of a stage once.
    #[must_use]
    pub fn id_of(
        tenant: TenantId,
        plan: PlanId,
        case: CaseId,
        stage: usize,
        call: &Call,
    ) -> IntentId {
        let stage = stage.to_string();
        let target = call.target();
        let parts = [
            tenant.0.as_bytes().as_slice(),
            plan.0.as_bytes(),
            case.0.as_bytes(),
            stage.as_bytes(),
            call.as_str().as_bytes(),
            target.as_bytes(),
        ];
        IntentId::derived(&parts)
    }
}

/// What came of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It happened.
    #[error("done")]
    Done {
        /// Graph's `request-id`, for Microsoft's support and the directory's audit log.
        request_id: Option<String>,
    },
    /// The directory already was as it should be: no call was made.
    #[error("was so already")]
    Already,
    /// A fresh reading showed that it should not happen: no call was made.
    #[error("skipped: {because}")]
    Skipped {
        /// What the fresh reading showed.
        because: String,
    },
    /// Graph refused, or could not be reached: it did not happen.
    #[error("failed: {error}")]
    Failed {
        /// What Graph said.
        error: String,
    },
    /// A process died over it, and the directory shows that it happened.
    #[error("done, as the directory shows")]
    FoundDone,
    /// A process died over it, and the directory is as it should be; but not by Innkeeper as far as it knows.
    #[error("{}", found_so(*by))]
    FoundSo {
        /// The object id of who did it instead; `None`: nothing tells.
        by: Option<Uuid>,
    },
    /// A process died over it, or Graph gave no clear answer, and the directory shows that it did not happen.
    #[error("not done, as the directory shows")]
    FoundNotDone,
    /// A process died over it, or Graph gave no clear answer, and nothing shows whether it happened: a mail.
    #[error("perhaps done: nothing shows it")]
    Uncertain,
}

fn found_so(by: Option<Uuid>) -> String {
    let who = match by {
        Some(by) => format!("{by} did it, not Innkeeper"),
        None => "nothing tells whether Innkeeper or somebody else did it".to_owned(),
    };
    format!("is so, as the directory shows; {who}")
}

/// By which ids Microsoft finds the call, whatever came of it. Absent where no call was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Graph's `request-id`, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The `client-request-id` that it was sent with, or would have been by a process that died over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<Uuid>,
}

impl Trace {
    /// No call was made.
    #[must_use]
    pub fn is_none(&self) -> bool {
        let Self {
            request_id,
            client_request_id,
        } = self;
        request_id.is_none() && client_request_id.is_none()
    }
}

impl Outcome {
    /// The word used in tables and the store.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Already => "already",
            Self::Skipped { .. } => "skipped",
            Self::Failed { .. } => "failed",
            Self::FoundDone => "found-done",
            Self::FoundSo { .. } => "found-so",
            Self::FoundNotDone => "found-not-done",
            Self::Uncertain => "uncertain",
        }
    }

    /// The directory is now as the stage wants it.
    #[must_use]
    pub fn is_in_effect(&self) -> bool {
        match self {
            Self::Done { .. } | Self::Already | Self::FoundDone | Self::FoundSo { .. } => true,
            Self::Skipped { .. } | Self::Failed { .. } | Self::FoundNotDone | Self::Uncertain => {
                false
            }
        }
    }
}
