//! How each fact follows from what was observed.

use chrono::{DateTime, Utc};

use super::{Context, Fact, Facts, ProjectFact};
use crate::activity::Reading;
use crate::group::Found;
use crate::guest::{GuestRecord, GuestView, Invitation, UserType};

impl<'a> Facts<'a> {
    /// The facts of one guest.
    #[must_use]
    pub fn of(view: &'a GuestView, context: &Context<'a>) -> Self {
        let record = &view.record;
        let guest = &record.guest;
        let now = context.now;
        let domain = guest.domain();
        let projects = projects(view, context);
        let from_synced_partner = domain.as_ref().is_some_and(|domain| {
            context
                .partners
                .iter()
                .any(|partner| partner.synced && &partner.domain == domain)
        });
        Self {
            inactive_days: Fact::or_unknown(last_sign_of_life(record))
                .map(|at| days_since(at, now)),
            never_signed_in: never_signed_in(record),
            pending_days: pending_days(record, now),
            expires_in_days: expires_in_days(&projects),
            account_age_days: Fact::or_unknown(guest.created)
                .map(|created| days_since(created, now)),
            enabled: Fact::or_unknown(guest.enabled),
            synced: Fact::Known(guest.on_premises_sync == Some(true) || from_synced_partner),
            domain: domain.map_or(Fact::Nothing, Fact::Known),
            upn: Fact::Known(&guest.upn),
            mail: guest.mail.as_deref().map_or(Fact::Nothing, Fact::Known),
            company: guest.company.as_deref().map_or(Fact::Nothing, Fact::Known),
            user_type: Fact::Known(match guest.user_type {
                UserType::Guest => "guest",
                UserType::Member => "member",
            }),
            sponsors: &view.sponsors,
            all_projects_ended: all_ended(&projects),
            projects,
            roles: &view.roles,
            groups: groups(view, context),
        }
    }
}

/// The newest known sign of life; `None` when it is not known.
///
/// Without sign-in times only a pending invitation is certain to have had none since: whoever has redeemed may
/// have signed in this morning, and Graph simply not have said so.
#[must_use]
pub fn last_sign_of_life(record: &GuestRecord) -> Option<DateTime<Utc>> {
    let guest = &record.guest;
    let invited = match guest.invitation {
        Invitation::Pending { since } => since,
        Invitation::Accepted { at } => at,
        Invitation::None | Invitation::Unrecognised => None,
    };
    let otherwise = guest
        .created
        .max(invited)
        .max(record.revived)
        .max(record.logged_in);
    match (record.reading, guest.invitation) {
        (Reading::Fresh, _) => guest.sign_ins.last().max(otherwise),
        (Reading::Never, Invitation::Pending { .. }) => otherwise,
        (
            Reading::Never,
            Invitation::Accepted { .. } | Invitation::None | Invitation::Unrecognised,
        ) => None,
        (Reading::Vanished | Reading::Regressed, _) => None,
    }
}

fn never_signed_in(record: &GuestRecord) -> Fact<bool> {
    if record.logged_in.is_some() {
        return Fact::Known(false);
    }
    match (record.reading, record.guest.invitation) {
        (Reading::Fresh | Reading::Vanished | Reading::Regressed, _) => Fact::Known(false),
        (Reading::Never, Invitation::Pending { .. }) => Fact::Known(true),
        (
            Reading::Never,
            Invitation::Accepted { .. } | Invitation::None | Invitation::Unrecognised,
        ) => Fact::Unknown,
    }
}

fn pending_days(record: &GuestRecord, now: DateTime<Utc>) -> Fact<i64> {
    match record.guest.invitation {
        // A restored or re-enabled invitation is pending anew.
        Invitation::Pending { since } => {
            let since = since.max(record.guest.created).max(record.revived);
            Fact::or_unknown(since).map(|since| days_since(since, now))
        }
        Invitation::Accepted { .. } | Invitation::None => Fact::Known(0),
        Invitation::Unrecognised => Fact::Unknown,
    }
}

fn projects<'a>(view: &GuestView, context: &Context<'a>) -> Fact<Vec<ProjectFact<'a>>> {
    let today = context.now.date_naive();
    let mut projects: Vec<ProjectFact<'a>> = Vec::new();
    for project in context.projects {
        match context.named_groups.get(&project.group) {
            Some(Found::One(group))
                if view.groups.iter().any(|member_of| member_of.id == group.id) =>
            {
                // Of two names for one group the first counts: that of the policy file.
                if projects.iter().all(|known| known.group != group.id) {
                    let ends = project.last_day(group);
                    projects.push(ProjectFact {
                        project,
                        group: group.id,
                        name: &group.name,
                        ends,
                        ends_in_days: ends.map(|ends| (ends - today).num_days()),
                    });
                }
            }
            Some(Found::One(_)) => {}
            // The guest may be a member of it: then it is not true that its projects are those found.
            Some(Found::Missing | Found::Ambiguous) | None => return Fact::Unknown,
        }
    }
    Fact::Known(projects)
}

/// Of several projects the last to end counts, and one that does not end.
fn expires_in_days(projects: &Fact<Vec<ProjectFact<'_>>>) -> Fact<i64> {
    match projects {
        Fact::Known(projects) => projects
            .iter()
            .map(|project| project.ends_in_days)
            .collect::<Option<Vec<i64>>>()
            .and_then(|days| days.into_iter().max())
            .map_or(Fact::Nothing, Fact::Known),
        Fact::Nothing => Fact::Nothing,
        Fact::Unknown => Fact::Unknown,
    }
}

fn all_ended(projects: &Fact<Vec<ProjectFact<'_>>>) -> Fact<bool> {
    match projects {
        Fact::Known(projects) => {
            Fact::Known(!projects.is_empty() && projects.iter().all(ProjectFact::ended))
        }
        Fact::Nothing => Fact::Nothing,
        Fact::Unknown => Fact::Unknown,
    }
}

fn groups<'a>(view: &GuestView, context: &Context<'a>) -> Vec<(&'a str, Fact<bool>)> {
    context
        .named_groups
        .iter()
        .map(|(key, found)| {
            let member = match found {
                Found::One(group) => {
                    Fact::Known(view.groups.iter().any(|member_of| member_of.id == group.id))
                }
                Found::Missing | Found::Ambiguous => Fact::Unknown,
            };
            (key.as_str(), member)
        })
        .collect()
}

/// Whole days from `at` to `now`; a time in the future is today.
fn days_since(at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (now - at).num_days().max(0)
}
