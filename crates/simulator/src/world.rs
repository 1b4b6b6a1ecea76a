//! Everything behind the one lock: the tenant, its clock, what is granted, what is switched on.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use crate::clock::{Clock, real_now};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::graph::DeltaSettings;
use crate::options::Options;
use crate::population::populate;
use crate::retries::Retries;
use crate::second::Second;
use crate::tenant::{Shadows, Tenant};
use crate::throttle::Throttle;
use crate::token::{Arc, Credentials};

/// A token that was issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) roles: Vec<String>,
    pub(crate) expires: Second,
    /// It was asked for with `claims`, as a challenge demands.
    pub(crate) claims_met: bool,
}

/// A request that is being held.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// The simulated world.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) tenant: Tenant,
    pub(crate) clock: Clock,
    pub(crate) permissions: Vec<String>,
    pub(crate) licensed: bool,
    pub(crate) governance: bool,
    pub(crate) latency: Duration,
    pub(crate) faults: Faults,
    pub(crate) throttle: Throttle,
    pub(crate) tokens: HashMap<String, Issued>,
    pub(crate) credentials: Credentials,
    pub(crate) arc: Option<Arc>,
    pub(crate) delta: DeltaSettings,
    pub(crate) shadows: Shadows,
    pub(crate) retries: Retries,
    /// By how much the `Date` of answers is ahead of the tenant's clock.
    pub(crate) date_skew: TimeDelta,
    pub(crate) held: Vec<Held>,
    pub(crate) requests: BTreeMap<String, u64>,
    /// Bytes of all bodies that were sent.
    pub(crate) bytes: u64,
    /// Answers with 429.
    pub(crate) throttled: u64,
    last_held: u64,
    dice: Dice,
}

impl World {
    /// Whether the tenant has the licence for eligible roles and access packages.
    pub(crate) fn is_governed(&self) -> bool {
        self.licensed && self.governance
    }

    pub(crate) fn new(options: Options) -> Self {
        let start = options.start.unwrap_or_else(real_now);
        let mut faults = Faults::default();
        for fault in &options.faults {
            faults.add(fault.clone());
        }
        let tenant = populate(&options, Second::of(start));
        Self {
            clock: Clock::new(start, options.speed),
            permissions: options.permissions.clone(),
            licensed: options.licensed,
            governance: options.governance,
            latency: options.latency,
            faults,
            throttle: Throttle::new(options.throttling, tenant.directory.users.len()),
            tokens: HashMap::new(),
            credentials: Credentials::default(),
            arc: None,
            delta: DeltaSettings::default(),
            shadows: Shadows::default(),
            retries: Retries::default(),
            date_skew: TimeDelta::zero(),
            held: Vec::new(),
            requests: BTreeMap::new(),
            bytes: 0,
            throttled: 0,
            last_held: 0,
            dice: Dice::of(&[options.population.seed, 0x5eed]),
            tenant,
            options,
        }
    }

    /// Lets life catch up with the clock.
    pub(crate) fn catch_up(&mut self) -> Second {
        let now = self.clock.second();
        self.tenant.live(now);
        now
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        self.dice.uuid()
    }

    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for index in (1..things.len()).rev() {
            things.swap(index, self.dice.index(index + 1));
        }
    }

    /// Counts a request, by method and shape of its path.
    pub(crate) fn count(&mut self, method: &str, template: &str) {
        *self
            .requests
            .entry(format!("{method} {template}"))
            .or_default() += 1;
    }

    /// Notes that a request is held, and gives the number by which it can be let go.
    pub(crate) fn hold(&mut self, held: impl FnOnce(u64) -> Held) -> u64 {
        self.last_held += 1;
        self.held.push(held(self.last_held));
        self.last_held
    }
}
