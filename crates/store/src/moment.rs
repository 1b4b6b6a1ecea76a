//! A time as SQLite keeps it: the very text that sqlx writes, put together without the general formatter, since a reading
//! writes six of them for each guest.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// Writes a time into an empty text: RFC 3339 in UTC, with no more of a fraction than there is, none, milliseconds or
/// microseconds.
pub(crate) fn write(text: &mut String, at: DateTime<Utc>) {
    let micros = at.nanosecond() / 1_000;
    let (Ok(year), false) = (u32::try_from(at.year()), at.nanosecond() >= 1_000_000_000) else {
        return text.push_str(&general(at));
    };
    if year > 9_999 || !at.nanosecond().is_multiple_of(1_000) {
        return text.push_str(&general(at));
    }
    digits(text, year, 4);
    for (before, number) in [
        ('-', at.month()),
        ('-', at.day()),
        ('T', at.hour()),
        (':', at.minute()),
        (':', at.second()),
    ] {
        text.push(before);
        digits(text, number, 2);
    }
    if micros != 0 {
        text.push('.');
        if micros.is_multiple_of(1_000) {
            digits(text, micros / 1_000, 3);
        } else {
            digits(text, micros, 6);
        }
    }
    text.push_str("+00:00");
}

/// As sqlx writes it.
fn general(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, false)
}

fn digits(text: &mut String, number: u32, places: u32) {
    for place in (0..places).rev() {
        let digit = number / 10u32.pow(place) % 10;
        text.push(char::from_digit(digit, 10).expect("below ten"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(at: DateTime<Utc>) -> String {
        let mut text = String::new();
        write(&mut text, at);
        text
    }

    #[test]
    fn every_time_is_written_as_sqlx_writes_it() {
        let times = [
            "1970-01-01T00:00:00Z",
            "2024-02-29T23:59:59Z",
            "2024-02-29T23:59:59.000001Z",
            "2024-12-31T01:02:03.040Z",
            "2024-12-31T01:02:03.004Z",
            "2024-12-31T01:02:03.123456Z",
            "2024-12-31T01:02:03.123456789Z",
            "2016-12-31T23:59:60Z",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999Z",
        ];
        for time in times {
            let at: DateTime<Utc> = time.parse().expect("a time");
            assert_eq!(text(at), general(at));
        }
        for at in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
            assert_eq!(text(at), general(at));
        }
        // A step that comes by every day, hour and minute in time.
        for step in 0..50_000i64 {
            let at = DateTime::from_timestamp_micros(step * 86_399_123_457).expect("a time");
            assert_eq!(text(at), general(at));
        }
    }
}
