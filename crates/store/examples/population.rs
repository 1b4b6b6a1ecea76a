//! What a population costs: keeping it, keeping it again unchanged, judging it and reading it, on SQLite and Postgres.
//!
//! `cargo run --release -p innkeeper-store --example population -- [GUESTS] [postgres]`

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::activity::{Reading, SignIns};
use innkeeper_domain::guest::{Guest, GuestRecord, Invitation, UserType};
use innkeeper_domain::ids::{GroupId, GuestId, SponsorId, TenantId};
use innkeeper_domain::journal::{Anchors, Event};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use innkeeper_store::{RowKey, Store, StoreError, StoredVerdict};
use roaring::RoaringTreemap;

/// Guests on one page of Graph.
const PAGE: usize = 500;

/// Pages written in one transaction.
const PAGES: usize = 20;

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let guests = std::env::args()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .unwrap_or(100_000);
    let folder = tempfile::TempDir::new().expect("a folder");
    let url = match std::env::args().nth(2).as_deref() {
        Some("postgres") => innkeeper_testdb::postgres_url().await,
        Some(_) | None => innkeeper_testdb::sqlite_url(folder.path()),
    };
    println!(
        "{guests} guests, {}",
        url.split(':').next().unwrap_or_default()
    );
    let store = Store::open(&url).await?;
    store.migrate().await?;
    let population: Vec<u32> = (0..guests).collect();

    let started = Instant::now();
    let mut seen = RoaringTreemap::new();
    save(&store, &population, &mut seen).await?;
    told("keep new guests", started);
    analyze(&store).await;

    let started = Instant::now();
    save(&store, &population, &mut seen).await?;
    told("keep the same again", started);

    let started = Instant::now();
    let mut tx = store.begin().await?;
    tx.mark_gone(tenant(), &seen, at(1)).await?;
    tx.commit().await?;
    told("mark who is gone (nobody)", started);

    let started = Instant::now();
    link(&store, &population).await?;
    told("keep 2 sponsors of each", started);
    analyze(&store).await;

    let started = Instant::now();
    let keys = read(&store).await?;
    told("read everything by pages", started);
    assert_eq!(keys.len(), population.len());

    let started = Instant::now();
    judge(&store, &keys).await?;
    told("note each verdict, and in the journal", started);

    let started = Instant::now();
    let entries = store
        .read()
        .await?
        .verify_journal(tenant(), &Anchors::default())
        .await?;
    told("verify the journal", started);
    println!("{entries:?} entries");

    let started = Instant::now();
    let members: Vec<GuestId> = population.iter().copied().map(id).collect();
    let mut tx = store.begin().await?;
    let group = GroupId::derived(&[b"everybody"]);
    tx.set_members(tenant(), group, &members).await?;
    tx.commit().await?;
    told("keep a group that everybody is in", started);

    let started = Instant::now();
    let mut tx = store.begin().await?;
    let gone = tx
        .mark_gone(tenant(), &RoaringTreemap::new(), at(2))
        .await?;
    tx.commit().await?;
    told("mark who is gone (everybody)", started);
    assert_eq!(gone, u64::from(guests));
    store.close().await;
    Ok(())
}

/// What Postgres does by itself within a minute; until then it takes every table for a small one.
async fn analyze(store: &Store) {
    match store {
        Store::Sqlite { .. } => {}
        Store::Postgres(pool) => {
            let analyzed = sqlx::query("ANALYZE").execute(pool).await;
            analyzed.expect("statistics");
        }
    }
}

fn told(what: &str, started: Instant) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("?")
        .trim();
    println!(
        "{:7.2} s  {most:>10}  {what}",
        started.elapsed().as_secs_f64()
    );
}

