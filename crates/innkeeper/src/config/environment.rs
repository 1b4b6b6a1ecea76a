//! Environment variables: `INNKEEPER__DATABASE__URL` sets `database.url`, and
//! `INNKEEPER__TENANTS__CONTOSO__MODE` the `mode` of the tenant named contoso.
//!
//! A tenant goes by its name, because a number would follow the order of the file. A variable that sets nothing is an
//! error: it was meant to.

use serde_json::Value;

use super::error::{Place, Problem};
use super::keys::{self, KEYS, Kind};
use super::path::KeyPath;

const PREFIX: &str = "INNKEEPER__";

/// What a variable sets.
pub(super) struct Setting {
    pub(super) key: KeyPath,
    pub(super) variable: String,
    pub(super) value: config::Value,
}

/// Reads those meant for Innkeeper; `file` is what they are laid over.
pub(super) fn read(
    env: impl Iterator<Item = (String, String)>,
    file: &Value,
) -> (Vec<Setting>, Vec<Problem>) {
    let mut settings = Vec::new();
    let mut problems = Vec::new();
    for (variable, text) in env {
        let Some(rest) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        match setting(rest, &text, file) {
            Ok((key, value)) => settings.push(Setting {
                key,
                variable,
                value,
            }),
            Err(message) => problems.push(Problem {
                place: Place::Variable { name: variable },
                key: KeyPath::default(),
                message,
            }),
        }
    }
    (settings, problems)
}

fn setting(rest: &str, text: &str, file: &Value) -> Result<(KeyPath, config::Value), String> {
    let names: Vec<_> = rest.split("__").map(str::to_ascii_lowercase).collect();
    let (key, place) = match names.as_slice() {
        [tenants, tenant, of_tenant @ ..] if tenants == "tenants" && !of_tenant.is_empty() => {
            let of_tenants = KeyPath::default().name(tenants);
            let key = of_tenant.iter().fold(of_tenants.clone(), KeyPath::name);
            let index = find_tenant(tenant, file)?;
            let place = of_tenant
                .iter()
                .fold(of_tenants.entry(index), KeyPath::name);
            (key, place)
        }
        names => {
            let key = names.iter().fold(KeyPath::default(), KeyPath::name);
            (key.clone(), key)
        }
    };
    let known = keys::key(&key).filter(|key| key.variable().is_some());
    let Some(known) = known else {
        let variables: Vec<_> = KEYS.iter().filter_map(keys::Key::variable).collect();
        let mut names = names;
        if let [first, tenant, ..] = names.as_mut_slice()
            && first == "tenants"
        {
            "<NAME>".clone_into(tenant);
        }
        let written = format!("{PREFIX}{}", names.join("__"));
        let near = keys::nearest(&written, variables.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(format!("there is no such key{near}"));
    };
    let value = match known.kind {
        Kind::Text | Kind::Table | Kind::Tables => text.into(),
        Kind::Number => match text.trim().parse::<u32>() {
            Ok(number) => number.into(),
            Err(_) => return Err(format!("{} must be a whole number", known.path)),
        },
        Kind::Texts => {
            let entries = text.split(',').map(str::trim);
            let entries = entries.filter(|entry| !entry.is_empty());
            entries.map(str::to_owned).collect::<Vec<_>>().into()
        }
    };
    Ok((place, value))
}

/// Which of the file's tenants a variable means.
fn find_tenant(folded: &str, file: &Value) -> Result<usize, String> {
    let tenants = file["tenants"].as_array().map_or(&[][..], Vec::as_slice);
    let names: Vec<_> = tenants
        .iter()
        .map(|tenant| fold(tenant["name"].as_str().unwrap_or_default()))
        .collect();
    names.iter().position(|name| name == folded).ok_or_else(|| {
        let near = keys::nearest(folded, names.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| {
            format!("; did you mean {}?", near.to_ascii_uppercase())
        });
        format!("the configuration has no tenant of that name{near}")
    })
}

/// A tenant's name as it is spelt in a variable, in lower case.
pub(super) fn fold(name: &str) -> String {
    let letter = |letter: char| match letter {
        'a'..='z' | '0'..='9' => letter,
        'A'..='Z' => letter.to_ascii_lowercase(),
        _ => '_',
    };
    name.chars().map(letter).collect()
}
