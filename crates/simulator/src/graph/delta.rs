//! `/users/delta` and `/groups/delta`: what there is, and then what changed.
//!
//! A round begins with a number and ends with a link for the changes after it. While a round is read the directory goes
//! on changing: what changed meanwhile is told as it is now, and told again in the next round.
//!
//! Invariant: no change is left out. That one is told twice is allowed, and can be provoked.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Call, objects};
use crate::fault::FaultKind;
use crate::reply::{Outcome, Reply};
use crate::second::DAY;
use crate::tenant::{DAYS_OF_CHANGES, Directory, GroupIx, GroupKind, UserIx};
use crate::world::World;

/// "At most 50 objects can be filtered by."
const MOST_IDS: usize = 50;
/// The navigation property of groups that is followed.
const MEMBERS: &str = "members";

/// How rounds are cut into pages, and what comes twice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeltaSettings {
    /// Objects on a page.
    pub(crate) page: usize,
    /// Members on a page, of all its groups together.
    pub(crate) members: usize,
    /// The last object of a page comes again on the next one, and the first object of the last page at its end.
    pub(crate) duplicates: bool,
    /// A round begins with the changes of the one before.
    pub(crate) replays: bool,
}

impl Default for DeltaSettings {
    fn default() -> Self {
        Self {
            page: 200,
            members: 1_000,
            duplicates: false,
            replays: false,
        }
    }
}

/// What a token says. The options of the first request are in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Token {
    /// Whose token it is.
    path: String,
    /// Only changes after this one; everything without.
    since: Option<u64>,
    /// Where the round that it was issued in began, replays apart.
    before: Option<u64>,
    /// The last change when this round began.
    until: u64,
    /// When it was issued, or the round began.
    at: i64,
    select: Option<String>,
    filter: Option<String>,
    /// Where the page begins.
    place: u64,
}

/// A page of a round.
struct Page {
    rows: Vec<Map<String, Value>>,
    /// Where the last row is that is not the only one.
    last: Option<u64>,
    next: Option<u64>,
}

impl Token {
    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!(self).to_string())
    }

    fn read(text: &str, path: &str) -> Result<Self, Reply> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        let token = bytes.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        token
            .filter(|token| token.path == path)
            .ok_or_else(|| Reply::malformed("Badly formed token."))
    }

    /// The names of `$select`, or the customary ones.
    fn names<'t>(&'t self, customary: &[&'static str]) -> Vec<&'t str> {
        let mut names = match &self.select {
            Some(text) => text.split(',').map(str::trim).collect(),
            None => customary.to_vec(),
        };
        if !names.contains(&"id") {
            names.push("id");
        }
        names
    }

    fn ids(&self) -> Result<Option<BTreeSet<Uuid>>, Reply> {
        let Some(filter) = &self.filter else {
            return Ok(None);
        };
        let unsupported = || Reply::unsupported("Delta queries can be filtered by id only.");
        let id = |part: &str| {
            let id = part.trim().strip_prefix("id eq '")?.strip_suffix('\'')?;
            Uuid::try_parse(id).ok()
        };
        let ids: Option<BTreeSet<Uuid>> = filter.split(" or ").map(id).collect();
        match ids.ok_or_else(unsupported)? {
            ids if ids.len() > MOST_IDS => Err(Reply::unsupported(format!(
                "At most {MOST_IDS} objects can be filtered by."
            ))),
            ids => Ok(Some(ids)),
        }
    }
}

/// The token of a request, and whether only another one is wanted for it.
fn token(world: &World, call: &Call<'_>) -> Result<(Token, bool), Reply> {
    call.query.only(&["$select", "$filter", "$deltatoken"])?;
    let option = |name: &str| call.query.get(name).map(str::to_owned);
    let until = world.tenant.directory.changes.last();
    let first = Token {
        path: call.path.clone(),
        until,
        at: call.now.unix(),
        select: option("$select"),
        filter: option("$filter"),
        ..Token::default()
    };
    let (text, is_page) = match (option("$skiptoken"), option("$deltatoken").as_deref()) {
        (Some(skip), None) => (skip, true),
        (None, None | Some("")) => return Ok((first, false)),
        (None, Some("latest")) => return Ok((first, true)),
        (None, Some(delta)) => (delta.to_owned(), false),
        (Some(_), Some(_)) => return Err(Reply::malformed("Badly formed token.")),
    };
    if first.select.is_some() || first.filter.is_some() {
        let text = "The options of the first request are in the token and cannot be given again.";
        return Err(Reply::bad_request(text));
    }
    let token = Token::read(&text, &call.path)?;
    if let Some(found) = call.fault(FaultKind::Resync) {
        return Err(resync(call, &token, found.fault.status.unwrap_or(410)));
    }
    if call.now.unix() - token.at > DAYS_OF_CHANGES * DAY {
        return Err(resync(call, &token, 410));
    }
    if is_page {
        return Ok((token, false));
    }
    let replayed = world.delta.replays.then(|| token.before.unwrap_or(0));
    Ok((
        Token {
            since: replayed.or(token.since),
            before: token.since,
            until,
            at: call.now.unix(),
            place: 0,
            ..token
        },
        false,
    ))
}

