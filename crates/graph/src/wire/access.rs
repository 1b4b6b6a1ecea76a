//! What Graph sends of what was given to a guest (`accessPackageAssignment`, `unifiedRoleEligibilityScheduleInstance`,
//! `appRoleAssignment`, and the groups of `memberOf`).

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::access::{Assignment, DEFAULT_ROLE, HeldRole};
use innkeeper_domain::ids::GuestId;
use serde::Deserialize;
use uuid::Uuid;

use super::Moment;

/// An assignment of an access package.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PackageAssignment {
    pub(crate) id: Uuid,
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) expired_date_time: Moment,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) target: Option<Subject>,
    pub(crate) access_package: Option<Package>,
}

/// When it begins and ends (`entitlementManagementSchedule`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Schedule {
    #[serde(default)]
    pub(crate) start_date_time: Moment,
    pub(crate) expiration: Option<Expiration>,
}

/// When it ends (`expirationPattern`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Expiration {
    #[serde(default)]
    pub(crate) end_date_time: Moment,
    /// ISO 8601, such as `P365D` or `PT12H`.
    pub(crate) duration: Option<String>,
}

/// To whom it is given (`accessPackageSubject`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subject {
    /// A user's id in most cases, but declared as any text.
    pub(crate) object_id: Option<String>,
    pub(crate) subject_lifecycle: Option<String>,
}

/// What is given (`accessPackage`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Package {
    pub(crate) display_name: Option<String>,
}

/// A role in an application, held by the user or one of its groups.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldAssignment {
    resource_id: Option<Uuid>,
    resource_display_name: Option<String>,
    app_role_id: Option<Uuid>,
    #[serde(default)]
    created_date_time: Moment,
}

/// An application as the tenant has it (`servicePrincipal`), as far as its roles go.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RolesOfApplication {
    pub(crate) app_roles: Option<Vec<DefinedRole>>,
}

/// A role that an application defines (`appRole`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DefinedRole {
    pub(crate) id: Option<Uuid>,
    display_name: Option<String>,
    value: Option<String>,
}

impl DefinedRole {
    /// What people see, else what programs do; `None` where it has neither.
    pub(crate) fn name(self) -> Option<String> {
        let told = [self.display_name, self.value];
        told.into_iter().flatten().find(|name| !name.is_empty())
    }
}

/// Something of which a user is a direct member.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MemberOf {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    mail_enabled: Option<bool>,
    group_types: Option<Vec<String>>,
}

impl PackageAssignment {
    /// To whom it is given, and what; `None` where it is no user of the directory, or was never delivered.
    pub(crate) fn assignment(self) -> Option<(GuestId, Assignment)> {
        let target = self.target?;
        let holder = Uuid::try_parse(&target.object_id?).ok()?;
        // What this version does not know may be access: it is held to be there.
        let ended = match self.state.as_deref() {
            Some("deliveryFailed") => return None,
            Some("expired") => Some(self.expired_date_time.0),
            Some(_) | None => None,
        };
        let ends = self.schedule.as_ref().and_then(Schedule::ends);
        // Where nobody says when, it was over at its planned end at the latest, or else by now.
        let ended = ended.map(|at| at.or(ends).unwrap_or(DateTime::<Utc>::MAX_UTC));
        let name = self.access_package.and_then(|package| package.display_name);
        let assignment = Assignment {
            id: self.id,
            package: name.unwrap_or_else(|| "an access package without a name".to_owned()),
            ends,
            ended,
            governed: target.subject_lifecycle.as_deref() == Some("governed"),
        };
        Some((GuestId(holder), assignment))
    }
}

impl Schedule {
    /// By the end itself, or by the beginning and the duration.
    fn ends(&self) -> Option<DateTime<Utc>> {
        let expiration = self.expiration.as_ref()?;
        expiration.end_date_time.0.or_else(|| {
            let lasts = duration(expiration.duration.as_deref()?)?;
            self.start_date_time.0?.checked_add_signed(lasts)
        })
    }
}

