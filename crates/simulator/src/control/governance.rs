//! What a test sets of roles that may be activated, and of access packages.

use serde_json::Value;
use uuid::Uuid;

use crate::dice::Dice;
use crate::second::Second;
use crate::tenant::{GivenPackage, role_named};

/// A list of names of roles.
pub(super) fn roles(value: &Value) -> Result<Vec<usize>, String> {
    let names = value.as_array().ok_or("a list is expected")?;
    let names = names.iter().filter_map(Value::as_str);
    names
        .map(|name| role_named(name).ok_or_else(|| format!("there is no role {name}")))
        .collect()
}

/// A list of `{"name", "ends"?, "ended"?, "governed"?}`; an assignment is known by its package's name, so that it stays
/// the same when it is set again.
pub(super) fn packages(
    holder: Uuid,
    value: &Value,
    now: Second,
) -> Result<Vec<GivenPackage>, String> {
    let list = value.as_array().ok_or("a list is expected")?;
    let time = |given: &Value, key: &str| match given.get(key).and_then(Value::as_str) {
        None => Ok(None),
        Some(text) => chrono::DateTime::parse_from_rfc3339(text)
            .map(|at| Some(Second::of(at.to_utc())))
            .map_err(|_| format!("{key}: a time is expected")),
    };
    let package = |given: &Value| {
        let name = given.get("name").and_then(Value::as_str);
        let name = name.ok_or("name is missing")?;
        let letters = name.bytes().fold(0, |sum: u64, letter| {
            sum.wrapping_mul(31).wrapping_add(letter.into())
        });
        Ok(GivenPackage {
            id: Dice::for_object(holder, letters).uuid(),
            package: name.to_owned(),
            package_id: Dice::of(&[0xacce55, letters]).uuid(),
            began: now,
            ends: time(given, "ends")?,
            ended: time(given, "ended")?,
            governed: given.get("governed").and_then(Value::as_bool) == Some(true),
        })
    };
    list.iter().map(package).collect()
}
