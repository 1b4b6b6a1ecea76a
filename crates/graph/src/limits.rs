//! How fast Graph is asked at most.

use std::time::Duration;

/// By how much a stretch is longer than documented.
const MARGIN: Duration = Duration::from_millis(250);

/// So many requests, or resource units, at most, in any stretch of time of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many.
    pub requests: u32,
    /// In how long.
    pub within: Duration,
}

/// What one kind of request is allowed. No limit: it is not paced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Several hold at once.
    pub limits: Vec<Limit>,
    /// Up to how much of them is tried, in percent, while Graph does not speak against it.
    pub at_best_percent: u32,
}

/// How fast requests of each kind are sent at most, for one application in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Reads of `signInActivity`.
    pub sign_ins: Quota,
    /// Reads of any report, those of `signInActivity` among them.
    pub reports: Quota,
    /// Resource units of all other requests to the directory.
    pub directory: Quota,
    /// Writes.
    pub writes: Quota,
    /// Mails.
    pub mail: Quota,
    /// Mails that are on their way at once.
    pub mails_at_once: usize,
    /// How much of each is used, in percent: the rest is left to others who use the same application.
    pub share_percent: u32,
}

impl Limits {
    /// What Microsoft documents ("Microsoft Graph service-specific throttling limits"). Each stretch is a little
    /// longer, since Graph counts by a clock of its own.
    ///
    /// It is not clear whether a listing with `signInActivity` falls under 10 a minute or under 5 in 10 seconds: it
    /// begins with the former and is tried up to the latter. Resource units begin with those of a small tenant.
    #[must_use]
    pub fn documented() -> Self {
        let quota = |requests, seconds: u64, at_best_percent| Quota {
            limits: vec![Limit {
                requests,
                within: Duration::from_secs(seconds) + MARGIN,
            }],
            at_best_percent,
        };
        Self {
            sign_ins: quota(10, 60, 300),
            reports: quota(5, 10, 100),
            directory: quota(3_500, 10, 228),
            writes: quota(3_000, 150, 100),
            mail: quota(30, 60, 100),
            mails_at_once: 4,
            share_percent: 100,
        }
    }

    /// With every stretch of time divided, its margin as well: for a simulator whose windows are shorter. By nothing, it
    /// stays as it is.
    #[must_use]
    pub fn shortened(mut self, by: u32) -> Self {
        let Self {
            sign_ins,
            reports,
            directory,
            writes,
            mail,
            mails_at_once: _,
            share_percent: _,
        } = &mut self;
        for quota in [sign_ins, reports, directory, writes, mail] {
            for limit in &mut quota.limits {
                limit.within /= by.max(1);
            }
        }
        self
    }

    /// Nothing is paced, but for the mails that are on their way at once.
    #[must_use]
    pub fn none() -> Self {
        let none = Quota {
            limits: Vec::new(),
            at_best_percent: 100,
        };
        Self {
            sign_ins: none.clone(),
            reports: none.clone(),
            directory: none.clone(),
            writes: none.clone(),
            mail: none,
            mails_at_once: 4,
            share_percent: 100,
        }
    }
}
