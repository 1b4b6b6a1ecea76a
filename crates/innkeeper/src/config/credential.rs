//! How Innkeeper proves to a tenant who it is.
//!
//! Nothing here quotes a secret, not even a malformed one.

use std::fs;
use std::path::{Path, PathBuf};

use innkeeper_graph::{Application, Credential, IdentitySource};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use super::check::choose;
use super::findings::Findings;
use super::path::KeyPath;
use super::raw::RawCredential;
use super::tenant::required;

/// The metadata service of a virtual machine ("How to use managed identities for Azure resources on an Azure VM"), unless
/// the variable names another host, as Microsoft's own libraries have it; and the path there.
const VM: &str = "http://169.254.169.254";
const VM_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const VM_PATH: &str = "metadata/identity/oauth2/token";

/// Where App Service and Azure Arc say that they hand out tokens.
const ENDPOINT: &str = "IDENTITY_ENDPOINT";

/// The agent of Azure Arc, and where its keys are.
const ARC: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
const ARC_KEYS: &str = "/var/opt/azcmagent/tokens";

/// Which form the credential has.
#[derive(Clone, Copy)]
enum Form {
    ClientSecret,
    Certificate,
    WorkloadIdentity,
    ManagedIdentity,
}

/// Where a managed identity's tokens come from.
#[derive(Clone, Copy)]
enum Source {
    Vm,
    AppService,
    Arc,
}

pub(super) fn check(
    raw: RawCredential,
    path: &KeyPath,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Credential> {
    let forms = [
        ("client-secret", Form::ClientSecret),
        ("certificate", Form::Certificate),
        ("workload-identity", Form::WorkloadIdentity),
        ("managed-identity", Form::ManagedIdentity),
    ];
    let form = required(
        &path.child("kind"),
        raw.kind.clone(),
        |text| choose(&text, &forms),
        findings,
    )?;
    refuse_others(form, &raw, path, findings);
    let RawCredential {
        kind: _,
        client_id,
        client_secret,
        client_secret_file,
        secret_expires_on: _,
        certificate_file,
        token_file,
        source,
    } = raw;
    let key = path.child("client_id");
    let application = |client_id: Option<String>, findings: &mut Findings<'_>| {
        required(&key, client_id, check_id, findings)
    };
    match form {
        Form::ClientSecret => {
            let client_id = application(client_id, findings);
            let secret = check_secret(client_secret, client_secret_file, path, folder, findings);
            Some(Credential::Application {
                client_id: client_id?,
                application: Application::Secret(secret?),
            })
        }
        Form::Certificate => {
            let client_id = application(client_id, findings);
            let key = path.child("certificate_file");
            let file = required(
                &key,
                certificate_file,
                |file| Ok(folder.join(file)),
                findings,
            );
            if let Some(file) = file.as_deref().filter(|file| is_open_to_everybody(file)) {
                let shown = file.display();
                findings.warn(
                    &key,
                    format!("{shown} can be read by everybody on this machine; chmod 600 it"),
                );
            }
            Some(Credential::Application {
                client_id: client_id?,
                application: Application::Certificate(file?),
            })
        }
        Form::WorkloadIdentity => {
            // What Azure's webhook for Kubernetes sets.
            let of_platform = |name: &str, findings: &Findings<'_>| {
                findings.layers.platform(name).map(str::to_owned)
            };
            let [client, token] = ["AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"];
            let client_id = client_id.or_else(|| of_platform(client, findings));
            let token_file = token_file.or_else(|| of_platform(token, findings));
            let client_id = findings.required_or(&key, client_id, client);
            let client_id = application(client_id, findings);
            let key = path.child("token_file");
            let token_file = findings.required_or(&key, token_file, token);
            let file = required(&key, token_file, |file| Ok(folder.join(file)), findings);
            Some(Credential::Application {
                client_id: client_id?,
                application: Application::FederatedToken(file?),
            })
        }
        Form::ManagedIdentity => {
            let client_id = match client_id {
                Some(client_id) => Some(findings.check(&key, check_id(client_id))?),
                None => None,
            };
            let source = check_source(source, path, findings)?;
            Some(Credential::ManagedIdentity { client_id, source })
        }
    }
}

