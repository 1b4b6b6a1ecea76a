//! The perfect observer: sees the simulated world as it is, without Graph, pages, tokens or a database between, and
//! decides by the same policy. Whatever Innkeeper does otherwise is a fault of its eyes or its hands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::access::{Access, Assignment, Told, remember};
use innkeeper_domain::activity::SignIns;
use innkeeper_domain::approve::Ledger;
use innkeeper_domain::case::{Case, CaseChange};
use innkeeper_domain::decide::{Judge, decide};
use innkeeper_domain::group::{Found, Group, Membership, NamedGroups};
use innkeeper_domain::guest::{Guest, GuestRecord, GuestView, Invitation, OurDeeds, UserType};
use innkeeper_domain::ids::{CaseId, GroupId, GuestId, ObservationId, TenantId};
use innkeeper_domain::merge::merge;
use innkeeper_domain::observation::{Counts, Health, Observation};
use innkeeper_domain::plan::Mode;
use innkeeper_domain::sponsor::{Membership as InSponsorGroup, Sponsor, SponsorKind};
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_domain::watch::Watched;
use innkeeper_engine::PolicyInForce;

use super::world::{ProjectGroup, TrueGuest, TruePackage, TrueSponsor};

/// A step, told apart from another by what it does to whom under which rule.
pub(super) type Deed = (GuestId, String, &'static str);

/// The perfect observer.
pub(super) struct Observer {
    tenant: TenantId,
    policy: Arc<PolicyInForce>,
    /// Groups whose members are not Innkeeper's to remove.
    unwritable: BTreeSet<GroupId>,
    pub(super) records: BTreeMap<GuestId, GuestRecord>,
    cases: BTreeMap<CaseId, Case>,
    ours: BTreeMap<GuestId, OurDeeds>,
    last: Option<(DateTime<Utc>, Watched, u64)>,
}

impl Observer {
    pub(super) fn new(
        tenant: TenantId,
        policy: Arc<PolicyInForce>,
        projects: &[ProjectGroup],
    ) -> Self {
        let is_writable =
            |project: &&ProjectGroup| matches!(project.kind.as_str(), "security" | "m365");
        let unwritable = projects.iter().filter(|project| !is_writable(project));
        Self {
            tenant,
            policy,
            unwritable: unwritable.map(|project| project.id).collect(),
            records: BTreeMap::new(),
            cases: BTreeMap::new(),
            ours: BTreeMap::new(),
            last: None,
        }
    }

    /// What is to be done on this day.
    pub(super) fn day(
        &mut self,
        truth: &[TrueGuest],
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<Deed>> {
        let limits = self.policy.policy.limits.clone();
        let named_groups = self.named_groups(truth)?;
        let views = self.look(truth, &named_groups, now)?;
        let watched = self.last.map_or(Watched::default(), |(at, watched, _)| {
            watched.advanced(at, now, limits.longest_gap)
        });
        let counts = Counts {
            guests: views.len() as u64,
            before: self.last.map(|(_, _, guests)| guests),
            with_sign_ins: views.len() as u64,
            ..Counts::default()
        };
        let health = Health::of(&counts, &limits.eyes, now);
        let observation = Observation {
            id: ObservationId::derived(&[]),
            started: now,
            finished: now,
            counts,
            health,
            watched,
        };
        let span = self
            .last
            .map_or(TimeDelta::zero(), |(_, before, _)| watched - before);
        self.last = Some((now, watched, views.len() as u64));
        let policy = self.policy.clone();
        let judge = Judge {
            tenant: self.tenant,
            policy: &policy.policy,
            named_groups: &named_groups,
            now,
            watched,
            span,
        };
        let (plan, changes) = decide(&judge, observation, &views);
        for change in &changes {
            self.change(change);
        }
        // A day has one cycle, and nobody is there to ask.
        let approval = plan.approve(Mode::Enforce, &limits, &Ledger::default());
        let mut deeds = BTreeSet::new();
        for step in approval.plan.steps() {
            if self.changes_something(step) {
                deeds.insert((step.guest, step.rule.to_string(), step.effect.as_str()));
            }
            self.execute(step, now, watched);
        }
        Ok(deeds)
    }

    /// Whether the observer still has a reason under this rule, or has gone all the way.
    pub(super) fn persists(&self, guest: GuestId, rule: &str) -> bool {
        let mut cases = self.cases.values();
        cases.any(|case| case.guest == guest && case.rule.as_str() == rule)
            || self.has_deleted(guest)
    }

    pub(super) fn has_disabled(&self, guest: GuestId) -> bool {
        let record = self.records.get(&guest);
        record.is_some_and(|record| record.disabled_by_us.is_some())
    }

    pub(super) fn has_deleted(&self, guest: GuestId) -> bool {
        let record = self.records.get(&guest);
        record.is_some_and(|record| record.deleted_by_us.is_some())
    }

    /// Somebody gave the guest back: it begins anew.
    pub(super) fn revive(&mut self, guest: GuestId, now: DateTime<Utc>) {
        if let Some(record) = self.records.get_mut(&guest) {
            record.revived = Some(now);
            record.disabled_by_us = None;
            record.deleted_by_us = None;
            record.gone = None;
        }
        self.cases.retain(|_, case| case.guest != guest);
    }

    /// Disabling an account that somebody else has disabled is a stage, but no deed.
    fn changes_something(&self, step: &Step) -> bool {
        let enabled = self
            .records
            .get(&step.guest)
            .and_then(|record| record.guest.enabled);
        match &step.effect {
            Effect::Disable => enabled == Some(true),
            Effect::RemoveFromGroups { groups } => !groups.is_empty(),
            Effect::Flag
            | Effect::Mark { .. }
            | Effect::Unmark { .. }
            | Effect::Notify { .. }
            | Effect::ResendInvitation
            | Effect::RemoveAppRoles { .. }
            | Effect::AddSponsor
            | Effect::Delete
            | Effect::Enable { .. } => true,
        }
    }

    fn change(&mut self, change: &CaseChange) {
        match change {
            CaseChange::Open { case, .. } => _ = self.cases.insert(case.id, case.clone()),
            CaseChange::Blind { case, span } => {
                if let Some(case) = self.cases.get_mut(case) {
                    case.blind += *span;
                }
            }
            CaseChange::Close { case, .. } => _ = self.cases.remove(case),
        }
    }

    fn execute(&mut self, step: &Step, now: DateTime<Utc>, watched: Watched) {
        if let Some(case) = self.cases.remove(&step.case) {
            self.cases.insert(
                case.id,
                case.after(&step.effect, step.stage, now, now, watched),
            );
        }
        let Some(record) = self.records.get_mut(&step.guest) else {
            return;
        };
        let ours = self.ours.entry(step.guest).or_default();
        match step.effect {
            Effect::Flag
            | Effect::Mark { .. }
            | Effect::Unmark { .. }
            | Effect::Notify { .. }
            | Effect::ResendInvitation
            | Effect::RemoveAppRoles { .. }
            | Effect::AddSponsor
            | Effect::RemoveFromGroups { .. } => {}
            Effect::Disable if record.guest.enabled == Some(false) => {}
            Effect::Disable => {
                ours.disabled += 1;
                record.disabled_by_us = Some(now);
            }
            Effect::Enable { .. } => {
                ours.enabled += 1;
                record.disabled_by_us = None;
            }
            Effect::Delete => {
                ours.deleted += 1;
                record.gone = Some(now);
                record.deleted_by_us = Some(now);
                self.cases.retain(|_, case| case.guest != step.guest);
            }
        }
    }

    /// The groups that the policy names, by what the guests' truth tells of them.
    pub(super) fn named_groups(&self, truth: &[TrueGuest]) -> Result<NamedGroups> {
        let known: BTreeMap<GroupId, &str> = truth
            .iter()
            .flat_map(|guest| &guest.groups)
            .map(|group| (group.id, group.name.as_str()))
            .collect();
        let mut named = NamedGroups::new();
        for key in self.policy.policy.groups() {
            let id: GroupId = key.parse().with_context(|| {
                format!("the demo's policy names the group {key:?} not by its id")
            })?;
            let name = known.get(&id).copied().unwrap_or(key).to_owned();
            named.insert(
                key.to_owned(),
                Found::One(Group {
                    id,
                    name,
                    membership: if self.unwritable.contains(&id) {
                        Membership::Dynamic
                    } else {
                        Membership::Assigned
                    },
                    expires: None,
                }),
            );
        }
        Ok(named)
    }

    /// Looks at everybody who is there, and remembers it.
    pub(super) fn look(
        &mut self,
        truth: &[TrueGuest],
        named_groups: &NamedGroups,
        now: DateTime<Utc>,
    ) -> Result<Vec<GuestView>> {
        let is_present = |guest: &&TrueGuest| {
            guest.deleted.is_none() && !guest.purged && guest.user_type == "Guest"
        };
        let mut views = Vec::new();
        for guest in truth.iter().filter(is_present) {
            let (record, _) = merge(self.records.get(&guest.id), reading(guest)?, now);
            self.records.insert(guest.id, record.clone());
            let named = named_groups.values().filter_map(Found::group);
            let mut groups: Vec<Group> = named
                .filter(|group| guest.groups.iter().any(|of| of.id == group.id))
                .cloned()
                .collect();
            groups.sort_by_key(|group| group.id);
            let ours = self.ours.get(&guest.id).copied().unwrap_or_default();
            views.push(GuestView {
                attestations: Vec::new(),
                invited_by: None,
                marks: Vec::new(),
                brought_back: record.brought_back(ours),
                record,
                sponsors: guest
                    .sponsors
                    .iter()
                    .filter(|sponsor| !sponsor.deleted)
                    .map(sponsor)
                    .collect(),
                deleted_sponsors: u32::try_from(
                    guest
                        .sponsors
                        .iter()
                        .filter(|sponsor| sponsor.deleted)
                        .count(),
                )
                .ok(),
                groups,
                roles: roles(guest),
                access: access(guest, now),
                cases: self
                    .cases
                    .values()
                    .filter(|case| case.guest == guest.id)
                    .cloned()
                    .collect(),
                previous_cases: 0,
                // Nobody decides anything in a demo.
                decisions: Vec::new(),
            });
        }
        Ok(views)
    }
}

fn reading(guest: &TrueGuest) -> Result<Guest> {
    let changed = guest.external_state_changed;
    Ok(Guest {
        id: guest.id,
        upn: guest.upn.clone(),
        mail: guest.mail.clone(),
        display_name: None,
        user_type: UserType::Guest,
        enabled: Some(guest.enabled),
        created: guest.created,
        invitation: match guest.external_state.as_deref() {
            Some("PendingAcceptance") => Invitation::Pending { since: changed },
            Some("Accepted") => Invitation::Accepted { at: changed },
            None => Invitation::None,
            Some(other) => bail!("the simulator has a guest in the unknown state {other:?}"),
        },
        on_premises_sync: guest.synced,
        management_restricted: Some(guest.restricted),
        company: None,
        creation_type: None,
        external: None,
        attribute: None,
        sign_ins: SignIns {
            successful: guest.last_success,
            interactive: guest.last_interactive,
            non_interactive: guest.last_non_interactive,
        },
    })
}

/// What makes a guest untouchable: its own roles, or those of a group.
fn roles(guest: &TrueGuest) -> Vec<String> {
    let of_groups = guest.privileged.then(|| "those of a group".to_owned());
    guest.roles.iter().cloned().chain(of_groups).collect()
}

fn access(guest: &TrueGuest, now: DateTime<Utc>) -> Access {
    let package = |package: &TruePackage| Assignment {
        id: package.id,
        package: package.name.clone(),
        ends: package.ends,
        ended: package.ended,
        governed: package.governed,
    };
    let packages = guest.access_packages.iter().map(package).collect();
    Access {
        eligible_roles: guest.eligible_roles.clone(),
        eligible_told: Told::Read,
        packages: remember(&[], packages, now),
        packages_told: Told::Read,
        reviews: Vec::new(),
        reviews_told: Told::Read,
        sole_owner_of: Vec::new(),
        exempt_by: Vec::new(),
        // No demo's policy asks for it.
        held: None,
    }
}

fn sponsor(sponsor: &TrueSponsor) -> Sponsor {
    let is_group = sponsor.kind == "group";
    Sponsor {
        id: sponsor.id,
        kind: if is_group {
            SponsorKind::Group
        } else {
            SponsorKind::User
        },
        display_name: None,
        mail: None,
        enabled: if is_group {
            Some(true)
        } else {
            sponsor.enabled
        },
        is_guest: sponsor.user_type.as_deref() == Some("Guest"),
        membership: InSponsorGroup::NotAsked,
    }
}
