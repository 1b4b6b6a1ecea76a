//! What Graph and Entra have to say about a tenant. Nothing is written to them.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::observation::SecretEnd;
use innkeeper_domain::policy::Policy;
use innkeeper_engine::Clock;
use innkeeper_graph::{Graph, GraphError};

use super::finding::{Check, Finding};
use super::{licence, named, permissions};
use crate::config::TenantConfig;
use crate::installation::connect_for_a_look;
use crate::simulation::InstallationClock;

const REACHING_MATTERS: &str = "every cycle fails until Graph answers; nothing is done meanwhile, and blind time counts towards no wait";
const TOKEN_MATTERS: &str = "without a token Graph answers nothing, and every cycle fails";
const CLOCK_MATTERS: &str = "waits and days of inactivity are counted on this machine's clock, and Entra refuses assertions of another time";
const PERMISSIONS_MATTER: &str =
    "a missing permission fails the cycle, or makes Graph leave out values";

/// From when on a clock that is off is spoken of, and from when on it is wrong.
const OFF: TimeDelta = TimeDelta::seconds(60);
const FAR_OFF: TimeDelta = TimeDelta::minutes(15);

/// What Entra says of the end of the client secret.
pub(super) enum Told {
    /// It is not asked: the application may not read itself, or there is no way to Graph.
    Unasked,
    /// It was asked, and does not say.
    Unknown,
    /// It does.
    Ends(SecretEnd),
}

/// With one of these an application may read itself.
const READS_ITSELF: [&str; 3] = [
    "Application.Read.All",
    "Application.ReadWrite.OwnedBy",
    "Application.ReadWrite.All",
];

/// Everything about one tenant, and when its client secret ends.
pub(super) async fn examine(
    tenant: &TenantConfig,
    policy: Option<&Policy>,
    clock: &InstallationClock,
) -> (Told, Vec<Finding>) {
    let graph = connect_for_a_look(tenant);
    let mut found = Vec::new();
    let reached = match &graph {
        Ok(graph) => graph.reach().await.map_err(|error| unreachable(&error)),
        Err(error) => Err(unreachable(error)),
    };
    let (reachability, at) = match reached {
        Ok(reached) => {
            let answers = format!("{} answers", tenant.graph_url);
            (Finding::ok(Check::Reachability, answers), Ok(reached.at))
        }
        Err(finding) => (finding, Err("Graph does not answer")),
    };
    found.push(reachability);
    found.extend(held_against(at, clock));
    let granted = match &graph {
        Ok(graph) => graph.roles().await.map_err(|error| no_token(&error)),
        Err(_) => Err(Finding::unchecked(
            Check::Token,
            "no connection can be made",
            TOKEN_MATTERS,
        )),
    };
    let (token, permissions) = match &granted {
        Ok(granted) => (
            Finding::ok(Check::Token, "Entra gives one"),
            permissions::examine(tenant, policy, governed(&graph).await, granted),
        ),
        Err(finding) => {
            let because = "there is no token";
            let unchecked = Finding::unchecked(Check::Permissions, because, PERMISSIONS_MATTER);
            (finding.clone(), vec![unchecked])
        }
    };
    found.push(token);
    found.extend(permissions);
    let told = match (&graph, &granted) {
        (Ok(graph), Ok(granted)) if READS_ITSELF.iter().any(|role| granted.contains(*role)) => {
            match graph.reader().own_secret_end(clock.now()).await {
                Ok(Some(end)) => Told::Ends(end),
                Ok(None) | Err(_) => Told::Unknown,
            }
        }
        (Ok(_) | Err(_), _) => Told::Unasked,
    };
    let reader = match (&graph, at, granted) {
        (Ok(graph), Ok(_), Ok(_)) => Ok(graph.reader()),
        (_, Err(because), _) => Err(because),
        (Ok(_), Ok(_), Err(_)) | (Err(_), _, _) => Err("there is no token"),
    };
    let reader = reader.as_ref().map_err(|because| *because);
    found.push(licence::examine(reader).await);
    found.extend(named::groups(tenant, policy, reader).await);
    found.push(named::mailbox(tenant, policy, reader).await);
    (told, found)
}

fn unreachable(error: &GraphError) -> Finding {
    Finding::failed(
        Check::Reachability,
        error,
        REACHING_MATTERS,
        "look at the network, the proxy and tenants.graph_url",
    )
}

fn no_token(error: &GraphError) -> Finding {
    match error {
        GraphError::BadCredential { code, advice } => Finding::wrong(
            Check::Token,
            format!("Entra refused the application's credential ({code})"),
            TOKEN_MATTERS,
            *advice,
        ),
        other => Finding::failed(
            Check::Token,
            other,
            TOKEN_MATTERS,
            "look at tenants.credential, tenant_id and login_url",
        ),
    }
}

/// Holds this machine's clock against Graph's. A simulator's clock that is followed is Graph's.
fn held_against(
    at: Result<Option<DateTime<Utc>>, &'static str>,
    clock: &InstallationClock,
) -> Option<Finding> {
    let unchecked = |because| Finding::unchecked(Check::Clock, because, CLOCK_MATTERS);
    match (clock, at) {
        (InstallationClock::Followed { .. }, _) => None,
        (InstallationClock::System, Ok(Some(at))) => Some(judged(clock.now() - at)),
        (InstallationClock::System, Ok(None)) => Some(unchecked("Graph does not tell its time")),
        (InstallationClock::System, Err(because)) => Some(unchecked(because)),
    }
}

fn judged(ahead: TimeDelta) -> Finding {
    const SET: &str = "let the machine's clock be set by NTP (systemd-timesyncd, chrony), and look at the time zone of its hardware clock";
    let seconds = ahead.num_seconds().abs();
    let side = if ahead < TimeDelta::zero() {
        "behind"
    } else {
        "ahead of"
    };
    let what = format!("this machine's clock is {seconds} s {side} Graph's");
    if ahead.abs() >= FAR_OFF {
        Finding::wrong(Check::Clock, what, CLOCK_MATTERS, SET)
    } else if ahead.abs() >= OFF {
        Finding::warning(Check::Clock, what, CLOCK_MATTERS, SET)
    } else {
        Finding::ok(Check::Clock, what)
    }
}

/// Whether the tenant has Entra ID P2 or Governance; `None` where nobody can tell.
async fn governed(graph: &Result<Graph, GraphError>) -> Option<bool> {
    let reader = graph.as_ref().ok()?.reader();
    let organization = reader.organization().await.ok()?;
    organization.governance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_spoken_of_from_a_minute_and_wrong_from_a_quarter_of_an_hour() {
        let state = |seconds| judged(TimeDelta::seconds(seconds)).state.as_str();
        for (seconds, expected) in [
            (0, "ok"),
            (59, "ok"),
            (60, "warning"),
            (899, "warning"),
            (900, "wrong"),
        ] {
            assert_eq!((state(seconds), state(-seconds)), (expected, expected));
        }
        let behind = judged(TimeDelta::seconds(-90)).what;
        assert_eq!(behind, "this machine's clock is 90 s behind Graph's");
    }
}
