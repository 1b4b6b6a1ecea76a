//! How each fact follows from what was observed.

mod access;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Context, ExpiryFact, ExpirySource, Fact, Facts, PackageFact, ProjectFact};
use crate::activity::Reading;
use crate::attestation::Standing;
use crate::group::Found;
use crate::guest::{Attribute, Guest, GuestRecord, GuestView, Invitation, UserType};
use crate::policy::{Basis, Expiry};
use crate::sponsor::Sponsor;

impl<'a> Facts<'a> {
    /// The facts of one guest.
    #[must_use]
    pub fn of(view: &'a GuestView, context: &Context<'a>) -> Self {
        let record = &view.record;
        let guest = &record.guest;
        let now = context.now;
        let domain = guest.domain();
        let projects = projects(view, context);
        let Standing { keep, let_go } = Standing::of(&view.attestations, now);
        let confirmed = keep.map(|keep| keep.at);
        let last_seen = last_seen(record, context.basis, confirmed);
        let redeemed = redeemed(record);
        let packages = access::packages(&view.access, now);
        let held = view.access.held.as_ref();
        let expiry = expiry(view, context, &packages, &projects, confirmed);
        let from_synced_partner = domain.as_ref().is_some_and(|domain| {
            context
                .partners
                .iter()
                .any(|partner| partner.synced && &partner.domain == domain)
        });
        Self {
            inactive_days: Fact::or_unknown(last_seen).map(|(at, _)| days_since(at, now)),
            last_seen_by: Fact::or_unknown(last_seen).map(|(_, by)| by),
            never_signed_in: never_signed_in(record),
            pending_days: pending_days(record, confirmed, now),
            expires_in_days: expiry.map(|expiry| (expiry.on - now.date_naive()).num_days()),
            expires_by: expiry.map(|expiry| expiry.source.as_str()),
            expiry,
            bad_date: context.expiry.bad_date(guest),
            redeemed_on: redeemed.map(|at| at.date_naive().to_string()),
            redeemed_days: redeemed.map(|at| days_since(at, now)),
            attested: Fact::Known(keep.is_some()),
            attested_days_ago: days_of(confirmed, now),
            attested_by: keep.map_or(Fact::Nothing, |keep| Fact::Known(keep.word.by.as_str())),
            let_go: Fact::Known(let_go.is_some()),
            invited_by: view
                .invited_by
                .as_deref()
                .map_or(Fact::Unknown, Fact::Known),
            creation_type: guest
                .creation_type
                .as_deref()
                .map_or(Fact::Nothing, Fact::Known),
            external: Fact::or_unknown(guest.external),
            restored_days_ago: days_of(record.revived, now),
            disabled_by_innkeeper_days: days_of(record.disabled_by_us, now),
            previous_cases: Fact::Known(i64::try_from(view.previous_cases).unwrap_or(i64::MAX)),
            sponsor_count: sponsor_count(&view.sponsors),
            eligible_sponsor_count: eligible_sponsor_count(&view.sponsors),
            deleted_sponsors: Fact::or_unknown(view.deleted_sponsors.map(i64::from)),
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
            eligible_roles: access::eligible_roles(&view.access),
            app_roles: access::app_roles(held, now),
            group_count: Fact::or_unknown(held.map(|held| i64::from(held.groups))),
            mail_group_count: Fact::or_unknown(held.map(|held| i64::from(held.mail_groups))),
            lost_access_packages: access::has_lost_packages(&view.access),
            lost_access_packages_days: access::lost_packages_days(&view.access, now),
            access_packages: packages,
            groups: groups(view, context),
        }
    }
}

