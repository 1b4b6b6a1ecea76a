//! The faults that are switched on, and whom they befall: the next few requests, or a seeded share of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use uuid::Uuid;

use crate::dice::Dice;
use crate::fault::{Fault, FaultKind};
use crate::reply::Reply;
use crate::world::Issued;

/// "Cannot query data for more than 120 users at a time."
const MOST_ACTIVITIES: u32 = 120;

/// What a request is, as far as faults tell requests apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'r> {
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) sign_in_data: bool,
    pub(crate) page_token: bool,
    pub(crate) delta_token: bool,
    /// It goes on with a link that is lost.
    pub(crate) lost_page: bool,
    /// It lists users with what hangs on them (`$expand`).
    pub(crate) expands: bool,
    /// `$top`, if it has one.
    pub(crate) top: Option<u32>,
    /// It is Graph that is asked, not a token endpoint.
    pub(crate) graph: bool,
    /// The token that it carries, if that is good.
    pub(crate) token: Option<&'r Issued>,
}

/// A fault that befalls a request.
#[derive(Clone, Debug)]
pub(crate) struct Befalling {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// Draws the rows that are hit.
    pub(crate) seed: u64,
    /// It is a log that was asked for.
    is_log: bool,
}

/// A fault that is switched on.
#[derive(Clone, Debug)]
pub(crate) struct Active {
    pub(crate) id: u64,
    pub(crate) fault: Fault,
    /// Requests that matched.
    seen: u64,
    /// Requests that were befallen.
    pub(crate) hits: u32,
}

/// The faults that are switched on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    active: Vec<Active>,
    added: u64,
}

impl Fault {
    fn concerns(&self, subject: Subject<'_>) -> bool {
        let bare = |path: &str| path.strip_prefix("/v1.0").unwrap_or(path).to_owned();
        let kind = match self.kind {
            FaultKind::SignInActivity | FaultKind::Premium => subject.sign_in_data,
            FaultKind::ExpiredPage => subject.page_token,
            FaultKind::Resync => subject.delta_token,
            FaultKind::ClaimsChallenge => {
                subject.graph && subject.token.is_some_and(|token| !token.claims_met)
            }
            FaultKind::Throttle
            | FaultKind::Unavailable
            | FaultKind::Drop
            | FaultKind::Truncate
            | FaultKind::Hold
            | FaultKind::ServerError
            | FaultKind::Concurrency
            | FaultKind::MissingRows
            | FaultKind::SlowBody
            | FaultKind::Latency => true,
            FaultKind::ActivityCap => {
                subject.sign_in_data && subject.top.is_some_and(|top| top > MOST_ACTIVITIES)
            }
            FaultKind::ExpandRefused | FaultKind::ExpandIgnored => subject.expands,
            FaultKind::StoppedLog => subject.path.ends_with("/auditLogs/signIns"),
            FaultKind::RetriedPage => subject.lost_page,
            FaultKind::ErrorShape => subject.graph,
            FaultKind::ThrottledBatch | FaultKind::BatchAnswers => subject.path.ends_with("$batch"),
            FaultKind::DuplicateRows
            | FaultKind::ReorderedRows
            | FaultKind::Fractions
            | FaultKind::StaleRead
            | FaultKind::Hostile
            | FaultKind::EmptyPage => subject.graph && subject.method == "GET",
        };
        let method = self.method.as_ref();
        let path = self.path.as_ref();
        let lacks = |role: &String| {
            let token = subject.token;
            token.is_some_and(|token| !token.roles.contains(role))
        };
        kind && self.without_role.as_ref().is_none_or(lacks)
            && method.is_none_or(|only| only.eq_ignore_ascii_case(subject.method))
            && path.is_none_or(|prefix| bare(subject.path).starts_with(&bare(prefix)))
    }
}

impl Befalling {
    /// What is answered in place of the request's own answer.
    pub(crate) fn reply(&self) -> Reply {
        let reply = match self.fault.kind {
            FaultKind::Throttle => Reply::throttled(),
            FaultKind::Premium => Reply::premium(),
            FaultKind::Concurrency => Reply::error(
                409,
                "Directory_ConcurrencyViolation",
                "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
            ),
            FaultKind::ExpiredPage if self.is_log => Reply::error(
                400,
                "",
                "Token not found: token is either invalid or expired",
            ),
            FaultKind::ExpiredPage => Reply::expired_page(),
            FaultKind::ActivityCap => Reply::bad_request(format!(
                "Cannot query data for more than {MOST_ACTIVITIES} users at a time."
            )),
            FaultKind::ExpandRefused => {
                Reply::bad_request("Expanding this property is not supported.")
            }
            FaultKind::RetriedPage => Reply::lost_page(),
            FaultKind::ClaimsChallenge => claims_challenge(),
            FaultKind::ServerError if self.fault.empty => {
                Reply::empty(self.fault.status.unwrap_or(502))
            }
            FaultKind::ServerError => Reply::text(
                self.fault.status.unwrap_or(502),
                "text/html",
                "<html><body><h1>Bad Gateway</h1></body></html>".to_owned(),
            ),
            FaultKind::Unavailable
            | FaultKind::Drop
            | FaultKind::Truncate
            | FaultKind::Hold
            | FaultKind::SignInActivity
            | FaultKind::MissingRows
            | FaultKind::Resync
            | FaultKind::EmptyPage
            | FaultKind::DuplicateRows
            | FaultKind::ReorderedRows
            | FaultKind::ExpandIgnored
            | FaultKind::Fractions
            | FaultKind::ErrorShape
            | FaultKind::StaleRead
            | FaultKind::ThrottledBatch
            | FaultKind::BatchAnswers
            | FaultKind::Hostile
            | FaultKind::StoppedLog
            | FaultKind::SlowBody
            | FaultKind::Latency => {
                Reply::error(503, "ServiceUnavailable", "The service is unavailable.")
            }
        };
        match &self.fault.retry_after {
            Some(seconds) => reply.with("retry-after", seconds.clone()),
            None => reply,
        }
    }

