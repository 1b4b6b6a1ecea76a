//! The commands for those who want to see what happened: the journal and the reports.

use std::path::PathBuf;

use super::Moment;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Prove that no entry was altered, removed, inserted or moved, or name the first one that was; of an export every one.
    #[command(
        after_help = "Exit codes: 0 intact, 1 broken.\n\nExamples:\n  innkeeper journal verify\n  \
                            innkeeper journal verify --anchor /mnt/evidence/innkeeper-anchors.jsonl\n  \
                            innkeeper journal verify --file journal.jsonl     needs neither database nor configuration"
    )]
    Verify {
        /// An export to verify, JSON Lines or CSV, instead of the database.
        #[arg(long, value_name = "EXPORT")]
        file: Option<PathBuf>,
        /// A file of anchors, each of which must still be in the chain.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Write entries to standard output, as JSON Lines (or CSV, with --output csv) that can be verified anywhere.
    #[command(
        after_help = "Examples:\n  innkeeper journal export > journal.jsonl\n  \
                            innkeeper journal export --from 2027-01-01 --to 2027-03-31 --output csv > quarter.csv"
    )]
    Export {
        /// The first day (UTC), or a time such as 2027-01-01T00:00:00Z.
        #[arg(long, value_name = "DATE")]
        from: Option<Moment>,
        /// The last day (UTC), or the time before which entries are taken.
        #[arg(long, value_name = "DATE")]
        to: Option<Moment>,
        /// Only entries about this guest: object id, UPN or mail address.
        #[arg(long, value_name = "GUEST")]
        guest: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// Everything about one guest, with the proof that the record is whole.
    #[command(
        after_help = "Examples:\n  innkeeper report guest ann@partner.example --out ann.html     print it, or save it as PDF\n  \
                            innkeeper report guest ann@partner.example --output json"
    )]
    Guest {
        /// Object id, UPN or mail address.
        guest: String,
        #[command(flatten)]
        document: DocumentOptions,
    },
    /// What happened in a period: who was removed, disabled, enabled, or kept although a rule holds, and by whom.
    #[command(
        after_help = "Example:\n  innkeeper report period --from 2027-01-01 --to 2027-03-31 --out quarter.html"
    )]
    Period {
        /// The first day (UTC), or a time such as 2027-01-01T00:00:00Z.
        #[arg(long, value_name = "DATE")]
        from: Moment,
        /// The last day (UTC), or the time before which things are taken.
        #[arg(long, value_name = "DATE")]
        to: Moment,
        #[command(flatten)]
        document: DocumentOptions,
    },
}

/// Where a document goes, and as what.
#[derive(Debug, Args)]
pub(crate) struct DocumentOptions {
    /// As what; without it, what --output says, else HTML.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// A file instead of standard output; a new one is made readable to you alone.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What a document is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One page without anything outside it, ready to be printed.
    Html,
    /// One JSON document.
    Json,
    /// For spreadsheets.
    Csv,
}
