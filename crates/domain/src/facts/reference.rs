//! The reference page of the facts, `docs/facts.md`: made from the table of names, so that it cannot lag behind.

use std::fmt::Write;

use super::{FactName, Kind};
use crate::policy::fields;

const HEAD: &str = "\
# The facts

What a condition of a [policy](policy.md) can ask about a guest. This page is generated: write it anew with
`innkeeper policy facts --markdown > docs/facts.md`.

A fact that is absent is unknown, and whatever depends on it is unknown too; see
[Unknown](policy.md#unknown). Days are whole days of 24 hours; those of projects are calendar days in UTC.
";

impl FactName {
    /// What its number counts; `None` for a fact that is no number.
    #[must_use]
    pub fn unit(self) -> Option<&'static str> {
        match self.kind() {
            Kind::Int if self.as_str().ends_with("_days") => Some("days"),
            Kind::Int => Some("count"),
            Kind::Bool
            | Kind::String
            | Kind::Strings
            | Kind::Sponsors
            | Kind::Projects
            | Kind::AppRoles
            | Kind::Packages => None,
        }
    }
}

/// The page, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n| fact | type | meaning |\n|---|---|---|\n");
    for fact in FactName::ALL {
        let kind = kind(*fact);
        let meaning = cell(fact.meaning());
        line(
            &mut page,
            &format!("| [`guest.{fact}`](#guest{fact}) | {kind} | {meaning} |"),
        );
    }
    for fact in FactName::ALL {
        section(&mut page, *fact);
    }
    page
}

fn section(page: &mut String, fact: FactName) {
    line(page, &format!("\n## guest.{fact}\n\n{}\n", fact.meaning()));
    line(page, &format!("- **Type:** {}", kind(fact)));
    line(page, &format!("- **Source:** {}", fact.source()));
    line(page, &format!("- **Absent when:** {}", fact.absent_when()));
    let fields = fields(fact.kind());
    if !fields.is_empty() {
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(name, kind)| format!("`{name}` ({kind})"))
            .collect();
        line(
            page,
            &format!("- **Fields of each:** {}", fields.join(", ")),
        );
    }
}

fn kind(fact: FactName) -> String {
    match fact.unit() {
        Some(unit) => format!("{}, {unit}", fact.kind().as_str()),
        None => fact.kind().as_str().to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(page: &mut String, text: &str) {
    // Writing to a text cannot fail.
    let _ = writeln!(page, "{text}");
}
