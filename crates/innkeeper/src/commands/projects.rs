//! `projects`: the ends of project groups that people set beside the policy.
//!
//! Invariant: a change and its entry in the journal are written in one transaction, an import in one as a whole.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::group::{Found, NamedGroups};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::journal::Event;
use innkeeper_domain::policy::{Ends, Policy, Project, ProjectSource, SetProject};
use innkeeper_engine::{Clock, Ruling};
use innkeeper_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::cli::{Global, Output, PerhapsWhy};
use crate::exit::{Exit, UsageError};
use crate::installation::{Installation, load_policy};
use crate::output::{Rows, print, print_json};

/// The longest key of a group, in characters: what Entra allows a name.
const LONGEST: usize = 256;

/// A group, and the last day of its project.
type End = (String, NaiveDate);

/// The line, and what is wrong with it.
type Wrong = (u64, String);

/// Sets one end.
pub(crate) async fn set(
    global: &Global,
    group: String,
    ends: NaiveDate,
    why: PerhapsWhy,
) -> Result<Exit> {
    if let Some(fault) = fault_of_key(&group) {
        return Err(UsageError(fault.to_owned()).into());
    }
    set_all(global, vec![(group, ends)], why.checked()?).await
}

/// Sets the ends of a file.
pub(crate) async fn import(global: &Global, file: &Path, why: PerhapsWhy) -> Result<Exit> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the file {} cannot be read", file.display()))?;
    let projects = read(&text).map_err(|faults| {
        let faults: Vec<String> = faults
            .iter()
            .map(|(line, fault)| format!("{}:{line}: {fault}", file.display()))
            .collect();
        UsageError(format!("{}\nnothing was imported", faults.join("\n")))
    })?;
    set_all(global, projects, why.checked()?).await
}

async fn set_all(
    global: &Global,
    projects: Vec<End>,
    (reason, by): (String, String),
) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let config = installation.tenant(global)?;
    let policy = load_policy(&config.policy)?.policy;
    let now = installation.clock.now();
    let mut tx = installation.store.begin().await?;
    let named_groups = tx.named_groups(config.id).await?;
    let (mut changed, mut events) = (Vec::new(), Vec::new());
    let total = projects.len();
    for (group, ends) in projects {
        let project = SetProject {
            group,
            ends,
            by: by.clone(),
            at: now,
        };
        warn_of_conflict(&policy, &named_groups, &project);
        if tx.save_project(config.id, &project).await? {
            changed.push(project.clone());
            let reason = reason.clone();
            events.push((None, Event::ProjectSet { project, reason }));
        }
    }
    tx.append(config.id, now, &events).await?;
    tx.commit().await?;
    match global.output {
        Output::Json => print_json(&json!({ "projects": total, "changed": changed }))?,
        Output::Table | Output::Csv => {
            for SetProject { group, ends, .. } in &changed {
                print(&format!("{group} ends {ends}\n"))?;
            }
            print(&format!("{} of {total} projects changed\n", changed.len()))?;
        }
    }
    Ok(Exit::Ok)
}

/// The policy's project that has the same group, under whichever name.
fn in_policy<'p>(policy: &'p Policy, named_groups: &NamedGroups, key: &str) -> Option<&'p Project> {
    let id = |key: &str| Some(named_groups.get(key)?.group()?.id);
    policy.project(key).or_else(|| {
        let meant = id(key)?;
        let mut projects = policy.projects.iter();
        projects.find(|project| id(&project.group) == Some(meant))
    })
}

fn warn_of_conflict(policy: &Policy, named_groups: &NamedGroups, set: &SetProject) {
    let Some(project) = in_policy(policy, named_groups, &set.group) else {
        return;
    };
    let says = match project.ends {
        Ends::On(day) if day == set.ends => return,
        Ends::On(day) => format!("that it ends {day}"),
        Ends::Expiration => "that it ends when the group expires".to_owned(),
    };
    eprintln!(
        "warning: {}: the policy file says {says}, and wins",
        set.group
    );
}

