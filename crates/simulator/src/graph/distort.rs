//! What faults make of an answer that is right: pages without rows, rows twice or in another order, times written in
//! another way.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Call, listing};
use crate::fault::FaultKind;
use crate::faults::Befalling;
use crate::reply::{Body, Reply};
use crate::world::World;

/// The digits of a fraction, as many as are asked for.
const FRACTION: &str = "1234567";

pub(super) fn distort(world: &mut World, call: &Call<'_>, mut reply: Reply) -> Reply {
    let Body::Json(body) = &mut reply.body else {
        return reply;
    };
    if call.method != "GET" || reply.status != 200 {
        return reply;
    }
    let is_delta = call.segments.last().is_some_and(|last| last == "delta");
    if let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) {
        if let Some(fault) = call.fault(FaultKind::DuplicateRows) {
            repeat(rows, fault);
        }
        if call.fault(FaultKind::ReorderedRows).is_some() {
            world.shuffle(rows);
        }
        // A delta query has links of its own, and sees to it itself.
        if call.fault(FaultKind::EmptyPage).is_some() && !is_delta {
            rows.clear();
            body["@odata.nextLink"] = json!(listing::link_to_itself(call));
        }
    }
    if let Some(fault) = call.fault(FaultKind::Fractions) {
        let digits = usize::from(fault.fault.digits.unwrap_or(7)).min(FRACTION.len());
        write_fractions(body, &FRACTION[..digits]);
    }
    reply
}

fn repeat(rows: &mut Vec<Value>, fault: &Befalling) {
    let is_hit = |row: &Value| {
        let id = row["id"].as_str().and_then(|id| Uuid::try_parse(id).ok());
        id.is_some_and(|id| fault.hits(id))
    };
    let twice = |row: Value| match is_hit(&row) {
        true => vec![row.clone(), row],
        false => vec![row],
    };
    *rows = std::mem::take(rows).into_iter().flat_map(twice).collect();
}

/// Gives every time of a year that counts this fraction of a second.
fn write_fractions(value: &mut Value, fraction: &str) {
    match value {
        Value::Array(items) => {
            for item in items {
                write_fractions(item, fraction);
            }
        }
        Value::Object(properties) => {
            for (name, property) in properties {
                match property.as_str().and_then(|text| text.strip_suffix('Z')) {
                    Some(time) if name.ends_with("DateTime") && !time.starts_with("0001") => {
                        let whole = time.split('.').next().unwrap_or_default();
                        *property = match fraction {
                            "" => json!(format!("{whole}Z")),
                            fraction => json!(format!("{whole}.{fraction}Z")),
                        };
                    }
                    _ => write_fractions(property, fraction),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
