//! An application, as far as it reads itself.

use serde::Deserialize;

use super::moment::Moment;

/// An application (`application`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnApplication {
    #[serde(default)]
    pub(crate) password_credentials: Vec<PasswordCredential>,
}

/// A client secret, without the secret (`passwordCredential`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PasswordCredential {
    /// How the secret begins.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    #[serde(default)]
    pub(crate) end_date_time: Moment,
}
