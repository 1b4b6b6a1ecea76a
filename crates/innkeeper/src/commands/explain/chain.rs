//! Who answers for a guest, and who was passed over.

use anyhow::Result;
use innkeeper_domain::guest::GuestView;
use innkeeper_domain::sponsor::{Hop, chain, managers};
use innkeeper_engine::circle_of;
use innkeeper_store::Tx;
use serde_json::{Value, json};

use crate::commands::judging::Bench;

/// The chains that the policy follows, each with what follows it.
pub(super) struct Chains(Vec<(&'static str, Vec<Hop>)>);

impl Chains {
    pub(super) async fn of(bench: &Bench, tx: &mut Tx, view: &GuestView) -> Result<Self> {
        let Bench {
            tenant,
            policy,
            named_groups,
            ..
        } = bench;
        let mut chains = Vec::new();
        if policy.follows_chain() {
            let circle = circle_of(tx, *tenant, policy, view, named_groups).await?;
            chains.push(("sponsor", chain(view, &circle, &policy.sponsoring)));
            if policy.notifies_managers() {
                chains.push(("manager", managers(view, &circle, &policy.sponsoring)));
            }
        }
        Ok(Self(chains))
    }

    pub(super) fn object(&self) -> Value {
        let hop = |hop: &Hop| {
            json!({
                "link": hop.link,
                "of": hop.of,
                "person": hop.person,
                "name": hop.name,
                "mail": hop.mail,
                "finding": hop.finding,
            })
        };
        let chain = |(to, hops): &(&str, Vec<Hop>)| json!({ "to": to, "hops": hops.iter().map(hop).collect::<Vec<_>>() });
        self.0.iter().map(chain).collect()
    }

    /// For people; nothing when the policy asks nobody.
    pub(super) fn lines(&self) -> String {
        let mut lines = String::new();
        for (to, hops) in &self.0 {
            lines.push_str(&format!("\nWho answers, for a notice to {to}:\n"));
            for hop in hops {
                lines.push_str(&format!("  {hop}\n"));
            }
        }
        lines
    }
}
