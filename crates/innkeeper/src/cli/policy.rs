//! The commands for those who write policies.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Say everything that is wrong with a policy, and what is odd about it, with line and column.
    #[command(
        after_help = "Examples:\n  innkeeper policy check policy.toml\n  innkeeper policy check            the policies of the configuration\n  \
                      innkeeper policy check --output json | jq '.[].warnings[]'\n\n\
                      Warnings leave the exit code at 0: the policy is in force all the same."
    )]
    Check {
        /// The policy file; without it, those of the configuration.
        file: Option<PathBuf>,
    },
    /// Try a policy on made-up guests: facts in, verdict out, as in unit tests.
    #[command(
        after_help = "The cases of policy.toml are in policy.test.toml beside it; docs/policy.md describes them.\n\n\
                      Examples:\n  innkeeper policy test policy.toml\n  innkeeper policy test policy.toml --cases more-cases.toml\n  \
                      innkeeper policy test             the policies of the configuration\n\n\
                      Exit codes: 0 every case came out as expected, 1 one did not, 64 a file is wrong."
    )]
    Test {
        /// The policy file; without it, those of the configuration.
        file: Option<PathBuf>,
        /// The file of cases; without it, the one beside the policy.
        #[arg(long, value_name = "FILE")]
        cases: Option<PathBuf>,
    },
    /// Show for which of the guests as last observed another policy makes a difference, and why.
    #[command(
        after_help = "Per guest: the rules whose scope it enters or leaves, and the verdict where it changes.\n\n\
                      Examples:\n  innkeeper policy diff /etc/innkeeper/policy.toml new-policy.toml\n  \
                      innkeeper policy diff old.toml new.toml --output csv > diff.csv\n\n\
                      Exit codes: 0 no difference, 1 failed, 2 there are differences, 64 a file is wrong."
    )]
    Diff {
        /// The policy as it is.
        old: PathBuf,
        /// The policy as it might be.
        new: PathBuf,
    },
    /// Which policy decides, which one waits to be accepted, and why.
    Status,
    /// Accept the policy of the configuration, which waits since it newly affects more guests than the configuration allows.
    #[command(
        after_help = "Shows what the policy changes for the guests as last observed; with --yes it decides from the next cycle on.\n\n\
                      Examples:\n  innkeeper policy accept\n  innkeeper policy accept --yes --reason \"agreed on, ticket 4711\"\n\n\
                      Exit codes: 0 accepted, or nothing to accept, 2 it would be accepted with --yes, 64 something is missing.\n\
                      It is recorded in the journal with name and reason."
    )]
    Accept {
        /// Accept it.
        #[arg(long)]
        yes: bool,
        /// Why, for the record.
        #[arg(long, value_name = "TEXT", required_if_eq("yes", "true"))]
        reason: Option<String>,
        /// Who decides, for the record; who is logged in unless given.
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
    /// Every fact that a condition can ask about: type, unit, source, and when it is absent.
    #[command(
        after_help = "Examples:\n  innkeeper policy facts\n  innkeeper policy facts --output json | jq -r '.[].fact'\n  \
                      innkeeper policy facts --markdown > docs/facts.md"
    )]
    Facts {
        /// As the reference page, in Markdown.
        #[arg(long)]
        markdown: bool,
    },
}