/// "410 Gone with a Location header": where to begin anew.
fn resync(call: &Call<'_>, token: &Token, status: u16) -> Reply {
    let refusal = Reply::error(
        status,
        "syncStateNotFound",
        "The sync state generation is not found. The delta token is expired and data must be synchronized again.",
    );
    if status != 410 {
        return refusal;
    }
    let mut options = url::form_urlencoded::Serializer::new(String::new());
    options.append_pair("$deltatoken", "");
    for (name, value) in [("$select", &token.select), ("$filter", &token.filter)] {
        if let Some(value) = value {
            options.append_pair(name, value);
        }
    }
    let options = options.finish();
    refusal.with(
        "location",
        format!("http://{}/v1.0/{}?{options}", call.host, call.path),
    )
}

/// A page as an answer: with the link to the next one, or to the changes to come.
fn answer(world: &World, call: &Call<'_>, token: &Token, names: &[&str], page: Page) -> Reply {
    let Page {
        mut rows,
        last,
        mut next,
    } = page;
    if world.delta.duplicates {
        match next {
            Some(_) => next = last.or(next),
            None => rows.extend(rows.first().cloned()),
        }
    }
    if call.fault(FaultKind::EmptyPage).is_some() {
        rows.clear();
        next = Some(token.place);
    }
    let link = |option: &str, token: &Token| {
        let token = token.write();
        json!(format!(
            "http://{}/v1.0/{}?{option}={token}",
            call.host, call.path
        ))
    };
    let set = call.segments[0].as_str();
    let context = match &token.select {
        Some(_) => format!("{set}({})", names.join(",")),
        None => set.to_owned(),
    };
    let mut body =
        json!({ "@odata.context": format!("http://{}/v1.0/$metadata#{context}", call.host) });
    match next {
        Some(place) => {
            let here = Token {
                place,
                ..token.clone()
            };
            body["@odata.nextLink"] = link("$skiptoken", &here);
        }
        None => {
            let done = Token {
                since: Some(token.until),
                at: call.now.unix(),
                place: 0,
                ..token.clone()
            };
            body["@odata.deltaLink"] = link("$deltatoken", &done);
        }
    }
    body["value"] = rows.into();
    Reply::ok(body)
}

const NOTHING: Page = Page {
    rows: Vec::new(),
    last: None,
    next: None,
};

/// What was never set is left out of the first round. Later a property without a value may have lost it.
fn without_nulls(mut row: Map<String, Value>, token: &Token) -> Map<String, Value> {
    if token.since.is_none() {
        row.retain(|_, value| !value.is_null());
    }
    row
}

fn removed(id: Uuid, reason: &str) -> Map<String, Value> {
    let mut row = Map::new();
    row.insert("id".to_owned(), json!(id));
    row.insert("@removed".to_owned(), json!({ "reason": reason }));
    row
}

pub(super) fn users(world: &mut World, call: &Call<'_>) -> Outcome {
    objects::refuse_untracked(call)?;
    call.query.select(objects::USER)?;
    let (token, latest) = token(world, call)?;
    let ids = token.ids()?;
    let names = token.names(objects::DEFAULT_USER);
    let page = match latest {
        true => NOTHING,
        false => page_of_users(world, &token, &names, ids.as_ref()),
    };
    Ok(answer(world, call, &token, &names, page))
}

