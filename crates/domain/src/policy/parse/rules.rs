//! Rules with their stages, protections, projects and partners.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use toml_edit::{Item, TableLike};

use super::nearest_or_all;
use super::reader::{Reader, start, table_start};
use crate::facts::FactName;
use crate::policy::{
    Action, Condition, FromGroups, Partner, Project, Protection, Recipient, Rule, RuleName, Stage,
};

/// How far sign-in data can lag behind; a shorter wait might disable somebody who signed in meanwhile.
const SIGN_IN_LAG: TimeDelta = TimeDelta::hours(24);

pub(super) fn rules(reader: &mut Reader<'_>, root: &dyn TableLike) -> Vec<Rule> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for table in reader.tables(root, "rule") {
        reader.only_keys(table, "a rule", &["name", "when", "stages", "unannounced"]);
        let head = head(reader, table, "rule", &mut names);
        let unannounced = reader.flag(table, "unannounced", "a rule");
        let stages = stages(reader, table);
        if let (Some((name, when)), Some(stages)) = (head, stages) {
            check_order(reader, &name, &when, &stages, unannounced);
            let stages = stages.into_iter().map(|(stage, _)| stage).collect();
            rules.push(Rule { name, when, stages });
        }
    }
    rules
}

pub(super) fn protections(reader: &mut Reader<'_>, root: &dyn TableLike) -> Vec<Protection> {
    let mut names = BTreeSet::new();
    let mut protections = Vec::new();
    for table in reader.tables(root, "protect") {
        reader.only_keys(table, "a protection", &["name", "when"]);
        if let Some((name, when)) = head(reader, table, "protection", &mut names) {
            protections.push(Protection { name, when });
        }
    }
    protections
}

/// The name and the condition that rules and protections have in common.
fn head(
    reader: &mut Reader<'_>,
    table: &dyn TableLike,
    kind: &str,
    names: &mut BTreeSet<String>,
) -> Option<(RuleName, Condition)> {
    let at = table_start(table);
    let name = reader.text(table, "name", &format!("a {kind}"), at);
    let shown = name.as_ref().map_or_else(
        || format!("a {kind}"),
        |(name, _)| format!("{kind} {name:?}"),
    );
    if let Some((name, offset)) = &name {
        if name.chars().any(char::is_control) || name.chars().count() > 80 {
            reader.problem(
                *offset,
                format!("{shown}: a name is one line of at most 80 characters"),
            );
        }
        if !names.insert(name.clone()) {
            reader.problem(
                *offset,
                format!("{shown}: there is another {kind} of this name"),
            );
        }
    }
    let (source, offset) = reader.text(table, "when", &shown, at)?;
    match Condition::parse(&source) {
        Ok(when) => name.map(|(name, _)| (RuleName::from(name.as_str()), when)),
        Err(error) => {
            let place = reader.inside(offset, error.offset);
            reader.problem(place, format!("{shown}: {}", error.message));
            None
        }
    }
}

/// The stages, unless one of them cannot be read: then nothing can be said about their order.
fn stages(reader: &mut Reader<'_>, table: &dyn TableLike) -> Option<Vec<(Stage, usize)>> {
    let Some(item) = table.get("stages") else {
        let message = "a rule lacks stages, such as stages = [{ action = \"notify\" }]";
        reader.problem(table_start(table), message);
        return None;
    };
    if !item.is_array() && !item.is_array_of_tables() {
        let message = "stages is a list, such as stages = [{ action = \"notify\" }]";
        reader.problem(start(item.span()), message);
        return None;
    }
    if item.as_array().is_some_and(toml_edit::Array::is_empty) {
        reader.problem(start(item.span()), "a rule needs at least one stage");
    }
    let tables = reader.tables(table, "stages");
    let stages: Vec<_> = tables
        .into_iter()
        .map(|table| stage(reader, table))
        .collect();
    stages.into_iter().collect()
}

fn stage(reader: &mut Reader<'_>, table: &dyn TableLike) -> Option<(Stage, usize)> {
    reader.only_keys(table, "a stage", &["action", "wait", "to", "from"]);
    let at = table_start(table);
    let (word, offset) = reader.text(table, "action", "a stage", at)?;
    let Some(action) = Action::parse(&word) else {
        let suggestion = nearest_or_all(&word, Action::ALL.into_iter().map(Action::as_str));
        reader.problem(offset, format!("there is no action {word}{suggestion}"));
        return None;
    };
    let customary = Stage::of(action);
    let wait = reader.span(table, "wait", "a stage").unwrap_or_default();
    let to = match table.get("to") {
        None => customary.to,
        Some(item) if action != Action::Notify => {
            reader.problem(
                start(item.span()),
                format!("only notify has to; {action} has nobody to write to"),
            );
            customary.to
        }
        Some(item) => recipients(reader, item),
    };
    let from = match table.get("from") {
        None => customary.from,
        Some(item) if action != Action::RemoveFromGroup => {
            reader.problem(
                start(item.span()),
                format!("only remove-from-group has from, and this is {action}"),
            );
            customary.from
        }
        Some(item) if item.as_str() == Some("ended-projects") => FromGroups::EndedProjects,
        Some(item) => FromGroups::Named(groups(reader, item)),
    };
    Some((
        Stage {
            action,
            wait,
            to,
            from,
        },
        offset,
    ))
}

