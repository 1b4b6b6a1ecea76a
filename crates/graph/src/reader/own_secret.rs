//! Until when the application's own client secret is good: it may read that if it is permitted to read applications.

use chrono::{DateTime, Utc};
use innkeeper_domain::observation::SecretEnd;
use secrecy::ExposeSecret;

use super::Reader;
use crate::error::GraphError;
use crate::settings::{Application, Credential};
use crate::wire::application::{OwnApplication, PasswordCredential};

/// "Contains the first three characters of the password."
const HINT: usize = 3;

impl Reader {
    /// When the client secret in use ends: `GET /applications(appId='{id}')`. `None` where it is not by a secret that the
    /// application is known, or where Graph names none that is still good.
    ///
    /// # Errors
    /// `Forbidden` without `Application.Read.All`, which else only the names of roles in applications need.
    pub async fn own_secret_end(
        &self,
        now: DateTime<Utc>,
    ) -> Result<Option<SecretEnd>, GraphError> {
        let Credential::Application {
            client_id,
            application: Application::Secret(secret),
        } = &self.0.settings.credential
        else {
            return Ok(None);
        };
        let key = format!("applications(appId='{client_id}')");
        let request = self
            .0
            .get(
                &[&key],
                "/applications(appId='{id}')",
                "Application.Read.All",
            )
            .with("$select", "id,passwordCredentials");
        let own: OwnApplication = self.0.read(&request).await?;
        let hint: String = secret.expose_secret().chars().take(HINT).collect();
        Ok(end_of(&own.password_credentials, &hint, now))
    }
}

/// The end of the secret that begins like this. Where that is none or several, it is the first end of those that may be
/// meant.
fn end_of(all: &[PasswordCredential], hint: &str, now: DateTime<Utc>) -> Option<SecretEnd> {
    let ends = |of: &PasswordCredential| of.end_date_time.0.filter(|end| *end > now);
    let good = || all.iter().filter(|one| ends(one).is_some());
    let hinted = || good().filter(|one| one.hint.as_deref() == Some(hint));
    let (at, meant) = match hinted().filter_map(ends).min() {
        Some(at) => (at, hinted().count()),
        None => (good().filter_map(ends).min()?, good().count()),
    };
    Some(SecretEnd {
        at,
        is_certain: meant == 1,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn end(credentials: serde_json::Value) -> Option<(String, bool)> {
        let all: Vec<PasswordCredential> = serde_json::from_value(credentials).expect("they are");
        let now = "2027-01-04T06:00:00Z".parse().expect("a time");
        end_of(&all, "abc", now).map(|end| (end.at.format("%F").to_string(), end.is_certain))
    }

    fn told(day: &str, is_certain: bool) -> Option<(String, bool)> {
        Some((day.to_owned(), is_certain))
    }

    #[test]
    fn the_secret_in_use_is_told_by_its_first_letters() {
        let other = json!({ "hint": "xyz", "endDateTime": "2027-02-01T00:00:00Z" });
        let own = json!({ "hint": "abc", "endDateTime": "2027-03-01T00:00:00Z" });
        let past = json!({ "hint": "abc", "endDateTime": "2026-03-01T00:00:00Z" });
        assert_eq!(end(json!([other, own, past])), told("2027-03-01", true));
        // Two begin alike.
        let twin = json!({ "hint": "abc", "endDateTime": "2027-02-15T00:00:00.1234567Z" });
        assert_eq!(end(json!([other, own, twin])), told("2027-02-15", false));
    }

    #[test]
    fn where_no_letters_tell_the_first_end_of_all_that_are_good_counts() {
        let one = json!({ "hint": null, "endDateTime": "2027-03-01T00:00:00Z" });
        let two = json!({ "endDateTime": "2027-02-01T00:00:00Z" });
        let past = json!({ "endDateTime": "2027-01-01T00:00:00Z" });
        let never = json!({ "hint": "abc", "endDateTime": null });
        assert_eq!(end(json!([one, two, past])), told("2027-02-01", false));
        assert_eq!(end(json!([one, past])), told("2027-03-01", true));
        assert_eq!(end(json!([past, never])), None);
        assert_eq!(end(json!([])), None);
    }
}