/// Takes an end away.
pub(crate) async fn remove(global: &Global, group: &str, why: PerhapsWhy) -> Result<Exit> {
    let (reason, by) = why.checked()?;
    let installation = Installation::open(global).await?;
    let tenant = installation.tenant(global)?.id;
    let now = installation.clock.now();
    let mut tx = installation.store.begin().await?;
    let Some(project) = tx.remove_project(tenant, group).await? else {
        return Err(UsageError(format!(
            "no end was set for {group:?}; `innkeeper projects list` shows those that were. What the policy file has is taken away there"
        ))
        .into());
    };
    let event = Event::ProjectRemoved {
        project: project.clone(),
        by,
        reason,
    };
    tx.append(tenant, now, &[(None, event)]).await?;
    tx.commit().await?;
    match global.output {
        Output::Json => print_json(&json!({ "removed": project }))?,
        Output::Table | Output::Csv => print(&format!("{group} is no project any more\n"))?,
    }
    Ok(Exit::Ok)
}

/// A project as the list shows it.
struct Listed {
    key: String,
    name: String,
    ends: Option<NaiveDate>,
    ended: Option<bool>,
    source: String,
    overridden: bool,
}

/// Shows every project.
pub(crate) async fn list(global: &Global) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let config = installation.tenant(global)?;
    let own = load_policy(&config.policy)?.policy;
    let now = installation.clock.now();
    let mut tx = installation.store.read().await?;
    let accepted = tx.accepted_policy(config.id).await?;
    // Those of the policy that decides, and apart from them those that people set.
    let Ruling { policy, .. } = Ruling::of(&own, accepted.as_ref(), &[]);
    if policy.hash != own.hash {
        eprintln!(
            "The policy of {} does not decide yet; its projects are those of the policy accepted last.",
            config.policy.display()
        );
    }
    let projects = listed(&mut tx, config.id, &policy, now).await?;
    let mut rows = Rows::new(["group", "found", "ends", "ended", "source"]);
    let mut objects = Vec::new();
    for Listed {
        key,
        name,
        ends,
        ended,
        source,
        overridden,
    } in projects
    {
        objects.push(json!({
            "group": key, "found": name, "ends": ends, "ended": ended, "source": source, "overridden": overridden,
        }));
        let ended = ended.map(|ended| if ended { "yes" } else { "no" });
        let source = if overridden {
            format!("{source}; the policy file wins")
        } else {
            source
        };
        rows.push([
            key,
            name,
            ends.map(|day| day.to_string()).unwrap_or_default(),
            ended.unwrap_or("not known").to_owned(),
            source,
        ]);
    }
    match global.output {
        Output::Json => print_json(&Value::Array(objects))?,
        Output::Csv => rows.print_csv()?,
        Output::Table if rows.is_empty() => print(
            "There are no projects; `innkeeper projects set` and [[project]] in the policy make some.\n",
        )?,
        Output::Table => rows.print_table(usize::MAX)?,
    }
    Ok(Exit::Ok)
}

async fn listed(
    tx: &mut Tx,
    tenant: TenantId,
    policy: &Policy,
    now: DateTime<Utc>,
) -> Result<Vec<Listed>, StoreError> {
    let named_groups = tx.named_groups(tenant).await?;
    let set = tx.projects(tenant).await?.into_iter().map(|set| Project {
        group: set.group,
        ends: Ends::On(set.ends),
        source: ProjectSource::Person {
            by: set.by,
            at: set.at,
        },
    });
    let all = policy.projects.iter().cloned().chain(set);
    let listed = all.map(|project| {
        let found = named_groups.get(&project.group);
        let group = found.and_then(Found::group);
        let name = match found {
            Some(Found::One(group)) => group.name.clone(),
            Some(Found::Missing) => "not found".to_owned(),
            Some(Found::Ambiguous) => "several have this name".to_owned(),
            None => "not looked up yet".to_owned(),
        };
        let ends = match (project.ends, group) {
            (Ends::On(day), _) => Some(day),
            (Ends::Expiration, Some(group)) => project.last_day(group),
            (Ends::Expiration, None) => None,
        };
        let is_known = group.is_some() || ends.is_some();
        let overridden = match project.source {
            ProjectSource::Policy => false,
            ProjectSource::Person { .. } => {
                in_policy(policy, &named_groups, &project.group).is_some()
            }
        };
        Listed {
            name,
            ends,
            ended: is_known.then(|| ends.is_some_and(|day| now.date_naive() > day)),
            source: project.to_string(),
            overridden,
            key: project.group,
        }
    });
    Ok(listed.collect())
}

