//! Everything behind the one lock: the tenant, its clock, what is granted, what is switched on.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use uuid::Uuid;

use crate::clock::{Clock, real_now};
use crate::dice::Dice;
use crate::faults::Faults;
use crate::options::Options;
use crate::population::populate;
use crate::second::Second;
use crate::tenant::Tenant;
use crate::throttle::Throttle;

/// A token that was issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) roles: Vec<String>,
    pub(crate) expires: Second,
}

/// A request that is being held.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// The simulated world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) tenant: Tenant,
    pub(crate) clock: Clock,
    pub(crate) permissions: Vec<String>,
    pub(crate) licensed: bool,
    pub(crate) throttling: bool,
    pub(crate) latency: Duration,
    pub(crate) faults: Faults,
    pub(crate) throttle: Throttle,
    pub(crate) tokens: HashMap<String, Issued>,
    pub(crate) held: Vec<Held>,
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) dice: Dice,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let start = options.start.unwrap_or_else(real_now);
        let mut faults = Faults::default();
        for fault in &options.faults {
            faults.add(fault.clone());
        }
        Self {
            tenant: populate(&options, Second::of(start)),
            clock: Clock::new(start, options.speed),
            permissions: options.permissions.clone(),
            licensed: options.licensed,
            throttling: options.throttling,
            latency: options.latency,
            faults,
            throttle: Throttle::default(),
            tokens: HashMap::new(),
            held: Vec::new(),
            requests: BTreeMap::new(),
            dice: Dice::of(&[options.population.seed, 0x5eed]),
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
}
