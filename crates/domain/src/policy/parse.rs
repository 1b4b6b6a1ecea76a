//! Reading a policy file: everything that is wrong with it is told at once, each with its place.

mod expiry;
mod eyes;
mod given;
mod limits;
mod marks;
mod order;
mod places;
mod reader;
mod rules;
mod spans;
mod sponsoring;
mod stages;
mod tables;
mod trials;

use std::fmt;

use sha2::{Digest, Sha256};

use super::Policy;
use crate::plan::hex;
pub(super) use order::SIGN_IN_LAG;
use reader::Reader;
pub(crate) use trials::trials;

pub use spans::span;

/// One thing wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What is wrong, and how to mend it.
    pub message: String,
}

/// A place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column, from 1, in characters.
    pub(super) column: usize,
}

/// Where everything stands, in the order of a good policy's own lists.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) rules: Vec<RulePlaces>,
    /// The conditions.
    pub(super) protections: Vec<Position>,
    /// The groups' names.
    pub(super) projects: Vec<Position>,
}

/// Where the parts of a rule stand.
#[derive(Debug)]
pub(super) struct RulePlaces {
    pub(super) when: Position,
    pub(super) stages: Vec<Position>,
}

/// Everything wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// The file's name.
    pub file: String,
    /// In order of their places; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (
            index,
            Problem {
                line,
                column,
                message,
            },
        ) in self.problems.iter().enumerate()
        {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{}:{line}:{column}: {message}", self.file)?;
        }
        Ok(())
    }
}

pub(super) fn parse(file: &str, text: &str) -> Result<(Policy, Places), Problems> {
    let mut places = Places::default();
    let hash = hex(&Sha256::digest(text));
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::new(text);
    let policy = match toml_edit::Document::parse(text) {
        Ok(document) => {
            let root = document.as_table();
            reader.only_keys(
                root,
                "the policy",
                &[
                    "rule",
                    "protect",
                    "project",
                    "partner",
                    "exempt_groups",
                    "expiry",
                    "activity",
                    "limits",
                    "sponsors",
                    "steward",
                ],
            );
            let rules = rules::rules(&mut reader, root, &mut places.rules);
            let sponsoring = sponsoring::sponsoring(&mut reader, root, &rules);
            let expiry = expiry::expiry(&mut reader, root);
            marks::check(&mut reader, root, &expiry);
            Some(Policy {
                hash,
                rules,
                sponsoring,
                protections: rules::protections(&mut reader, root, &mut places.protections),
                projects: tables::projects(&mut reader, root, &mut places.projects),
                partners: tables::partners(&mut reader, root),
                exempt_groups: tables::exempt_groups(&mut reader, root),
                expiry,
                basis: expiry::basis(&mut reader, root),
                limits: limits::limits(&mut reader, root),
            })
        }
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            reader.problem(offset, format!("not TOML: {}", error.message()));
            None
        }
    };
    match (policy, reader.into_problems()) {
        (Some(policy), problems) if problems.is_empty() => Ok((policy, places)),
        (_, problems) => Err(Problems {
            file: file.to_owned(),
            problems,
        }),
    }
}

/// "; did you mean x?", when a known name is near.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let lower = name.to_lowercase();
    let near = known
        .map(|known| (strsim::damerau_levenshtein(&lower, known), known))
        .min();
    match near {
        // A third of the letters may be wrong, and one more; of a very short name, one.
        Some((distance, known)) if distance <= known.len() / 3 + usize::from(known.len() > 3) => {
            format!("; did you mean {known}?")
        }
        Some(_) | None => String::new(),
    }
}

/// The same, or else all the known names.
pub(crate) fn nearest_or_all<'n>(
    name: &str,
    known: impl Iterator<Item = &'n str> + Clone,
) -> String {
    let near = nearest(name, known.clone());
    if near.is_empty() {
        format!("; there are {}", known.collect::<Vec<_>>().join(", "))
    } else {
        near
    }
}
