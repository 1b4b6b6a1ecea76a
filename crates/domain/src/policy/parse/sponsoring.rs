//! `[sponsors]` and `[[steward]]`.

use std::collections::BTreeSet;

use toml_edit::TableLike;
use uuid::Uuid;

use super::nearest_or_all;
use super::reader::{Place, Reader, start};
use super::rules::called;
use crate::policy::{Action, Contact, Link, Rule, Sponsoring, Steward};

pub(super) fn sponsoring(
    reader: &mut Reader<'_>,
    root: &dyn TableLike,
    rules: &[Rule],
) -> Sponsoring {
    let mut sponsoring = Sponsoring {
        stewards: stewards(reader, root),
        ..Sponsoring::default()
    };
    if let Some(item) = root.get("sponsors") {
        let at = start(item.span());
        match item.as_table_like() {
            Some(table) => read(reader, Place { table, at }, &mut sponsoring),
            None => reader.problem(at, "[sponsors] is a table, with one pair of brackets"),
        }
    }
    let writes = |rule: &&Rule| {
        let mut stages = rule.stages.iter();
        stages.any(|stage| stage.action == Action::AddSponsor)
    };
    if !sponsoring.write_back
        && let Some(rule) = rules.iter().find(writes)
    {
        let at = root.get("sponsors").map_or(0, |item| start(item.span()));
        reader.problem(
            at,
            format!(
                "rule \"{}\" has the action add-sponsor, which writes to Entra: allow it with write_back = true in [sponsors]",
                rule.name
            ),
        );
    }
    sponsoring
}

fn read(reader: &mut Reader<'_>, place: Place<'_>, sponsoring: &mut Sponsoring) {
    let what = "[sponsors]";
    reader.only_keys(place.table, what, &["group", "chain", "write_back"]);
    if place.get("group").is_some() {
        sponsoring.group = reader.text(place, "group", what).map(|(group, _)| group);
    }
    sponsoring.write_back = reader.flag(place, "write_back", what);
    sponsoring.chain = Link::ORDERED.to_vec();
    let Some(item) = place.get("chain") else {
        return;
    };
    sponsoring.chain.clear();
    for (word, at) in reader.texts(item, "chain", what) {
        let known = Link::ORDERED.into_iter();
        match known.clone().find(|link| link.as_str() == word) {
            Some(link) => sponsoring.chain.push(link),
            None if word == Link::Operators.as_str() => reader.problem(
                at,
                format!("{what}: the operators come last by themselves; leave them out of chain"),
            ),
            None => {
                let hint = nearest_or_all(&word, known.map(Link::as_str));
                reader.problem(at, format!("{what}: chain has no link {word:?}{hint}"));
            }
        }
    }
}

fn stewards(reader: &mut Reader<'_>, root: &dyn TableLike) -> Vec<Steward> {
    let mut known = BTreeSet::new();
    let mut stewards = Vec::new();
    let tables = reader.tables(root, "steward", "", "[[steward]]");
    for (index, place) in tables.into_iter().enumerate() {
        let what = called(place, "steward", "domains", index);
        reader.only_keys(place.table, &what, &["domains", "to"]);
        let mut domains = Vec::new();
        for (domain, at) in texts(reader, place, "domains", &what) {
            let domain = domain.to_lowercase();
            let is_plain = |letter: char| letter.is_alphanumeric() || ".-_".contains(letter);
            if !domain.chars().all(is_plain) {
                reader.problem(
                    at,
                    format!("{what}: a domain is written such as \"partner.example\", in full and without @ or *"),
                );
            }
            if !known.insert(domain.clone()) {
                reader.problem(
                    at,
                    format!("{what}: {domain:?} has another steward already"),
                );
            }
            domains.push(domain);
        }
        let mut to = Vec::new();
        for (text, at) in texts(reader, place, "to", &what) {
            match contact(&text) {
                Some(contact) => to.push(contact),
                None => reader.problem(
                    at,
                    format!(
                        "{what}: {text:?} is neither a mail address nor the object id of a user"
                    ),
                ),
            }
        }
        stewards.push(Steward { domains, to });
    }
    stewards
}

fn texts(reader: &mut Reader<'_>, place: Place<'_>, key: &str, what: &str) -> Vec<(String, usize)> {
    match place.get(key) {
        Some(item) => reader.texts(item, key, what),
        None => {
            reader.problem(place.at, format!("{what}: {key} is missing"));
            Vec::new()
        }
    }
}

fn contact(text: &str) -> Option<Contact> {
    if let Ok(id) = Uuid::try_parse(text) {
        return Some(Contact::User(id.into()));
    }
    let (local, domain) = text.split_once('@')?;
    let is_address = !local.is_empty()
        && domain.contains('.')
        && !domain.contains('@')
        && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    is_address.then(|| Contact::Mail(text.to_owned()))
}