/// A key of another form was meant for something, and would be forgotten silently.
fn refuse_others(form: Form, raw: &RawCredential, path: &KeyPath, findings: &mut Findings<'_>) {
    let is_secret = matches!(form, Form::ClientSecret);
    let keys = [
        ("client_secret", raw.client_secret.is_some(), is_secret),
        (
            "client_secret_file",
            raw.client_secret_file.is_some(),
            is_secret,
        ),
        (
            "certificate_file",
            raw.certificate_file.is_some(),
            matches!(form, Form::Certificate),
        ),
        (
            "token_file",
            raw.token_file.is_some(),
            matches!(form, Form::WorkloadIdentity),
        ),
        (
            "source",
            raw.source.is_some(),
            matches!(form, Form::ManagedIdentity),
        ),
    ];
    for (name, is_set, belongs) in keys {
        if is_set && !belongs {
            let kind = raw.kind.as_deref().unwrap_or_default();
            findings.wrong(
                &path.child(name),
                format!("does not belong to the kind `{kind}`; take it out, or change the kind"),
            );
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of `required`")]
fn check_id(text: String) -> Result<String, String> {
    match Uuid::parse_str(&text) {
        Ok(id) => Ok(id.to_string()),
        // Not quoted: it may be the secret, at the wrong place.
        Err(_) => Err("is not an application (client) id, which is a UUID".to_owned()),
    }
}

/// Where the tokens come from: as it is written, else as the platform shows itself, in the order of Microsoft's own
/// libraries.
fn check_source(
    source: Option<String>,
    path: &KeyPath,
    findings: &mut Findings<'_>,
) -> Option<IdentitySource> {
    let key = path.child("source");
    let endpoint = findings.layers.platform(ENDPOINT).map(str::to_owned);
    let header = findings
        .layers
        .platform("IDENTITY_HEADER")
        .map(str::to_owned);
    let is_arc = findings.layers.platform("IMDS_ENDPOINT").is_some();
    let source = match source {
        Some(text) => {
            let sources = [
                ("vm", Source::Vm),
                ("app-service", Source::AppService),
                ("arc", Source::Arc),
            ];
            findings.check(&key, choose(&text, &sources))?
        }
        None if endpoint.is_some() && header.is_some() => Source::AppService,
        None if endpoint.is_some() && is_arc => Source::Arc,
        None if Path::new("/opt/azcmagent/bin/himds").exists() => Source::Arc,
        None => Source::Vm,
    };
    let address = |text: &str, variable: &str| {
        let url: Result<Url, _> = text.parse();
        url.map_err(|error| format!("the variable {variable} is not an address: {error}"))
    };
    let vm = findings.layers.platform(VM_HOST).unwrap_or(VM);
    let vm = format!("{}/{VM_PATH}", vm.trim_end_matches('/'));
    match (source, endpoint, header) {
        (Source::Vm, _, _) => Some(IdentitySource::Vm {
            endpoint: findings.check(&key, address(&vm, VM_HOST))?,
        }),
        (Source::AppService, Some(endpoint), Some(header)) => Some(IdentitySource::AppService {
            endpoint: findings.check(&key, address(&endpoint, ENDPOINT))?,
            header: header.into(),
        }),
        (Source::AppService, _, _) => {
            findings.wrong(
                &key,
                "needs the variables IDENTITY_ENDPOINT and IDENTITY_HEADER, which App Service sets; is an identity assigned?",
            );
            None
        }
        (Source::Arc, endpoint, _) => Some(IdentitySource::Arc {
            endpoint: findings
                .check(&key, address(endpoint.as_deref().unwrap_or(ARC), ENDPOINT))?,
            keys: PathBuf::from(ARC_KEYS),
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
pub(super) fn is_open_to_everybody(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_open_to_everybody(_file: &Path) -> bool {
    false
}
