//! Oddities of projects.

use super::{Found, Oddity, Subject};
use crate::policy::Policy;
use crate::policy::parse::Places;

/// Graph compares names without regard to case, and ids are ids in capitals too.
pub(super) fn all(policy: &Policy, places: &Places, found: &mut Found) {
    for (index, (project, at)) in policy.projects.iter().zip(&places.projects).enumerate() {
        let same = policy.projects[..index]
            .iter()
            .position(|other| key(&other.group) == key(&project.group));
        if let Some(other) = same {
            let about = (Subject::Project, project.group.as_str());
            let message = format!(
                "it means the same group as the project {:?} in line {}: of a group with two ends the later one counts",
                policy.projects[other].group, places.projects[other].line
            );
            found.add(Oddity::SameGroup, *at, about, message);
        }
    }
}

fn key(group: &str) -> String {
    group.trim().to_lowercase()
}