async fn save(
    store: &Store,
    population: &[u32],
    seen: &mut RoaringTreemap,
) -> Result<(), StoreError> {
    for pages in population.chunks(PAGE * PAGES) {
        let mut tx = store.begin().await?;
        for page in pages.chunks(PAGE) {
            let records: Vec<GuestRecord> = page.iter().copied().map(guest).collect();
            let ids: Vec<GuestId> = records.iter().map(|record| record.guest.id).collect();
            tx.guests_by_id(tenant(), &ids).await?;
            let records: Vec<&GuestRecord> = records.iter().collect();
            for (_, key) in tx.save_guests(tenant(), &records).await? {
                seen.insert(key.into());
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn link(store: &Store, population: &[u32]) -> Result<(), StoreError> {
    let sponsors: Vec<Sponsor> = (0..1_000).map(sponsor).collect();
    for (pages, first) in population
        .chunks(2_000)
        .zip([true].into_iter().chain(std::iter::repeat(false)))
    {
        let mut tx = store.begin().await?;
        if first {
            tx.save_sponsors(tenant(), &sponsors).await?;
        }
        // `$expand=sponsors` gives a hundred guests on a page.
        for page in pages.chunks(100) {
            let links: Vec<(GuestId, Vec<SponsorId>)> = page
                .iter()
                .map(|number| {
                    let of = |offset| sponsors[((number + offset) % 1_000) as usize].id;
                    (id(*number), vec![of(0), of(1)])
                })
                .collect();
            tx.set_guest_sponsors(tenant(), &links).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn read(store: &Store) -> Result<Vec<RowKey>, StoreError> {
    let mut keys = Vec::new();
    let mut tx = store.read().await?;
    loop {
        let page = tx.guest_rows(tenant(), keys.last().copied(), 1_000).await?;
        if page.is_empty() {
            return Ok(keys);
        }
        keys.extend(page.iter().map(|row| row.key));
    }
}

async fn judge(store: &Store, keys: &[RowKey]) -> Result<(), StoreError> {
    let verdict = StoredVerdict {
        verdict: "keep".into(),
        rule: None,
    };
    let verdicts: Vec<_> = keys.iter().map(|key| (*key, verdict.clone())).collect();
    let events: Vec<_> = (0..u32::try_from(keys.len()).expect("not so many"))
        .map(|number| {
            let event = Event::VerdictChanged {
                verdict: "keep".into(),
                rule: None,
                reason: "no rule holds".into(),
                facts: Vec::new(),
            };
            (Some(id(number)), event)
        })
        .collect();
    let mut tx = store.begin().await?;
    tx.save_verdicts(tenant(), &verdicts).await?;
    tx.append(tenant(), at(1), &events).await?;
    tx.commit().await
}

fn tenant() -> TenantId {
    TenantId::derived(&[b"contoso"])
}

fn at(day: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + day)
}

fn id(number: u32) -> GuestId {
    GuestId::derived(&[&number.to_be_bytes()])
}

fn sponsor(number: u32) -> Sponsor {
    Sponsor {
        id: SponsorId::derived(&[&number.to_be_bytes()]),
        kind: SponsorKind::User,
        display_name: Some(format!("Sponsor {number}")),
        mail: Some(format!("sponsor{number}@contoso.example")),
        enabled: Some(true),
        is_guest: false,
        membership: innkeeper_domain::sponsor::Membership::NotAsked,
    }
}

fn guest(number: u32) -> GuestRecord {
    let signed_in = at(-i64::from(number % 300)) + TimeDelta::seconds(i64::from(number % 86_400));
    GuestRecord {
        guest: Guest {
            id: id(number),
            upn: format!(
                "guest{number}_partner{}.example#EXT#@contoso.example",
                number % 97
            ),
            mail: Some(format!("guest{number}@partner{}.example", number % 97)),
            display_name: Some(format!("Guest {number}")),
            user_type: UserType::Guest,
            enabled: Some(true),
            created: Some(at(-400)),
            invitation: Invitation::Accepted { at: Some(at(-399)) },
            on_premises_sync: None,
            management_restricted: None,
            company: Some(format!("Partner {}", number % 97)),
            creation_type: None,
            external: None,
            attribute: None,
            sign_ins: SignIns {
                successful: Some(signed_in),
                interactive: Some(signed_in),
                non_interactive: None,
            },
        },
        reading: Reading::Fresh,
        first_seen: at(0),
        gone: None,
        logged_in: None,
        revived: None,
        disabled_by_us: None,
        deleted_by_us: None,
    }
}
