//! A point in time as Graph writes it.

use std::fmt;

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};

/// A point in time, or one of Graph's four ways to say that there is none: absent, `null`, `0001-01-01T00:00:00Z`, `""`.
/// What cannot be read as a time counts as none too, since none is never concluded from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Option<DateTime<Utc>>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_option(MomentVisitor)
    }
}

/// Reads the text where it lies, without a copy.
struct MomentVisitor;

impl<'de> Visitor<'de> for MomentVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a point in time or null")
    }

    fn visit_none<E>(self) -> Result<Moment, E> {
        Ok(Moment(None))
    }

    fn visit_unit<E>(self) -> Result<Moment, E> {
        Ok(Moment(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Moment, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E>(self, text: &str) -> Result<Moment, E> {
        let general = || Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc());
        let at = customary(text).or_else(general);
        let is_real = |at: &DateTime<Utc>| *at > DateTime::UNIX_EPOCH;
        Ok(Moment(at.map(|at| at.trunc_subsecs(6)).filter(is_real)))
    }
}

/// A time as Graph nearly always writes it, `2027-01-04T06:00:00Z`; of these there are five to a guest.
fn customary(text: &str) -> Option<DateTime<Utc>> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let marks = [
        bytes[4], bytes[7], bytes[10], bytes[13], bytes[16], bytes[19],
    ];
    if marks != *b"--T::Z" {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0, |number: u32, byte| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
            Some(number * 10 + digit)
        })
    };
    let day = NaiveDate::from_ymd_opt(
        i32::try_from(number(0, 4)?).ok()?,
        number(5, 7)?,
        number(8, 10)?,
    )?;
    let time = day.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?;
    Some(time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<DateTime<Utc>> {
        let moment: Moment = serde_json::from_value(text.into()).expect("any text will do");
        moment.0
    }

    #[test]
    fn a_time_is_read_as_chrono_reads_it_however_it_is_written() {
        let texts = [
            "2027-01-04T06:00:00Z",
            "2024-02-29T23:59:59Z",
            "2023-02-29T23:59:59Z",
            "2016-12-31T23:59:60Z",
            "2027-13-01T00:00:00Z",
            "2027-01-04T24:00:00Z",
            "2027-01-04T06:00:00z",
            "2027-01-04 06:00:00Z",
            "2027-01-04T06:00:0xZ",
            "+027-01-04T06:00:00Z",
            "2027-01-04T06:00:00.1234567Z",
            "2027-01-04T06:00:00+02:00",
            "2027-01-04T06:00Z",
            "2027-01-04T06:00:\u{e9}Z",
            "soon",
            "",
        ];
        for text in texts {
            let chrono = DateTime::parse_from_rfc3339(text).ok();
            let expected = chrono.map(|at| at.to_utc().trunc_subsecs(6));
            assert_eq!(read(text), expected, "{text}");
        }
        for day in 0..40_000 {
            let at = DateTime::from_timestamp(day * 86_399 + 1, 0).expect("a time");
            assert_eq!(read(&at.format("%Y-%m-%dT%H:%M:%SZ").to_string()), Some(at));
        }
    }

    #[test]
    fn a_time_before_there_were_any_is_none() {
        for text in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
