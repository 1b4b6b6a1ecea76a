//! The database's URL, which may hold a password and is therefore never shown as it is.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

const FORMS: &str = "must begin with sqlite:// or postgres://, such as sqlite://innkeeper.db or \
                     postgres://innkeeper@db.contoso.example/innkeeper?sslmode=verify-full";

const ENCODING: &str = "special characters of a password are written as %40 for @, %2F for /, %3A for :, %3F for ?, \
                        %23 for # and %25 for %";

/// A checked URL; a file's path is absolute.
#[derive(Clone)]
pub(crate) struct DatabaseUrl {
    url: SecretString,
    shown: String,
}

impl DatabaseUrl {
    /// The URL with its password, for the database and nobody else.
    pub(crate) fn expose(&self) -> &str {
        self.url.expose_secret()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({:?})", self.shown)
    }
}

/// The URL, and perhaps a warning.
pub(super) fn check(
    url: &SecretString,
    folder: &Path,
) -> Result<(DatabaseUrl, Option<&'static str>), String> {
    let text = url.expose_secret();
    match text.split_once(':') {
        Some(("sqlite", rest)) => Ok((sqlite(rest, folder)?, None)),
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => postgres(text),
        _ => Err(FORMS.to_owned()),
    }
}

/// Percent-encoding and parameters pass as they are: the driver reads them.
fn sqlite(rest: &str, folder: &Path) -> Result<DatabaseUrl, String> {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, parameters) = match rest.split_once('?') {
        Some((path, parameters)) => (path, Some(parameters)),
        None => (rest, None),
    };
    let is_memory = path == ":memory:"
        || parameters.is_some_and(|all| all.split('&').any(|one| one == "mode=memory"));
    if is_memory {
        return Err(
            "must be a file: what is kept in memory only is forgotten at every start".to_owned(),
        );
    }
    if path.is_empty() {
        return Err("names no file; write sqlite://innkeeper.db".to_owned());
    }
    let mut url = String::from("sqlite://");
    if !Path::new(path).is_absolute() {
        let folder = folder
            .to_str()
            .ok_or("the configuration's folder has no name in UTF-8; use an absolute path")?;
        url.push_str(&folder.replace('%', "%25").replace('?', "%3F"));
        url.push('/');
    }
    url.push_str(path.trim_start_matches("./"));
    if let Some(parameters) = parameters {
        url.push('?');
        url.push_str(parameters);
    }
    Ok(DatabaseUrl {
        shown: url.clone(),
        url: url.into(),
    })
}

fn postgres(text: &str) -> Result<(DatabaseUrl, Option<&'static str>), String> {
    let parsed = Url::parse(text).map_err(|error| format!("is not a URL ({error}); {ENCODING}"))?;
    let pairs: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    // A password with `/`, `?` or `#` in it ends the address early, and the rest would be shown.
    let is_cut = parsed.fragment().is_some()
        || parsed.path().contains(['@', ':'])
        || pairs.iter().any(|(key, _)| key.contains(['@', '/', ':']));
    if is_cut {
        return Err(format!("ends its address early; {ENCODING}"));
    }
    let pair = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };

    let mut shown = parsed.clone();
    if parsed.password().is_some() {
        // Only a URL without a host refuses, and it has no password.
        let _ = shown.set_password(Some("***"));
    }
    if !pairs.is_empty() {
        let hidden = pairs.iter().map(|(key, value)| match key.as_str() {
            "password" | "sslpassword" => (key.as_str(), "***"),
            _ => (key.as_str(), value.as_str()),
        });
        shown.query_pairs_mut().clear().extend_pairs(hidden);
    }
    // The driver's own default goes on in clear when the server has no TLS.
    let host = pair("host")
        .or_else(|| parsed.host_str())
        .unwrap_or_default();
    let is_local = host.is_empty()
        || host.starts_with('/')
        || host.starts_with("%2F")
        || matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]");
    let is_verified = matches!(
        pair("sslmode").or_else(|| pair("ssl-mode")),
        Some("verify-full" | "verify-ca")
    );
    let warning = (!is_local && !is_verified)
        .then_some("the database is on another machine and its certificate is not checked; add ?sslmode=verify-full");
    let url = DatabaseUrl {
        shown: shown.to_string(),
        url: text.to_owned().into(),
    };
    Ok((url, warning))
}
