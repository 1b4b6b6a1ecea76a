//! A guest as a row, and a row as a guest.

use chrono::{DateTime, Utc};
use innkeeper_domain::activity::{Reading, SignIns};
use innkeeper_domain::guest::{Attribute, Guest, GuestRecord, Invitation, UserType};
use innkeeper_domain::policy::RuleName;
use uuid::Uuid;

use super::{RowKey, StoredVerdict};
use crate::error::StoreError;
use crate::given::Given;

/// The columns of a guest.
pub(crate) struct Columns {
    pub(crate) guest_key: i64,
    guest_id: Uuid,
    upn: String,
    mail: Option<String>,
    display_name: Option<String>,
    user_type: String,
    enabled: Option<bool>,
    created_at: Option<DateTime<Utc>>,
    invitation: String,
    invitation_at: Option<DateTime<Utc>>,
    on_premises_sync: Option<bool>,
    management_restricted: Option<bool>,
    company: Option<String>,
    creation_type: Option<String>,
    external: Option<bool>,
    attribute_name: Option<String>,
    attribute_value: Option<String>,
    successful_at: Option<DateTime<Utc>>,
    interactive_at: Option<DateTime<Utc>>,
    non_interactive_at: Option<DateTime<Utc>>,
    reading: String,
    logged_in_at: Option<DateTime<Utc>>,
    first_seen_at: DateTime<Utc>,
    gone_at: Option<DateTime<Utc>>,
    revived_at: Option<DateTime<Utc>>,
    disabled_by_us_at: Option<DateTime<Utc>>,
    deleted_by_us_at: Option<DateTime<Utc>>,
    verdict: Option<String>,
    verdict_rule: Option<String>,
}

from_row!(Columns {
    guest_key,
    guest_id,
    upn,
    mail,
    display_name,
    user_type,
    enabled,
    created_at,
    invitation,
    invitation_at,
    on_premises_sync,
    management_restricted,
    company,
    creation_type,
    external,
    attribute_name,
    attribute_value,
    successful_at,
    interactive_at,
    non_interactive_at,
    reading,
    logged_in_at,
    first_seen_at,
    gone_at,
    revived_at,
    disabled_by_us_at,
    deleted_by_us_at,
    verdict,
    verdict_rule,
});

impl Columns {
    pub(crate) fn record(self) -> Result<(RowKey, GuestRecord, Option<StoredVerdict>), StoreError> {
        let reading = Reading::parse(&self.reading)
            .ok_or_else(|| StoreError::corrupt("reading", self.reading))?;
        let guest = Guest {
            id: self.guest_id.into(),
            upn: self.upn,
            mail: self.mail,
            display_name: self.display_name,
            user_type: match self.user_type.as_str() {
                "guest" => UserType::Guest,
                "member" => UserType::Member,
                _ => return Err(StoreError::corrupt("user type", self.user_type)),
            },
            enabled: self.enabled,
            created: self.created_at,
            invitation: match self.invitation.as_str() {
                "pending" => Invitation::Pending {
                    since: self.invitation_at,
                },
                "accepted" => Invitation::Accepted {
                    at: self.invitation_at,
                },
                "none" => Invitation::None,
                "unrecognised" => Invitation::Unrecognised,
                _ => return Err(StoreError::corrupt("invitation", self.invitation)),
            },
            on_premises_sync: self.on_premises_sync,
            management_restricted: self.management_restricted,
            company: self.company,
            creation_type: self.creation_type,
            external: self.external,
            attribute: self.attribute_name.map(|name| Attribute {
                name,
                value: self.attribute_value,
            }),
            sign_ins: SignIns {
                successful: self.successful_at,
                interactive: self.interactive_at,
                non_interactive: self.non_interactive_at,
            },
        };
        let record = GuestRecord {
            guest,
            reading,
            logged_in: self.logged_in_at,
            first_seen: self.first_seen_at,
            gone: self.gone_at,
            revived: self.revived_at,
            disabled_by_us: self.disabled_by_us_at,
            deleted_by_us: self.deleted_by_us_at,
        };
        let rule = self.verdict_rule.as_deref().map(RuleName::from);
        let verdict = self.verdict.map(|verdict| StoredVerdict { verdict, rule });
        Ok((RowKey(self.guest_key), record, verdict))
    }
}

/// Inserts what `given` has of guests.
macro_rules! insert {
    () => {
        "INSERT INTO guests (tenant_id, guest_id, upn, mail, display_name, user_type, enabled, created_at, invitation, \
    invitation_at, on_premises_sync, management_restricted, company, creation_type, external, attribute_name, attribute_value, successful_at, interactive_at, non_interactive_at, reading, logged_in_at, first_seen_at, gone_at, \
    revived_at, disabled_by_us_at, deleted_by_us_at) \
    SELECT $1, guest_id, upn, mail, display_name, user_type, enabled, created_at, invitation, invitation_at, on_premises_sync, management_restricted, \
    company, creation_type, external, attribute_name, attribute_value, successful_at, interactive_at, non_interactive_at, reading, logged_in_at, first_seen_at, gone_at, revived_at, disabled_by_us_at, \
    deleted_by_us_at FROM given WHERE true "
    };
}

