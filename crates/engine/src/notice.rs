//! The text of a notice: plain, about these guests, saying what happens next, when, and how to prevent it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use innkeeper_domain::attestation::{Answer, Attestation};
use innkeeper_domain::guest::{Guest, GuestView};
use innkeeper_domain::ids::GuestId;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::{Action, Notice, RuleName, Stage};
use innkeeper_domain::shown::one_line;
use innkeeper_domain::verdict::{Effect, Step};
use innkeeper_graph::Mail;

use crate::cycle::Tenant;

/// One mail about one or more guests, all under the care of the same people. `links` are those by which its only recipient
/// may answer for them.
pub(crate) fn compose<R, W>(
    tenant: &Tenant<R, W>,
    guests: &[(&Step, &GuestView)],
    to: Vec<String>,
    now: DateTime<Utc>,
    links: &HashMap<GuestId, String>,
) -> Mail {
    let mut guests = guests.to_vec();
    guests.sort_by_key(|(step, view)| (step.rule.clone(), name(view)));
    let subject = match guests.as_slice() {
        [(step, view)] => format!(
            "Guest account {} at {}: {}",
            name(view),
            tenant.name,
            step.rule
        ),
        guests => format!(
            "{} guest accounts at {} need your attention",
            guests.len(),
            tenant.name
        ),
    };
    let entries: Vec<String> = guests
        .iter()
        .map(|(step, view)| {
            let link = links.get(&view.record.guest.id);
            entry(tenant, step, view, now, link)
        })
        .collect();
    let is_for_operators = to.iter().all(|address| tenant.operators.contains(address));
    let is_for_guest = guests.iter().any(|(_, view)| {
        let mail = view.record.guest.mail.as_ref();
        mail.is_some_and(|mail| to.contains(mail))
    });
    let role = if is_for_operators {
        "You operate the guest accounts of"
    } else if is_for_guest {
        "You have, or are answerable for, a guest account of"
    } else {
        "You are named as answerable for guest accounts of"
    };
    let mode = match tenant.mode {
        Mode::Enforce => "",
        Mode::Observe | Mode::Warn => {
            "For the time being nothing happens to these accounts by itself; the dates show what the policy asks for.\n\n"
        }
    };
    let answer = if links.is_empty() {
        ""
    } else {
        "The links are for you alone: who has one can answer in your name, so please do not pass this mail on. Opening \
         a link changes nothing; the page asks you.\n\n"
    };
    let text = format!(
        "{role} {tenant}. These may no longer be needed:\n\n{entries}\n\n{mode}\
         If an account is still needed, please see that the reason given above goes away before the date: for instance, \
         ask the guest to sign in or to accept the invitation, have the project's end date moved, or name a new sponsor. \
         If it is not needed, you need do nothing.\n\n{answer}\
         A disabled account can be enabled again, and a deleted one restored for 30 days: {contact}.\n\n\
         This notice was sent by Innkeeper, which looks after guest accounts by the policy of {tenant}.\n",
        tenant = tenant.name,
        entries = entries.join("\n\n"),
        contact = if tenant.operators.is_empty() {
            "ask your identity team".to_owned()
        } else {
            format!("write to {}", tenant.operators.join(", "))
        },
    );
    Mail { to, subject, text }
}

/// Tells somebody that an answer was given in their name.
pub(crate) fn confirmation<R, W>(
    tenant: &Tenant<R, W>,
    view: Option<&GuestView>,
    said: &Attestation,
    to: Vec<String>,
) -> Mail {
    let name = view.map_or_else(|| "a guest".to_owned(), name);
    let answer = match said.answer {
        Answer::Keep => "is still needed",
        Answer::LetGo => "is not needed any more",
    };
    let contact = if tenant.operators.is_empty() {
        "your identity team".to_owned()
    } else {
        tenant.operators.join(", ")
    };
    let text = format!(
        "On {at} UTC somebody who had your link said in your name that this guest account of {tenant} {answer}:\n\n  {name}\n\n\
         If that was you, you need do nothing. If it was not, somebody else has your mail or the link: please say so to \
         {contact}.\n\nThis notice was sent by Innkeeper, which looks after guest accounts by the policy of {tenant}.\n",
        at = said.at.format("%Y-%m-%d %H:%M"),
        tenant = tenant.name,
    );
    Mail {
        to,
        subject: format!("Your answer about {name} at {}", tenant.name),
        text,
    }
}

/// A deleted guest that is about to be gone for good.
pub(crate) struct LastDays<'g> {
    pub(crate) guest: &'g Guest,
    pub(crate) rule: &'g RuleName,
    pub(crate) deleted: DateTime<Utc>,
    pub(crate) gone: DateTime<Utc>,
}

