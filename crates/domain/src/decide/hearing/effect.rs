//! What a stage that is due does to a guest, and what keeps it from being done.

use chrono::{DateTime, TimeDelta, Utc};

use super::Hearing;
use crate::facts::Fact;
use crate::group::Found;
use crate::ids::GroupId;
use crate::policy::{Action, FromGroups, Notice, Stage};
use crate::verdict::{Cause, Effect, Protector};

/// So often an account is taken from a guest against somebody's will, and not once more.
const TIMES: u32 = 2;

impl Hearing<'_> {
    pub(super) fn effect(&self, stage: &Stage) -> Effect {
        match stage.action {
            Action::Flag => Effect::Flag,
            Action::Mark => self.mark(stage),
            Action::Notify => Effect::Notify {
                to: stage.to.clone(),
                notice: Notice::Stage,
            },
            Action::ResendInvitation => Effect::ResendInvitation,
            Action::RemoveAppRoles => Effect::RemoveAppRoles {
                of: stage.of.clone(),
            },
            Action::AddSponsor => Effect::AddSponsor,
            Action::RemoveFromGroup => Effect::RemoveFromGroups {
                groups: self.groups_of(&stage.from),
            },
            Action::Disable => Effect::Disable,
            Action::Delete => Effect::Delete,
        }
    }

    /// Those of the stage's groups that the guest is in, and that Graph lets us take it out of.
    fn groups_of(&self, from: &FromGroups) -> Vec<GroupId> {
        let is_meant_group = |id: GroupId| match from {
            FromGroups::Named(keys) => keys
                .iter()
                .filter_map(|key| self.judge.named_groups.get(key)?.group())
                .any(|group| group.id == id),
            FromGroups::EndedProjects => match &self.facts.projects {
                Fact::Known(projects) => projects
                    .iter()
                    .any(|project| project.group == id && project.ended()),
                Fact::Nothing | Fact::Unknown => false,
            },
        };
        let member_of = self
            .guest
            .groups
            .iter()
            .filter(|group| group.membership.is_writable());
        member_of
            .map(|group| group.id)
            .filter(|id| is_meant_group(*id))
            .collect()
    }

    /// Why something that takes is left to a person, or waits until a list can be read.
    pub(super) fn contested(&self, effect: &Effect) -> Option<Cause> {
        let takes_the_account = matches!(effect, Effect::Disable | Effect::Delete);
        if takes_the_account && self.guest.brought_back >= TIMES {
            return Some(Cause::BroughtBack(self.guest.brought_back));
        }
        if !effect.is_destructive() {
            return None;
        }
        if let Some(register) = self.guest.access.unread() {
            return Some(Cause::Unread(register));
        }
        let group = self.unknown_exempting_group()?;
        Some(Cause::ExemptGroup(group.clone()))
    }

    /// What for a time keeps this from being done. The case waits where it is: notices go on, and what is ours can be
    /// undone.
    pub(super) fn barred(&self, effect: &Effect) -> Option<Protector> {
        let access = &self.guest.access;
        if effect.is_destructive()
            && let Some(review) = access.reviews.first()
        {
            return Some(Protector::UnderReview(review.clone()));
        }
        let takes_the_account = matches!(effect, Effect::Disable | Effect::Delete);
        let group = access.sole_owner_of.first();
        group
            .filter(|_| takes_the_account)
            .map(|group| Protector::SoleOwner(group.clone()))
    }

    /// A group that might exempt anybody, since it was not found or several have its name.
    fn unknown_exempting_group(&self) -> Option<&String> {
        let named = self.judge.named_groups;
        let is_known = |key: &&String| named.get(*key).and_then(Found::group).is_some();
        let mut groups = self.judge.policy.exempt_groups.iter();
        groups.find(|key| !is_known(key))
    }

    /// Until when a guest is spared whose account somebody brought back.
    pub(super) fn immune_until(&self) -> Option<DateTime<Utc>> {
        let until = self.guest.record.revived? + self.judge.policy.limits.immunity;
        Some(until).filter(|until| *until > self.judge.now)
    }
}

/// Immunity spares a guest what takes something away or stands in the directory, and lets no wait end. What comes at once and takes nothing may.
pub(super) fn must_respect_immunity(stage: &Stage) -> bool {
    stage.action.is_destructive() || stage.action == Action::Mark || stage.wait > TimeDelta::zero()
}
