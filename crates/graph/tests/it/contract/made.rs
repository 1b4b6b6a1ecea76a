//! A Graph that is made of its types alone.

use std::sync::Arc;

use innkeeper_testschema::{Resource, Schema};
use serde_json::{Map, Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

use super::asked::Asked;
use crate::tenant::guest_id;

/// A Graph that is made of its types.
pub(super) struct Made {
    pub(super) schema: Arc<Schema>,
    /// It refuses whatever it may refuse, so that the client asks in its second way.
    pub(super) stubborn: bool,
}

impl Respond for Made {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = Asked::of(request);
        if request.url.path() != "/v1.0/$batch" {
            let (status, body) = self.answer(&asked[0]);
            return ResponseTemplate::new(status).set_body_json(body);
        }
        let response = |(number, asked): (usize, &Asked)| {
            let (status, body) = self.answer(asked);
            json!({ "id": number.to_string(), "status": status, "body": body })
        };
        let responses: Vec<Value> = asked.iter().enumerate().map(response).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "responses": responses }))
    }
}

impl Made {
    fn answer(&self, asked: &Asked) -> (u16, Value) {
        if let Some(status) = self.refusal(asked) {
            return (status, json!({ "error": { "code": "Refused" } }));
        }
        match (
            asked.method.as_str(),
            self.schema.resource(&asked.segments()),
        ) {
            ("GET", Ok(Resource::Collection(kind))) => {
                (200, json!({ "value": self.rows(&kind, asked) }))
            }
            ("GET", Ok(Resource::Single(kind))) => (200, self.rows(&kind, asked).remove(0)),
            ("GET", Ok(Resource::Count(_))) => (200, json!(7)),
            ("POST", Ok(Resource::Collection(kind))) => {
                let mut made = self.schema.sample(&kind);
                if self.schema.relationship(&kind, "invitedUser").is_some() {
                    let user = self.schema.sample("user");
                    made.insert("invitedUser".to_owned(), Value::Object(user));
                }
                (201, Value::Object(made))
            }
            (_, Ok(_)) => (204, Value::Null),
            (_, Err(_)) => (404, Value::Null),
        }
    }

    fn refusal(&self, asked: &Asked) -> Option<u16> {
        let is = |option: &str, what: &str| {
            asked
                .option(option)
                .is_some_and(|value| value.contains(what))
        };
        let segments = asked.segments();
        if !self.stubborn {
            None
        } else if is("$top", "500") || is("$filter", "id in") && is("$select", "signInActivity") {
            Some(400)
        } else if segments.contains(&"deletedItems")
            || segments == ["users", &guest_id("nobody").to_string()]
        {
            Some(404)
        } else {
            None
        }
    }

    /// One object of each kind that there may be.
    fn rows(&self, kind: &str, asked: &Asked) -> Vec<Value> {
        let selected = asked.option("$select");
        let family = self.schema.family(kind);
        let concrete = family.into_iter().filter(|kind| *kind != "directoryObject");
        let row = |concrete: &str| {
            let mut row: Map<String, Value> = self.schema.sample(concrete);
            if let Some(selected) = &selected {
                row.retain(|name, _| name == "id" || selected.split(',').any(|one| one == name));
            }
            if kind != concrete {
                let name = format!("#microsoft.graph.{concrete}");
                row.insert("@odata.type".to_owned(), name.into());
            }
            let expanded = asked.option("$expand").unwrap_or_default();
            for related in expanded.split(',').filter(|name| !name.is_empty()) {
                let to = self.schema.relationship(concrete, related);
                let to = to.expect("a relationship");
                let one = Value::Object(self.schema.sample(&to.kind));
                let related_to = if to.collection { json!([one]) } else { one };
                row.insert(related.to_owned(), related_to);
            }
            Value::Object(row)
        };
        concrete.map(row).collect()
    }
}
