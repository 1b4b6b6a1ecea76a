//! Tokens of a managed identity, which the platform hands out on the machine itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use url::Url;

use super::{CUSTOMARY, Issued};
use crate::answer::retry_after;
use crate::client::Connection;
use crate::error::{Answered, GraphError};
use crate::send::Answer;
use crate::settings::IdentitySource;

/// For messages.
const CALL: &str = "GET the managed identity's token";

/// The largest key file that Azure Arc's agent writes.
const LARGEST_KEY: u64 = 4_096;

/// What each platform answers. Numbers come as texts, and not all of them everywhere.
#[derive(Deserialize)]
struct IdentityAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Number>,
    #[serde(default)]
    expires_on: Option<Number>,
}

#[derive(Deserialize)]
struct IdentityError {
    #[serde(default)]
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

/// Asks the platform for a token.
pub(super) async fn ask(
    connection: &Connection,
    client_id: Option<&str>,
    source: &IdentitySource,
) -> Result<Issued, GraphError> {
    let (endpoint, version) = match source {
        IdentitySource::Vm { endpoint } => (endpoint, "2018-02-01"),
        IdentitySource::AppService { endpoint, .. } => (endpoint, "2019-08-01"),
        IdentitySource::Arc { endpoint, .. } => (endpoint, "2020-06-01"),
    };
    let resource = connection.settings.graph_url.origin().ascii_serialization();
    let mut url = endpoint.clone();
    url.query_pairs_mut()
        .append_pair("api-version", version)
        .append_pair("resource", &resource);
    if let Some(client_id) = client_id {
        url.query_pairs_mut().append_pair("client_id", client_id);
    }
    let answer = match source {
        IdentitySource::Vm { .. } => get(connection, &url, metadata()).await?,
        IdentitySource::AppService { header, .. } => {
            let mut headers = HeaderMap::new();
            let name = HeaderName::from_static("x-identity-header");
            headers.insert(name, sensitive(header.expose_secret())?);
            get(connection, &url, headers).await?
        }
        IdentitySource::Arc { keys, .. } => {
            let challenge = get(connection, &url, metadata()).await?;
            let key = key_of(&challenge, keys)?;
            let mut headers = metadata();
            headers.insert(AUTHORIZATION, sensitive(&format!("Basic {key}"))?);
            get(connection, &url, headers).await?
        }
    };
    issued(&answer)
}

fn metadata() -> HeaderMap {
    let name = HeaderName::from_static("metadata");
    HeaderMap::from_iter([(name, HeaderValue::from_static("true"))])
}

fn sensitive(text: &str) -> Result<HeaderValue, GraphError> {
    let header = HeaderValue::try_from(text);
    let mut header = header.map_err(|_| malformed("its key holds what no header can"))?;
    header.set_sensitive(true);
    Ok(header)
}

async fn get(connection: &Connection, url: &Url, headers: HeaderMap) -> Result<Answer, GraphError> {
    let mut request = reqwest::Request::new(Method::GET, url.clone());
    *request.headers_mut() = headers;
    // The platform's address is on the machine or its link, where no proxy leads.
    let http = connection.http_without_proxy();
    let answer = connection.exchange(http, request, CALL).await;
    answer.map_err(|failed| failed.error)
}

fn issued(answer: &Answer) -> Result<Issued, GraphError> {
    let status = answer.status.as_u16();
    let error: Option<IdentityError> = serde_json::from_slice(&answer.body).ok();
    let answered = Answered {
        call: CALL.to_owned(),
        status,
        code: error.and_then(|error| error.error),
        request_id: answer.request_id(),
    };
    let retry_after = retry_after(&answer.headers);
    match status {
        200 => {}
        429 => {
            return Err(GraphError::Throttled {
                answered,
                retry_after,
            });
        }
        // 404 and 410: the service is starting, or being renewed, which takes up to 70 seconds.
        404 | 408 | 410 | 500..=599 => {
            return Err(GraphError::Unavailable {
                answered,
                retry_after,
            });
        }
        _ => return Err(GraphError::NoIdentity { answered }),
    }
    let body: IdentityAnswer =
        serde_json::from_slice(&answer.body).map_err(|_| malformed("it is not a token"))?;
    let life = body.expires_in.as_ref().and_then(Number::value);
    let until = body.expires_on.as_ref().and_then(Number::value);
    let life = life.or_else(|| until.map(|until| until.saturating_sub(get_current_timestamp())));
    Ok(Issued {
        secret: body.access_token.into(),
        life: life.map_or(CUSTOMARY, Duration::from_secs),
    })
}

/// The key that Azure Arc asks to be shown: only who may read the agent's files can.
fn key_of(challenge: &Answer, keys: &Path) -> Result<String, GraphError> {
    if challenge.status != StatusCode::UNAUTHORIZED {
        issued(challenge)?;
        return Err(malformed("Azure Arc's agent asked for no key"));
    }
    let challenges = challenge.headers.get_all(WWW_AUTHENTICATE).iter();
    let file = challenges
        .filter_map(|header| header.to_str().ok())
        .find_map(|header| header.strip_prefix("Basic realm="));
    let file = PathBuf::from(file.ok_or_else(|| malformed("Azure Arc's agent names no key"))?);
    let refused = |why: &str| GraphError::CredentialFile {
        path: file.clone(),
        why: why.to_owned(),
    };
    // Whoever answers there could else have any file read out to it.
    let is_key = file.extension().is_some_and(|extension| extension == "key")
        && file.parent() == Some(keys)
        && !file.components().any(|part| part.as_os_str() == "..");
    if !is_key {
        let keys = keys.display();
        return Err(refused(&format!(
            "is not one of Azure Arc's keys, which are in {keys}"
        )));
    }
    let length = fs::metadata(&file).map_err(|error| refused(&error.to_string()))?;
    if length.len() > LARGEST_KEY {
        return Err(refused("is too large for a key of Azure Arc"));
    }
    fs::read_to_string(&file).map_err(|error| {
        refused(&format!(
            "{error}; let Innkeeper's user be in the group himds"
        ))
    })
}

fn malformed(why: &str) -> GraphError {
    GraphError::Malformed {
        call: CALL.to_owned(),
        why: why.to_owned(),
    }
}
