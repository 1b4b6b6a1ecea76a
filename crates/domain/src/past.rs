//! What a guest was like: a history of what facts derive from, small enough to be kept.
//!
//! Invariant: nothing is known of the time before the first state, and nothing is guessed for it. Sign-ins that follow
//! each other within [`STRETCH`] move the marks of one state; within such a stretch the last sign-in counts as having
//! been at the very moment that is asked about, so a guest never looks less active than it was.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::activity::{Reading, SignIns};
use crate::group::{Found, Group, NamedGroups};
use crate::guest::{GuestView, Invitation};
use crate::ids::{GroupId, SponsorId};
use crate::sponsor::{Membership, Sponsor, SponsorKind};

/// Sign-ins no further apart than this are not told apart.
pub const STRETCH: TimeDelta = TimeDelta::days(7);

/// What of a guest changes with time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    enabled: Option<bool>,
    invitation: Invitation,
    on_premises_sync: Option<bool>,
    reading: Reading,
    sign_ins: SignIns,
    logged_in: Option<DateTime<Utc>>,
    revived: Option<DateTime<Utc>>,
    disabled_by_us: bool,
    sponsors: Vec<PastSponsor>,
    groups: Vec<GroupId>,
    /// The groups whose members were read; of others nothing is known.
    groups_read: Vec<GroupId>,
    roles: Vec<String>,
}

/// A sponsor without a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PastSponsor {
    id: SponsorId,
    kind: SponsorKind,
    enabled: Option<bool>,
    is_guest: bool,
}

/// A state and since when it was so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What.
    pub state: State,
}

impl State {
    /// A guest as it is now.
    #[must_use]
    pub fn of(view: &GuestView, named: &NamedGroups) -> Self {
        let record = &view.record;
        let sponsor = |sponsor: &Sponsor| PastSponsor {
            id: sponsor.id,
            kind: sponsor.kind,
            enabled: sponsor.enabled,
            is_guest: sponsor.is_guest,
        };
        Self {
            enabled: record.guest.enabled,
            invitation: record.guest.invitation,
            on_premises_sync: record.guest.on_premises_sync,
            reading: record.reading,
            sign_ins: record.guest.sign_ins,
            logged_in: record.logged_in,
            revived: record.revived,
            disabled_by_us: record.disabled_by_us.is_some(),
            sponsors: view.sponsors.iter().map(sponsor).collect(),
            groups: view.groups.iter().map(|group| group.id).collect(),
            groups_read: groups_of(named).map(|group| group.id).collect(),
            roles: view.roles.clone(),
        }
    }

    /// What is to be kept now, if anything: in place of the state kept last where only a stretch of sign-ins goes on.
    #[must_use]
    pub fn next(
        last: Option<&Since>,
        view: &GuestView,
        named: &NamedGroups,
        now: DateTime<Utc>,
    ) -> Option<Since> {
        let state = Self::of(view, named);
        let Some(Since {
            since,
            state: before,
        }) = last
        else {
            return Some(Since { since: now, state });
        };
        if *before == state {
            return None;
        }
        let goes_on = before.but_for_marks() == state.but_for_marks()
            && before
                .marks()
                .iter()
                .zip(state.marks())
                .all(|(before, after)| match (before, after) {
                    (Some(before), Some(after)) => after - *before <= STRETCH,
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                });
        let since = if goes_on { *since } else { now };
        Some(Since { since, state })
    }

    fn marks(&self) -> [Option<DateTime<Utc>>; 4] {
        let SignIns {
            successful,
            interactive,
            non_interactive,
        } = self.sign_ins;
        [successful, interactive, non_interactive, self.logged_in]
    }

    fn but_for_marks(&self) -> Self {
        Self {
            sign_ins: SignIns::default(),
            logged_in: None,
            ..self.clone()
        }
    }

    /// When somebody last brought the account back.
    #[must_use]
    pub fn revived(&self) -> Option<DateTime<Utc>> {
        self.revived
    }

    /// The sign-in times.
    #[must_use]
    pub fn sign_ins(&self) -> &SignIns {
        &self.sign_ins
    }

    /// The newest sign-in in the log.
    #[must_use]
    pub fn logged_in(&self) -> Option<DateTime<Utc>> {
        self.logged_in
    }

    /// Innkeeper had disabled the account for real.
    #[must_use]
    pub fn was_taken(&self) -> bool {
        self.disabled_by_us
    }

    /// The groups that a policy names as far as they were read then: a group that was not is as one that is not found,
    /// so that what depends on it is unknown.
    #[must_use]
    pub fn named<'n>(&self, named: &'n NamedGroups) -> Cow<'n, NamedGroups> {
        if groups_of(named).all(|group| self.groups_read.contains(&group.id)) {
            return Cow::Borrowed(named);
        }
        let then = |(key, found): (&String, &Found)| {
            let found = match found.group() {
                Some(group) if !self.groups_read.contains(&group.id) => Found::Missing,
                Some(_) | None => found.clone(),
            };
            (key.clone(), found)
        };
        Cow::Owned(named.iter().map(then).collect())
    }

    /// The guest as it was at a time at which this was its state, without cases. What is not kept is as it is now, but for
    /// what a policy takes a date from, or the place of authentication from: these are not known.
    #[must_use]
    pub fn view(&self, now: &GuestView, named: &NamedGroups, at: DateTime<Utc>) -> GuestView {
        let clip = |mark: Option<DateTime<Utc>>| mark.map(|mark| mark.min(at));
        let mut view = GuestView {
            cases: Vec::new(),
            previous_cases: 0,
            marks: Vec::new(),
            brought_back: 0,
            ..now.clone()
        };
        let record = &mut view.record;
        record.guest.attribute = None;
        record.guest.external = None;
        // Disabled by Innkeeper for real, the account is as it was before in a past in which it did not.
        record.guest.enabled = if self.disabled_by_us {
            Some(true)
        } else {
            self.enabled
        };
        record.guest.invitation = self.invitation;
        record.guest.on_premises_sync = self.on_premises_sync;
        record.guest.sign_ins = SignIns {
            successful: clip(self.sign_ins.successful),
            interactive: clip(self.sign_ins.interactive),
            non_interactive: clip(self.sign_ins.non_interactive),
        };
        record.reading = self.reading;
        record.logged_in = clip(self.logged_in);
        record.revived = self.revived.filter(|revived| *revived <= at);
        record.disabled_by_us = None;
        record.gone = None;
        record.deleted_by_us = None;
        let sponsor = |past: &PastSponsor| Sponsor {
            id: past.id,
            kind: past.kind,
            display_name: None,
            mail: None,
            enabled: past.enabled,
            is_guest: past.is_guest,
            membership: Membership::NotAsked,
        };
        view.sponsors = self.sponsors.iter().map(sponsor).collect();
        let mut groups: Vec<_> = groups_of(named)
            .filter(|group| self.groups.contains(&group.id))
            .cloned()
            .collect();
        groups.sort_by_key(|group| group.id);
        groups.dedup_by_key(|group| group.id);
        view.groups = groups;
        view.roles.clone_from(&self.roles);
        view.decisions.retain(|decision| decision.at <= at);
        view.attestations.retain(|attestation| attestation.at <= at);
        view
    }
}

fn groups_of(named: &NamedGroups) -> impl Iterator<Item = &Group> {
    named.values().filter_map(Found::group)
}
