//! The sign-in log, the second sense: it shows who came back hours before `signInActivity` does, and costs as much as
//! people sign in, not as there are guests.

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::{Stream, TryStreamExt};
use innkeeper_domain::ids::GuestId;

use super::Reader;
use crate::budget::Kind;
use crate::error::GraphError;
use crate::page::pages;
use crate::request::Request;
use crate::wire::{Page, SignIn};

impl Reader {
    /// Successful interactive sign-ins since then, of anybody, the newest first: `GET /auditLogs/signIns`, pages of 1,000.
    /// Of non-interactive ones v1.0 tells nothing, and neither of any older than the log (30 days, 7 without a
    /// licence), without an error. So it proves activity, and never inactivity.
    ///
    /// Graph's report of a sign-in can take two hours to appear.
    pub fn signed_in_since(
        &self,
        since: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send + use<> {
        self.successes(&format!("createdDateTime ge {}", written(since)))
    }

    /// The same between two times.
    pub fn signed_in_between(
        &self,
        since: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send + use<> {
        let (since, until) = (written(since), written(until));
        self.successes(&format!(
            "createdDateTime ge {since} and createdDateTime le {until}"
        ))
    }

    /// When anybody last signed in, or failed to: the first entry of the log, which begins with the newest. `None`: it has
    /// none, or shows none.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn newest_sign_in(&self) -> Result<Option<DateTime<Utc>>, GraphError> {
        let request = self.log().with("$top", "1");
        let page: Page<SignIn> = self.0.read(&request).await?;
        Ok(page.value.into_iter().find_map(|entry| entry.at()))
    }

    fn successes(
        &self,
        filter: &str,
    ) -> impl Stream<Item = Result<Vec<(GuestId, DateTime<Utc>)>, GraphError>> + Send + use<> {
        pages::<SignIn>(&self.0, self.log().with("$filter", filter))
            .map_ok(|page| page.into_iter().filter_map(SignIn::success).collect())
    }

    fn log(&self) -> Request {
        let needs = "AuditLog.Read.All and Directory.Read.All";
        self.0
            .get(&["auditLogs", "signIns"], "/auditLogs/signIns", needs)
            .of_kind(Kind::Reports)
    }
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
