//! How many guests a second one core decides on: `cargo bench -p innkeeper-domain --bench decide`.
//!
//! Five rules and two protections, each verdict with its reason in words. What is counted is the time on the processor,
//! so that what else runs on the machine matters little. It ends in failure under the aim.

use std::fs;
use std::hint::black_box;
use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::access::Access;
use innkeeper_domain::activity::{Reading, SignIns};
use innkeeper_domain::decide::Judge;
use innkeeper_domain::group::{Found, Group, Membership, NamedGroups};
use innkeeper_domain::guest::{Guest, GuestRecord, GuestView, Invitation, UserType};
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::policy::Policy;
use innkeeper_domain::sponsor::{self, Sponsor, SponsorKind};
use innkeeper_domain::watch::Watched;

/// Guests a second of processor time.
const AIM: f64 = 250_000.0;
const GUESTS: u32 = 20_000;
const ROUNDS: u32 = 15;

const POLICY: &str = r#"
[[rule]]
name = "project ended"
when = 'size(guest.projects) > 0 && guest.projects.all(p, p.ended)'
stages = [{ action = "notify" }, { action = "remove-from-group", wait = "7d" }]

[[rule]]
name = "inactive"
when = 'guest.inactive_days >= 90 && !("vip" in guest.groups)'
stages = [{ action = "notify" }, { action = "disable", wait = "14d" }, { action = "delete", wait = "30d" }]

[[rule]]
name = "never redeemed"
when = 'guest.pending_days >= 30'
stages = [{ action = "notify" }, { action = "disable", wait = "14d" }]

[[rule]]
name = "no sponsor"
when = 'guest.eligible_sponsor_count == 0 && guest.account_age_days > 30'
stages = [{ action = "flag" }, { action = "notify", to = ["operators"], wait = "7d" }]

[[rule]]
name = "expired"
when = 'guest.expires_in_days < 0'
stages = [{ action = "notify" }, { action = "disable", wait = "14d" }]

[[protect]]
name = "partners"
when = 'guest.domain in ["partner.example", "other.example"]'

[[protect]]
name = "exempt"
when = '"exempt" in guest.groups'

[[project]]
group = "bridge"
ends = 2026-12-31
"#;

fn main() -> ExitCode {
    let policy = Policy::parse("policy.toml", POLICY).expect("a good policy");
    let named = ["bridge", "exempt", "vip"];
    let named_groups =
        NamedGroups::from(named.map(|name| (name.to_owned(), Found::One(group(name)))));
    let judge = Judge {
        tenant: TenantId::derived(&[]),
        policy: &policy,
        named_groups: &named_groups,
        now: now(),
        watched: Watched(100 * 86_400),
        span: TimeDelta::hours(6),
    };
    let guests: Vec<GuestView> = (0..GUESTS).map(guest).collect();
    let best = (0..ROUNDS)
        .map(|_| round(&judge, &guests))
        .fold(f64::INFINITY, f64::min);
    let rate = f64::from(GUESTS) / best;
    println!(
        "{rate:.0} guests a second of processor time, {:.2} us each; the aim is {AIM:.0}",
        best * 1e6 / f64::from(GUESTS)
    );
    if rate >= AIM {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Seconds on the processor for all guests.
fn round(judge: &Judge<'_>, guests: &[GuestView]) -> f64 {
    let before = on_processor();
    for guest in guests {
        let judgement = judge.judge(black_box(guest));
        black_box(judgement.verdict.reason());
        black_box(judgement);
    }
    on_processor() - before
}

/// Seconds that this process has been on a processor, as Linux counts them.
fn on_processor() -> f64 {
    let text = fs::read_to_string("/proc/self/schedstat").expect("Linux tells it");
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|field| field.parse::<f64>().ok());
    nanoseconds.expect("a number") / 1e9
}

fn now() -> DateTime<Utc> {
    "2027-03-01T00:00:00Z".parse().expect("a time")
}

fn group(name: &str) -> Group {
    Group {
        id: GroupId::derived(&[name.as_bytes()]),
        name: name.to_owned(),
        membership: Membership::Assigned,
        expires: None,
    }
}

/// As in a tenant of some years: most are active, one in six is inactive, some are pending, partners or in projects.
fn guest(number: u32) -> GuestView {
    let days = |days: i64| now() - TimeDelta::days(days);
    let last = if number.is_multiple_of(6) {
        100
    } else {
        i64::from(number % 80)
    };
    let domain = if number.is_multiple_of(10) {
        "partner.example"
    } else {
        "elsewhere.example"
    };
    let is_pending = number.is_multiple_of(17);
    GuestView {
        record: GuestRecord {
            guest: Guest {
                id: GuestId::derived(&[&number.to_be_bytes()]),
                upn: format!("guest{number}_{domain}#EXT#@contoso.example"),
                mail: Some(format!("guest{number}@{domain}")),
                display_name: Some(format!("Guest {number}")),
                user_type: UserType::Guest,
                enabled: Some(true),
                created: Some(days(500)),
                invitation: if is_pending {
                    Invitation::Pending {
                        since: Some(days(40)),
                    }
                } else {
                    Invitation::Accepted {
                        at: Some(days(499)),
                    }
                },
                on_premises_sync: None,
                management_restricted: None,
                company: None,
                creation_type: Some("Invitation".to_owned()),
                external: Some(true),
                attribute: None,
                sign_ins: SignIns {
                    successful: (!is_pending).then(|| days(last)),
                    ..SignIns::default()
                },
            },
            reading: if is_pending {
                Reading::Never
            } else {
                Reading::Fresh
            },
            logged_in: None,
            first_seen: days(300),
            gone: None,
            revived: None,
            disabled_by_us: None,
            deleted_by_us: None,
        },
        sponsors: if number.is_multiple_of(9) {
            Vec::new()
        } else {
            vec![Sponsor {
                id: SponsorId::derived(&[b"sara"]),
                kind: SponsorKind::User,
                display_name: None,
                mail: Some("sara@contoso.example".to_owned()),
                enabled: Some(true),
                is_guest: false,
                membership: sponsor::Membership::NotAsked,
            }]
        },
        deleted_sponsors: Some(0),
        groups: if number.is_multiple_of(13) {
            vec![group("bridge")]
        } else {
            Vec::new()
        },
        roles: Vec::new(),
        cases: Vec::new(),
        previous_cases: 0,
        decisions: Vec::new(),
        attestations: Vec::new(),
        invited_by: None,
        access: Access::default(),
        marks: Vec::new(),
        brought_back: 0,
    }
}
