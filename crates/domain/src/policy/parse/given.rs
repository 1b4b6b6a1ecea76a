//! The facts of a case, each of its type.

use std::collections::BTreeSet;

use toml_edit::{Item, TableLike};

use super::nearest_or_all;
use super::reader::{Place, Reader, start};
use crate::access::DEFAULT_ROLE;
use crate::facts::{FactName, Kind};
use crate::ids::SponsorId;
use crate::policy::Policy;
use crate::sponsor::{Sponsor, SponsorKind};
use crate::trial::{Given, GivenAppRole, Value};

/// Takes facts back that the defaults give.
const UNKNOWN: &str = "unknown";
/// Facts that are known to have no value.
const NONE: &str = "none";

/// The facts of a table, over those of `base`.
pub(super) fn facts(
    reader: &mut Reader<'_>,
    item: &Item,
    what: &str,
    policy: &Policy,
    base: &Given,
) -> Given {
    let mut given = base.clone();
    let Some(table) = item.as_table_like() else {
        reader.problem(
            start(item.span()),
            format!("{what}: facts are a table, such as {{ inactive_days = 90 }}"),
        );
        return given;
    };
    let known: Vec<&str> = FactName::ALL
        .iter()
        .map(|fact| fact.as_str())
        .chain([UNKNOWN, NONE])
        .collect();
    reader.only_keys(table, &format!("{what}, facts"), &known);
    for fact in names(reader, table, UNKNOWN, what) {
        given.forget(fact);
    }
    for fact in names(reader, table, NONE, what) {
        given.give(fact, Value::Nothing);
    }
    for fact in FactName::ALL {
        if let Some(item) = table.get(fact.as_str())
            && let Some(value) = value(reader, table, item, *fact, what, policy)
        {
            given.give(*fact, value);
        }
    }
    given
}

fn names(reader: &mut Reader<'_>, table: &dyn TableLike, key: &str, what: &str) -> Vec<FactName> {
    let Some(item) = table.get(key) else {
        return Vec::new();
    };
    let mut facts = Vec::new();
    for (name, at) in reader.texts(item, key, what) {
        match FactName::parse(&name) {
            Some(fact) => facts.push(fact),
            None => {
                let hint = nearest_or_all(&name, FactName::ALL.iter().map(|fact| fact.as_str()));
                reader.problem(at, format!("{what}: there is no fact {name}{hint}"));
            }
        }
    }
    facts
}

fn value(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    item: &Item,
    fact: FactName,
    what: &str,
    policy: &Policy,
) -> Option<Value> {
    let what = format!("{what}, {fact}");
    let value = match fact.kind() {
        Kind::Int => item.as_integer().map(Value::Int),
        Kind::Bool => item.as_bool().map(Value::Bool),
        Kind::String => item.as_str().map(|text| Value::Text(text.to_owned())),
        Kind::Strings => {
            let texts = match item.as_array() {
                Some(array) if array.is_empty() => Vec::new(),
                _ => reader.texts(item, fact.as_str(), &what),
            };
            if fact == FactName::Groups {
                known_groups(reader, &texts, &what, &policy.groups());
            }
            return Some(Value::Texts(
                texts.into_iter().map(|(text, _)| text).collect(),
            ));
        }
        Kind::Sponsors => {
            let example = "{ enabled = true, mail = \"sara@contoso.example\" }";
            let places = reader.tables(table, fact.as_str(), &format!("{what}: "), example);
            let sponsors = places.into_iter().enumerate();
            return Some(Value::Sponsors(
                sponsors
                    .map(|(index, place)| sponsor(reader, place, &what, index))
                    .collect(),
            ));
        }
        Kind::Projects => {
            let example = "{ name = \"Bridge\", ends_in_days = -3 }";
            let places = reader.tables(table, fact.as_str(), &format!("{what}: "), example);
            let projects = places
                .into_iter()
                .filter_map(|place| project(reader, place, &what));
            return Some(Value::Projects(projects.collect()));
        }
        Kind::AppRoles => {
            let example = "{ application = \"Supplier Portal\" }";
            let places = reader.tables(table, fact.as_str(), &format!("{what}: "), example);
            let roles = places
                .into_iter()
                .filter_map(|place| app_role(reader, place, &what));
            return Some(Value::AppRoles(roles.collect()));
        }
        Kind::Packages => {
            let example = "{ name = \"Suppliers\", ends_in_days = 20 }";
            let places = reader.tables(table, fact.as_str(), &format!("{what}: "), example);
            let packages = places
                .into_iter()
                .filter_map(|place| package(reader, place, &what));
            return Some(Value::Packages(packages.collect()));
        }
    };
    if let (FactName::UserType, Some(Value::Text(text))) = (fact, &value)
        && !["guest", "member"].contains(&text.as_str())
    {
        reader.problem(
            start(item.span()),
            format!("{what}: this is \"guest\" or \"member\", never {text:?}"),
        );
    }
    if value.is_none() {
        reader.problem(
            start(item.span()),
            format!(
                "{what}: this fact is {}, and this is {}",
                fact.kind().as_str(),
                item.type_name()
            ),
        );
    }
    value
}

