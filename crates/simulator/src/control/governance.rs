//! What a test sets of roles that may be activated, of access packages, and of access reviews.

use serde_json::{Value, json};
use uuid::Uuid;

use super::refuse;
use crate::dice::Dice;
use crate::reply::Reply;
use crate::second::Second;
use crate::tenant::{GivenPackage, Review, UserIx, role_named};
use crate::world::World;

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

/// A list of `{"name", "guests", "status"?, "acts"?}` in place of those before; a review is known by its name.
pub(super) fn set_reviews(world: &mut World, body: &Value) -> Reply {
    let Some(list) = body.get("reviews").and_then(Value::as_array) else {
        return refuse("reviews is missing");
    };
    let reviews: Result<Vec<Review>, String> = list.iter().map(|one| review(world, one)).collect();
    match reviews {
        Ok(reviews) => {
            world.tenant.reviews = reviews;
            Reply::ok(json!({}))
        }
        Err(error) => refuse(&error),
    }
}

fn review(world: &World, given: &Value) -> Result<Review, String> {
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let name = text("name").ok_or("name is missing")?;
    let guests = given.get("guests").and_then(Value::as_array);
    let guests = guests.ok_or("guests is missing")?.iter();
    let guest = |id: &Value| {
        let id = id.as_str().and_then(|id| Uuid::try_parse(id).ok());
        let found = id.and_then(|id| world.tenant.directory.user_by_id(id));
        found.ok_or_else(|| "there is no such user".to_owned())
    };
    let reviewed: Vec<UserIx> = guests.map(guest).collect::<Result<_, _>>()?;
    let letters = name.bytes().fold(0, |sum: u64, letter| {
        sum.wrapping_mul(31).wrapping_add(letter.into())
    });
    Ok(Review {
        id: Dice::of(&[0x4e1e, letters]).uuid(),
        run: Dice::of(&[0x4e1f, letters]).uuid(),
        name: name.to_owned(),
        status: text("status").unwrap_or("InProgress").to_owned(),
        acts: given.get("acts").and_then(Value::as_bool) != Some(false),
        began: world.clock.second(),
        reviewed,
    })
}
