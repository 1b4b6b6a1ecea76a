//! Answers that no Graph would give: what a broken proxy or somebody who means harm might.

use serde_json::{Value, json};

use super::Call;
use crate::fault::{FaultKind, Hostility};
use crate::reply::{Body, Reply};
use crate::world::World;

/// Made-up guests on a page that never ends.
const ROWS: usize = 500;

/// More than a client should ever read of one answer.
const HUGE: usize = 80 << 20;

/// Far below what a parser should follow.
const DEEP: usize = 100_000;

/// Of one text.
const LONG: usize = 1 << 20;

/// At one guest.
const SPONSORS: usize = 1_000_000;

/// Headers of one answer.
const HEADERS: usize = 1_000;

/// What is answered in place of the request's own answer.
pub(super) fn instead(world: &mut World, call: &Call<'_>) -> Option<Reply> {
    let fault = call.fault(FaultKind::Hostile)?;
    match fault.fault.answer {
        Hostility::Endless => (call.segments == ["users"]).then(|| endless(world, call)),
        Hostility::Huge => Some(Reply::written(" ".repeat(HUGE))),
        Hostility::Deep => {
            let (open, close) = (r#"{"a":"#.repeat(DEEP), "}".repeat(DEEP));
            Some(Reply::written(format!(
                r#"{{"value":[{open}null{close}]}}"#
            )))
        }
        Hostility::Redirect => {
            Some(Reply::empty(302).with("location", "http://stranger.invalid/v1.0/users"))
        }
        Hostility::Headers | Hostility::LongText | Hostility::Nul | Hostility::Sponsors => None,
    }
}

/// What becomes of the request's own answer.
pub(super) fn spoil(call: &Call<'_>, reply: Reply) -> Reply {
    let Some(fault) = call.fault(FaultKind::Hostile) else {
        return reply;
    };
    match fault.fault.answer {
        Hostility::Endless | Hostility::Huge | Hostility::Deep | Hostility::Redirect => reply,
        Hostility::Headers => {
            (0..HEADERS).fold(reply, |reply, _| reply.with("x-flood", "x".repeat(1_000)))
        }
        Hostility::LongText => named(reply, &"x".repeat(LONG)),
        Hostility::Nul => named(reply, "Ann\u{0}Lee"),
        Hostility::Sponsors => sponsored(reply),
    }
}

/// A page of guests whom nobody knows, and a link to another one.
fn endless(world: &mut World, call: &Call<'_>) -> Reply {
    let row = |world: &mut World| {
        let id = world.uuid();
        json!({
            "id": id,
            "userPrincipalName": format!("{}_nowhere.example#EXT#@contoso.example", id.simple()),
            "userType": "Guest",
            "accountEnabled": true,
            "signInActivity": { "lastSignInDateTime": call.now.to_string() },
        })
    };
    let rows: Vec<Value> = (0..ROWS).map(|_| row(world)).collect();
    let token = world.uuid().simple().to_string();
    let next = format!("http://{}/v1.0/users?$skiptoken={token}", call.host);
    Reply::ok(json!({ "value": rows, "@odata.nextLink": next }))
}

fn rows(reply: &mut Reply) -> Option<&mut Vec<Value>> {
    let Body::Json(body) = &mut reply.body else {
        return None;
    };
    body.get_mut("value")?.as_array_mut()
}

/// The first row of a listing under this name.
fn named(mut reply: Reply, name: &str) -> Reply {
    if let Some(row) = rows(&mut reply).and_then(|rows| rows.first_mut())
        && row.get("displayName").is_some()
    {
        row["displayName"] = json!(name);
    }
    reply
}

/// The first row of a listing with far too many sponsors, where it has any.
fn sponsored(mut reply: Reply) -> Reply {
    if let Some(row) = rows(&mut reply).and_then(|rows| rows.first_mut())
        && row.get("sponsors").is_some()
    {
        let sponsor = json!({ "@odata.type": "#microsoft.graph.user", "id": row["id"] });
        row["sponsors"] = json!(vec![sponsor; SPONSORS]);
    }
    reply
}
