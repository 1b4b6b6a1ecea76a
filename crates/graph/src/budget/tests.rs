//! Budgets against the clock, and against Graph as it counts.

use tokio::time::Instant;

use super::one::Budget;
use super::*;
use crate::limits::Limit;

const MINUTE: Duration = Duration::from_secs(60);

fn budget(requests: u32, within: Duration, at_best_percent: u32) -> Budget {
    let limits = vec![Limit { requests, within }];
    let quota = Quota {
        limits,
        at_best_percent,
    };
    Budget::new("test", quota, 100)
}

/// The times, in seconds, at which so many requests are let through.
async fn times(budget: &Budget, requests: usize) -> Vec<u64> {
    let start = Instant::now();
    let mut times = Vec::new();
    for _ in 0..requests {
        budget.admit(1).await;
        times.push(start.elapsed().as_secs());
    }
    times
}

#[tokio::test(start_paused = true)]
async fn no_stretch_of_time_sees_more_than_its_limit_and_none_is_wasted() {
    let limits = [(5, 11), (10, 61)].map(|(requests, seconds)| Limit {
        requests,
        within: Duration::from_secs(seconds),
    });
    let quota = Quota {
        limits: limits.to_vec(),
        at_best_percent: 100,
    };
    let times = times(&Budget::new("test", quota, 100), 40).await;
    for limit in limits {
        let beyond = times.iter().skip(limit.requests as usize);
        for (first, beyond) in times.iter().zip(beyond) {
            assert!(beyond - first >= limit.within.as_secs());
        }
    }
    // Ten at once in two fives, and then ten a minute: not slower than the limits ask for.
    assert_eq!(times.last(), Some(&(3 * 61 + 11)));
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_never_spoken_against_is_tried_higher_until_the_best() {
    let budget = budget(10, MINUTE, 300);
    let times = times(&budget, 600).await;
    let in_minute = |from: u64| {
        times
            .iter()
            .filter(move |at| (from..from + 60).contains(*at))
    };
    let most = times.iter().map(|from| in_minute(*from).count()).max();
    assert_eq!(most, Some(30));
}

#[tokio::test(start_paused = true)]
async fn after_one_refusal_of_a_higher_try_the_documented_limit_is_kept() {
    let budget = budget(10, MINUTE, 300);
    while budget.state().percent == 100 {
        budget.admit(1).await;
    }
    budget.refused(Duration::from_secs(30));
    let after = times(&budget, 200).await;
    assert_eq!(after[0], 30, "the whole kind rests");
    assert!(after[199] - after[0] >= 60 * 18, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn when_others_use_the_same_limit_half_is_taken_and_given_back_in_steps() {
    let budget = budget(100, MINUTE, 100);
    for _ in 0..50 {
        budget.admit(1).await;
    }
    // Fifty are ours, and yet the limit is used up.
    budget.used(1.0);
    assert_eq!(budget.state().percent, 50);
    times(&budget, 600).await;
    assert_eq!(budget.state().percent, 100, "nobody complained any more");
}

#[tokio::test(start_paused = true)]
async fn a_polite_process_keeps_to_its_share() {
    let limits = vec![Limit {
        requests: 100,
        within: MINUTE,
    }];
    let quota = Quota {
        limits,
        at_best_percent: 100,
    };
    let times = times(&Budget::new("test", quota, 80), 240).await;
    assert_eq!(times.last(), Some(&120), "eighty a minute");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_mails_are_on_their_way_at_once() {
    let budgets = Budgets::new(&Limits {
        mails_at_once: 2,
        ..Limits::none()
    });
    let first = budgets.admit(Kind::Mail, 1, 1).await;
    let _second = budgets.admit(Kind::Mail, 1, 1).await;
    let third = budgets.admit(Kind::Mail, 1, 1);
    assert!(
        tokio::time::timeout(MINUTE, third).await.is_err(),
        "the third waits"
    );
    drop(first);
    budgets.admit(Kind::Mail, 1, 1).await;
}

/// Graph's own count of the two limits of sign-in activity, in windows or in buckets.
struct Counted {
    limits: [(f64, f64); 2],
    in_windows: bool,
    since: [Option<Instant>; 2],
    used: [f64; 2],
}

impl Counted {
    fn new(in_windows: bool) -> Self {
        Self {
            limits: [(10.0, 60.0), (5.0, 10.0)],
            in_windows,
            since: [None; 2],
            used: [0.0; 2],
        }
    }

    /// How much is used up, and how long to wait if that is too much.
    fn count(&mut self, now: Instant) -> (f64, Option<Duration>) {
        let (mut part, mut wait): (f64, f64) = (0.0, 0.0);
        for (index, (limit, seconds)) in self.limits.into_iter().enumerate() {
            let since = self.since[index].unwrap_or(now);
            let passed = (now - since).as_secs_f64();
            let ended = passed >= seconds;
            if !self.in_windows {
                self.used[index] = (self.used[index] - passed * limit / seconds).max(0.0);
            } else if ended {
                self.used[index] = 0.0;
            }
            let begins = ended || !self.in_windows;
            self.since[index] = Some(if begins { now } else { since });
            self.used[index] += 1.0;
            part = part.max(self.used[index] / limit);
            let over = self.used[index] - limit;
            if over > 1e-6 {
                wait = wait.max(if self.in_windows {
                    seconds - passed
                } else {
                    over * seconds / limit
                });
            }
        }
        (part, (wait > 0.0).then(|| Duration::from_secs_f64(wait)))
    }
}

/// How long a page is on its way there, in milliseconds.
type Way = fn(usize) -> u64;

/// Reads so many pages with sign-in activity, each as long on its way there and back. Returns when each refusal came, in
/// seconds, and how long all of it took.
async fn read_pages(
    graph: &mut Counted,
    tells_parts: bool,
    there: impl Fn(usize) -> Duration,
    back: Duration,
) -> (Vec<f64>, Duration) {
    let budgets = Budgets::new(&Limits::documented());
    let (started, mut refused) = (Instant::now(), Vec::new());
    let mut pages = 0;
    while pages < 200 {
        let ticket = budgets.admit(Kind::SignIns, 1, 1).await;
        tokio::time::sleep(there(pages)).await;
        let (part, wait) = graph.count(Instant::now());
        tokio::time::sleep(back).await;
        if tells_parts && part >= 0.8 {
            budgets.used(Kind::SignIns, part);
        }
        match wait {
            None => pages += 1,
            Some(wait) => {
                refused.push(started.elapsed().as_secs_f64());
                budgets.refused(Kind::SignIns, Some(wait));
                drop(ticket);
                tokio::time::sleep(wait).await;
            }
        }
    }
    (refused, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn sign_in_activity_is_read_as_fast_as_graph_allows_and_tried_faster_once_at_most() {
    let ways: [(&str, Way, u64, bool); 4] = [
        (
            "now a moment, now longer",
            |page| if page % 10 == 0 { 500 } else { 10 },
            100,
            false,
        ),
        ("always a moment", |_| 1, 5, false),
        ("a second, there and back", |_| 300, 700, true),
        (
            "now a moment, now a second",
            |page| if page % 7 == 0 { 20 } else { 900 },
            300,
            true,
        ),
    ];
    let mut wrong = Vec::new();
    for (way, there, back, slow) in ways {
        for (in_windows, tells_parts, most) in [
            (true, true, 0),
            (true, false, 1),
            (false, true, 1),
            (false, false, 1),
        ] {
            let mut graph = Counted::new(in_windows);
            let there = |page| Duration::from_millis(there(page));
            let back = Duration::from_millis(back);
            let (refused, took) = read_pages(&mut graph, tells_parts, there, back).await;
            let ratio = (MINUTE * 19).as_secs_f64() / took.as_secs_f64();
            // A request counts until so long after its answer, so a window lasts longer by one answer.
            let aim = if slow { 0.955 } else { 0.97 };
            if ratio < aim || refused.len() > most {
                wrong.push(format!(
                    "{way}, windows {in_windows}, parts {tells_parts}: {ratio:.3} of the bound, refused at {refused:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
