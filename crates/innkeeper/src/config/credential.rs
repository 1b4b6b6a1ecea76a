//! How Innkeeper proves to a tenant who it is.
//!
//! Nothing here quotes a secret, not even a malformed one.

use std::fs;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::Credential;
use super::check::choose;
use super::findings::Findings;
use super::path::KeyPath;
use super::raw::RawCredential;
use super::tenant::required;

/// Which form the credential has.
#[derive(Clone, Copy)]
enum Form {
    ClientSecret,
}

pub(super) fn check(
    raw: RawCredential,
    path: &KeyPath,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Credential> {
    let RawCredential {
        kind,
        client_id,
        client_secret,
        client_secret_file,
    } = raw;
    let forms = [("client-secret", Form::ClientSecret)];
    let form = required(
        &path.child("kind"),
        kind,
        |text| choose(&text, &forms),
        findings,
    );
    let client_id = required(
        &path.child("client_id"),
        client_id,
        |text| match Uuid::parse_str(&text) {
            Ok(id) => Ok(id.to_string()),
            // Not quoted: it may be the secret, at the wrong place.
            Err(_) => Err("is not an application (client) id, which is a UUID".to_owned()),
        },
        findings,
    );
    let client_secret = check_secret(client_secret, client_secret_file, path, folder, findings);
    match form? {
        Form::ClientSecret => Some(Credential::ClientSecret {
            client_id: client_id?,
            client_secret: client_secret?,
        }),
    }
}

fn check_secret(
    secret: Option<SecretString>,
    file: Option<String>,
    path: &KeyPath,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<SecretString> {
    let (key, file_key) = (
        path.child("client_secret"),
        path.child("client_secret_file"),
    );
    match (secret, file) {
        (Some(secret), None) => {
            if secret.expose_secret().trim().is_empty() {
                findings.wrong(&key, "is empty");
                return None;
            }
            Some(secret)
        }
        (None, Some(file)) => read(&folder.join(file), &file_key, findings),
        (Some(_), Some(_)) => {
            let other = findings.layers.place(&file_key);
            findings.wrong(
                &key,
                format!("client_secret_file is set too ({other}); keep one of the two"),
            );
            None
        }
        (None, None) => {
            if !findings.is_reported(&key) && !findings.is_reported(&file_key) {
                findings.note(
                    &key,
                    format!("{key} is missing, and so is client_secret_file"),
                );
            }
            None
        }
    }
}

fn read(file: &Path, key: &KeyPath, findings: &mut Findings<'_>) -> Option<SecretString> {
    let shown = file.display();
    let text = match fs::read(file).map(String::from_utf8) {
        Ok(Ok(text)) => text,
        Ok(Err(_)) => {
            findings.wrong(key, format!("{shown} is not text in UTF-8"));
            return None;
        }
        Err(error) => {
            findings.wrong(key, format!("{shown} cannot be read: {error}"));
            return None;
        }
    };
    // Editors and `echo` end a file with a line break, which is no part of the secret.
    let secret = text.trim();
    if secret.is_empty() {
        findings.wrong(key, format!("{shown} is empty"));
        return None;
    }
    if is_open_to_everybody(file) {
        findings.warn(
            key,
            format!("{shown} can be read by everybody on this machine; chmod 600 it"),
        );
    }
    Some(secret.into())
}

/// Its permissions let every user read it.
#[cfg(unix)]
fn is_open_to_everybody(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open_to_everybody(_file: &Path) -> bool {
    false
}