/// Weeks, days, hours, minutes and seconds of ISO 8601; `None` for what says anything else, or nothing.
fn duration(text: &str) -> Option<TimeDelta> {
    let (date, time) = match text.strip_prefix('P')?.split_once('T') {
        Some((date, time)) => (date, time),
        None => (text.strip_prefix('P')?, ""),
    };
    let mut seconds: i64 = 0;
    for (part, units) in [
        (date, &[('W', 604_800), ('D', 86_400)][..]),
        (time, &[('H', 3_600), ('M', 60), ('S', 1)][..]),
    ] {
        let mut rest = part;
        while let Some(end) = rest.find(|c: char| c.is_ascii_alphabetic()) {
            let number: i64 = rest[..end].parse().ok()?;
            let unit = rest[end..].chars().next()?;
            let (_, length) = units.iter().find(|(name, _)| *name == unit)?;
            seconds = seconds.checked_add(number.checked_mul(*length)?)?;
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            return None;
        }
    }
    TimeDelta::try_seconds(seconds).filter(|lasts| *lasts > TimeDelta::zero())
}

impl HeldAssignment {
    /// The role; `None` where it is not said in what.
    pub(crate) fn held(self) -> Option<HeldRole> {
        let resource = self.resource_id?;
        let role = self.app_role_id?;
        Some(HeldRole {
            application: self
                .resource_display_name
                .unwrap_or_else(|| resource.to_string()),
            role: if role.is_nil() {
                DEFAULT_ROLE.to_owned()
            } else {
                role.to_string()
            },
            role_name: None,
            resource: Some(resource),
            since: self.created_date_time.0,
        })
    }
}

impl MemberOf {
    pub(crate) fn is_group(&self) -> bool {
        self.kind.as_deref() == Some("#microsoft.graph.group")
    }

    /// A distribution list, or a security group that takes mail. A group that does not say counts as more than that.
    pub(crate) fn is_for_mail(&self) -> bool {
        let is_unified = self
            .group_types
            .as_ref()
            .is_none_or(|types| types.iter().any(|kind| kind == "Unified"));
        self.mail_enabled == Some(true) && !is_unified
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn assignment(state: &str, schedule: &serde_json::Value) -> Option<Assignment> {
        let body = json!({
            "id": "2a353749-3749-2a35-4937-352a4937352a",
            "state": state,
            "expiredDateTime": if state == "expired" { "2026-04-25T23:45:40Z" } else { "" },
            "schedule": schedule,
            "target": { "objectId": "cdb555e3-b33e-4fd5-a427-17fadacbdfa7", "subjectLifecycle": "governed" },
            "accessPackage": { "displayName": "Suppliers" },
        });
        let read: PackageAssignment = serde_json::from_value(body).expect("an assignment");
        read.assignment().map(|(_, assignment)| assignment)
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().expect("a time"))
    }

    #[test]
    fn an_end_is_read_as_a_time_or_as_a_duration_from_the_beginning() {
        let ends = |expiration: serde_json::Value| {
            let schedule =
                json!({ "startDateTime": "2026-01-01T00:00:00Z", "expiration": expiration });
            assignment("delivered", &schedule).expect("one").ends
        };
        let until = json!({ "type": "afterDateTime", "endDateTime": "2026-03-31T12:00:00Z" });
        assert_eq!(ends(until), at("2026-03-31T12:00:00Z"));
        let lasting = json!({ "type": "afterDuration", "duration": "P1W2DT12H" });
        assert_eq!(ends(lasting), at("2026-01-10T12:00:00Z"));
        assert_eq!(ends(json!({ "type": "noExpiration" })), None);
        for odd in ["P1Y", "P", "soon", "P1D2", "PT1D"] {
            let odd = json!({ "type": "afterDuration", "duration": odd });
            assert_eq!(ends(odd.clone()), None, "{odd}");
        }
    }

    #[test]
    fn only_an_expired_assignment_is_over_and_one_that_failed_never_was() {
        let none = json!(null);
        let ended = |state: &str| assignment(state, &none).map(|read| read.ended);
        assert_eq!(ended("expired"), Some(at("2026-04-25T23:45:40Z")));
        for going_on in ["delivered", "partiallyDelivered", "delivering", "new to us"] {
            assert_eq!(ended(going_on), Some(None), "{going_on}");
        }
        assert_eq!(ended("deliveryFailed"), None);
        assert!(assignment("delivered", &none).expect("one").governed);
    }
}
