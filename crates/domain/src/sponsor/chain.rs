//! The sponsor chain: who answers for a guest, where its sponsors are missing or unfit.
//!
//! Invariant: everybody who was considered is in it, with why they were passed over. Of whom it is not known whether they
//! are fit is passed over as not known, never as unfit.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Acquaintance, Circle, Inviter, Manager, Membership, Sponsor, SponsorKind};
use crate::guest::GuestView;
use crate::ids::{GroupId, SponsorId};
use crate::policy::{Contact, Link, Sponsoring};

/// One consideration of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// By which link.
    pub link: Link,
    /// Whose manager, or of which group the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Uuid>,
    /// Who; nobody where there is none, or only an address is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<SponsorId>,
    /// What came of it.
    pub finding: Finding,
    /// A name or an address. No record of it is kept.
    #[serde(skip)]
    pub name: Option<String>,
    /// Where mail reaches them. No record of it is kept.
    #[serde(skip)]
    pub mail: Option<String>,
    /// It is a user of the tenant, who can be a sponsor.
    #[serde(skip)]
    pub is_user: bool,
}

/// What came of considering somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// They answer.
    Chosen,
    /// There is nobody.
    Nobody,
    /// Entra has them no more.
    Deleted,
    /// They cannot sign in.
    Disabled,
    /// They are guests themselves.
    Guest,
    /// They are not in the group of those who may sponsor.
    NotInGroup,
    /// They have no mail address.
    NoMail,
    /// An application did it.
    Application,
    /// There is no record of it.
    NotRecorded,
    /// It was not read, or could not be.
    NotRead,
    /// Graph does not say whether they are enabled.
    EnabledUnknown,
    /// Who is in the group of those who may sponsor could not be read.
    GroupUnknown,
}

impl Finding {
    /// As a clause about somebody.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chosen => "answers",
            Self::Nobody => "nobody there",
            Self::Deleted => "deleted",
            Self::Disabled => "disabled",
            Self::Guest => "is a guest",
            Self::NotInGroup => "not in the sponsor group",
            Self::NoMail => "has no mail address",
            Self::Application => "invited by an application",
            Self::NotRecorded => "the audit log has no record of it",
            Self::NotRead => "not known: not read",
            Self::EnabledUnknown => "not known: whether enabled",
            Self::GroupUnknown => "not known: whether in the sponsor group",
        }
    }

    /// Whether it might be somebody fit, and nobody knows.
    #[must_use]
    pub fn is_doubt(self) -> bool {
        match self {
            Self::NotRead | Self::EnabledUnknown | Self::GroupUnknown => true,
            Self::Chosen
            | Self::Nobody
            | Self::Deleted
            | Self::Disabled
            | Self::Guest
            | Self::NotInGroup
            | Self::NoMail
            | Self::Application
            | Self::NotRecorded => false,
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.link.as_str())?;
        if let Some(of) = self.of {
            write!(f, " of {of}")?;
        }
        match (&self.name, self.person) {
            (Some(name), _) => write!(f, " {name}")?,
            (None, Some(person)) => write!(f, " {person}")?,
            (None, None) => {}
        }
        write!(f, ": {}", self.finding.as_str())
    }
}

/// Who answers for a guest: the sponsors, or whoever the chain finds instead. The last hop is always chosen.
#[must_use]
pub fn chain(view: &GuestView, circle: &Circle, sponsoring: &Sponsoring) -> Vec<Hop> {
    let mut hops = Vec::new();
    for link in &sponsoring.chain {
        let found = link_hops(*link, view, circle, sponsoring);
        let is_found = found.iter().any(|hop| hop.finding == Finding::Chosen);
        hops.extend(found);
        if is_found {
            return hops;
        }
    }
    hops.push(Hop::of(Link::Operators, Finding::Chosen));
    hops
}

/// Who is the manager: the guest's own, else those of its sponsors, else whoever the chain finds.
#[must_use]
pub fn managers(view: &GuestView, circle: &Circle, sponsoring: &Sponsoring) -> Vec<Hop> {
    let guest = view.record.guest.id.0;
    let mut hops = vec![manager_hop(Link::GuestManager, guest, circle)];
    let is_found = |hops: &[Hop]| hops.iter().any(|hop| hop.finding == Finding::Chosen);
    if !is_found(&hops) {
        hops.extend(link_hops(Link::Manager, view, circle, sponsoring));
    }
    if !is_found(&hops) {
        let rest = chain(view, circle, sponsoring).into_iter();
        hops.extend(rest.filter(|hop| hop.link != Link::Manager));
    }
    hops
}

/// Who should become a sponsor, by a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Succession {
    /// This user.
    Is(SponsorId),
    /// Nobody: a sponsor is fit, or whoever answers is no user or a sponsor already.
    Nobody,
    /// It is not known: somebody who comes before might be fit, and what this hop says of them is that nobody knows.
    InDoubt(Hop),
}

/// Who should become a sponsor: the first user that a chain chose and who is none yet. A notice goes along the chain past
/// whoever is not known; a sponsor stays, so nobody becomes one in the place of somebody who might be fit.
#[must_use]
pub fn successor(hops: &[Hop], view: &GuestView) -> Succession {
    let is_chosen = |hop: &&Hop| hop.finding == Finding::Chosen;
    if hops
        .iter()
        .filter(is_chosen)
        .any(|hop| hop.link == Link::Sponsor)
    {
        return Succession::Nobody;
    }
    let found = hops.iter().position(|hop| is_chosen(&hop) && hop.is_user);
    let before = &hops[..found.unwrap_or(hops.len())];
    if let Some(doubt) = before.iter().find(|hop| hop.finding.is_doubt()) {
        return Succession::InDoubt(doubt.clone());
    }
    match found.and_then(|found| hops[found].person) {
        Some(person) if view.sponsors.iter().all(|sponsor| sponsor.id != person) => {
            Succession::Is(person)
        }
        Some(_) | None => Succession::Nobody,
    }
}

