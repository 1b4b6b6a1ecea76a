//! The commands about plans, and a person's word on one.

use chrono::TimeDelta;
use clap::{Args, Subcommand};

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
