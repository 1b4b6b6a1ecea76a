//! Pages of a listing: a slice from a position on, and a link to the next one.

use serde_json::{Value, json};

use super::Call;
use crate::reply::Reply;
use crate::world::World;

/// A page, as an answer. `next` is the position after it, when there is more.
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
    if let Some(position) = next {
        body["@odata.nextLink"] = json!(format!(
            "http://{host}/v1.0/{}?{}",
            call.path,
            call.query.next(position, call.now)
        ));
    }
    body["value"] = Value::Array(items);
    Reply::ok(body)
}

/// Where the page begins.
pub(super) fn position(world: &World, call: &Call<'_>) -> Result<u64, Reply> {
    let life = i64::try_from(world.options.page_token_lifetime.as_secs()).unwrap_or(i64::MAX);
    call.query.position(call.now, life)
}

/// The items of one page out of all of a short list.
pub(super) fn slice<T>(all: Vec<T>, position: u64, top: usize) -> (Vec<T>, Option<u64>) {
    let from = usize::try_from(position).unwrap_or(usize::MAX);
    let total = all.len();
    let items: Vec<T> = all.into_iter().skip(from).take(top).collect();
    let after = from.saturating_add(items.len());
    (items, (after < total).then_some(after as u64))
}