/// Tells the operators that these can soon not be brought back any more.
pub(crate) fn last_days<R, W>(
    tenant: &Tenant<R, W>,
    guests: &[LastDays<'_>],
    to: Vec<String>,
) -> Mail {
    let entry = |ending: &LastDays<'_>| {
        let LastDays {
            guest,
            rule,
            deleted,
            gone,
        } = ending;
        let address = plain(guest.mail.as_deref().unwrap_or(&guest.upn));
        let name = guest.display_name.as_deref().map(plain);
        let name = name.map_or_else(|| address.clone(), |name| format!("{name} ({address})"));
        format!(
            "  {name}\n    Deleted on {deleted} under {rule}; gone for good on {gone}\n    To bring it back: innkeeper undo {id} --tenant {tenant} --reason \"...\" --yes",
            deleted = deleted.date_naive(),
            gone = gone.date_naive(),
            id = guest.id,
            tenant = tenant.name,
        )
    };
    let entries: Vec<String> = guests.iter().map(entry).collect();
    let text = format!(
        "You operate the guest accounts of {tenant}. Innkeeper deleted these, and Entra keeps a deleted account for 30 days:\n\n\
         {entries}\n\nUntil that day they can be brought back with their groups; after it only a new invitation helps. If \
         none of them is needed, you need do nothing. This is said once.\n\n\
         This notice was sent by Innkeeper, which looks after guest accounts by the policy of {tenant}.\n",
        tenant = tenant.name,
        entries = entries.join("\n\n"),
    );
    let subject = match guests.len() {
        1 => format!(
            "A deleted guest account at {} is soon gone for good",
            tenant.name
        ),
        number => format!(
            "{number} deleted guest accounts at {} are soon gone for good",
            tenant.name
        ),
    };
    Mail { to, subject, text }
}

fn entry<R, W>(
    tenant: &Tenant<R, W>,
    step: &Step,
    view: &GuestView,
    now: DateTime<Utc>,
    link: Option<&String>,
) -> String {
    let guest = &view.record.guest;
    let address = guest.mail.as_deref().unwrap_or(&guest.upn);
    let next = tenant
        .policy
        .policy
        .rule(&step.rule)
        .and_then(|rule| rule.stages.get(step.stage + 1..))
        .unwrap_or_default();
    let notice = match &step.effect {
        Effect::Notify { notice, .. } => *notice,
        Effect::Flag
        | Effect::Mark { .. }
        | Effect::Unmark { .. }
        | Effect::ResendInvitation
        | Effect::RemoveAppRoles { .. }
        | Effect::AddSponsor
        | Effect::RemoveFromGroups { .. }
        | Effect::Disable
        | Effect::Delete
        | Effect::Enable { .. } => Notice::Stage,
    };
    let (why, next) = match notice {
        Notice::Stage => ("Why: ", what_follows(next, now)),
        Notice::Again => (
            "Once more: ",
            "as the notice before this one said".to_owned(),
        ),
        // Never a stage's; `confirmation` and `last_days` write these.
        Notice::Answered | Notice::LastDays => ("", String::new()),
        Notice::Ask => (
            "Whether this rule applies cannot be told: ",
            "nothing by itself; please confirm whether the account is still needed".to_owned(),
        ),
    };
    let link = link.map_or_else(String::new, |link| {
        format!("\n    Say whether it is still needed: {link}")
    });
    format!(
        "  {name} <{address}>\n    {why} {rule} ({because})\n    Next: {next}{link}",
        name = name(view),
        address = plain(address),
        rule = step.rule,
        because = plain(&step.because),
    )
}

/// What these stages do when the first one's wait begins now: "the account is disabled on 2027-01-12 at the earliest, then delete on 2027-02-11".
#[must_use]
pub fn what_follows(stages: &[Stage], now: DateTime<Utc>) -> String {
    let mut at = now;
    let mut parts = Vec::new();
    for stage in stages {
        at += stage.wait;
        let verb = match stage.action {
            Action::Flag | Action::Mark => continue,
            Action::Notify => "another notice",
            Action::ResendInvitation => "the invitation is sent again",
            Action::RemoveAppRoles => "its roles in applications are taken away",
            Action::AddSponsor => "whoever answers for the guest becomes its sponsor",
            Action::RemoveFromGroup => "taken out of its groups",
            Action::Disable => "the account is disabled",
            Action::Delete => "the account is deleted",
        };
        parts.push(format!("{verb} on {}", at.date_naive()));
    }
    if parts.is_empty() {
        "nothing by itself".to_owned()
    } else {
        format!("{}, at the earliest", parts.join(", then "))
    }
}

fn name(view: &GuestView) -> String {
    let guest = &view.record.guest;
    plain(
        guest
            .display_name
            .as_deref()
            .or(guest.mail.as_deref())
            .unwrap_or(&guest.upn),
    )
}

/// One line of text: whoever chose a display name does not get to write a paragraph of this mail.
fn plain(text: &str) -> String {
    one_line(text).chars().take(200).collect()
}