/// The projects of a CSV file; else everything that is wrong with it, with the lines.
fn read(text: &str) -> Result<Vec<End>, Vec<Wrong>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut csv = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header: Vec<String> = match csv.headers() {
        Ok(header) => header.iter().map(str::to_lowercase).collect(),
        Err(error) => return Err(vec![(1, error.to_string())]),
    };
    let place = |name: &str| header.iter().position(|column| column == name);
    let (Some(group), Some(ends)) = (place("group"), place("ends")) else {
        let fault = format!(
            "the first line names the columns, and must have group and ends; it has {}",
            header.join(", ")
        );
        return Err(vec![(1, fault)]);
    };
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    let (mut projects, mut faults) = (Vec::new(), Vec::new());
    for record in csv.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, |at| line_of(text, at));
                let fault = match error.kind() {
                    csv::ErrorKind::UnequalLengths {
                        expected_len, len, ..
                    } => format!("{len} columns, where the first line has {expected_len}"),
                    _ => error.to_string(),
                };
                faults.push((line, fault));
                continue;
            }
        };
        let line = record.position().map_or(0, |at| line_of(text, at));
        let (key, day) = (&record[group], &record[ends]);
        if let Some(fault) = fault_of_key(key) {
            faults.push((line, fault.to_owned()));
        } else if let Some(first) = lines.insert(key.to_owned(), line) {
            faults.push((line, format!("{key:?} is in line {first} already")));
        }
        match NaiveDate::parse_from_str(day, "%Y-%m-%d") {
            Ok(day) => projects.push((key.to_owned(), day)),
            Err(_) => faults.push((
                line,
                format!("ends is the last day, such as 2027-03-31, and this is {day:?}"),
            )),
        }
    }
    if projects.is_empty() && faults.is_empty() {
        faults.push((1, "it has no projects".to_owned()));
    }
    if faults.is_empty() {
        Ok(projects)
    } else {
        Err(faults)
    }
}

/// The line of a record. Its position is where the one before ended, which can be before empty lines.
fn line_of(text: &str, at: &csv::Position) -> u64 {
    let before = usize::try_from(at.byte()).map_or(text.len(), |byte| byte.min(text.len()));
    let is_break = |byte: &&u8| matches!(byte, b'\n' | b'\r');
    let breaks = text.as_bytes()[before..]
        .iter()
        .take_while(is_break)
        .count();
    let start = &text.as_bytes()[..before + breaks];
    start.iter().filter(|byte| **byte == b'\n').count() as u64 + 1
}

fn fault_of_key(key: &str) -> Option<&'static str> {
    if key.trim().is_empty() {
        Some("group is empty; it is the object id or the exact name of a group")
    } else if key.chars().any(char::is_control) || key.chars().count() > LONGEST {
        Some("no group has such a name: it is one line of at most 256 characters")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_may_come_in_any_order_with_others_between() {
        let text = "\u{feff}Ends, owner ,GROUP\n2027-03-31, olga ,\"Bridge, old\"\n2027-06-30,,x\n";
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        assert_eq!(
            read(text),
            Ok(vec![
                ("Bridge, old".to_owned(), day("2027-03-31")),
                ("x".to_owned(), day("2027-06-30"))
            ])
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_line() {
        let text = "group,ends\nbridge,31.3.2027\n\n,2027-03-31\nbridge,2027-01-01\nx\n";
        let faults = read(text).expect_err("faults");
        let lines: Vec<u64> = faults.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 4, 5, 6], "{faults:?}");
        assert!(read("name,ends\n").is_err());
        assert!(read("").is_err());
        assert!(read("group,ends\n").is_err());
    }
}
