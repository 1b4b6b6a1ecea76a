//! Joining a new reading of a guest with what is remembered.

use chrono::{DateTime, TimeDelta, Utc};

use crate::activity::Reading;
use crate::guest::{Guest, GuestRecord};

/// What became of a guest by a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Never seen before.
    New,
    /// Seen before, and something differs: the row is to be written.
    Changed,
    /// Seen before, and nothing differs: the row is left alone.
    Unchanged,
}

/// How long a reading may still show an account as it was before Innkeeper's own write: Graph's replicas agree
/// within seconds as a rule, within a quarter of an hour at worst.
const REPLICATION: TimeDelta = TimeDelta::hours(1);

/// The guest as remembered after this reading, and whether that differs from before.
///
/// Sign-in times only move forward; what Innkeeper did to the account is kept until somebody else undoes it.
#[must_use]
pub fn merge(
    before: Option<&GuestRecord>,
    read: Guest,
    now: DateTime<Utc>,
) -> (GuestRecord, Change) {
    let Some(before) = before else {
        let reading = Reading::of(&read.sign_ins, &read.sign_ins);
        let record = GuestRecord {
            guest: read,
            reading,
            logged_in: None,
            first_seen: now,
            gone: None,
            revived: None,
            disabled_by_us: None,
            deleted_by_us: None,
        };
        return (record, Change::New);
    };
    let reading = Reading::of(&read.sign_ins, &before.guest.sign_ins);
    let is_replicating =
        |written: Option<DateTime<Utc>>| written.is_some_and(|written| now - written < REPLICATION);
    if is_replicating(before.deleted_by_us) {
        return (before.clone(), Change::Unchanged);
    }
    let mut read = read;
    if is_replicating(before.disabled_by_us) {
        read.enabled = Some(false);
    }
    let enabled_by_somebody = before.disabled_by_us.is_some() && read.enabled == Some(true);
    let restored_by_somebody = before.gone.is_some();
    let revived = enabled_by_somebody || restored_by_somebody;
    let sign_ins = before.guest.sign_ins.ratchet(&read.sign_ins);
    let after = GuestRecord {
        guest: Guest { sign_ins, ..read },
        reading,
        logged_in: before.logged_in,
        first_seen: before.first_seen,
        gone: None,
        revived: if revived { Some(now) } else { before.revived },
        disabled_by_us: if enabled_by_somebody {
            None
        } else {
            before.disabled_by_us
        },
        deleted_by_us: None,
    };
    let change = if &after == before {
        Change::Unchanged
    } else {
        Change::Changed
    };
    (after, change)
}

/// The guest as remembered after a reading that did not ask for sign-in times, and perhaps an entry of the sign-in log.
#[must_use]
pub fn merge_without_sign_ins(
    before: &GuestRecord,
    read: Guest,
    logged_in: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> (GuestRecord, Change) {
    let read = Guest {
        sign_ins: before.guest.sign_ins,
        ..read
    };
    let (after, _) = merge(Some(before), read, now);
    let after = GuestRecord {
        reading: before.reading,
        logged_in: before.logged_in.max(logged_in),
        ..after
    };
    let change = if &after == before {
        Change::Unchanged
    } else {
        Change::Changed
    };
    (after, change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::SignIns;
    use crate::guest::{Invitation, UserType};
    use crate::ids::GuestId;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(day * 86_400, 0).expect("a day of our time")
    }

    fn read(last: Option<i64>) -> Guest {
        Guest {
            id: GuestId::derived(&[b"1"]),
            upn: "ann_partner.example#EXT#@contoso.example".into(),
            mail: Some("ann@partner.example".into()),
            display_name: None,
            user_type: UserType::Guest,
            enabled: Some(true),
            created: Some(at(1)),
            invitation: Invitation::Accepted { at: Some(at(2)) },
            on_premises_sync: None,
            management_restricted: None,
            company: None,
            creation_type: None,
            external: None,
            attribute: None,
            sign_ins: SignIns {
                successful: last.map(at),
                ..SignIns::default()
            },
        }
    }

    #[test]
    fn the_same_reading_twice_changes_nothing() {
        let (record, change) = merge(None, read(Some(9)), at(10));
        assert_eq!(change, Change::New);
        assert_eq!(
            merge(Some(&record), read(Some(9)), at(11)),
            (record, Change::Unchanged)
        );
    }

    #[test]
    fn a_vanished_time_keeps_the_mark_and_is_told() {
        let (record, _) = merge(None, read(Some(9)), at(10));
        let (after, change) = merge(Some(&record), read(None), at(11));
        assert_eq!(
            (after.guest.sign_ins.successful, after.reading, change),
            (Some(at(9)), Reading::Vanished, Change::Changed)
        );
    }

    #[test]
    fn a_reading_that_did_not_ask_for_times_neither_doubts_nor_believes_them() {
        let (record, _) = merge(None, read(Some(9)), at(10));
        let (vanished, _) = merge(Some(&record), read(None), at(11));
        let (after, _) = merge_without_sign_ins(&vanished, read(None), None, at(12));
        assert_eq!(after, vanished);
        let (after, change) = merge_without_sign_ins(&record, read(None), Some(at(12)), at(13));
        assert_eq!(
            (after.logged_in, after.reading, change),
            (Some(at(12)), Reading::Fresh, Change::Changed)
        );
    }

    #[test]
    fn an_account_that_we_disabled_and_find_enabled_was_revived_by_somebody() {
        let (record, _) = merge(None, read(Some(9)), at(10));
        let disabled = GuestRecord {
            disabled_by_us: Some(at(10)),
            ..record
        };
        let (still, _) = merge(
            Some(&disabled),
            Guest {
                enabled: Some(false),
                ..read(Some(9))
            },
            at(11),
        );
        assert_eq!((still.disabled_by_us, still.revived), (Some(at(10)), None));
        let (after, _) = merge(Some(&disabled), read(Some(9)), at(12));
        assert_eq!((after.disabled_by_us, after.revived), (None, Some(at(12))));
    }

    #[test]
    fn an_account_that_was_gone_and_is_there_again_was_restored_by_somebody() {
        let (record, _) = merge(None, read(Some(9)), at(10));
        let gone = GuestRecord {
            gone: Some(at(11)),
            deleted_by_us: Some(at(11)),
            ..record
        };
        let (after, _) = merge(Some(&gone), read(Some(9)), at(12));
        assert_eq!(
            (after.gone, after.deleted_by_us, after.revived),
            (None, None, Some(at(12)))
        );
    }
}
