//! Project groups and their ends: those of the policy file, and those that people set beside it.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::Policy;
use crate::group::Group;

/// A project group with its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The group's id or its exact name.
    pub group: String,
    /// When it ends.
    pub ends: Ends,
    /// Who says so.
    pub source: ProjectSource,
}

/// When a project ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Its last day; it has ended when this day is over (UTC).
    On(NaiveDate),
    /// The day of the group's `expirationDateTime`. A group without one does not end.
    Expiration,
}

/// Who says when a project ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProjectSource {
    /// The policy file.
    Policy,
    /// A person, with `innkeeper projects`.
    Person {
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Project {
    /// The last day of the project, when `group` is its group.
    #[must_use]
    pub fn last_day(&self, group: &Group) -> Option<NaiveDate> {
        match self.ends {
            Ends::On(day) => Some(day),
            Ends::Expiration => group.expires.map(|at| at.date_naive()),
        }
    }
}

impl fmt::Display for Project {
    /// Where the end comes from, as the end of a sentence: "policy", "set by olga".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.source, self.ends) {
            (ProjectSource::Policy, Ends::On(_)) => f.write_str("policy"),
            (ProjectSource::Policy | ProjectSource::Person { .. }, Ends::Expiration) => {
                f.write_str("expirationDateTime of the group")
            }
            (ProjectSource::Person { by, .. }, Ends::On(_)) => write!(f, "set by {by}"),
        }
    }
}

/// A project as a person set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetProject {
    /// The group's id or its exact name.
    pub group: String,
    /// Its last day (UTC).
    pub ends: NaiveDate,
    /// Who set it.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

impl Policy {
    /// The policy with the projects that people set beside it. Where the file names the group too, it wins. The hash
    /// stays that of the file.
    #[must_use]
    pub fn with_projects(&self, set: &[SetProject]) -> Self {
        let mut policy = self.clone();
        let added = set
            .iter()
            .filter(|set| self.project(&set.group).is_none())
            .map(|set| Project {
                group: set.group.clone(),
                ends: Ends::On(set.ends),
                source: ProjectSource::Person {
                    by: set.by.clone(),
                    at: set.at,
                },
            });
        policy.projects.extend(added);
        policy
    }

    /// The project of a group, by the id or name that is used for it.
    #[must_use]
    pub fn project(&self, group: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.group == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_wins_over_what_people_set() {
        let text = "[[project]]\ngroup = \"bridge\"\nends = 2027-01-31\n";
        let policy = Policy::parse("policy.toml", text).expect("a good policy");
        let set = ["bridge", "tunnel"].map(|group| SetProject {
            group: group.to_owned(),
            ends: NaiveDate::from_ymd_opt(2027, 6, 30).expect("a day"),
            by: "olga".to_owned(),
            at: DateTime::UNIX_EPOCH,
        });
        let merged = policy.with_projects(&set);
        assert_eq!(merged.hash, policy.hash);
        let shown = |project: &Project| format!("{}: {:?}, {project}", project.group, project.ends);
        let shown: Vec<String> = merged.projects.iter().map(shown).collect();
        assert_eq!(
            shown,
            [
                "bridge: On(2027-01-31), policy",
                "tunnel: On(2027-06-30), set by olga"
            ]
        );
        assert_eq!(
            merged.groups().into_iter().collect::<Vec<_>>(),
            ["bridge", "tunnel"]
        );
    }
}
