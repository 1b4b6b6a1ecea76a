//! Looking up facts, and fields of sponsors and projects.

use super::{At, Item, Judge, Known, known};
use crate::facts::{Fact, FactName};
use crate::policy::condition::tree::{Element, Field, Plain};

/// The value of a fact, whatever its type.
enum Value<'f> {
    Int(Fact<i64>),
    Bool(Fact<bool>),
    Text(Fact<&'f str>),
    List,
}

impl<'f> Judge<'f, '_> {
    fn value(&self, name: FactName) -> Value<'f> {
        let facts = self.facts;
        match name {
            FactName::InactiveDays => Value::Int(facts.inactive_days),
            FactName::PendingDays => Value::Int(facts.pending_days),
            FactName::ExpiresInDays => Value::Int(facts.expires_in_days),
            FactName::AccountAgeDays => Value::Int(facts.account_age_days),
            FactName::RedeemedDays => Value::Int(facts.redeemed_days),
            FactName::RestoredDaysAgo => Value::Int(facts.restored_days_ago),
            FactName::DisabledByInnkeeperDays => Value::Int(facts.disabled_by_innkeeper_days),
            FactName::PreviousCases => Value::Int(facts.previous_cases),
            FactName::SponsorCount => Value::Int(facts.sponsor_count),
            FactName::EligibleSponsorCount => Value::Int(facts.eligible_sponsor_count),
            FactName::DeletedSponsors => Value::Int(facts.deleted_sponsors),
            FactName::AttestedDaysAgo => Value::Int(facts.attested_days_ago),
            FactName::Attested => Value::Bool(facts.attested),
            FactName::LetGo => Value::Bool(facts.let_go),
            FactName::External => Value::Bool(facts.external),
            FactName::AttestedBy => Value::Text(facts.attested_by),
            FactName::InvitedBy => Value::Text(facts.invited_by),
            FactName::ExpiresBy => Value::Text(facts.expires_by),
            FactName::LastSeenBy => Value::Text(facts.last_seen_by),
            FactName::CreationType => Value::Text(facts.creation_type),
            FactName::RedeemedOn => Value::Text(borrowed(&facts.redeemed_on)),
            FactName::NeverSignedIn => Value::Bool(facts.never_signed_in),
            FactName::Enabled => Value::Bool(facts.enabled),
            FactName::Synced => Value::Bool(facts.synced),
            FactName::AllProjectsEnded => Value::Bool(facts.all_projects_ended),
            FactName::Domain => Value::Text(borrowed(&facts.domain)),
            FactName::Upn => Value::Text(facts.upn),
            FactName::Mail => Value::Text(facts.mail),
            FactName::Company => Value::Text(facts.company),
            FactName::UserType => Value::Text(facts.user_type),
            FactName::GroupCount => Value::Int(facts.group_count),
            FactName::MailGroupCount => Value::Int(facts.mail_group_count),
            FactName::LostAccessPackages => Value::Bool(facts.lost_access_packages),
            FactName::LostAccessPackagesDays => Value::Int(facts.lost_access_packages_days),
            FactName::Sponsors
            | FactName::Projects
            | FactName::Roles
            | FactName::EligibleRoles
            | FactName::AppRoles
            | FactName::AccessPackages
            | FactName::Groups => Value::List,
        }
    }

    pub(super) fn bool_fact(&self, name: FactName) -> Known<bool> {
        match self.value(name) {
            Value::Bool(fact) => known(fact, name),
            Value::Int(_) | Value::Text(_) | Value::List => Err(name),
        }
    }

    pub(super) fn int_fact(&self, name: FactName) -> Known<i64> {
        match self.value(name) {
            Value::Int(fact) => known(fact, name),
            Value::Bool(_) | Value::Text(_) | Value::List => Err(name),
        }
    }

    fn text_fact(&self, name: FactName) -> Known<&'f str> {
        match self.value(name) {
            Value::Text(fact) => known(fact, name),
            Value::Int(_) | Value::Bool(_) | Value::List => Err(name),
        }
    }

    /// Known to be there, known not to be, or not known.
    pub(super) fn has(&self, name: FactName) -> Known<bool> {
        fn has<T>(fact: &Fact<T>, name: FactName) -> Known<bool> {
            match fact {
                Fact::Known(_) => Ok(true),
                Fact::Nothing => Ok(false),
                Fact::Unknown => Err(name),
            }
        }
        match self.value(name) {
            Value::Int(fact) => has(&fact, name),
            Value::Bool(fact) => has(&fact, name),
            Value::Text(fact) => has(&fact, name),
            Value::List => Err(name),
        }
    }

    pub(super) fn plain(&self, text: &'f Plain, at: At<'_, 'f>) -> Known<&'f str> {
        match text {
            Plain::Literal(value) => Ok(value),
            Plain::Fact(name) => self.text_fact(*name),
            Plain::Field(element, field) => text_field(item(*element, at), *field),
            Plain::Element(element) => match item(*element, at) {
                Some(Item::Text(text)) => Ok(text),
                Some(Item::Sponsor(_)) | None => Err(FactName::Sponsors),
                Some(Item::Project(_)) => Err(FactName::Projects),
                Some(Item::AppRole(_)) => Err(FactName::AppRoles),
                Some(Item::Package(_)) => Err(FactName::AccessPackages),
            },
        }
    }
}

