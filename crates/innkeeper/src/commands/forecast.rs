//! `forecast`: what the policy will do to the guests as last observed, if nobody signs in.

use std::path::Path;

use anyhow::Result;
use chrono::TimeDelta;
use innkeeper_domain::forecast::{Forecast, Tally, forecast};
use innkeeper_domain::plan::Mode;
use serde_json::{Value, json};

use super::judging::Bench;
use crate::cli::{Global, Output};
use crate::exit::Exit;
use crate::installation::Installation;
use crate::output::{Rows, print, print_json};

/// The width of the longest bar.
const WIDEST: u64 = 40;

pub(crate) async fn run(global: &Global, days: u32, tried: Option<&Path>) -> Result<Exit> {
    let installation = Installation::open(global).await?;
    let tenant = &installation.tenant(global)?.name;
    let mut tx = installation.store.read().await?;
    let bench = Bench::read(&installation, global, tried, &mut tx).await?;
    let guests = bench.guests(&mut tx).await?;
    let forecast = forecast(&bench.judge(), guests, days);
    bench.tell(global.output)?;
    match global.output {
        Output::Json => print_json(&document(tenant, &bench, &forecast, days))?,
        Output::Csv => rows(&forecast).print_csv()?,
        Output::Table => print_forecast(tenant, &bench, &forecast, days)?,
    }
    Ok(Exit::Ok)
}

fn rows(forecast: &Forecast) -> Rows {
    let mut rows = Rows::new(["week", "rule", "action", "guests"]);
    for tally in &forecast.tallies {
        rows.push(cells(tally));
    }
    rows
}

fn cells(tally: &Tally) -> [String; 4] {
    let Tally {
        week,
        rule,
        action,
        guests,
    } = tally;
    [
        week.to_string(),
        rule.to_string(),
        (*action).to_owned(),
        guests.to_string(),
    ]
}

fn document(tenant: &str, bench: &Bench, forecast: &Forecast, days: u32) -> Value {
    let Forecast {
        tallies,
        held_back,
        first,
        last,
        guests,
        left,
        disabled,
    } = forecast;
    let tally = |tally: &Tally| json!({ "week": tally.week, "rule": tally.rule, "action": tally.action, "guests": tally.guests });
    json!({
        "tenant": tenant,
        "from": bench.now,
        "days": days,
        "policy_hash": bench.policy.hash,
        "policy": bench.standing.object(),
        "guests": guests,
        "guests_left": left,
        "disabled": disabled,
        "weeks": tallies.iter().map(tally).collect::<Vec<_>>(),
        "most_held_back": held_back,
        "verdicts_first_day": first,
        "verdicts_last_day": last,
    })
}

fn print_forecast(tenant: &str, bench: &Bench, forecast: &Forecast, days: u32) -> Result<()> {
    let until = bench.now.date_naive() + TimeDelta::days(i64::from(days));
    print(&format!(
        "{tenant}: {} guests as observed {}, until {until}, if nobody signs in and every cycle, one a day, does what is due.\n",
        forecast.guests,
        bench.observation.finished.format("%Y-%m-%d %H:%M UTC"),
    ))?;
    if bench.mode != Mode::Enforce {
        let mode = bench.mode.as_str();
        print(&format!(
            "The mode is {mode}; this is what mode enforce would do.\n"
        ))?;
    }
    if forecast.tallies.is_empty() {
        print("\nNothing will be done.\n")?;
    } else {
        print("\n")?;
        chart(forecast).print_table(usize::MAX)?;
    }
    for (action, guests) in &forecast.held_back {
        print(&format!(
            "[limits] holds back {action} for up to {guests} guests on a day; they follow on later days.\n"
        ))?;
    }
    print(&format!(
        "In the end {} guests are left, {} of them disabled by Innkeeper.\n{}",
        forecast.left,
        forecast.disabled,
        unknown(forecast)
    ))
}

fn unknown(forecast: &Forecast) -> String {
    match forecast.first.get("unknown") {
        Some(guests) => format!(
            "{guests} guests cannot be judged today and are left alone; `innkeeper guests list --verdict unknown` shows them.\n"
        ),
        None => String::new(),
    }
}

/// The rows with a bar to each.
fn chart(forecast: &Forecast) -> Rows {
    let most = forecast.tallies.iter().map(|tally| tally.guests).max();
    let mut rows = Rows::new(["week", "rule", "action", "guests", ""]);
    for tally in &forecast.tallies {
        let [week, rule, action, guests] = cells(tally);
        let bar = bar(tally.guests, most.unwrap_or_default());
        rows.push([week, rule, action, guests, bar]);
    }
    rows
}

/// A bar in proportion to the longest; no number is so small that nothing is seen of it.
fn bar(guests: u64, most: u64) -> String {
    let width = (guests * WIDEST).checked_div(most).unwrap_or_default();
    let width = usize::try_from(width.clamp(1, WIDEST)).unwrap_or_default();
    "█".repeat(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_has_the_full_width_and_the_shortest_is_still_seen() {
        let width = |guests, most| bar(guests, most).chars().count();
        assert_eq!(width(500, 500), 40);
        assert_eq!(width(250, 500), 20);
        assert_eq!(width(1, 500), 1);
    }
}
