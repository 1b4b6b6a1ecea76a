//! What follows from what a guest was given access to.

use chrono::{DateTime, NaiveDate, Utc};

use super::days_since;
use crate::access::{Access, Held, Told};
use crate::facts::{AppRoleFact, Fact, PackageFact};
use crate::policy::Expiry;

pub(super) fn eligible_roles(access: &Access) -> Fact<&[String]> {
    match access.eligible_told {
        Told::Read => Fact::Known(&access.eligible_roles),
        Told::NoLicence | Told::Refused => Fact::Unknown,
    }
}

pub(super) fn app_roles(held: Option<&Held>, now: DateTime<Utc>) -> Fact<Vec<AppRoleFact<'_>>> {
    Fact::or_unknown(held).map(|held| {
        let roles = held.app_roles.iter().map(|role| AppRoleFact {
            application: &role.application,
            role: &role.role,
            role_name: role.name(),
            days: role.since.map(|since| days_since(since, now)),
        });
        roles.collect()
    })
}

/// The access packages that the guest has.
pub(super) fn packages(access: &Access, now: DateTime<Utc>) -> Fact<Vec<PackageFact<'_>>> {
    match access.packages_told {
        Told::Read => {}
        Told::NoLicence | Told::Refused => return Fact::Unknown,
    }
    let has = access.packages.iter().filter(|one| one.ended.is_none());
    let packages = has.map(|one| {
        let ends = one.ends.map(|ends| ends.date_naive());
        PackageFact {
            name: &one.package,
            ends,
            ends_in_days: ends.map(|ends| (ends - now.date_naive()).num_days()),
        }
    });
    Fact::Known(packages.collect())
}

/// When the last one was over; nothing while there is one, or never was.
fn lost(access: &Access) -> Fact<DateTime<Utc>> {
    match access.packages_told {
        Told::Read => {}
        Told::NoLicence | Told::Refused => return Fact::Unknown,
    }
    let ends: Option<Vec<DateTime<Utc>>> = access.packages.iter().map(|one| one.ended).collect();
    let last = ends.and_then(|ends| ends.into_iter().max());
    last.map_or(Fact::Nothing, Fact::Known)
}

pub(super) fn has_lost_packages(access: &Access) -> Fact<bool> {
    match lost(access) {
        Fact::Known(_) => Fact::Known(true),
        Fact::Nothing => Fact::Known(false),
        Fact::Unknown => Fact::Unknown,
    }
}

pub(super) fn lost_packages_days(access: &Access, now: DateTime<Utc>) -> Fact<i64> {
    lost(access).map(|at| days_since(at, now))
}

/// Of several access packages the last to end counts, and one that does not end.
pub(super) fn last_end(packages: &Fact<Vec<PackageFact<'_>>>, expiry: &Expiry) -> Fact<NaiveDate> {
    if !expiry.access_packages {
        return Fact::Nothing;
    }
    match packages {
        Fact::Known(packages) => packages
            .iter()
            .map(|package| package.ends)
            .collect::<Option<Vec<NaiveDate>>>()
            .and_then(|days| days.into_iter().max())
            .map_or(Fact::Nothing, Fact::Known),
        Fact::Nothing => Fact::Nothing,
        Fact::Unknown => Fact::Unknown,
    }
}