fn link_hops(link: Link, view: &GuestView, circle: &Circle, sponsoring: &Sponsoring) -> Vec<Hop> {
    let hops: Vec<Hop> = match link {
        Link::GuestManager => vec![manager_hop(link, view.record.guest.id.0, circle)],
        Link::Sponsor => {
            let departed = circle.departed.iter();
            let sponsors = view.sponsors.iter().map(|person| Hop::to(link, person));
            let departed = departed.map(|person| Hop {
                finding: Finding::Deleted,
                ..Hop::to(link, person)
            });
            sponsors.chain(departed).collect()
        }
        Link::Manager => {
            let users = view.sponsors.iter().chain(&circle.departed);
            let users = users.filter(|sponsor| sponsor.kind == SponsorKind::User);
            users
                .map(|sponsor| manager_hop(link, sponsor.id.0, circle))
                .collect()
        }
        Link::ProjectOwner => {
            let owners = circle.owners.iter();
            let hop = |(group, owner): &(GroupId, Sponsor)| Hop {
                of: Some(group.0),
                ..Hop::to(link, owner)
            };
            owners.map(hop).collect()
        }
        Link::Inviter => match &circle.inviter {
            Inviter::NotKnown => vec![Hop::of(link, Finding::NotRead)],
            Inviter::NotRecorded => vec![Hop::of(link, Finding::NotRecorded)],
            Inviter::Application => vec![Hop::of(link, Finding::Application)],
            Inviter::Unread(person) => vec![Hop {
                person: Some(*person),
                ..Hop::of(link, Finding::NotRead)
            }],
            Inviter::Is(known) => vec![Hop::toward(link, known)],
        },
        Link::Steward => stewards(view, circle, sponsoring),
        Link::Operators => vec![Hop::of(link, Finding::Chosen)],
    };
    if hops.is_empty() {
        vec![Hop::of(link, Finding::Nobody)]
    } else {
        hops
    }
}

fn manager_hop(link: Link, of: Uuid, circle: &Circle) -> Hop {
    let hop = match circle.managers.get(&of) {
        None => Hop::of(link, Finding::NotRead),
        Some(Manager::Nobody) => Hop::of(link, Finding::Nobody),
        Some(Manager::Is(known)) => Hop::toward(link, known),
    };
    Hop {
        of: Some(of),
        ..hop
    }
}

fn stewards(view: &GuestView, circle: &Circle, sponsoring: &Sponsoring) -> Vec<Hop> {
    let Some(domain) = view.record.guest.domain() else {
        return Vec::new();
    };
    let stewards = sponsoring.stewards.iter();
    let contacts = stewards
        .filter(|steward| steward.domains.contains(&domain))
        .flat_map(|steward| &steward.to);
    let hop = |contact: &Contact| match contact {
        Contact::Mail(mail) => Hop {
            name: Some(mail.clone()),
            mail: Some(mail.clone()),
            ..Hop::of(Link::Steward, Finding::Chosen)
        },
        Contact::User(id) => match circle.named.get(id) {
            None => Hop {
                person: Some(*id),
                ..Hop::of(Link::Steward, Finding::NotRead)
            },
            // The policy itself says who they are: they need not be in the group of those who may sponsor.
            Some(known) => Hop::toward(
                Link::Steward,
                &Acquaintance {
                    person: Sponsor {
                        membership: Membership::NotAsked,
                        ..known.person.clone()
                    },
                    deleted: known.deleted,
                },
            ),
        },
    };
    contacts.map(hop).collect()
}

impl Hop {
    fn of(link: Link, finding: Finding) -> Self {
        Self {
            link,
            of: None,
            person: None,
            finding,
            name: None,
            mail: None,
            is_user: false,
        }
    }

    fn to(link: Link, person: &Sponsor) -> Self {
        Self {
            person: Some(person.id),
            name: person.display_name.clone().or_else(|| person.mail.clone()),
            mail: person.mail.clone(),
            is_user: person.kind == SponsorKind::User,
            ..Self::of(link, judged(person))
        }
    }

    fn toward(link: Link, known: &Acquaintance) -> Self {
        let hop = Self::to(link, &known.person);
        if known.deleted {
            Self {
                finding: Finding::Deleted,
                ..hop
            }
        } else {
            hop
        }
    }
}

/// What is certain counts before what is not known.
fn judged(person: &Sponsor) -> Finding {
    let Sponsor {
        id: _,
        kind: _,
        display_name: _,
        mail,
        enabled,
        is_guest,
        membership,
    } = person;
    match (is_guest, enabled, membership, mail) {
        (true, ..) => Finding::Guest,
        (false, Some(false), ..) => Finding::Disabled,
        (false, _, Membership::Out, _) => Finding::NotInGroup,
        (false, _, _, None) => Finding::NoMail,
        (false, None, ..) => Finding::EnabledUnknown,
        (false, Some(true), Membership::Unknown, _) => Finding::GroupUnknown,
        (false, Some(true), Membership::NotAsked | Membership::In, Some(_)) => Finding::Chosen,
    }
}