/// Writes what `given` has of guests, where it differs from what is stored.
pub(super) const UPSERT: &str = concat!(
    insert!(),
    "ON CONFLICT (tenant_id, guest_id) DO UPDATE SET upn = excluded.upn, mail = excluded.mail, display_name = excluded.display_name, \
    user_type = excluded.user_type, enabled = excluded.enabled, created_at = excluded.created_at, invitation = excluded.invitation, \
    invitation_at = excluded.invitation_at, on_premises_sync = excluded.on_premises_sync, management_restricted = excluded.management_restricted, company = excluded.company, \
    creation_type = excluded.creation_type, external = excluded.external, attribute_name = excluded.attribute_name, attribute_value = excluded.attribute_value, \
    successful_at = excluded.successful_at, interactive_at = excluded.interactive_at, \
    non_interactive_at = excluded.non_interactive_at, reading = excluded.reading, logged_in_at = excluded.logged_in_at, gone_at = excluded.gone_at, \
    revived_at = excluded.revived_at, disabled_by_us_at = excluded.disabled_by_us_at, deleted_by_us_at = excluded.deleted_by_us_at \
    WHERE (guests.upn, guests.mail, guests.display_name, guests.user_type, guests.enabled, guests.created_at, guests.invitation, \
    guests.invitation_at, guests.on_premises_sync, guests.management_restricted, guests.company, guests.creation_type, guests.external, guests.attribute_name, guests.attribute_value, guests.successful_at, guests.interactive_at, \
    guests.non_interactive_at, guests.reading, guests.logged_in_at, guests.gone_at, guests.revived_at, guests.disabled_by_us_at, guests.deleted_by_us_at) \
    IS DISTINCT FROM (excluded.upn, excluded.mail, excluded.display_name, excluded.user_type, excluded.enabled, excluded.created_at, \
    excluded.invitation, excluded.invitation_at, excluded.on_premises_sync, excluded.management_restricted, excluded.company, excluded.creation_type, excluded.external, excluded.attribute_name, excluded.attribute_value, excluded.successful_at, \
    excluded.interactive_at, excluded.non_interactive_at, excluded.reading, excluded.logged_in_at, excluded.gone_at, excluded.revived_at, \
    excluded.disabled_by_us_at, excluded.deleted_by_us_at) \
    RETURNING guest_key, guest_id"
);

/// Adds to [`insert`] that who is stored already stays as it is.
macro_rules! add {
    () => {
        concat!(insert!(), "ON CONFLICT (tenant_id, guest_id) DO NOTHING")
    };
}

/// Writes those of the guests that `given` has who are not stored yet.
pub(super) const ADD: &str = add!();

/// The same, telling who they are.
pub(super) const ADD_RETURNING: &str = concat!(add!(), " RETURNING guest_key, guest_id");

/// The columns of guests as [`UPSERT`] and [`ADD`] read them.
pub(super) fn given<'a>(records: &[&'a GuestRecord]) -> Given<'a> {
    let guests = || records.iter().map(|record| &record.guest);
    let records = || records.iter();
    let attributes = || {
        guests().map(|guest| match &guest.attribute {
            Some(Attribute { name, value }) => (Some(name.as_str()), value.as_deref()),
            None => (None, None),
        })
    };
    Given::rows(records().len())
        .ids("guest_id", guests().map(|guest| guest.id.0))
        .texts("upn", guests().map(|guest| guest.upn.as_str()))
        .texts("mail", guests().map(|guest| guest.mail.as_deref()))
        .texts(
            "display_name",
            guests().map(|guest| guest.display_name.as_deref()),
        )
        .texts(
            "user_type",
            guests().map(|guest| user_type(guest.user_type)),
        )
        .flags("enabled", guests().map(|guest| guest.enabled))
        .times("created_at", guests().map(|guest| guest.created))
        .texts(
            "invitation",
            guests().map(|guest| invitation(&guest.invitation).0),
        )
        .times(
            "invitation_at",
            guests().map(|guest| invitation(&guest.invitation).1),
        )
        .flags(
            "on_premises_sync",
            guests().map(|guest| guest.on_premises_sync),
        )
        .flags(
            "management_restricted",
            guests().map(|guest| guest.management_restricted),
        )
        .texts("company", guests().map(|guest| guest.company.as_deref()))
        .texts(
            "creation_type",
            guests().map(|guest| guest.creation_type.as_deref()),
        )
        .flags("external", guests().map(|guest| guest.external))
        .texts("attribute_name", attributes().map(|(name, _)| name))
        .texts("attribute_value", attributes().map(|(_, value)| value))
        .times(
            "successful_at",
            guests().map(|guest| guest.sign_ins.successful),
        )
        .times(
            "interactive_at",
            guests().map(|guest| guest.sign_ins.interactive),
        )
        .times(
            "non_interactive_at",
            guests().map(|guest| guest.sign_ins.non_interactive),
        )
        .texts("reading", records().map(|record| record.reading.as_str()))
        .times("logged_in_at", records().map(|record| record.logged_in))
        .times("first_seen_at", records().map(|record| record.first_seen))
        .times("gone_at", records().map(|record| record.gone))
        .times("revived_at", records().map(|record| record.revived))
        .times(
            "disabled_by_us_at",
            records().map(|record| record.disabled_by_us),
        )
        .times(
            "deleted_by_us_at",
            records().map(|record| record.deleted_by_us),
        )
}

fn user_type(user_type: UserType) -> &'static str {
    match user_type {
        UserType::Guest => "guest",
        UserType::Member => "member",
    }
}

fn invitation(invitation: &Invitation) -> (&'static str, Option<DateTime<Utc>>) {
    match invitation {
        Invitation::Pending { since } => ("pending", *since),
        Invitation::Accepted { at } => ("accepted", *at),
        Invitation::None => ("none", None),
        Invitation::Unrecognised => ("unrecognised", None),
    }
}
