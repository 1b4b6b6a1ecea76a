//! Projects, partners and groups that exempt.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use toml_edit::{Item, TableLike};

use super::Position;
use super::reader::{Reader, start};
use super::rules::called;
use crate::policy::{Ends, Partner, Project, ProjectSource};

pub(super) fn projects(
    reader: &mut Reader<'_>,
    root: &dyn TableLike,
    places: &mut Vec<Position>,
) -> Vec<Project> {
    let mut groups = BTreeSet::new();
    let mut projects = Vec::new();
    for (index, place) in reader
        .tables(root, "project", "", "[[project]]")
        .into_iter()
        .enumerate()
    {
        let what = called(place, "project", "group", index);
        reader.only_keys(place.table, &what, &["group", "ends"]);
        let ends = match place.get("ends") {
            None => {
                reader.problem(
                    place.at,
                    format!(
                        "{what}: ends is missing; it is the last day, such as ends = 2027-03-31"
                    ),
                );
                None
            }
            Some(item) => {
                let ends = ends(item);
                if ends.is_none() {
                    reader.problem(
                        start(item.span()),
                        format!(
                            "{what}: ends is the last day and nothing else, such as 2027-03-31; or \"expirationDateTime\", for that of the group"
                        ),
                    );
                }
                ends
            }
        };
        let Some((group, at)) = reader.text(place, "group", &what) else {
            continue;
        };
        if !groups.insert(group.clone()) {
            reader.problem(
                at,
                format!("{what}: another [[project]] has this group; a group ends once"),
            );
        }
        if let Some(ends) = ends {
            places.push(reader.place(at));
            projects.push(Project {
                group,
                ends,
                source: ProjectSource::Policy,
            });
        }
    }
    projects
}

fn ends(item: &Item) -> Option<Ends> {
    match item.as_str() {
        Some("expirationDateTime") => Some(Ends::Expiration),
        Some(_) | None => date(item).map(Ends::On),
    }
}

/// A date, bare or in quotes, without a time.
fn date(item: &Item) -> Option<NaiveDate> {
    if let Some(text) = item.as_str() {
        return NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    }
    let datetime = item.as_datetime()?;
    let date = datetime.date.filter(|_| datetime.time.is_none())?;
    NaiveDate::from_ymd_opt(
        i32::from(date.year),
        u32::from(date.month),
        u32::from(date.day),
    )
}

pub(super) fn partners(reader: &mut Reader<'_>, root: &dyn TableLike) -> Vec<Partner> {
    let mut domains = BTreeSet::new();
    let mut partners = Vec::new();
    for (index, place) in reader
        .tables(root, "partner", "", "[[partner]]")
        .into_iter()
        .enumerate()
    {
        let what = called(place, "partner", "domain", index);
        reader.only_keys(place.table, &what, &["domain", "synced"]);
        let synced = reader.flag(place, "synced", &what);
        let Some((domain, at)) = reader.text(place, "domain", &what) else {
            continue;
        };
        let domain = domain.to_lowercase();
        if !domain
            .chars()
            .all(|character| character.is_alphanumeric() || ".-_".contains(character))
        {
            reader.problem(
                at,
                format!("{what}: a domain is written such as \"partner.example\", in full and without @ or *"),
            );
        }
        if !domains.insert(domain.clone()) {
            reader.problem(at, format!("{what}: another [[partner]] has this domain"));
        }
        partners.push(Partner { domain, synced });
    }
    partners
}

/// Groups whose members no rule touches.
pub(super) fn exempt_groups(reader: &mut Reader<'_>, root: &dyn TableLike) -> Vec<String> {
    let Some(item) = root.get("exempt_groups") else {
        return Vec::new();
    };
    let texts = reader.texts(item, "exempt_groups", "the policy");
    texts.into_iter().map(|(group, _)| group).collect()
}
