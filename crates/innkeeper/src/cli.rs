//! The command line.

mod guests;
mod moment;
mod plans;
mod policy;
mod record;

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use guests::{Guests, PerhapsWhy, VerdictWord, Why};
pub(crate) use moment::Moment;
pub(crate) use plans::{Decision, Plans};
pub(crate) use policy::Policy;
pub(crate) use record::{DocumentOptions, Format, Journal, Report};

/// Keeps a Microsoft Entra tenant free of guests who should no longer be there.
#[derive(Debug, Parser)]
#[command(
    name = "innkeeper",
    version,
    about,
    after_help = "Examples:\n  innkeeper demo                                     see it work, on a simulated tenant\n  \
                  innkeeper doctor --config innkeeper.toml           what is missing or wrong, and what to do\n  \
                  innkeeper plan --config innkeeper.toml             what would be done now, and why\n  \
                  innkeeper explain ann@partner.example              one guest: facts, rules, what happens next\n  \
                  innkeeper run --config /etc/innkeeper/innkeeper.toml   the daemon\n\n\
                  Exit codes: 0 nothing to do, 1 failed or refused, 2 there is something to do (plan) or a difference (policy diff), 64 usage or configuration.",
    propagate_version = true,
    max_term_width = 110
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The configuration file.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FILE",
        default_value = "innkeeper.toml",
        env = "INNKEEPER_CONFIG"
    )]
    pub(crate) config: PathBuf,
    /// How results are printed.
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
    /// The tenant, by its name in the configuration; needed where there are several.
    #[arg(long, short, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// No progress bars.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// For programs: one JSON document.
    Json,
    /// For spreadsheets.
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon: a cycle at start and then by the schedule.
    #[command(
        after_help = "SIGTERM and SIGINT finish the step in hand and end; SIGHUP reads configuration and policies again.\n\n\
                            Example:\n  innkeeper run --config /etc/innkeeper/innkeeper.toml"
    )]
    Run,
    /// Observe and decide, and show what would be done. Nothing is done.
    #[command(
        after_help = "Examples:\n  innkeeper plan\n  innkeeper plan --output json | jq '.verdicts[] | select(.verdict == \"act\")'\n  \
                            innkeeper plan --output csv > plan.csv"
    )]
    Plan {
        /// Read only what changed since the last observation, as the daemon does between whole readings.
        #[arg(long)]
        changes: bool,
    },
    /// Replay a policy over the past: whose accounts it would have taken, and who of them came back later, beside the
    /// policy in force.
    #[command(
        after_help = "The past reaches back to when Innkeeper began to keep it; docs/operations.md says what is kept.\n\n\
                      Examples:\n  innkeeper backtest new-policy.toml\n  innkeeper backtest new-policy.toml --days 90 --output csv > backtest.csv\n  \
                      innkeeper backtest new-policy.toml --from 2027-01-01 --output json"
    )]
    Backtest {
        /// The policy file.
        policy: PathBuf,
        /// So many days back.
        #[arg(long, value_name = "N", default_value_t = 365)]
        days: u32,
        /// From this day on (UTC) instead.
        #[arg(long, value_name = "DATE", conflicts_with = "days")]
        from: Option<NaiveDate>,
    },
    /// Run one cycle now, as far as each tenant's mode goes.
    #[command(after_help = "Example:\n  innkeeper plan && echo nothing to do || innkeeper apply")]
    Apply {
        /// Read only what changed since the last observation, as the daemon does between whole readings.
        #[arg(long)]
        changes: bool,
    },
    /// Give back what was taken away: enable or restore accounts, compare them with what they had, and put them back into
    /// their groups. Without --yes it only shows what it would do.
    #[command(after_help = "Examples:\n  innkeeper undo ann@partner.example\n  \
                            innkeeper undo last\n  \
                            innkeeper undo last --yes --reason \"the sign-in log was delayed\" --by jo\n  \
                            innkeeper undo 0b6b3f1f-8a53-4a5e-9f5c-5f0c1c2e8a11 --output json\n\n\
                            Exit codes: 0 undone, or nothing to undo; 2 there is something to undo (without --yes); 1 a part failed.")]
    Undo {
        /// A guest (object id, UPN or mail address), an action's id, a cycle's (the id of its plan), or `last`: the last cycle
        /// that took something away.
        what: String,
        /// Do it.
        #[arg(long)]
        yes: bool,
        /// Why, for the journal.
        #[arg(long)]
        reason: Option<String>,
        /// Who, for the journal; the user who is logged in unless told.
        #[arg(long, env = "USER")]
        by: Option<String>,
    },
    /// The plans made so far, and a person's word where one is needed.
    #[command(subcommand)]
    Plans(Plans),
    /// Say what keeps the daemon from its work, why that matters and what to do. Nothing is changed and no mail is sent.
    #[command(
        after_help = "Examples:\n  innkeeper doctor\n  innkeeper doctor --tenant contoso\n  \
                            innkeeper doctor --output json | jq '.checks[] | select(.state != \"ok\")'\n\n\
                            Exit codes: 0 nothing would stop the daemon (there may be warnings), 1 something would, \
                            64 the configuration or a policy is wrong."
    )]
    Doctor,
    /// What operators have to hear: that nothing happens, what cannot be believed, what ends soon.
    #[command(subcommand)]
    Alarms(Alarms),
    /// Everything about one guest: facts with their sources, every rule's outcome, what happens next.
    #[command(
        after_help = "Examples:\n  innkeeper explain ann@partner.example\n  innkeeper explain ann@partner.example --at 2027-03-31      as of a later day\n  innkeeper explain 5f0c1c2e-8a53-4a5e-9f5c-0b6b3f1f8a11 --output json"
    )]
    Explain {
        /// Object id, UPN or mail address.
        guest: String,
        /// Judge as of this day, today or later, such as 2027-03-31.
        #[arg(long, value_name = "DATE", value_parser = day)]
        at: Option<NaiveDate>,
        #[command(flatten)]
        by: JudgedBy,
    },
    /// What the policy will do to the guests as last observed, week by week, if nobody signs in.
    #[command(
        after_help = "It reads the database alone, takes every guest into memory (about 2 KB each), and changes nothing.\n\n\
                      Examples:\n  innkeeper forecast\n  innkeeper forecast --days 365 --output csv > forecast.csv\n  \
                      innkeeper forecast --output json | jq '.weeks[] | select(.action == \"delete\")'"
    )]
    Forecast {
        /// How many days ahead, at most ten years.
        #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=3650))]
        days: u32,
        #[command(flatten)]
        by: JudgedBy,
    },
    /// The guests as last observed.
    #[command(subcommand)]
    Guests(Guests),
    /// Project groups and their ends.
    #[command(subcommand)]
    Projects(Projects),
    /// The record of everything that happened, each entry chained to the one before.
    #[command(subcommand)]
    Journal(Journal),
    /// Documents for those who ask: about one guest, or about a period.
    #[command(subcommand)]
    Report(Report),
    /// Work on a policy.
    #[command(subcommand)]
    Policy(Policy),
    /// Work on the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Work on the database.
    #[command(subcommand)]
    Db(Db),
    /// Serve a simulated Entra tenant over HTTP, to rehearse a policy on.
    #[command(
        after_help = "Example:\n  innkeeper simulate --guests 2000 --seed 7 --listen 127.0.0.1:4000\n\n\
                            It prints the settings that a configuration needs. GET /_simulator/info shows them again."
    )]
    Simulate(Simulate),
    /// See it work: half a year with a simulated tenant, in seconds.
    #[command(
        after_help = "Example:\n  innkeeper demo --guests 500 --days 365\n  innkeeper demo --chaos 1 --guests 300 --days 365\n\n\
                            It leaves a database and a configuration behind, to try the other commands on."
    )]
    Demo(Demo),
}

