//! Pages of a listing, and links to the next one.
//!
//! Invariant: a page begins at the place of an object, never at a number of rows to skip. What comes or goes while a
//! listing is read makes no other row appear twice or not at all.

use serde_json::{Value, json};

use super::Call;
use crate::reply::Reply;
use crate::world::World;

/// The largest page of the directory.
pub(super) const MOST: usize = 999;
/// A page of the directory unless `$top` says otherwise.
pub(super) const CUSTOMARY: usize = 100;

/// A page, as an answer. `next` is the place at which the next one begins, when there is more.
pub(super) fn page(
    call: &Call<'_>,
    context: &str,
    items: Vec<Value>,
    next: Option<u64>,
    count: Option<usize>,
) -> Reply {
    let host = call.host;
    let mut body = json!({ "@odata.context": format!("http://{host}/v1.0/$metadata#{context}") });
    if let Some(count) = count {
        body["@odata.count"] = json!(count);
    }
    if let Some(place) = next {
        body["@odata.nextLink"] = json!(link(call, place));
    }
    body["value"] = Value::Array(items);
    Reply::ok(body)
}

fn link(call: &Call<'_>, place: u64) -> String {
    let options = call.query.next(&call.path, place, call.now);
    format!("http://{}/v1.0/{}?{options}", call.host, call.path)
}

/// The link by which the same page is had again.
pub(super) fn link_to_itself(call: &Call<'_>) -> String {
    let place = call.query.place(&call.path, call.now, i64::MAX);
    // A token that is not good was refused before.
    link(call, place.ok().flatten().unwrap_or(0))
}

/// Where the page begins; 0 for the first one.
pub(super) fn place(world: &World, call: &Call<'_>) -> Result<u64, Reply> {
    let life = i64::try_from(world.options.page_token_lifetime.as_secs()).unwrap_or(i64::MAX);
    let place = call.query.place(&call.path, call.now, life)?;
    Ok(place.unwrap_or(0))
}

/// One page out of things in the order of their places, and the place of the first one that is left.
pub(super) fn take<T>(
    things: impl Iterator<Item = (u64, T)>,
    from: u64,
    top: usize,
) -> (Vec<T>, Option<u64>) {
    let mut taken = Vec::new();
    for (place, thing) in things.filter(|(place, _)| *place >= from) {
        if taken.len() == top {
            return (taken, Some(place));
        }
        taken.push(thing);
    }
    (taken, None)
}

/// One page out of all of a short list that does not change while it is read.
pub(super) fn slice<T>(all: Vec<T>, from: u64, top: usize) -> (Vec<T>, Option<u64>) {
    take((0..).zip(all), from, top)
}