fn known_groups(
    reader: &mut Reader<'_>,
    texts: &[(String, usize)],
    what: &str,
    groups: &BTreeSet<&str>,
) {
    for (group, at) in texts
        .iter()
        .filter(|(group, _)| !groups.contains(group.as_str()))
    {
        let hint = if groups.is_empty() {
            "; it names none".to_owned()
        } else {
            nearest_or_all(group, groups.iter().copied())
        };
        reader.problem(
            *at,
            format!("{what}: the policy names no group {group:?}{hint}"),
        );
    }
}

fn sponsor(reader: &mut Reader<'_>, place: Place<'_>, what: &str, index: usize) -> Sponsor {
    reader.only_keys(place.table, what, &["kind", "enabled", "guest", "mail"]);
    let kind = match place.get("kind").map(|item| (item, item.as_str())) {
        None | Some((_, Some("user"))) => SponsorKind::User,
        Some((_, Some("group"))) => SponsorKind::Group,
        Some((item, _)) => {
            reader.problem(
                start(item.span()),
                format!("{what}: kind is \"user\" or \"group\""),
            );
            SponsorKind::User
        }
    };
    let mail = match place.get("mail") {
        Some(_) => reader.text(place, "mail", what).map(|(mail, _)| mail),
        None => None,
    };
    let enabled = place
        .get("enabled")
        .map(|_| reader.flag(place, "enabled", what));
    Sponsor {
        id: SponsorId::derived(&[&index.to_be_bytes()]),
        kind,
        display_name: None,
        mail,
        enabled: match kind {
            SponsorKind::User => enabled,
            SponsorKind::Group => Some(true),
        },
        is_guest: reader.flag(place, "guest", what),
        membership: crate::sponsor::Membership::NotAsked,
    }
}

fn project(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> Option<(String, i64)> {
    reader.only_keys(place.table, what, &["name", "ends_in_days"]);
    let (name, _) = reader.text(place, "name", what)?;
    let days = place.get("ends_in_days").and_then(Item::as_integer);
    let days = days.filter(|days| days.abs() < 100_000);
    if days.is_none() {
        reader.problem(
            place.at,
            format!(
                "{what}: ends_in_days is the number of days until its last day, negative once past"
            ),
        );
    }
    Some((name, days?))
}

fn app_role(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> Option<GivenAppRole> {
    reader.only_keys(
        place.table,
        what,
        &["application", "role", "role_name", "days"],
    );
    let (application, _) = reader.text(place, "application", what)?;
    let role = match place.get("role") {
        Some(_) => reader.text(place, "role", what)?.0,
        None => DEFAULT_ROLE.to_owned(),
    };
    let role_name = match place.get("role_name") {
        Some(_) => Some(reader.text(place, "role_name", what)?.0),
        None => (role == DEFAULT_ROLE).then(|| DEFAULT_ROLE.to_owned()),
    };
    Some(GivenAppRole {
        application,
        role,
        role_name,
        days: days(reader, place, "days", what),
    })
}

fn package(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> Option<(String, Option<i64>)> {
    reader.only_keys(place.table, what, &["name", "ends_in_days"]);
    let (name, _) = reader.text(place, "name", what)?;
    Some((name, days(reader, place, "ends_in_days", what)))
}

/// A number of days that may be left out.
fn days(reader: &mut Reader<'_>, place: Place<'_>, key: &str, what: &str) -> Option<i64> {
    let item = place.get(key)?;
    let days = item.as_integer().filter(|days| days.abs() < 100_000);
    if days.is_none() {
        reader.problem(
            start(item.span()),
            format!("{what}: {key} is a whole number of days"),
        );
    }
    days
}
