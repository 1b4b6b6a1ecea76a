//! From what is written to what is meant, or to everything that is wrong with it.

use std::net::SocketAddr;
use std::path::Path;

use chrono_tz::{TZ_VARIANTS, Tz};
use innkeeper_engine::schedule::Schedule;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::database;
use super::findings::Findings;
use super::keys::nearest;
use super::path::KeyPath;
use super::raw::{RawClock, RawConfig, RawDatabase, RawHttp, RawLog, RawSchedule};
use super::{
    Clock, Config, Database, Http, Log, TenantConfig, address, alarms, answers, journal, tenant,
};
use crate::telemetry::Format;

const LEASE_SECONDS: u32 = 30;
const CYCLE: &str = "0 */6 * * *";
const LEVEL: &str = "info";

pub(super) fn check(raw: RawConfig, file: &Path, findings: &mut Findings<'_>) -> Option<Config> {
    let RawConfig {
        database,
        schedule,
        http,
        answers,
        log,
        clock,
        journal,
        alarms,
        retention,
        tenants,
    } = raw;
    // A folder that has no absolute name is a file that could not have been read.
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().unwrap_or(Path::new("/"));

    let database = check_database(database.unwrap_or_default(), folder, findings);
    let schedule = schedule.unwrap_or_default();
    let whole_reading_hours = schedule.whole_reading_hours.unwrap_or(WHOLE_READING_HOURS);
    if whole_reading_hours > 24 * 6 {
        findings.wrong(
            &KeyPath::of("schedule.whole_reading_hours"),
            "must be at most 144: Graph forgets after seven days what changed since",
        );
    }
    let spread_percent = schedule.spread_percent.unwrap_or(SPREAD_PERCENT);
    if spread_percent > 80 {
        findings.wrong(
            &KeyPath::of("schedule.spread_percent"),
            "must be at most 80: what follows the reading needs its time before the next run",
        );
    }
    let schedule = check_schedule(schedule, findings);
    let http = check_http(http.unwrap_or_default(), findings);
    let answers = answers::check(answers, folder, findings);
    let log = check_log(log.unwrap_or_default(), findings);
    let journal = journal::check(journal.unwrap_or_default(), folder, findings);
    let alarms = alarms::check(alarms.unwrap_or_default(), findings);
    let retention = journal::check_retention(&retention.unwrap_or_default(), findings);
    let mut tenants = tenant::check_all(tenants, folder, findings);
    for tenant in tenants.iter_mut().flatten() {
        tenant.links = answers.as_ref().map(|answers| answers.links.clone());
    }
    let clock = check_clock(clock.unwrap_or_default(), tenants.as_deref(), findings);
    Some(Config {
        database: database?,
        schedule: schedule?,
        whole_reading_hours,
        spread_percent,
        http,
        answers,
        log: log?,
        clock,
        journal,
        alarms,
        retention,
        tenants: tenants?,
        warnings: std::mem::take(&mut findings.warnings),
        origins: findings.layers.origins(),
    })
}

/// How old a whole reading may be, unless the file says otherwise: as old as sign-in activity may be late.
const WHOLE_READING_HOURS: u32 = 24;

/// Over how much of the time to the next run a whole reading is spread, unless the file says otherwise.
const SPREAD_PERCENT: u32 = 30;

/// One of several words.
pub(super) fn choose<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(name, _)| *name == text);
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        let names = || choices.iter().map(|(name, _)| *name);
        match nearest(text, names()) {
            Some(near) => format!("`{text}` is not known; did you mean `{near}`?"),
            None => {
                let names: Vec<_> = names().collect();
                format!("`{text}` is not known; it is one of {}", names.join(", "))
            }
        }
    })
}

