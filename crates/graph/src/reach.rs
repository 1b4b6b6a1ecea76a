//! Whether Graph answers at all, and what its clock shows.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::{DATE, HeaderMap};

use crate::client::{Connection, Graph};
use crate::error::GraphError;
use crate::retry::Failed;

/// Graph answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// What Graph's clock showed, in whole seconds (`Date`).
    pub at: Option<DateTime<Utc>>,
}

impl Graph {
    /// Asks without a token, so that what is wrong with the way to Graph is told apart from what is wrong with the
    /// credential. Graph's refusal is an answer.
    ///
    /// # Errors
    /// When there is no answer, or none of Graph.
    pub async fn reach(&self) -> Result<Reached, GraphError> {
        self.0.reach().await
    }
}

impl Connection {
    async fn reach(&self) -> Result<Reached, GraphError> {
        let request = self.get(&["organization"], "/organization", "");
        let mut attempts = self.attempts();
        loop {
            let plain = reqwest::Request::new(Method::GET, request.url.clone());
            let failed = match self.exchange(self.http(), plain, &request.call()).await {
                Ok(answer) if answer.status.is_redirection() || answer.status.is_server_error() => {
                    Failed::answered(answer.failure(&request))
                }
                Ok(answer) => {
                    let at = date_of(&answer.headers);
                    return Ok(Reached { at });
                }
                Err(failed) => failed,
            };
            attempts.again(failed).await?;
        }
    }
}

/// What Graph's clock showed, and when it did.
#[derive(Debug, Default)]
pub(crate) struct ServerClock(Mutex<Option<(DateTime<Utc>, Instant)>>);

impl ServerClock {
    pub(crate) fn learn(&self, headers: &HeaderMap) {
        if let Some(date) = date_of(headers) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, Instant::now()));
        }
    }

    /// What it shows now; whole seconds.
    pub(crate) fn now(&self) -> Option<DateTime<Utc>> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.map(|(date, at)| date + at.elapsed())
    }
}

fn date_of(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some(date.to_utc())
}