fn groups(reader: &mut Reader<'_>, item: &Item) -> Vec<String> {
    if !item.is_array() || item.as_array().is_some_and(toml_edit::Array::is_empty) {
        reader.problem(
            start(item.span()),
            "from is \"ended-projects\" or a list of groups, such as [\"Bridge Renovation\"]",
        );
        return Vec::new();
    }
    let groups = reader.texts(item, "from");
    groups.into_iter().map(|(group, _)| group).collect()
}

fn recipients(reader: &mut Reader<'_>, item: &Item) -> Vec<Recipient> {
    let mut recipients = Vec::new();
    for (word, offset) in reader.texts(item, "to") {
        match Recipient::ALL
            .into_iter()
            .find(|recipient| recipient.as_str() == word)
        {
            Some(recipient) => recipients.push(recipient),
            None => {
                let all = Recipient::ALL.into_iter().map(Recipient::as_str);
                let suggestion = nearest_or_all(&word, all);
                reader.problem(offset, format!("there is no recipient {word}{suggestion}"));
            }
        }
    }
    if item.as_array().is_some_and(toml_edit::Array::is_empty) {
        reader.problem(
            start(item.span()),
            "a notice needs somebody to go to: sponsor or operators",
        );
    }
    recipients
}

/// What no order of stages may do.
fn check_order(
    reader: &mut Reader<'_>,
    name: &RuleName,
    when: &Condition,
    stages: &[(Stage, usize)],
    unannounced: bool,
) {
    let uses_sign_ins = when
        .facts()
        .iter()
        .any(|fact| matches!(fact, FactName::InactiveDays | FactName::NeverSignedIn));
    let mut before: Vec<Action> = Vec::new();
    for (stage, offset) in stages {
        let mut problem =
            |message: String| reader.problem(*offset, format!("rule \"{name}\": {message}"));
        let action = stage.action;
        if before.contains(&Action::Delete) {
            problem("nothing can follow delete".to_owned());
        }
        if action != Action::Notify && before.contains(&action) {
            problem(format!("{action} is there twice"));
        }
        if action == Action::Delete && !before.contains(&Action::Disable) {
            problem("delete needs a disable before it, so that somebody notices while it can still be undone in full".to_owned());
        }
        if action.is_destructive() && !before.contains(&Action::Notify) && !unannounced {
            problem(format!(
                "{action} needs a notify before it; write unannounced = true in the rule if nobody is to be warned"
            ));
        }
        if matches!(action, Action::Disable | Action::Delete)
            && uses_sign_ins
            && stage.wait < SIGN_IN_LAG
        {
            problem(format!(
                "{action} must wait at least 24h: sign-in times can lag by a day, so somebody who has just come back would not be seen"
            ));
        }
        before.push(action);
    }
}

pub(super) fn projects(reader: &mut Reader<'_>, root: &dyn TableLike) -> Vec<Project> {
    let mut groups = BTreeSet::new();
    let mut projects = Vec::new();
    for table in reader.tables(root, "project") {
        reader.only_keys(table, "a project", &["group", "ends"]);
        let at = table_start(table);
        let group = reader.text(table, "group", "a project", at);
        let ends = match table.get("ends") {
            None => {
                reader.problem(
                    at,
                    "a project lacks ends, its last day, such as ends = 2027-03-31",
                );
                None
            }
            Some(item) => {
                let ends = date(item);
                if ends.is_none() {
                    reader.problem(
                        start(item.span()),
                        "ends is the project's last day, such as ends = 2027-03-31",
                    );
                }
                ends
            }
        };
        let Some((group, offset)) = group else {
            continue;
        };
        if !groups.insert(group.clone()) {
            reader.problem(
                offset,
                format!("the group {group:?} has another [[project]]; a group ends once"),
            );
        }
        projects.extend(ends.map(|ends| Project { group, ends }));
    }
    projects
}

fn date(item: &Item) -> Option<NaiveDate> {
    if let Some(text) = item.as_str() {
        return text.parse().ok();
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
    for table in reader.tables(root, "partner") {
        reader.only_keys(table, "a partner", &["domain", "synced"]);
        let synced = reader.flag(table, "synced", "a partner");
        let Some((domain, offset)) = reader.text(table, "domain", "a partner", table_start(table))
        else {
            continue;
        };
        let domain = domain.to_lowercase();
        if domain.contains('@') || domain.contains(char::is_whitespace) {
            reader.problem(
                offset,
                format!("{domain:?} is no domain; write such as \"partner.example\""),
            );
        }
        if !domains.insert(domain.clone()) {
            reader.problem(
                offset,
                format!("the domain {domain} has another [[partner]]"),
            );
        }
        partners.push(Partner { domain, synced });
    }
    partners
}