fn check_database(
    raw: RawDatabase,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Database> {
    let RawDatabase { url, lease_seconds } = raw;
    let key = KeyPath::of("database.url");
    let url = findings.required(&key, url);
    let url = url.and_then(|url| findings.check(&key, database::check(&url, folder)));
    if let Some((_, Some(warning))) = &url {
        findings.warn(&key, warning);
    }
    let lease_seconds = lease_seconds.unwrap_or(LEASE_SECONDS);
    if !(5..=3600).contains(&lease_seconds) {
        findings.wrong(
            &KeyPath::of("database.lease_seconds"),
            "must be between 5 and 3600; shorter, a slow answer of the database loses the lease, longer, a successor \
             waits for an hour",
        );
    }
    Some(Database {
        url: url?.0,
        lease_seconds,
    })
}

fn check_schedule(raw: RawSchedule, findings: &mut Findings<'_>) -> Option<Schedule> {
    let RawSchedule {
        cycle,
        time_zone,
        whole_reading_hours: _,
        spread_percent: _,
    } = raw;
    let zone = time_zone.map_or(Some(Tz::UTC), |name| {
        let zone = name.parse().map_err(|_| {
            let names = TZ_VARIANTS.iter().map(|zone| zone.name());
            match nearest(&name, names) {
                Some(near) => format!("`{name}` is no time zone; did you mean `{near}`?"),
                None => format!("`{name}` is no time zone; write it like `Europe/Berlin`"),
            }
        });
        findings.check(&KeyPath::of("schedule.time_zone"), zone)
    });
    let key = KeyPath::of("schedule.cycle");
    let cycle = cycle.unwrap_or_else(|| CYCLE.to_owned());
    // The fields are judged even when the zone is wrong.
    let schedule = Schedule::parse(&cycle, zone.unwrap_or(Tz::UTC));
    findings.check(&key, schedule)
}

fn check_http(raw: RawHttp, findings: &mut Findings<'_>) -> Http {
    let RawHttp { listen } = raw;
    let listen = listen.and_then(|text| {
        let address = text.parse::<SocketAddr>().map_err(|_| {
            format!("`{text}` is not an address with a port, such as 127.0.0.1:8080 or [::]:8080")
        });
        findings.check(&KeyPath::of("http.listen"), address)
    });
    Http { listen }
}

fn check_log(raw: RawLog, findings: &mut Findings<'_>) -> Option<Log> {
    let RawLog { format, level } = raw;
    let format = format.map_or(Some(Format::default()), |text| {
        let format = choose(&text, &[("text", Format::Text), ("json", Format::Json)]);
        findings.check(&KeyPath::of("log.format"), format)
    });
    let level = level.unwrap_or_else(|| LEVEL.to_owned());
    let level = findings.check(
        &KeyPath::of("log.level"),
        check_level(&level).map(|()| level),
    );
    Some(Log {
        format: format?,
        level: level?,
    })
}

/// A misspelt level would pass for the name of a crate, and silence all the others.
fn check_level(text: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    for directive in text.split(',').map(str::trim) {
        let is_plain = directive
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_');
        let level = if is_plain {
            directive
        } else {
            match directive.rsplit_once('=') {
                Some((_, level)) if !level.contains(']') => level.trim(),
                _ => continue,
            }
        };
        if !is_level(level) {
            return Err(match nearest(level, LEVELS.into_iter()) {
                Some(near) => format!("`{level}` is not a level; did you mean `{near}`?"),
                None => format!("`{level}` is not a level; they are {}", LEVELS.join(", ")),
            });
        }
    }
    let filter = EnvFilter::builder().parse(text);
    filter.map(|_| ()).map_err(|error| error.to_string())
}

fn check_clock(
    raw: RawClock,
    tenants: Option<&[TenantConfig]>,
    findings: &mut Findings<'_>,
) -> Clock {
    let RawClock { follow } = raw;
    let key = KeyPath::of("clock.follow");
    let follow = follow.and_then(|text| {
        let url: Option<Url> = findings.check(&key, address::web(&text));
        url
    });
    if let (Some(url), Some(tenants)) = (&follow, tenants) {
        let real = tenants
            .iter()
            .find(|tenant| !address::is_loopback(&tenant.graph_url));
        if let Some(real) = real {
            let (name, url) = (&real.name, &real.graph_url);
            findings.wrong(
                &key,
                format!(
                    "a simulated clock is only for the simulator; the tenant {name} is at {url}"
                ),
            );
        } else if !address::is_loopback(url) {
            findings.wrong(
                &key,
                "a simulated clock is only for the simulator on this machine",
            );
        }
    }
    Clock { follow }
}
