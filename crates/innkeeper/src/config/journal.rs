//! `[journal]` and `[retention]`: where the heads of the journal are written down, and how long things are kept.

use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use url::Url;

use super::address;
use super::findings::Findings;
use super::path::KeyPath;
use super::raw::{RawJournal, RawRetention};

/// Days that observations, plans and actions are kept: a year, and some time to look back at it.
const KEPT: u32 = 400;

/// Entra keeps a deleted account for 30 days, in which it may be restored.
const SHORTEST_ERASURE: u32 = 31;

/// A century.
const LONGEST: u32 = 36_500;

/// `[journal]`
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    /// Absolute.
    pub(crate) anchor_file: Option<PathBuf>,
    /// HTTPS, or a loopback address.
    pub(crate) anchor_url: Option<Webhook>,
}

/// The address of a webhook. Its path and query are never shown, since whoever knows them may call it.
#[derive(Clone)]
pub(crate) struct Webhook(pub(super) Url);

impl Webhook {
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/***", self.0.origin().ascii_serialization())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({self})")
    }
}

/// `[retention]`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub(crate) observations_days: u32,
    /// Not longer than the data of removed guests, since plans hold reasons.
    pub(crate) plans_days: u32,
    /// Long enough for a deletion to be undone.
    pub(crate) actions_days: u32,
    /// Personal data is kept for ever when it is absent.
    pub(crate) removed_guests_days: Option<u32>,
}

pub(super) fn check(raw: RawJournal, folder: &Path, findings: &mut Findings<'_>) -> Journal {
    let RawJournal {
        anchor_file,
        anchor_url,
    } = raw;
    let anchor_file = anchor_file.and_then(|file| {
        let file = match file.as_str() {
            "" => Err("is empty".to_owned()),
            file => Ok(folder.join(file)),
        };
        findings.check(&KeyPath::of("journal.anchor_file"), file)
    });
    let anchor_url = anchor_url.and_then(|url| {
        let url = address::hook(url.expose_secret()).map(Webhook);
        findings.check(&KeyPath::of("journal.anchor_url"), url)
    });
    Journal {
        anchor_file,
        anchor_url,
    }
}

pub(super) fn check_retention(raw: &RawRetention, findings: &mut Findings<'_>) -> Retention {
    let RawRetention {
        observations_days,
        plans_days,
        actions_days,
        removed_guests_days,
    } = *raw;
    let mut within = |name: &str, days: Option<u32>, shortest: u32| {
        if days.is_some_and(|days| !(shortest..=LONGEST).contains(&days)) {
            let key = KeyPath::of("retention").child(name);
            findings.wrong(
                &key,
                format!("must be between {shortest} and {LONGEST} days"),
            );
        }
    };
    within("observations_days", observations_days, 1);
    within("plans_days", plans_days, 1);
    within("actions_days", actions_days, SHORTEST_ERASURE);
    within("removed_guests_days", removed_guests_days, SHORTEST_ERASURE);
    let longest = removed_guests_days.unwrap_or(LONGEST);
    if plans_days.is_some_and(|days| days > longest) {
        findings.wrong(
            &KeyPath::of("retention.plans_days"),
            "must not be longer than retention.removed_guests_days: plans hold reasons, and reasons can name a person",
        );
    }
    Retention {
        observations_days: observations_days.unwrap_or(KEPT),
        plans_days: plans_days.unwrap_or(KEPT).min(longest),
        actions_days: actions_days.unwrap_or(KEPT),
        removed_guests_days,
    }
}
