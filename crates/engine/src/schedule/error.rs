//! What can be wrong with a schedule, said so that it can be mended.

/// Why a text is not a schedule.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Not five fields.
    #[error(
        "`{text}` has {found} field{}, a schedule has five: minute, hour, day of the month, month, weekday, as in `{example}`{}",
        if *found == 1 { "" } else { "s" },
        if *found == 6 { " (there is no field for seconds)" } else { "" }
    )]
    FieldCount {
        /// The schedule.
        text: String,
        /// How many fields it has.
        found: usize,
        /// The five-field form.
        example: String,
    },
    /// A field means nothing.
    #[error("the {field} `{text}` is not understood: {reason}")]
    Field {
        /// Which one.
        field: &'static str,
        /// Its text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A word that is none of the known ones.
    #[error(
        "`{text}` is no schedule; the words are @hourly, @daily, @weekly, @monthly and @yearly"
    )]
    Word {
        /// The word.
        text: String,
    },
    /// No such day.
    #[error(
        "`{text}` never comes true: none of these months has such a day, so nothing would ever run"
    )]
    Never {
        /// The schedule.
        text: String,
    },
    /// The calendar does not take it.
    #[error("`{text}` cannot be put on a calendar")]
    Unsupported {
        /// The schedule.
        text: String,
        /// Why.
        source: Box<cron::error::Error>,
    },
}
