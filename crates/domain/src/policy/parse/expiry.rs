//! `[expiry]` and `[activity]`.

use chrono::TimeDelta;
use toml_edit::{Item, TableLike};

use super::nearest_or_all;
use super::reader::{Place, Reader, start};
use crate::policy::{Basis, DateAttribute, Expiry, LEAVE};

pub(super) fn expiry(reader: &mut Reader<'_>, root: &dyn TableLike) -> Expiry {
    let what = "[expiry]";
    let Some(place) = table(reader, root, "expiry") else {
        return Expiry::default();
    };
    reader.only_keys(
        place.table,
        what,
        &["attribute", "format", "access_packages", "max_stay"],
    );
    let max_stay = reader.span(place.table, "max_stay", what);
    if max_stay.is_some_and(|stay| stay < TimeDelta::days(1)) {
        reader.problem(
            start(place.get("max_stay").and_then(Item::span)),
            "[expiry]: max_stay is at least a day",
        );
    }
    Expiry {
        attribute: attribute(reader, place, what),
        access_packages: reader.flag(place, "access_packages", what),
        max_stay,
    }
}

fn attribute(reader: &mut Reader<'_>, place: Place<'_>, what: &str) -> Option<DateAttribute> {
    let format = match place.get("format") {
        None => None,
        Some(_) => reader.text(place, "format", what),
    };
    if let Some((format, at)) = &format
        && !DateAttribute::is_good_format(format)
    {
        reader.problem(
            *at,
            format!("{what}: by the format {format:?} no day can be written and read again; write such as \"%Y-%m-%d\" or \"%d.%m.%Y\""),
        );
    }
    if place.get("attribute").is_none() {
        if let Some((_, at)) = format {
            reader.problem(
                at,
                format!("{what}: format without attribute means nothing"),
            );
        }
        return None;
    }
    let (name, at) = reader.text(place, "attribute", what)?;
    let names = DateAttribute::names();
    if !names.contains(&name) {
        let hint = nearest_or_all(&name, names.iter().map(String::as_str));
        reader.problem(at, format!("{what}: there is no attribute {name:?}{hint}"));
        return None;
    }
    if let Some((_, at)) = format.as_ref().filter(|_| name == LEAVE) {
        reader.problem(
            *at,
            format!("{what}: {LEAVE} is a time as Graph writes it; it has no format"),
        );
    }
    let format = format.map_or_else(|| DateAttribute::FORMAT.to_owned(), |(format, _)| format);
    Some(DateAttribute { name, format })
}

pub(super) fn basis(reader: &mut Reader<'_>, root: &dyn TableLike) -> Basis {
    let Some(place) = table(reader, root, "activity") else {
        return Basis::default();
    };
    reader.only_keys(place.table, "[activity]", &["basis"]);
    let Some((word, at)) = reader.text(place, "basis", "[activity]") else {
        return Basis::default();
    };
    let known = Basis::ALL.into_iter().find(|basis| basis.as_str() == word);
    known.unwrap_or_else(|| {
        let hint = nearest_or_all(&word, Basis::ALL.into_iter().map(Basis::as_str));
        reader.problem(at, format!("[activity]: there is no basis {word:?}{hint}"));
        Basis::default()
    })
}

/// A table that is there at most once.
fn table<'d>(reader: &mut Reader<'_>, root: &'d dyn TableLike, name: &str) -> Option<Place<'d>> {
    let item = root.get(name)?;
    let at = start(item.span());
    let table = item.as_table_like();
    if table.is_none() {
        reader.problem(
            at,
            format!("[{name}] is a table, with one pair of brackets"),
        );
    }
    table.map(|table| Place { table, at })
}
