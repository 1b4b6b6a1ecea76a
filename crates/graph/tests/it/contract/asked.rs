//! A request as it came, and what is wrong with it.

use innkeeper_testschema::{Resource, Schema};
use serde_json::{Value, json};
use url::Url;
use wiremock::Request;

/// A request, whether it came by itself or in a batch.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) body: Value,
}

impl Asked {
    /// What came, and what came in it.
    pub(super) fn of(request: &Request) -> Vec<Self> {
        let asked = Self {
            method: request.method.to_string(),
            url: request.url.clone(),
            body: serde_json::from_slice(&request.body).unwrap_or_default(),
        };
        let items = asked.body["requests"].as_array().cloned();
        let item = |item: Value| Self {
            method: item["method"].as_str().expect("a method").to_owned(),
            url: asked
                .url
                .join(&format!("/v1.0{}", item["url"].as_str().expect("a path")))
                .expect("an address"),
            body: item["body"].clone(),
        };
        match items {
            Some(items) => items.into_iter().map(item).collect(),
            None => vec![asked],
        }
    }

    pub(super) fn segments(&self) -> Vec<&str> {
        let below = self.url.path().strip_prefix("/v1.0/");
        below.expect("it is below the version").split('/').collect()
    }

    pub(super) fn option(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        let (_, value) = pairs.find(|(option, _)| option == name)?;
        Some(value.into_owned())
    }

    /// What is wrong with it.
    pub(super) fn faults(&self, schema: &Schema) -> Vec<String> {
        let resource = match schema.resource(&self.segments()) {
            Ok(resource) => resource,
            Err(unknown) => return vec![format!("there is no {unknown}")],
        };
        let mut faults = self.faults_of_body(schema, &resource);
        for (name, value) in self.url.query_pairs() {
            let kind = match &resource {
                Resource::Collection(kind) | Resource::Single(kind) | Resource::Count(kind) => kind,
                Resource::Action(_) | Resource::Reference => "nothing",
            };
            faults.extend(faults_of_option(schema, kind, &name, &value));
        }
        faults
    }

    fn faults_of_body(&self, schema: &Schema, resource: &Resource) -> Vec<String> {
        match (self.method.as_str(), resource) {
            ("PATCH", Resource::Single(kind)) => schema.faults_written(kind, &self.body),
            // No user and no group is ever made.
            ("POST", Resource::Collection(kind))
                if matches!(kind.as_str(), "invitation" | "appRoleAssignment") =>
            {
                schema.faults_written(kind, &self.body)
            }
            ("POST", Resource::Action(parameters)) => schema.faults_of_call(parameters, &self.body),
            // A reference is made by the address of an object, and by nothing else: one more in a collection, or the only
            // one that there is in place of another.
            ("POST" | "PUT", Resource::Reference)
                if (self.method == "PUT") == self.segments().contains(&"manager")
                    && self.body.as_object().is_some_and(|body| body.len() == 1)
                    && self.body["@odata.id"]
                        .as_str()
                        .is_some_and(|id| id.contains("/v1.0/directoryObjects/")) =>
            {
                Vec::new()
            }
            ("GET", Resource::Collection(_) | Resource::Single(_) | Resource::Count(_))
            | ("DELETE", Resource::Single(_) | Resource::Reference)
                if self.body.is_null() =>
            {
                Vec::new()
            }
            (method, resource) => vec![format!("{method} {resource:?} {}", self.body)],
        }
    }
}

fn faults_of_option(schema: &Schema, kind: &str, name: &str, value: &str) -> Vec<String> {
    let among = |known: &dyn Fn(&str) -> bool| {
        let unknown = value.split(',').filter(|name| !known(name));
        unknown
            .map(|unknown| format!("{kind} has no {unknown}"))
            .collect()
    };
    match name {
        // A delta query selects the members of groups, a relationship, to follow them.
        "$select" => among(&|name| {
            schema.selectable(kind, name).is_some()
                || name == "members" && schema.relationship(kind, name).is_some()
        }),
        "$expand" => among(&|name| schema.relationship(kind, name).is_some()),
        "$filter" => faults_of_filter(schema, kind, value),
        "$top" if value.parse().is_ok_and(|top| (1..=999).contains(&top)) => Vec::new(),
        // "Start from now": an option of delta queries, and of nothing else.
        "$deltatoken" if value == "latest" => Vec::new(),
        _ => vec![format!("{name} is not known with {value}")],
    }
}

/// Of a filter that compares properties with texts and truth values. Each comparison is judged as if the value were
/// written to the property.
fn faults_of_filter(schema: &Schema, kind: &str, filter: &str) -> Vec<String> {
    let mut property = "";
    let mut faults = Vec::new();
    // What stands between quotation marks comes second of each two.
    for (number, part) in filter.split('\'').enumerate() {
        let literals = match number % 2 {
            0 => {
                let words = part.split([' ', '(', ')', ',']);
                let mut truths = Vec::new();
                for word in words {
                    match word {
                        "" | "eq" | "in" | "and" | "or" => {}
                        "true" | "false" => truths.push(json!(word == "true")),
                        name => property = name,
                    }
                }
                truths
            }
            _ => vec![json!(part)],
        };
        for literal in literals {
            let (kind, property) = led_to(schema, kind, property);
            faults.extend(schema.faults_written(&kind, &json!({ property: literal })));
        }
    }
    faults
}

/// The type and the property that a path such as `target/objectid` leads to. Graph's own pages spell some of them in
/// lower case.
fn led_to(schema: &Schema, kind: &str, path: &str) -> (String, String) {
    let Some((first, rest)) = path.split_once('/') else {
        return (kind.to_owned(), path.to_owned());
    };
    let Some(related) = schema.relationship(kind, first) else {
        return (kind.to_owned(), path.to_owned());
    };
    let properties = schema.properties(&related.kind);
    let spelled = properties
        .keys()
        .find(|name| name.eq_ignore_ascii_case(rest));
    let spelled = spelled.map_or(rest, |name| *name).to_owned();
    (related.kind.clone(), spelled)
}