fn borrowed(fact: &Fact<String>) -> Fact<&str> {
    match fact {
        Fact::Known(text) => Fact::Known(text),
        Fact::Nothing => Fact::Nothing,
        Fact::Unknown => Fact::Unknown,
    }
}

/// Where the macro that a variable belongs to stands.
pub(super) fn item<'f>(element: Element, at: At<'_, 'f>) -> Option<Item<'f>> {
    let mut frame = at?;
    for _ in 0..element.0 {
        frame = frame.outer?;
    }
    Some(frame.item)
}

pub(super) fn bool_field(item: Option<Item<'_>>, field: Field) -> Known<bool> {
    let value = match (item, field) {
        (Some(Item::Sponsor(sponsor)), Field::SponsorEnabled) => sponsor.enabled,
        (Some(Item::Sponsor(sponsor)), Field::SponsorEligible) => sponsor.eligible(),
        (Some(Item::Sponsor(sponsor)), Field::SponsorGuest) => Some(sponsor.is_guest),
        (Some(Item::Project(project)), Field::ProjectEnded) => Some(project.ended()),
        _ => None,
    };
    value.ok_or(field.fact())
}

pub(super) fn int_field(item: Option<Item<'_>>, field: Field) -> Known<i64> {
    match (item, field) {
        (Some(Item::Project(project)), Field::ProjectEndsInDays) => {
            project.ends_in_days.ok_or(field.fact())
        }
        (Some(Item::AppRole(role)), Field::AppRoleDays) => role.days.ok_or(field.fact()),
        (Some(Item::Package(package)), Field::PackageEndsInDays) => {
            package.ends_in_days.ok_or(field.fact())
        }
        _ => Err(field.fact()),
    }
}

fn text_field<'f>(item: Option<Item<'f>>, field: Field) -> Known<&'f str> {
    let value = match (item, field) {
        (Some(Item::Sponsor(sponsor)), Field::SponsorKind) => Some(sponsor.kind.as_str()),
        (Some(Item::Sponsor(sponsor)), Field::SponsorMail) => sponsor.mail.as_deref(),
        (Some(Item::Project(project)), Field::ProjectName) => Some(project.name),
        (Some(Item::AppRole(role)), Field::AppRoleApplication) => Some(role.application),
        (Some(Item::AppRole(role)), Field::AppRoleRole) => Some(role.role),
        (Some(Item::AppRole(role)), Field::AppRoleRoleName) => role.role_name,
        (Some(Item::Package(package)), Field::PackageName) => Some(package.name),
        _ => None,
    };
    value.ok_or(field.fact())
}

/// A sponsor without an address has none, and so has a project or an access package without an end; whether a sponsor is
/// enabled is always so or so, only perhaps not known, and so is when an app role was assigned and what it is called.
pub(super) fn has_field(item: Option<Item<'_>>, field: Field) -> Known<bool> {
    match (item, field) {
        (Some(Item::Sponsor(sponsor)), Field::SponsorMail) => Ok(sponsor.mail.is_some()),
        (Some(Item::Project(project)), Field::ProjectEndsInDays) => Ok(project.ends.is_some()),
        (Some(Item::Package(package)), Field::PackageEndsInDays) => Ok(package.ends.is_some()),
        (Some(Item::AppRole(_)), Field::AppRoleDays) => int_field(item, field).map(|_| true),
        (Some(Item::AppRole(_)), Field::AppRoleRoleName) => text_field(item, field).map(|_| true),
        (Some(Item::Sponsor(_)), Field::SponsorEnabled | Field::SponsorEligible) => {
            bool_field(item, field).map(|_| true)
        }
        _ => Ok(true),
    }
}