/// The newest known sign of life, and what showed it; `None` when it is not known.
///
/// Without sign-in times only a pending invitation is certain to have had none since: whoever has redeemed may
/// have signed in this morning, and Graph simply not have said so.
///
/// That somebody confirmed the guest does not stand in for sign-in times that are missing, for the same reason.
fn last_seen(
    record: &GuestRecord,
    basis: Basis,
    confirmed: Option<DateTime<Utc>>,
) -> Option<(DateTime<Utc>, &'static str)> {
    let guest = &record.guest;
    let invited = match guest.invitation {
        Invitation::Pending { since } => since.map(|at| (at, "invitation")),
        Invitation::Accepted { at } => at.map(|at| (at, "redemption")),
        Invitation::None | Invitation::Unrecognised => None,
    };
    let otherwise = [
        guest.created.map(|at| (at, "creation")),
        invited,
        record.revived.map(|at| (at, "restore")),
        confirmed.map(|at| (at, "confirmation")),
        record.logged_in.map(|at| (at, "sign-in-log")),
    ];
    let signed_in = guest.sign_ins.last_by(basis).map(|at| {
        let succeeded = guest.sign_ins.successful == Some(at);
        (at, if succeeded { "sign-in" } else { "attempt" })
    });
    let newest = |seen: &[Option<(DateTime<Utc>, &'static str)>]| {
        seen.iter().copied().flatten().max_by_key(|(at, _)| *at)
    };
    match (record.reading, guest.invitation) {
        // Of two at the same instant the later one listed counts: the sign-in.
        (Reading::Fresh, _) => newest(&[&otherwise[..], &[signed_in]].concat()),
        (Reading::Never, Invitation::Pending { .. }) => newest(&otherwise),
        (
            Reading::Never,
            Invitation::Accepted { .. } | Invitation::None | Invitation::Unrecognised,
        ) => None,
        (Reading::Vanished | Reading::Regressed, _) => None,
    }
}

/// When the invitation was redeemed.
fn redeemed(record: &GuestRecord) -> Fact<DateTime<Utc>> {
    match record.guest.invitation {
        Invitation::Accepted { at } => Fact::or_unknown(at),
        Invitation::Pending { .. } | Invitation::None => Fact::Nothing,
        Invitation::Unrecognised => Fact::Unknown,
    }
}

fn days_of(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Fact<i64> {
    at.map_or(Fact::Nothing, |at| Fact::Known(days_since(at, now)))
}

fn count(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

pub(crate) fn sponsor_count(sponsors: &[Sponsor]) -> Fact<i64> {
    Fact::Known(count(sponsors.iter()))
}

/// How many are fit to answer; not known as soon as one of them may be or not.
pub(crate) fn eligible_sponsor_count(sponsors: &[Sponsor]) -> Fact<i64> {
    let eligible: Option<Vec<bool>> = sponsors.iter().map(Sponsor::eligible).collect();
    Fact::or_unknown(eligible.map(|eligible| count(eligible.iter().filter(|eligible| **eligible))))
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

fn pending_days(
    record: &GuestRecord,
    confirmed: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Fact<i64> {
    match record.guest.invitation {
        // A restored or re-enabled invitation is pending anew.
        Invitation::Pending { since } => {
            let since = since.max(record.guest.created).max(record.revived);
            // A confirmation is not asked to tell when an invitation was sent of which Graph does not say so.
            Fact::or_unknown(since)
                .map(|since| days_since(since.max(confirmed.unwrap_or(since)), now))
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

/// When the stay ends, by the first of the sources that says anything: a person, the attribute, the access packages, the
/// projects, the longest stay. What an earlier one may say is not passed over.
fn expiry<'a>(
    view: &'a GuestView,
    context: &Context<'a>,
    packages: &Fact<Vec<PackageFact<'a>>>,
    projects: &Fact<Vec<ProjectFact<'a>>>,
    confirmed: Option<DateTime<Utc>>,
) -> Fact<ExpiryFact<'a>> {
    let from = |source| move |on| ExpiryFact { on, source };
    if let Some((on, decision)) = view.expiry() {
        return Fact::Known(from(ExpirySource::Person(&decision.by))(on));
    }
    let by_attribute = attribute_day(&view.record.guest, context.expiry);
    let name = context.expiry.attribute.as_ref();
    let name = name.map_or("", |attribute| attribute.name.as_str());
    let sources = [
        by_attribute.map(from(ExpirySource::Attribute(name))),
        access::last_end(packages, context.expiry).map(from(ExpirySource::AccessPackage)),
        last_project(projects).map(from(ExpirySource::Projects)),
        longest_stay(&view.record, context.expiry, confirmed).map(from(ExpirySource::MaxStay)),
    ];
    let first = sources.into_iter().find(|fact| *fact != Fact::Nothing);
    first.unwrap_or(Fact::Nothing)
}

/// The day in the attribute; not known while another or none was read.
fn attribute_day(guest: &Guest, expiry: &Expiry) -> Fact<NaiveDate> {
    let Some(wanted) = &expiry.attribute else {
        return Fact::Nothing;
    };
    match &guest.attribute {
        Some(Attribute { name, value }) if *name == wanted.name => match value.as_deref() {
            None => Fact::Nothing,
            Some(value) if value.trim().is_empty() => Fact::Nothing,
            Some(value) => Fact::or_unknown(wanted.day(value)),
        },
        Some(_) | None => Fact::Unknown,
    }
}

/// Of several projects the last to end counts, and one that does not end.
fn last_project(projects: &Fact<Vec<ProjectFact<'_>>>) -> Fact<NaiveDate> {
    match projects {
        Fact::Known(projects) => projects
            .iter()
            .map(|project| project.ends)
            .collect::<Option<Vec<NaiveDate>>>()
            .and_then(|days| days.into_iter().max())
            .map_or(Fact::Nothing, Fact::Known),
        Fact::Nothing => Fact::Nothing,
        Fact::Unknown => Fact::Unknown,
    }
}

/// A stay begins with the redemption; that of an account which was not invited, when it was made; and anew whenever
/// somebody answerable confirms it.
fn longest_stay(
    record: &GuestRecord,
    expiry: &Expiry,
    confirmed: Option<DateTime<Utc>>,
) -> Fact<NaiveDate> {
    let Some(max_stay) = expiry.max_stay else {
        return Fact::Nothing;
    };
    let began = match record.guest.invitation {
        Invitation::None => Fact::or_unknown(record.guest.created),
        Invitation::Pending { .. } | Invitation::Accepted { .. } | Invitation::Unrecognised => {
            redeemed(record)
        }
    };
    began.map(|began| (began.max(confirmed.unwrap_or(began)) + max_stay).date_naive())
}

pub(crate) fn all_ended(projects: &Fact<Vec<ProjectFact<'_>>>) -> Fact<bool> {
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