fn page_of_users(
    world: &World,
    token: &Token,
    names: &[&str],
    ids: Option<&BTreeSet<Uuid>>,
) -> Page {
    let directory = &world.tenant.directory;
    let from = usize::try_from(token.place).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    let mut last = None;
    for (at, user) in directory.users.iter().enumerate().skip(from) {
        let told = match token.since {
            Some(since) => user.changed > since,
            None => !user.purged,
        };
        if !told || ids.is_some_and(|ids| !ids.contains(&user.id)) {
            continue;
        }
        if rows.len() == world.delta.page {
            let next = Some(at as u64);
            return Page { rows, last, next };
        }
        last = (!rows.is_empty()).then_some(at as u64);
        let ix = UserIx::from_index(at);
        rows.push(match (user.purged, user.deleted) {
            (true, _) => removed(user.id, "deleted"),
            (false, Some(_)) => removed(user.id, "changed"),
            (false, None) => without_nulls(objects::user(directory, ix, names, None), token),
        });
    }
    Page {
        rows,
        last,
        next: None,
    }
}

pub(super) fn groups(world: &mut World, call: &Call<'_>) -> Outcome {
    let known: Vec<&str> = [objects::GROUP, &[MEMBERS]].concat();
    call.query.select(&known)?;
    let (token, latest) = token(world, call)?;
    let ids = token.ids()?;
    let mut names = token.names(objects::DEFAULT_GROUP);
    names.retain(|name| *name != MEMBERS);
    let page = match latest {
        true => NOTHING,
        false => page_of_groups(world, &token, &names, ids.as_ref()),
    };
    Ok(answer(world, call, &token, &names, page))
}

/// A page begins at a group and a member of it: the larger half of the place is the group's.
fn page_of_groups(
    world: &World,
    token: &Token,
    names: &[&str],
    ids: Option<&BTreeSet<Uuid>>,
) -> Page {
    let directory = &world.tenant.directory;
    let follows_members = token
        .select
        .as_ref()
        .is_none_or(|select| select.split(',').any(|name| name.trim() == MEMBERS));
    let moves = token
        .since
        .filter(|_| follows_members)
        .map(|since| directory.changes.moves_since(since))
        .unwrap_or_default();
    let place = |group: usize, member: u32| Some(((group as u64) << 32) | u64::from(member));
    let from = usize::try_from(token.place >> 32).unwrap_or(usize::MAX);
    let mut first = UserIx(u32::try_from(token.place & u64::from(u32::MAX)).unwrap_or(u32::MAX));
    let mut room = world.delta.members;
    let mut rows = Vec::new();
    let mut last = None;
    for (at, group) in directory.groups.iter().enumerate().skip(from) {
        let first = std::mem::replace(&mut first, UserIx(0));
        let ix = GroupIx::from_index(at);
        let told = match token.since {
            Some(since) => group.changed > since || moves.contains_key(&ix),
            // Only groups of Microsoft 365 can be restored; others are gone at once.
            None => !group.deleted || group.kind == GroupKind::Microsoft365,
        };
        if !told || ids.is_some_and(|ids| !ids.contains(&group.id)) {
            continue;
        }
        if rows.len() == world.delta.page || room == 0 {
            let next = place(at, first.0);
            return Page { rows, last, next };
        }
        last = place(at, first.0).filter(|_| !rows.is_empty());
        if group.deleted {
            let restorable = group.kind == GroupKind::Microsoft365;
            let reason = if restorable { "changed" } else { "deleted" };
            rows.push(removed(group.id, reason));
            continue;
        }
        let mut row = without_nulls(objects::group(directory, ix, names), token);
        let none = BTreeSet::new();
        let of_round = match token.since {
            _ if !follows_members => &none,
            Some(_) => moves.get(&ix).unwrap_or(&none),
            None => &group.members,
        };
        let mut left = of_round.range(first..).copied();
        let members: Vec<Value> = left
            .by_ref()
            .take(room)
            .map(|member| entry(directory, ix, member))
            .collect();
        room -= members.len();
        if !members.is_empty() {
            row.insert("members@delta".to_owned(), members.into());
        }
        rows.push(row);
        if let Some(member) = left.next() {
            let next = place(at, member.0);
            return Page { rows, last, next };
        }
    }
    Page {
        rows,
        last,
        next: None,
    }
}

/// A member, or one that was: "deleted" says no more than that.
fn entry(directory: &Directory, group: GroupIx, member: UserIx) -> Value {
    let mut entry = json!({
        "@odata.type": "#microsoft.graph.user",
        "id": directory.user(member).id,
    });
    if !directory.group(group).members.contains(&member) {
        entry["@removed"] = json!({ "reason": "deleted" });
    }
    entry
}
