//! The commands about guests, and what people decide of them.

use super::JudgedBy;
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Guests {
    /// Every guest with its verdict and what comes next.
    #[command(
        after_help = "Examples:\n  innkeeper guests list --verdict act\n  innkeeper guests list --output csv > guests.csv"
    )]
    List {
        /// Only guests with this verdict.
        #[arg(long, value_enum)]
        verdict: Option<VerdictWord>,
        /// Only guests under this rule or protection.
        #[arg(long, value_name = "NAME")]
        rule: Option<String>,
        #[command(flatten)]
        by: JudgedBy,
    },
    /// One guest: attributes, sponsors, groups, cases and everything ever done.
    Show {
        /// Object id, UPN or mail address.
        guest: String,
        #[command(flatten)]
        by: JudgedBy,
    },
    /// Spare a guest every rule until a day. Its cases close, and what Innkeeper disabled is enabled again.
    #[command(
        after_help = "Example:\n  innkeeper guests exempt ann@partner.example --until 2027-03-31 --reason \"on parental leave\""
    )]
    Exempt {
        /// Object id, UPN or mail address.
        guest: String,
        /// The last day (UTC), such as 2027-03-31.
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
        #[command(flatten)]
        why: Why,
    },
    /// Put a guest on hold: nothing is taken from it and nothing undone, whatever the policy says, until `release --hold`.
    #[command(
        after_help = "Example:\n  innkeeper guests hold ann@partner.example --reason \"case 2027/14\" --by legal"
    )]
    Hold {
        /// Object id, UPN or mail address.
        guest: String,
        #[command(flatten)]
        why: Why,
    },
    /// Say on which day a guest's stay ends: `guest.expires_in_days` counts to it, before every other source.
    #[command(
        after_help = "Example:\n  innkeeper guests expire ann@partner.example --on 2027-06-30 --reason \"end of contract\""
    )]
    Expire {
        /// Object id, UPN or mail address.
        guest: String,
        /// The last day (UTC), such as 2027-06-30.
        #[arg(long, value_name = "DATE")]
        on: NaiveDate,
        #[command(flatten)]
        why: Why,
    },
    /// Take an exemption or an expiry back, or lift a hold.
    #[command(
        after_help = "Examples:\n  innkeeper guests release ann@partner.example --reason \"is back\"\n  \
                            innkeeper guests release ann@partner.example --hold --reason \"case 2027/14 is closed\""
    )]
    Release {
        /// Object id, UPN or mail address.
        guest: String,
        /// Lift the hold instead.
        #[arg(long)]
        hold: bool,
        /// Take back the day on which the stay ends instead.
        #[arg(long, conflicts_with = "hold")]
        expiry: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Say, or write down for somebody, whether a guest is still needed. It is a fact that policies use
    /// (`guest.attested`, `guest.let_go`); by itself it does nothing.
    #[command(
        after_help = "Examples:\n  innkeeper guests attest ann@partner.example --by sara@contoso.example --reason \"stays for phase two\"\n  \
                            innkeeper guests attest ann@partner.example --by sara@contoso.example --until 2027-06-30 --reason \"until the audit\"\n  \
                            innkeeper guests attest ann@partner.example --by sven@contoso.example --let-go --reason \"has left the project\""
    )]
    Attest {
        /// Object id, UPN or mail address.
        guest: String,
        /// It is still needed; so it is unless told otherwise.
        #[arg(long)]
        keep: bool,
        /// It is not needed any more.
        #[arg(long, conflicts_with_all = ["keep", "until"])]
        let_go: bool,
        /// The last day (UTC) for which it counts, such as 2027-06-30.
        #[arg(long, value_name = "DATE")]
        until: Option<NaiveDate>,
        #[command(flatten)]
        why: Why,
    },
    /// Everything that was said about guests being needed: by whom, when and how. Of each person the newest answer counts.
    #[command(
        after_help = "Examples:\n  innkeeper guests attestations\n  innkeeper guests attestations ann@partner.example --output json"
    )]
    Attestations {
        /// Only this guest: object id, UPN or mail address.
        guest: Option<String>,
    },
    /// Every guest that is exempt, on hold, or expected to leave: until when, why, and who decided it.
    #[command(
        after_help = "Examples:\n  innkeeper guests exemptions\n  innkeeper guests exemptions --output csv > exemptions.csv"
    )]
    Exemptions,
}

/// The words for verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictWord {
    Keep,
    Wait,
    Act,
    Protected,
    Unknown,
}

/// What every decision of a person needs.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Why; it is kept in the journal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who decides; who is logged in, unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// The same where a reason is kept if one is given.
#[derive(Debug, Args)]
pub(crate) struct PerhapsWhy {
    /// Why; it is kept in the journal.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who decides; who is logged in, unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}
