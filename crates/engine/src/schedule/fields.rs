//! The five fields as crontab(5) means them, spelled out for the `cron` crate.
//!
//! That crate counts weekdays from Sunday as 1, refuses ranges across the week's end and joins the two day fields by
//! "and". So nothing of the written text reaches it: each field becomes a set here and leaves as a list of numbers.

use super::ScheduleError;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// What a field may hold.
struct Kind {
    name: &'static str,
    low: u32,
    high: u32,
    /// The names of `low` and the values after it.
    names: &'static [&'static str],
}

const MINUTE: Kind = Kind {
    name: "minute",
    low: 0,
    high: 59,
    names: &[],
};
const HOUR: Kind = Kind {
    name: "hour",
    low: 0,
    high: 23,
    names: &[],
};
const DAY: Kind = Kind {
    name: "day of the month",
    low: 1,
    high: 31,
    names: &[],
};
const MONTH: Kind = Kind {
    name: "month",
    low: 1,
    high: 12,
    names: &MONTHS,
};
/// Sunday is 0 and 7.
const WEEKDAY: Kind = Kind {
    name: "weekday",
    low: 0,
    high: 7,
    names: &WEEKDAYS,
};

/// The values that a field names.
#[derive(Clone, Copy)]
struct Values {
    bits: u64,
    /// The field begins with `*`: crontab(5) then lets the other day field decide.
    is_open: bool,
}

/// A schedule's five fields.
pub(super) struct Fields {
    minute: Values,
    hour: Values,
    day: Values,
    month: Values,
    weekday: Values,
}

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let spelled_out = if text.starts_with('@') {
            match text.to_ascii_lowercase().as_str() {
                "@hourly" => "0 * * * *",
                "@daily" | "@midnight" => "0 0 * * *",
                "@weekly" => "0 0 * * 0",
                "@monthly" => "0 0 1 * *",
                "@yearly" | "@annually" => "0 0 1 1 *",
                _ => {
                    return Err(ScheduleError::Word {
                        text: text.to_owned(),
                    });
                }
            }
        } else {
            text
        };
        let fields: Vec<_> = spelled_out.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            let example = match fields.as_slice() {
                [_seconds, five @ ..] if five.len() == 5 => five.join(" "),
                _ => "0 */6 * * *".to_owned(),
            };
            return Err(ScheduleError::FieldCount {
                text: text.to_owned(),
                found: fields.len(),
                example,
            });
        };
        let mut weekday = WEEKDAY.parse(weekday)?;
        if weekday.bits & (1 << 7) != 0 {
            weekday.bits = (weekday.bits | 1) & !(1 << 7);
        }
        Ok(Self {
            minute: MINUTE.parse(minute)?,
            hour: HOUR.parse(hour)?,
            day: DAY.parse(day)?,
            month: MONTH.parse(month)?,
            weekday,
        })
    }

    /// The lines for `cron`; a time counts when one of them names it.
    pub(super) fn cron_lines(&self) -> Vec<String> {
        let Self {
            minute,
            hour,
            day,
            month,
            weekday,
        } = self;
        let line = |day: &str, weekday: &str| {
            let (minute, hour, month) = (minute.list(0), hour.list(0), month.list(0));
            format!("0 {minute} {hour} {day} {month} {weekday}")
        };
        // `cron` counts weekdays from 1, which is Sunday.
        let (days, weekdays) = (day.list(0), weekday.list(1));
        if day.is_open || weekday.is_open {
            vec![line(&days, &weekdays)]
        } else {
            vec![line(&days, "*"), line("*", &weekdays)]
        }
    }
}

impl Values {
    fn list(self, shift: u32) -> String {
        let values = (0..u64::BITS).filter(|value| self.bits & (1 << value) != 0);
        let values: Vec<_> = values.map(|value| (value + shift).to_string()).collect();
        values.join(",")
    }
}

impl Kind {
    fn parse(&self, text: &str) -> Result<Values, ScheduleError> {
        let mut bits = 0;
        for item in text.split(',') {
            bits |= self.item(item).map_err(|reason| ScheduleError::Field {
                field: self.name,
                text: text.to_owned(),
                reason,
            })?;
        }
        Ok(Values {
            bits,
            is_open: text.starts_with('*'),
        })
    }

    /// `*`, `4`, `4-8`, `*/2` or `4-8/2`.
    fn item(&self, item: &str) -> Result<u64, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(self.step(step)?)),
            None => (item, None),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (self.low, self.high),
            (_, Some((first, last))) => self.range(first, last)?,
            (_, None) => {
                let value = self.value(range)?;
                if step.is_some() {
                    let high = self.high;
                    return Err(format!(
                        "a step needs a range before it, such as `{value}-{high}` or `*`"
                    ));
                }
                (value, value)
            }
        };
        let stepped = (first..=last).step_by(step.unwrap_or(1));
        Ok(stepped.fold(0, |bits, value| bits | (1 << value)))
    }

    fn range(&self, first_text: &str, last_text: &str) -> Result<(u32, u32), String> {
        let first = self.value(first_text)?;
        let mut last = self.value(last_text)?;
        let is_week = self.high == WEEKDAY.high;
        if is_week && last_text.eq_ignore_ascii_case("SUN") && first > 0 {
            last = 7;
        }
        if first > last {
            let advice = if is_week && last == 0 {
                format!("{first}-7")
            } else if last == self.low {
                format!("{first}-{},{last}", self.high)
            } else {
                let high = if is_week { 6 } else { self.high };
                format!("{first}-{high},{}-{last}", self.low)
            };
            return Err(format!(
                "the range `{first_text}-{last_text}` runs backwards; write `{advice}`"
            ));
        }
        Ok((first, last))
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            return match text.parse() {
                Ok(value) if (self.low..=self.high).contains(&value) => Ok(value),
                _ => Err(format!(
                    "`{text}` is not between {} and {}",
                    self.low, self.high
                )),
            };
        }
        let named = (self.low..).zip(self.names);
        let mut found = named.filter(|(_, name)| name.eq_ignore_ascii_case(text));
        match (found.next(), self.names) {
            (Some((value, _)), _) => Ok(value),
            (None, []) => Err(format!(
                "`{text}` is not a number from {} to {}",
                self.low, self.high
            )),
            (None, names) => Err(format!(
                "`{text}` is neither a number from {} to {} nor one of {}",
                self.low,
                self.high,
                names.join(", ")
            )),
        }
    }

    fn step(&self, text: &str) -> Result<usize, String> {
        let step = text.parse().ok().filter(|step| *step > 0);
        let step: u32 =
            step.ok_or_else(|| format!("the step `{text}` is not a whole number above 0"))?;
        if step > self.high {
            return Err(format!(
                "a step of {step} leads out of the {}s, which end at {}",
                self.name, self.high
            ));
        }
        usize::try_from(step).map_err(|error| error.to_string())
    }
}
