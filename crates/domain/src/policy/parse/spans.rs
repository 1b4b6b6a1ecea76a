//! Spans of time, such as "14d", "36h" or "1d 12h".

use chrono::TimeDelta;

/// No honest wait is longer.
const LONGEST: TimeDelta = TimeDelta::days(3650);

/// Reads a span; else tells what is wrong with it, as the end of a sentence that begins with the text.
///
/// # Errors
/// That end of a sentence.
pub fn span(text: &str) -> Result<TimeDelta, String> {
    let is_unit = |letters: &&str| !letters.is_empty();
    for unit in text
        .split(|character: char| !character.is_alphabetic())
        .filter(is_unit)
    {
        match unit {
            "M" | "mo" | "month" | "months" | "y" | "yr" | "yrs" | "year" | "years" => {
                return Err(
                    "counts in months or years, which differ in length; write days, such as \"30d\""
                        .to_owned(),
                );
            }
            "ms" | "millis" | "msec" | "us" | "usec" | "ns" | "nsec" | "nanos" => {
                return Err("is finer than a second".to_owned());
            }
            _ => {}
        }
    }
    if text.trim_start().starts_with('-') {
        return Err("is negative; time only goes forward".to_owned());
    }
    let span = humantime::parse_duration(text)
        .ok()
        .and_then(|span| TimeDelta::from_std(span).ok());
    match span {
        Some(span) if span > LONGEST => Err("is longer than ten years".to_owned()),
        Some(span) => Ok(span),
        None => Err("is no time; write such as \"14d\", \"36h\", \"2w\" or \"1d 12h\"".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_with_short_and_long_units() {
        for (text, hours) in [
            ("14d", 336),
            ("14 days", 336),
            ("1 day", 24),
            ("2w", 336),
            ("36h", 36),
            ("1d 12h", 36),
            ("120min", 2),
            ("1.5d", 36),
            ("0s", 0),
        ] {
            assert_eq!(span(text), Ok(TimeDelta::hours(hours)), "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused_with_the_reason() {
        for (text, reason) in [
            ("1M", "months or years"),
            ("1 month", "months or years"),
            ("2years", "months or years"),
            ("1y 2d", "months or years"),
            ("500ms", "finer than a second"),
            ("-1d", "negative"),
            ("", "is no time"),
            ("14", "is no time"),
            ("soon", "is no time"),
            ("3 fortnights", "is no time"),
            ("99999d", "ten years"),
            ("99999999999999999999d", "is no time"),
        ] {
            let error = span(text).expect_err(text);
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
