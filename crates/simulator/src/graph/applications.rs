//! `GET /applications(appId='{id}')`: the application itself, with its client secrets, but for their texts. Certificates
//! are not served.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::Call;
use crate::dice::Dice;
use crate::reply::{Outcome, Reply};
use crate::world::World;

/// "Contains the first three characters of the password."
const HINT: usize = 3;

/// What is served without `$select`, and can be selected.
const PROPERTIES: [&str; 4] = ["id", "appId", "displayName", "passwordCredentials"];

/// A client secret of the application, as it is registered.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisteredSecret {
    /// How it begins; left out, as the one that is accepted. `null`: Entra does not tell.
    #[serde(default, deserialize_with = "given")]
    hint: Option<Option<String>>,
    ends: DateTime<Utc>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The key of an address such as `applications(appId='..')`.
pub(super) fn key(segment: &str) -> Option<&str> {
    segment
        .strip_prefix("applications(appId='")?
        .strip_suffix("')")
}

pub(super) fn get(world: &World, call: &Call<'_>, own: &str) -> Outcome {
    let id = key(own).unwrap_or_default();
    call.query.only(&["$select"])?;
    let options = &world.options;
    if !id.eq_ignore_ascii_case(&options.client_id.to_string()) {
        return Err(Reply::error(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        ));
    }
    let selected: Vec<&str> = match call.query.get("$select") {
        Some(selected) => selected.split(',').map(str::trim).collect(),
        None => PROPERTIES.to_vec(),
    };
    let secrets: Vec<Value> = world
        .credentials
        .secrets
        .iter()
        .enumerate()
        .map(|(number, secret)| secret_row(world, number, secret))
        .collect();
    let mut dice = Dice::for_object(options.client_id, 0x0a99);
    let mut body = json!({});
    for name in selected {
        body[name] = match name {
            "id" => json!(dice.uuid()),
            "appId" => json!(options.client_id),
            "displayName" => json!("Innkeeper"),
            "passwordCredentials" => json!(secrets),
            other => {
                return Err(Reply::bad_request(format!(
                    "Could not find a property named '{other}' on type 'microsoft.graph.application'."
                )));
            }
        };
    }
    Ok(Reply::ok(body))
}

fn secret_row(world: &World, number: usize, secret: &RegisteredSecret) -> Value {
    let RegisteredSecret { hint, ends } = secret;
    let accepted = || {
        let begins = world.options.client_secret.chars().take(HINT);
        Some(begins.collect::<String>())
    };
    let mut dice = Dice::for_object(world.options.client_id, number as u64);
    json!({
        "customKeyIdentifier": null,
        "displayName": format!("secret {}", number + 1),
        "endDateTime": ends.to_rfc3339_opts(SecondsFormat::Secs, true),
        "hint": hint.clone().unwrap_or_else(accepted),
        "keyId": dice.uuid(),
        "secretText": null,
        "startDateTime": "2025-01-01T00:00:00Z",
    })
}
