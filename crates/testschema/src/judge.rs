//! What is wrong with a value.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Property, Schema, members};

/// Who says it. Graph takes enumerations in any case, as its own samples show, but answers them as they are declared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Graph,
    Client,
}

impl Schema {
    /// What is wrong with an object that is served as one of this type. Annotations are passed over, except that one of
    /// the type makes it be judged as that one.
    #[must_use]
    pub fn faults_served(&self, kind: &str, object: &Value) -> Vec<String> {
        let mut judge = Judge::new(self, By::Graph);
        judge.object(kind, object, kind);
        judge.faults
    }

    /// What is wrong with a body that is written to an object of this type.
    #[must_use]
    pub fn faults_written(&self, kind: &str, object: &Value) -> Vec<String> {
        let mut judge = Judge::new(self, By::Client);
        judge.object(kind, object, kind);
        judge.faults
    }

    /// What is wrong with the parameters of an action. Their names are taken in any case.
    #[must_use]
    pub fn faults_of_call(
        &self,
        parameters: &BTreeMap<String, Property>,
        body: &Value,
    ) -> Vec<String> {
        let mut judge = Judge::new(self, By::Client);
        for (name, value) in body.as_object().into_iter().flatten() {
            let mut known = parameters.iter();
            match known.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, parameter)) => judge.value(parameter, None, value, name),
                None => judge.fault(name, "is no parameter"),
            }
        }
        judge.faults
    }
}

struct Judge<'s> {
    schema: &'s Schema,
    by: By,
    faults: Vec<String>,
}

impl<'s> Judge<'s> {
    fn new(schema: &'s Schema, by: By) -> Self {
        Self {
            schema,
            by,
            faults: Vec::new(),
        }
    }

    fn fault(&mut self, at: &str, what: &str) {
        self.faults.push(format!("{at} {what}"));
    }

    fn object(&mut self, kind: &str, object: &Value, at: &str) {
        let Some(properties) = object.as_object() else {
            return self.fault(at, "is no object");
        };
        let declared = properties.get("@odata.type").and_then(Value::as_str);
        let kind = match declared.map(|name| name.trim_start_matches("#microsoft.graph.")) {
            Some(actual) if self.schema.is_a(actual, kind) => actual,
            Some(_) => return self.fault(at, &format!("is no {kind}")),
            None => kind,
        };
        let Some((_, found)) = self.schema.of_type(kind) else {
            return self.fault(at, &format!("has a type that is not known: {kind}"));
        };
        // A bag of whatever a tenant defines.
        if found.open && found.base.is_none() && found.props.is_empty() {
            return;
        }
        self.properties(kind, properties, at);
    }

    fn properties(&mut self, kind: &str, properties: &Map<String, Value>, at: &str) {
        for (name, value) in properties.iter().filter(|(name, _)| !name.contains('@')) {
            let at = format!("{at}/{name}");
            let declared = self
                .schema
                .property(kind, name)
                .or_else(|| self.schema.relationship(kind, name));
            match declared.cloned() {
                Some(property) => self.value(&property, members(kind, name), value, &at),
                None => self.fault(&at, &format!("is no property of {kind}")),
            }
        }
    }

    fn value(&mut self, property: &Property, members: Option<&[&str]>, value: &Value, at: &str) {
        if value.is_null() {
            if !property.nullable {
                self.fault(at, "is null");
            }
            return;
        }
        match (property.collection, value) {
            (true, Value::Array(items)) => {
                for item in items {
                    self.one(&property.kind, members, item, &format!("{at}[]"));
                }
            }
            (true, _) => self.fault(at, "is no list"),
            (false, value) => self.one(&property.kind, members, value, at),
        }
    }

    fn one(&mut self, kind: &str, members: Option<&[&str]>, value: &Value, at: &str) {
        let schema = self.schema;
        if let Some(enumeration) = schema.enum_types.get(kind) {
            let members: Vec<&str> = enumeration.members.keys().map(String::as_str).collect();
            return self.member(&members, value, at);
        }
        let Some(primitive) = kind.strip_prefix("Edm.") else {
            return self.object(kind, value, at);
        };
        if let Some(members) = members {
            return self.member(members, value, at);
        }
        let text = value.as_str();
        let fits = match primitive {
            "Boolean" => value.is_boolean(),
            "Int16" | "Int32" | "Int64" => value.is_i64(),
            "Double" | "Single" | "Decimal" => value.is_number(),
            "Guid" => text.is_some_and(|text| Uuid::try_parse(text).is_ok()),
            "DateTimeOffset" => text.is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok()),
            _ => value.is_string(),
        };
        if !fits {
            self.fault(at, &format!("is no {kind}: {value}"));
        }
    }

    fn member(&mut self, members: &[&str], value: &Value, at: &str) {
        let is = |member: &str, text: &str| match self.by {
            By::Graph => member == text,
            By::Client => member.eq_ignore_ascii_case(text),
        };
        let fits = value
            .as_str()
            .is_some_and(|text| members.iter().any(|member| is(member, text)));
        if !fits {
            self.fault(at, &format!("is none of {members:?}: {value}"));
        }
    }
}