/// A day as it is written everywhere.
fn day(text: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| "not a day; write year, month and day, such as 2027-03-31".to_owned())
}

/// By which policy a command judges.
#[derive(Debug, Args)]
pub(crate) struct JudgedBy {
    /// Judge by this policy instead of the one in force, such as one that waits to be accepted.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Projects {
    /// Set the last day of a project, beside the policy file. Where the file names the group too, it wins.
    #[command(
        after_help = "Examples:\n  innkeeper projects set \"Bridge Renovation\" --ends 2027-03-31\n  \
                            innkeeper projects set 5f0c1c2e-8a53-4a5e-9f5c-0b6b3f1f8a11 --ends 2027-03-31"
    )]
    Set {
        /// The group's object id, or its exact name.
        group: String,
        /// The last day (UTC), such as 2027-03-31.
        #[arg(long, value_name = "DATE")]
        ends: NaiveDate,
        #[command(flatten)]
        why: PerhapsWhy,
    },
    /// Take the end of a project away that was set with `projects set` or `import`.
    #[command(after_help = "Example:\n  innkeeper projects remove \"Bridge Renovation\"")]
    Remove {
        /// The group, as it was named when the end was set.
        group: String,
        #[command(flatten)]
        why: PerhapsWhy,
    },
    /// Every project with its end, and where the end comes from.
    #[command(
        after_help = "Examples:\n  innkeeper projects list\n  innkeeper projects list --output csv > projects.csv"
    )]
    List,
    /// Set the ends of many projects from a CSV file with the columns group and ends. With anything wrong nothing is set.
    #[command(
        after_help = "Example:\n  innkeeper projects import projects.csv\n\nThe file:\n  group,ends\n  \
                            Bridge Renovation,2027-03-31\n  5f0c1c2e-8a53-4a5e-9f5c-0b6b3f1f8a11,2027-06-30"
    )]
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        why: PerhapsWhy,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Say everything that is wrong with the configuration and its policies.
    Check,
    /// Print the configuration in force, with defaults filled in and without secrets.
    Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Alarms {
    /// The alarms that are raised, judged now; nobody is told.
    #[command(
        after_help = "Examples:\n  innkeeper alarms list\n  innkeeper alarms list --output json\n\n\
                            Exit codes: 0 none is raised, 2 some are."
    )]
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Bring the database to this version's schema.
    Migrate,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:4000")]
    pub(crate) listen: SocketAddr,
    /// How many guests.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) guests: usize,
    /// The same seed makes the same tenant.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Simulated seconds in a second; 0 for a clock that only moves when told to.
    #[arg(long, default_value_t = 1.0)]
    pub(crate) speed: f64,
    /// The simulated time at the start, such as 2026-01-01T00:00:00Z; now by default.
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<DateTime<Utc>>,
    /// Answer as fast as it can instead of throttling as Graph does.
    #[arg(long)]
    pub(crate) no_throttling: bool,
    /// Milliseconds that each answer takes at least.
    #[arg(long, default_value_t = 0)]
    pub(crate) latency: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// How many guests.
    #[arg(long, default_value_t = 300)]
    pub(crate) guests: usize,
    /// How many days, with one cycle a day.
    #[arg(long, default_value_t = 180)]
    pub(crate) days: u32,
    /// The same seed makes the same tenant.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the database, the policy and the configuration are left.
    #[arg(long, value_name = "FOLDER", default_value = "innkeeper-demo")]
    pub(crate) directory: PathBuf,
    /// Break everything that can break, day after day, by draws of this seed; and count what comes of it.
    #[arg(long, value_name = "SEED", conflicts_with = "seed")]
    pub(crate) chaos: Option<u64>,
}