    /// Whether the row of this object is among those that are hit.
    pub(crate) fn hits(&self, id: Uuid) -> bool {
        let share = self.fault.rows.unwrap_or(1.0);
        Dice::for_object(id, self.seed ^ self.id).share(share)
    }
}

/// "Bearer realm="", authorization_uri=..., error="insufficient_claims", claims=..."
fn claims_challenge() -> Reply {
    let claims = json!({ "access_token": { "nbf": { "essential": true, "value": "1604106651" } } });
    let claims = STANDARD.encode(claims.to_string());
    Reply::error(
        401,
        "InvalidAuthenticationToken",
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
    )
    .with(
        "www-authenticate",
        format!(
            r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="{claims}""#
        ),
    )
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.added += 1;
        self.active.push(Active {
            id: self.added,
            fault,
            seen: 0,
            hits: 0,
        });
        self.added
    }

    pub(crate) fn remove(&mut self, id: u64) -> bool {
        let before = self.active.len();
        self.active.retain(|active| active.id != id);
        self.active.len() < before
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    pub(crate) fn has(&self, id: u64) -> bool {
        self.active.iter().any(|active| active.id == id)
    }

    pub(crate) fn has_kind(&self, kind: FaultKind) -> bool {
        self.active.iter().any(|active| active.fault.kind == kind)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Active> {
        self.active.iter()
    }

    /// The faults that befall this request.
    pub(crate) fn befalling(&mut self, seed: u64, subject: Subject<'_>) -> Vec<Befalling> {
        let mut befalling = Vec::new();
        for active in &mut self.active {
            let spent = active.fault.next.is_some_and(|next| active.hits >= next);
            if spent || !active.fault.concerns(subject) {
                continue;
            }
            active.seen += 1;
            let share = active.fault.share.unwrap_or(1.0);
            if active.seen > u64::from(active.fault.skip)
                && Dice::of(&[seed, active.id, active.seen]).share(share)
            {
                active.hits += 1;
                befalling.push(Befalling {
                    id: active.id,
                    fault: active.fault.clone(),
                    seed,
                    is_log: subject.path.contains("/auditLogs/"),
                });
            }
        }
        befalling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Subject<'_> {
        Subject {
            method: "GET",
            path,
            sign_in_data: false,
            page_token: false,
            delta_token: false,
            lost_page: false,
            expands: false,
            top: None,
            graph: true,
            token: None,
        }
    }

    #[test]
    fn a_fault_befalls_only_what_it_names_and_only_so_often() {
        let mut faults = Faults::default();
        faults.add(Fault {
            method: Some("get".into()),
            path: Some("/users".into()),
            next: Some(2),
            skip: 1,
            ..Fault::new(FaultKind::Truncate)
        });
        let mut hit = |path: &str| !faults.befalling(1, get(path)).is_empty();
        assert!(!hit("/v1.0/groups"));
        assert!(!hit("/v1.0/users"), "the first one is spared");
        assert!(hit("/v1.0/users"));
        assert!(hit("/v1.0/users/x"));
        assert!(!hit("/v1.0/users"));
    }

    #[test]
    fn a_share_is_a_share_and_is_repeatable() {
        let drawn = |seed| {
            let mut faults = Faults::default();
            faults.add(Fault {
                share: Some(0.3),
                ..Fault::new(FaultKind::Truncate)
            });
            let draws = (0..1000).map(|_| !faults.befalling(seed, get("/v1.0/users")).is_empty());
            draws.collect::<Vec<_>>()
        };
        assert_eq!(drawn(4), drawn(4));
        assert_ne!(drawn(4), drawn(5));
        let hits = drawn(4).into_iter().filter(|hit| *hit).count();
        assert!((240..360).contains(&hits), "{hits}");
    }

    #[test]
    fn a_broken_sense_befalls_only_requests_for_sign_in_data() {
        let mut faults = Faults::default();
        faults.add(Fault::new(FaultKind::SignInActivity));
        assert!(faults.befalling(1, get("/v1.0/users")).is_empty());
        let subject = Subject {
            sign_in_data: true,
            ..get("/v1.0/users")
        };
        assert_eq!(faults.befalling(1, subject).len(), 1);
    }
}
