//! The attributes of a user that others than Graph may give a meaning.

use std::collections::BTreeMap;

use innkeeper_domain::mark::{Extension, MarkAttribute};
use serde::Deserialize;
use serde_json::Value;

/// A user with its attributes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extended {
    /// `true` is mastered on-premises, `false` once was.
    on_premises_sync_enabled: Option<bool>,
    on_premises_extension_attributes: Option<BTreeMap<String, Value>>,
}

impl Extended {
    /// An attribute that is not told, or told as something else than a text, is left out: it is not known to be free.
    pub(crate) fn extension(self) -> Extension {
        let told = self.on_premises_extension_attributes.unwrap_or_default();
        let value = |attribute: MarkAttribute| match told.get(&attribute.to_string()) {
            Some(Value::Null) => Some((attribute, None)),
            Some(Value::String(text)) => Some((attribute, Some(text.clone()))),
            Some(_) | None => None,
        };
        Extension {
            values: MarkAttribute::all().filter_map(value).collect(),
            is_mastered_elsewhere: self.on_premises_sync_enabled.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use innkeeper_domain::mark::{Mark, Sight};
    use serde_json::json;

    use super::*;

    fn sight(user: Value) -> Sight {
        let read: Extended = serde_json::from_value(user).expect("a user");
        let mark = Mark {
            attribute: MarkAttribute::parse("extensionAttribute7").expect("an attribute"),
            value: "leaving".to_owned(),
        };
        mark.sight(&read.extension())
    }

    #[test]
    fn what_is_not_told_is_never_taken_for_free() {
        let with = |attributes: Value| json!({ "onPremisesExtensionAttributes": attributes });
        for (user, expected) in [
            (json!({}), Sight::Unknown),
            (with(Value::Null), Sight::Unknown),
            (with(json!({})), Sight::Unknown),
            (with(json!({ "extensionAttribute7": 7 })), Sight::Unknown),
            (with(json!({ "extensionAttribute7": null })), Sight::Free),
            (
                with(json!({ "extensionAttribute7": "leaving" })),
                Sight::Written,
            ),
            (
                with(json!({ "extensionAttribute7": "other" })),
                Sight::Foreign,
            ),
        ] {
            assert_eq!(sight(user.clone()), expected, "{user}");
        }
        for was in [true, false] {
            let mut user = with(json!({ "extensionAttribute7": null }));
            user["onPremisesSyncEnabled"] = json!(was);
            assert_eq!(sight(user), Sight::Mastered);
        }
    }
}
