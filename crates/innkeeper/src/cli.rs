//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand, ValueEnum};

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
                  Exit codes: 0 nothing to do, 1 failed or refused, 2 there is something to do (plan), 64 usage or configuration.",
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
    Plan,
    /// Run one cycle now, as far as each tenant's mode goes.
    #[command(after_help = "Example:\n  innkeeper plan && echo nothing to do || innkeeper apply")]
    Apply,
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
    /// Everything about one guest: facts with their sources, every rule's outcome, what happens next.
    #[command(
        after_help = "Examples:\n  innkeeper explain ann@partner.example\n  innkeeper explain 5f0c1c2e-8a53-4a5e-9f5c-0b6b3f1f8a11 --output json"
    )]
    Explain {
        /// Object id, UPN or mail address.
        guest: String,
    },
    /// The guests as last observed.
    #[command(subcommand)]
    Guests(Guests),
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
    #[command(after_help = "Example:\n  innkeeper demo --guests 500 --days 365\n\n\
                            It leaves a database and a configuration behind, to try the other commands on.")]
    Demo(Demo),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plans {
    /// The newest plans: when they were made, what they hold, and whether they wait for a person.
    #[command(
        after_help = "Examples:\n  innkeeper plans list\n  innkeeper plans list --output json | jq '.[] | select(.state == \"waiting\")'\n\n\
                      States: not-asked (no more than the ceiling of the policy), waiting, approved, rejected, expired (an approval\n\
                      that has ended), superseded (by a newer plan or policy)."
    )]
    List {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// One plan: its steps, what was refused, what is left and when that is done at the earliest.
    #[command(
        after_help = "Examples:\n  innkeeper plans show 5f0c1c2e\n  innkeeper plans show 5f0c1c2e --output csv > steps.csv"
    )]
    Show {
        /// The plan's id, or the beginning of it.
        plan: String,
    },
    /// Let the steps of a plan be taken that wait for a person: these very ones, under the caps, until the approval ends.
    #[command(
        after_help = "Examples:\n  innkeeper plans approve 5f0c1c2e --reason \"spring clean, ticket 4711\"\n  \
                      innkeeper plans approve 5f0c1c2e --reason \"as agreed with the owners\" --by ann --expires 30d\n\n\
                      It is recorded in the journal with name and reason. An edit of the policy ends it as well."
    )]
    Approve {
        #[command(flatten)]
        decision: Decision,
        /// How long it counts, such as 72h or 30d.
        #[arg(long, value_name = "TIME", default_value = "72h", value_parser = expiry)]
        expires: TimeDelta,
    },
    /// Hold the steps of a plan that wait for a person, until the plan is approved after all or the policy is edited.
    #[command(
        after_help = "Example:\n  innkeeper plans reject 5f0c1c2e --reason \"the partner's sign-ins are not in Entra\"\n\n\
                      It takes back an approval of the same plan, and is recorded in the journal with name and reason."
    )]
    Reject {
        #[command(flatten)]
        decision: Decision,
    },
}

/// What a person says of a plan.
#[derive(Debug, Args)]
pub(crate) struct Decision {
    /// The plan's id, or the beginning of it.
    pub(crate) plan: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who decides, for the record; who is logged in unless given.
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

fn expiry(text: &str) -> Result<TimeDelta, String> {
    match innkeeper_domain::policy::span(text) {
        Ok(span) if span > TimeDelta::zero() => Ok(span),
        Ok(_) => Err("an approval that ends at once lets nothing through".to_owned()),
        Err(fault) => Err(format!("{text:?} {fault}")),
    }
}

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
    },
    /// One guest: attributes, sponsors, groups, cases and everything ever done.
    Show {
        /// Object id, UPN or mail address.
        guest: String,
    },
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

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Say everything that is wrong with a policy, with line and column.
    #[command(
        after_help = "Examples:\n  innkeeper policy check policy.toml\n  innkeeper policy check            the policies of the configuration"
    )]
    Check {
        /// The policy file; without it, those of the configuration.
        file: Option<PathBuf>,
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
    pub(crate) start: Option<chrono::DateTime<chrono::Utc>>,
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
}
