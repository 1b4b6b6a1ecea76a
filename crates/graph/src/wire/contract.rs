//! What is read, against Graph's own types. Where those are absent a test says so and passes.

use std::collections::BTreeSet;

use innkeeper_testschema::{Property, Schema};
use serde::Deserializer;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::*;

/// A type of this module, and what of Graph's it reads.
struct Read {
    kinds: &'static [&'static str],
    fields: &'static [&'static str],
    decode: fn(Value) -> Result<(), serde_json::Error>,
}

/// Every type of this module that reads an object.
fn all() -> [Read; 36] {
    [
        read::<User>(&["user"]),
        read::<Identity>(&["objectIdentity"]),
        read::<SignInActivity>(&["signInActivity"]),
        read::<Sponsored>(&["user"]),
        read::<DirectoryObject>(&["user", "group", "directoryRole"]),
        read::<WireGroup>(&["group"]),
        read::<RoleAssignment>(&[
            "unifiedRoleAssignment",
            "unifiedRoleEligibilityScheduleInstance",
        ]),
        read::<access::PackageAssignment>(&["accessPackageAssignment"]),
        read::<access::Schedule>(&["entitlementManagementSchedule"]),
        read::<access::Expiration>(&["expirationPattern"]),
        read::<access::Subject>(&["accessPackageSubject"]),
        read::<access::Package>(&["accessPackage"]),
        read::<access::HeldAssignment>(&["appRoleAssignment"]),
        read::<access::RolesOfApplication>(&["servicePrincipal"]),
        read::<access::DefinedRole>(&["appRole"]),
        read::<access::MemberOf>(&["group"]),
        read::<reviews::ReviewDefinition>(&["accessReviewScheduleDefinition"]),
        read::<reviews::ReviewSettings>(&["accessReviewScheduleSettings"]),
        read::<reviews::ReviewInstance>(&["accessReviewInstance"]),
        read::<reviews::ReviewDecision>(&["accessReviewInstanceDecisionItem"]),
        read::<reviews::ReviewedIdentity>(&["identity"]),
        read::<WireOrganization>(&["organization"]),
        read::<AssignedPlan>(&["assignedPlan"]),
        read::<AppRoleAssignment>(&["appRoleAssignment"]),
        read::<extension::Extended>(&["user"]),
        read::<Licensed>(&["user"]),
        read::<AssignedLicense>(&["assignedLicense"]),
        read::<application::OwnApplication>(&["application"]),
        read::<application::PasswordCredential>(&["passwordCredential"]),
        read::<SignIn>(&["signIn"]),
        read::<SignInStatus>(&["signInStatus"]),
        read::<DirectoryAudit>(&["directoryAudit"]),
        read::<audit::Initiator>(&["auditActivityInitiator"]),
        read::<audit::UserIdentity>(&["userIdentity"]),
        read::<audit::AppIdentity>(&["appIdentity"]),
        read::<audit::Target>(&["targetResource"]),
    ]
}

fn read<T: DeserializeOwned>(kinds: &'static [&'static str]) -> Read {
    Read {
        kinds,
        fields: fields::<T>(),
        decode: |value| serde_json::from_value::<T>(value).map(|_| ()),
    }
}

/// The properties that a type asks its deserializer for.
fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut asked: &[&str] = &[];
    // It is given nothing, so that it always fails.
    let _ = T::deserialize(Ask(&mut asked));
    asked
}

struct Ask<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Ask<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("it is no object"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("there is nothing"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct
        seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl Read {
    /// The properties, without annotations.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.fields
            .iter()
            .copied()
            .filter(|name| !name.contains('@'))
    }

    fn assert_decodes(&self, object: &Map<String, Value>, how: &str) {
        let decoded = (self.decode)(object.clone().into());
        decoded.unwrap_or_else(|error| panic!("{:?}, {how}: {error}", self.kinds));
    }
}

fn declared<'s>(schema: &'s Schema, kind: &str, name: &str) -> Option<&'s Property> {
    schema
        .property(kind, name)
        .or_else(|| schema.relationship(kind, name))
}

/// An object with everything that its type has of these.
fn whole(schema: &Schema, kind: &str, read: &Read) -> Map<String, Value> {
    let mut object = schema.sample(kind);
    for name in read.names() {
        if let Some(related) = schema.relationship(kind, name) {
            let one = Value::Object(schema.sample(&related.kind));
            let related = match related.collection {
                true => vec![one].into(),
                false => one,
            };
            object.insert(name.to_owned(), related);
        }
    }
    object
}

#[test]
fn no_type_is_forgotten() {
    let texts = [
        include_str!("../wire.rs"),
        include_str!("access.rs"),
        include_str!("application.rs"),
        include_str!("audit.rs"),
        include_str!("extension.rs"),
        include_str!("reviews.rs"),
    ];
    let derives = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| line.starts_with("#[derive(") && line.contains("Deserialize"));
    // The page is no object of Graph's; nor is what a delta query puts around a user, a group or a member, which has an
    // id and annotations besides; and the words of two of a user's properties are none.
    assert_eq!(derives.count(), all().len() + 1 + 3 + 2);
    assert!(all().iter().all(|read| !read.fields.is_empty()));
}

#[test]
fn what_is_selected_is_what_is_read() {
    let set = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    };
    let extras = Extras {
        attribute: Some("extensionAttribute1".to_owned()),
        identities: true,
    };
    let selections = [
        (
            format!("{},employeeLeaveDateTime", guest_with_sign_ins(&extras)),
            fields::<User>(),
        ),
        (GROUP.to_owned(), fields::<WireGroup>()),
    ];
    for (selected, fields) in selections {
        let selected: Vec<&str> = selected.split(',').collect();
        assert_eq!(set(&selected), set(fields));
    }
}

#[test]
fn every_property_that_is_read_is_one_of_graph() {
    let Some(schema) = Schema::load() else { return };
    for read in all() {
        for name in read.names() {
            let mut kinds = read.kinds.iter();
            assert!(
                kinds.any(|kind| declared(&schema, kind, name).is_some()),
                "{name} of {:?}",
                read.kinds
            );
        }
    }
}

#[test]
fn what_graph_declares_is_read_filled_null_or_absent() {
    let Some(schema) = Schema::load() else { return };
    for read in all() {
        for kind in read.kinds {
            let whole = whole(&schema, kind, &read);
            read.assert_decodes(&whole, "filled");
            let mut empty = whole.clone();
            for name in read.names() {
                let Some(property) = declared(&schema, kind, name) else {
                    continue;
                };
                // What is not selected is left out, even where it may not be null.
                let mut object = whole.clone();
                object.remove(name);
                if name != "id" {
                    read.assert_decodes(&object, &format!("without {name}"));
                }
                if property.nullable {
                    object.insert(name.to_owned(), Value::Null);
                    read.assert_decodes(&object, &format!("{name} is null"));
                    empty.insert(name.to_owned(), Value::Null);
                }
            }
            read.assert_decodes(&empty, "everything is null");
        }
    }
}
