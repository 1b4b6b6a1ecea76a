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
