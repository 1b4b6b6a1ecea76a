//! People who meddle: what they do in the directory while Innkeeper goes about its work, drawn by the seed.
//!
//! Invariant: what they do is done before the witness looks, or told to it; Innkeeper is told nothing.

use anyhow::Result;
use chrono::{DateTime, Utc};
use innkeeper_domain::ids::GuestId;
use innkeeper_simulator::Dice;
use serde_json::{Value, json};

use super::super::world::{TrueGuest, World};

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meddling {
    Enabled,
    Disabled,
    Deleted,
    SignedIn,
    SignedInQuietly,
    GaveRole,
    TookRole,
    Spared,
    SparedNoMore,
    SponsorLeft,
    LeftWithoutSponsors,
    GaveAppRole,
    JoinedProject,
}

/// All of it.
const ALL: [Meddling; 13] = [
    Meddling::Enabled,
    Meddling::Disabled,
    Meddling::Deleted,
    Meddling::SignedIn,
    Meddling::SignedInQuietly,
    Meddling::GaveRole,
    Meddling::TookRole,
    Meddling::Spared,
    Meddling::SparedNoMore,
    Meddling::SponsorLeft,
    Meddling::LeftWithoutSponsors,
    Meddling::GaveAppRole,
    Meddling::JoinedProject,
];

impl Meddling {
    /// Its word in the account.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled by hand",
            Self::Disabled => "disabled by hand",
            Self::Deleted => "deleted by hand",
            Self::SignedIn => "signed in",
            Self::SignedInQuietly => "signed in without a prompt",
            Self::GaveRole => "given a directory role",
            Self::TookRole => "lost a directory role",
            Self::Spared => "joined the exempt group",
            Self::SparedNoMore => "left the exempt group",
            Self::SponsorLeft => "sponsor left",
            Self::LeftWithoutSponsors => "left without sponsors",
            Self::GaveAppRole => "given a role in an application",
            Self::JoinedProject => "joined a project",
        }
    }

    /// Whether it can befall this guest, and makes a difference.
    fn fits(self, guest: &TrueGuest, exempt: &str) -> bool {
        let is_spared = guest
            .groups
            .iter()
            .any(|group| group.id.to_string() == exempt);
        match self {
            Self::Enabled => !guest.enabled,
            Self::Disabled | Self::SignedIn | Self::SignedInQuietly => guest.enabled,
            Self::Deleted | Self::GaveAppRole | Self::JoinedProject => true,
            Self::GaveRole => guest.roles.is_empty(),
            Self::TookRole => !guest.roles.is_empty(),
            Self::Spared => !is_spared,
            Self::SparedNoMore => is_spared,
            Self::SponsorLeft => guest.sponsors.iter().any(|of| of.kind == "user"),
            Self::LeftWithoutSponsors => !guest.sponsors.is_empty(),
        }
    }

    /// What the control interface is told, and about whom.
    fn change(
        self,
        guest: &TrueGuest,
        exempt: &str,
        project: &str,
        now: DateTime<Utc>,
    ) -> (String, Value) {
        let id = guest.id.to_string();
        let body = match self {
            Self::Enabled => json!({ "enabled": true }),
            Self::Disabled => json!({ "enabled": false }),
            Self::Deleted => json!({ "deleted": true }),
            Self::SignedIn => json!({ "success": true }),
            Self::SignedInQuietly => json!({ "last_non_interactive": now, "last_success": now }),
            Self::GaveRole => json!({ "roles": ["Reports Reader"] }),
            Self::TookRole => json!({ "roles": [] }),
            Self::Spared => json!({ "add_group": exempt }),
            Self::SparedNoMore => json!({ "remove_group": exempt }),
            Self::SponsorLeft => {
                let mut sponsors = guest.sponsors.iter().filter(|of| of.kind == "user");
                let sponsor = sponsors.next().map_or(id, |sponsor| sponsor.id.to_string());
                return (sponsor, json!({ "enabled": false }));
            }
            Self::LeftWithoutSponsors => json!({ "sponsors": [] }),
            Self::GaveAppRole => json!({ "add_app_role": "Travel Desk" }),
            Self::JoinedProject => json!({ "add_group": project }),
        };
        (id, body)
    }
}

/// Where people meddle.
pub(super) struct People {
    seed: u64,
    /// The group that exempts.
    pub(super) exempt: String,
    projects: Vec<String>,
}

impl People {
    pub(super) fn new(seed: u64, exempt: String, projects: Vec<String>) -> Self {
        Self {
            seed,
            exempt,
            projects,
        }
    }

    /// What they do now, to guests as they are. Mostly to those of whom something was or is to be taken.
    pub(super) async fn meddle(
        &self,
        world: &World,
        (day, attempt): (u32, usize),
        in_hand: &[GuestId],
        now: DateTime<Utc>,
    ) -> Result<Vec<(GuestId, Meddling)>> {
        let mut dice = Dice::of(&[self.seed, u64::from(day), attempt as u64, 0x9e09_1e00]);
        // Where a process has just died they are busy: that is when it matters.
        let chance = if attempt == 0 { 250 } else { 700 };
        let mut done = Vec::new();
        while dice.per_mille(chance) && done.len() < 3 {
            let truth = world.truth().await?;
            let is_there = |guest: &&TrueGuest| {
                guest.deleted.is_none() && !guest.purged && guest.user_type == "Guest"
            };
            let meddling = *dice.pick(&ALL);
            let fitting: Vec<&TrueGuest> = truth
                .iter()
                .filter(is_there)
                .filter(|guest| meddling.fits(guest, &self.exempt))
                .collect();
            let mut chosen: Vec<&TrueGuest> = fitting
                .iter()
                .copied()
                .filter(|guest| in_hand.contains(&guest.id))
                .collect();
            if chosen.is_empty() || dice.per_mille(300) {
                chosen = fitting;
            }
            if chosen.is_empty() {
                continue;
            }
            let guest = *dice.pick(&chosen);
            let project = dice.pick(&self.projects);
            let (id, body) = meddling.change(guest, &self.exempt, project, now);
            if meddling == Meddling::SignedIn {
                world.sign_in(&id, &body).await?;
            } else {
                world.change_user(&id, &body).await?;
            }
            done.push((guest.id, meddling));
        }
        Ok(done)
    }
}
