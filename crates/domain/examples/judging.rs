//! How long judging takes: `cargo run --release -p innkeeper-domain --example judging`.
//!
//! A figure to look at, not a test: it depends on the machine and on what else runs there.

use std::hint::black_box;
use std::time::{Duration, Instant};

use innkeeper_domain::facts::{Fact, Facts};
use innkeeper_domain::policy::Condition;

const CONDITIONS: [&str; 6] = [
    "guest.inactive_days >= 90",
    r#"guest.inactive_days >= 90 && !("vip" in guest.groups) && guest.domain != "partner.example""#,
    r#"guest.domain in ["a.example", "b.example", "partner.example"]"#,
    "size(guest.projects) > 0 && guest.projects.all(p, p.ended)",
    r#"guest.mail.endsWith(".example") && guest.mail.lowerAscii().contains("ann")"#,
    r#"guest.mail.matches("^[a-z]+@")"#,
];
const TURNS: u32 = 1_000_000;

fn main() {
    let groups = ["exempt", "bridge", "vip"];
    let facts = Facts {
        inactive_days: Fact::Known(97),
        never_signed_in: Fact::Known(false),
        pending_days: Fact::Known(0),
        expires_in_days: Fact::Nothing,
        account_age_days: Fact::Known(400),
        enabled: Fact::Known(true),
        synced: Fact::Known(false),
        domain: Fact::Known("elsewhere.example".to_owned()),
        upn: Fact::Known("ann_elsewhere.example#EXT#@contoso.example"),
        mail: Fact::Known("ann@elsewhere.example"),
        company: Fact::Nothing,
        user_type: Fact::Known("guest"),
        sponsors: &[],
        projects: Fact::Known(Vec::new()),
        roles: &[],
        groups: groups.map(|name| (name, Fact::Known(false))).to_vec(),
        ..Facts::unknown()
    };
    for source in CONDITIONS {
        let condition = Condition::parse(source).expect("a good condition");
        let best = (0..5)
            .map(|_| turns(&condition, &facts))
            .min()
            .expect("five measurements");
        println!(
            "{:>8.1} ns  {source}",
            best.as_secs_f64() * 1e9 / f64::from(TURNS)
        );
    }
    let started = Instant::now();
    for _ in 0..1_000 {
        black_box(Condition::parse(black_box(CONDITIONS[1])).expect("a good condition"));
    }
    println!(
        "{:>8.1} µs  to parse one",
        started.elapsed().as_secs_f64() * 1e3
    );
}

fn turns(condition: &Condition, facts: &Facts<'_>) -> Duration {
    let started = Instant::now();
    for _ in 0..TURNS {
        black_box(condition.judge(black_box(facts)));
    }
    started.elapsed()
}
