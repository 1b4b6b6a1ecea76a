//! By which policy guests are judged, and how it stands to the one that decides.

use std::path::{Path, PathBuf};

use anyhow::Result;
use innkeeper_domain::acceptance::{DECISION_VERSION, count};
use innkeeper_domain::policy::Policy;
use innkeeper_engine::{Own, Ruling};
use innkeeper_store::{Tx, WaitingPolicy};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::commands::policy as policies;
use crate::config::TenantConfig;
use crate::installation::load_policy;
use crate::output::print;
use crate::standing::short;

/// Where the policy that is judged by stands.
pub(crate) struct Standing {
    hash: String,
    place: Place,
    /// The hash of the policy that decides; without one nothing is taken away.
    in_force: Option<String>,
    /// The policy of the configuration, where it does not decide.
    other: Option<Other>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Cycles decide by it.
    InForce,
    /// Cycles would, but nothing is taken away until a policy is accepted.
    Held,
    /// It was named on the command line.
    Tried,
}

struct Other {
    hash: String,
    file: PathBuf,
    /// What the last cycle made of it; `None` when none has seen it yet.
    weighed: Option<WaitingPolicy>,
}

impl Standing {
    /// The policy to judge by, with the projects that people set beside it: the one that decides, unless another is named.
    pub(super) async fn read(
        config: &TenantConfig,
        tried: Option<&Path>,
        tx: &mut Tx,
    ) -> Result<(Policy, Self)> {
        let own = load_policy(&config.policy)?.policy;
        let accepted = tx.accepted_policy(config.id).await?;
        let set = tx.projects(config.id).await?;
        let Ruling { policy, own: place } = Ruling::of(&own, accepted.as_ref(), &set);
        let (is_in_force, is_behind) = match place {
            Own::Accepted => (true, false),
            // The next cycle accepts it as it is.
            Own::First => (true, false),
            Own::Behind => (true, true),
            Own::Alone => (false, true),
        };
        let weighed = tx.waiting_policy(config.id).await?.filter(|waiting| {
            waiting.hash == own.hash && waiting.decision_version == DECISION_VERSION
        });
        let other = is_behind.then(|| Other {
            hash: own.hash.clone(),
            file: config.policy.clone(),
            weighed,
        });
        let in_force = is_in_force.then(|| policy.hash.clone());
        let (policy, place) = match tried {
            None if is_in_force => (policy, Place::InForce),
            None => (policy, Place::Held),
            Some(file) => {
                let tried = policies::load(file)?.with_projects(&set);
                let is_same = in_force.as_ref() == Some(&tried.hash);
                let place = if is_same {
                    Place::InForce
                } else {
                    Place::Tried
                };
                (tried, place)
            }
        };
        let hash = policy.hash.clone();
        let standing = Self {
            hash,
            place,
            in_force,
            other,
        };
        Ok((policy, standing))
    }

    /// Nothing is taken away by it until it is accepted.
    pub(crate) fn is_held(&self) -> bool {
        self.place == Place::Held
    }

    /// What people have to know of it; nothing where the policy of the configuration decides and is judged by.
    pub(crate) fn told(&self) -> Option<String> {
        let in_force = match &self.in_force {
            Some(hash) => format!("the policy in force ({})", short(hash)),
            None => "no policy".to_owned(),
        };
        if self.place == Place::Tried {
            return Some(format!(
                "By the policy {}, which is not in force; {in_force} decides.",
                short(&self.hash)
            ));
        }
        let Other {
            hash,
            file,
            weighed,
        } = self.other.as_ref()?;
        let file = file.display();
        let why = match weighed {
            Some(WaitingPolicy {
                affected,
                before,
                allowed,
                ..
            }) => format!(
                "waits for `innkeeper policy accept`: {}",
                count(*affected, *before, *allowed)
            ),
            None => "is another one, which no cycle has weighed yet".to_owned(),
        };
        let consequence = if self.is_held() {
            "Until it is accepted no policy is in force, and nothing is taken away; this is what the one accepted last would do"
                .to_owned()
        } else {
            format!("This is by {in_force}")
        };
        Some(format!(
            "The policy {} of {file} {why}. {consequence}.",
            short(hash)
        ))
    }

    /// The whole hash, and what people have to know of it.
    pub(crate) fn described(&self) -> String {
        match self.told() {
            Some(text) => format!("{}. {text}", self.hash),
            None => self.hash.clone(),
        }
    }

    /// Tells it where it does not get into what programs read, for a command that can judge by the other.
    pub(crate) fn tell(&self, output: Output) -> Result<()> {
        let Some(mut text) = self.told() else {
            return Ok(());
        };
        if let (Place::InForce | Place::Held, Some(other)) = (self.place, &self.other) {
            let file = other.file.display();
            text.push_str(&format!(" --policy {file} judges by the other."));
        }
        match output {
            Output::Table => print(&format!("{text}\n\n")),
            Output::Csv => {
                eprintln!("{text}");
                Ok(())
            }
            Output::Json => Ok(()),
        }
    }

    /// The same for programs.
    pub(crate) fn object(&self) -> Value {
        let waiting = self.other.as_ref().map(|other| {
            let weighed = other.weighed.as_ref();
            json!({
                "hash": other.hash,
                "since": weighed.map(|of| of.since),
                "newly_affected": weighed.map(|of| of.affected),
                "affected_before": weighed.map(|of| of.before),
                "allowed": weighed.map(|of| of.allowed),
            })
        });
        let word = match self.place {
            Place::InForce => "in-force",
            Place::Held => "held",
            Place::Tried => "tried",
        };
        json!({ "hash": self.hash, "standing": word, "in_force": self.in_force, "waiting": waiting })
    }
}
