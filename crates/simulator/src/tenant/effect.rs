//! What a write does to the directory, once it is allowed.
//!
//! Invariant: a user that leaves `/users` leaves for deletedItems, keeps everything, and goes for
//! good exactly 30 days later unless restored.

use std::cmp::Reverse;

use super::user::{Sponsor, UserIx};
use super::{
    Audited, AuditedActivity, Author, Caller, DAYS_IN_DELETED_ITEMS, GroupIx, Tenant, Write,
    WriteKind,
};
use crate::life::{Due, Event};
use crate::second::{DAY, Second};

/// "A guest can have up to five sponsors."
pub(crate) const MAX_SPONSORS: usize = 5;

impl Tenant {
    /// Notes a write that was carried out, for the audit log too.
    pub(crate) fn note(
        &mut self,
        kind: WriteKind,
        target: uuid::Uuid,
        other: Option<uuid::Uuid>,
        changed: bool,
        by: &Caller,
    ) {
        let activity = match kind {
            WriteKind::Disable => Some(AuditedActivity::Disabled),
            WriteKind::Enable => Some(AuditedActivity::Enabled),
            WriteKind::Delete => Some(AuditedActivity::Deleted),
            WriteKind::Restore => Some(AuditedActivity::Restored),
            WriteKind::Update
            | WriteKind::Purge
            | WriteKind::AddMember
            | WriteKind::RemoveMember
            | WriteKind::AddSponsor
            | WriteKind::SetManager
            | WriteKind::RemoveSponsor
            | WriteKind::AddAppRole
            | WriteKind::RemoveAppRole
            | WriteKind::Invite
            | WriteKind::DeleteGroup
            | WriteKind::SendMail => None,
        };
        if let Some((activity, user)) = activity
            .filter(|_| changed)
            .zip(self.directory.user_by_id(target))
        {
            self.audit.note(Audited {
                at: Second::of(by.at),
                activity,
                user,
                by: Author::Application,
            });
        }
        self.writes.push(Write {
            kind,
            target,
            other,
            changed,
            by: by.clone(),
        });
    }

    /// Soft delete: the user keeps groups, sponsors and properties.
    pub(crate) fn delete_user(&mut self, ix: UserIx, at: Second) {
        let user = self.directory.user_mut(ix);
        user.deleted = Some(at);
        user.next = None;
        self.directory.deleted.insert(ix);
        let gone = at.plus(DAYS_IN_DELETED_ITEMS * DAY);
        self.events.push(Reverse(Event {
            at: gone,
            due: Due::Purge(ix),
        }));
    }

    /// Undoes a soft delete; the user picks up their life where they are.
    pub(crate) fn restore_user(&mut self, ix: UserIx, at: Second) {
        self.directory.user_mut(ix).deleted = None;
        self.directory.deleted.remove(&ix);
        self.plan_next(ix, at);
    }

    /// Gone for good: memberships and sponsorships end.
    pub(crate) fn purge_user(&mut self, ix: UserIx) {
        self.directory.deleted.remove(&ix);
        self.directory.role_holders.remove(&ix);
        for group in self.directory.user(ix).groups.clone() {
            self.directory.expel(ix, group);
        }
        let user = self.directory.user_mut(ix);
        user.purged = true;
        user.next = None;
    }

    pub(crate) fn delete_group(&mut self, group: GroupIx) {
        let directory = &mut self.directory;
        directory.group_mut(group).deleted = true;
        for member in std::mem::take(&mut directory.group_mut(group).members) {
            directory
                .user_quietly(member)
                .groups
                .retain(|other| *other != group);
        }
        directory.dynamic.retain(|_, other| *other != group);
    }

    /// Whether Graph still returns this sponsor: deleted ones are left out.
    pub(crate) fn sponsor_is_live(&self, sponsor: Sponsor) -> bool {
        match sponsor {
            Sponsor::User(ix) => self.directory.user(ix).is_live(),
            Sponsor::Group(ix) => !self.directory.group(ix).deleted,
        }
    }
}
