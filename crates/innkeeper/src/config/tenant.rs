//! One tenant, and the tenants beside each other.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use innkeeper_domain::acceptance::MAX_NEWLY_AFFECTED;
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::plan::Mode;
use innkeeper_domain::policy::Cap;
use url::Url;

use super::check::choose;
use super::findings::Findings;
use super::path::KeyPath;
use super::raw::{RawNotify, RawTenant};
use super::{Notify, TenantConfig, address, alarms, credential, environment};

/// A cloud's Graph and its token endpoint ("Microsoft Graph national cloud deployments").
type Cloud = (&'static str, &'static str);

const GLOBAL: Cloud = (
    "https://graph.microsoft.com",
    "https://login.microsoftonline.com",
);

/// The clouds by the names that configurations use.
const CLOUDS: [(&str, Cloud); 4] = [
    ("global", GLOBAL),
    (
        "us-gov",
        (
            "https://graph.microsoft.us",
            "https://login.microsoftonline.us",
        ),
    ),
    (
        "us-dod",
        (
            "https://dod-graph.microsoft.us",
            "https://login.microsoftonline.us",
        ),
    ),
    (
        "china",
        (
            "https://microsoftgraph.chinacloudapi.cn",
            "https://login.partner.microsoftonline.cn",
        ),
    ),
];

pub(super) fn check_all(
    raw: Option<Vec<RawTenant>>,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<Vec<TenantConfig>> {
    let root = KeyPath::of("tenants");
    let raw = findings.required(&root, raw.filter(|tenants| !tenants.is_empty()))?;
    let paths = (0..raw.len()).map(|index| root.clone().entry(index));
    let checked: Vec<_> = raw
        .into_iter()
        .zip(paths)
        .map(|(raw, path)| check(raw, &path, folder, findings))
        .collect();

    let mut names = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for (index, tenant) in checked.iter().enumerate() {
        let Some(tenant) = tenant else { continue };
        let path = root.clone().entry(index);
        if let Some(other) = names.insert(environment::fold(&tenant.name), &tenant.name) {
            findings.wrong(
                &path.child("name"),
                format!(
                    "`{}` and `{other}` cannot be told apart in a variable's name",
                    tenant.name
                ),
            );
        }
        if let Some(other) = ids.insert(tenant.id, &tenant.name) {
            findings.wrong(
                &path.child("tenant_id"),
                format!("the tenant `{other}` has the same id"),
            );
        }
    }
    checked.into_iter().collect()
}

fn check(
    raw: RawTenant,
    path: &KeyPath,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<TenantConfig> {
    let RawTenant {
        name,
        tenant_id,
        mode,
        policy,
        cloud,
        graph_url,
        login_url,
        quota_percent,
        max_newly_affected,
        max_newly_affected_percent,
        ca_file,
        credential,
        notify,
        heartbeat,
    } = raw;
    let name = required(&path.child("name"), name, check_name, findings);
    let id = required(&path.child("tenant_id"), tenant_id, check_id, findings);
    let mode = mode.map_or(Some(Mode::default()), |text| {
        let modes = [Mode::Observe, Mode::Warn, Mode::Enforce].map(|mode| (mode.as_str(), mode));
        findings.check(&path.child("mode"), choose(&text, &modes))
    });
    let policy = required(
        &path.child("policy"),
        policy,
        |file| match file.as_str() {
            "" => Err("is empty".to_owned()),
            file => Ok(folder.join(file)),
        },
        findings,
    );
    let cloud = cloud.map_or(Some(GLOBAL), |text| {
        findings.check(&path.child("cloud"), choose(&text, &CLOUDS))
    });
    let (of_graph, of_login) = cloud.unwrap_or(GLOBAL);
    let graph_url = graph_url.as_deref().unwrap_or(of_graph);
    let graph_url = findings.check(&path.child("graph_url"), check_graph(graph_url));
    let login_url = login_url.as_deref().unwrap_or(of_login);
    let login_url = findings.check(&path.child("login_url"), address::web(login_url));
    let quota_percent = quota_percent.unwrap_or(100);
    if !(5..=100).contains(&quota_percent) {
        findings.wrong(&path.child("quota_percent"), "must be from 5 to 100");
    }
    let max_newly_affected = Cap {
        guests: max_newly_affected.map_or(MAX_NEWLY_AFFECTED.guests, u64::from),
        percent: max_newly_affected_percent.map_or(MAX_NEWLY_AFFECTED.percent, f64::from),
    };
    if max_newly_affected.percent > 100.0 {
        findings.wrong(
            &path.child("max_newly_affected_percent"),
            "must be from 0 to 100",
        );
    }
    let ca_file = ca_file.map(|file| folder.join(file));
    if let Some(Err(error)) = ca_file.as_ref().map(std::fs::read) {
        findings.wrong(&path.child("ca_file"), format!("cannot be read: {error}"));
    }
    let credential_raw = credential.unwrap_or_default();
    let secret_expires_on = credential_raw.secret_expires_on.clone().and_then(|day| {
        let key = path.child("credential").child("secret_expires_on");
        findings.check(&key, check_day(&day))
    });
    let credential = credential::check(credential_raw, &path.child("credential"), folder, findings);
    let notify_path = path.child("notify");
    if let Some(mode @ (Mode::Warn | Mode::Enforce)) = mode
        && notify.is_none()
        && !findings.is_reported(&notify_path)
    {
        let mode = mode.as_str();
        findings.note(
            &notify_path,
            format!("{notify_path} is missing; the mode {mode} writes to people"),
        );
    }
    let notify = notify.and_then(|notify| check_notify(notify, &notify_path, findings));
    let heartbeat =
        heartbeat.and_then(|raw| alarms::check_heartbeat(raw, &path.child("heartbeat"), findings));
    cloud?;
    Some(TenantConfig {
        name: name?,
        id: id?,
        mode: mode?,
        policy: policy?,
        graph_url: graph_url?,
        login_url: login_url?,
        quota_percent,
        max_newly_affected,
        ca_file,
        credential: credential?,
        secret_expires_on,
        notify,
        // Of the whole installation; put in when everything is checked.
        links: None,
        heartbeat,
    })
}

/// A key that must be there and must pass a check.
pub(super) fn required<T>(
    key: &KeyPath,
    text: Option<String>,
    check: impl FnOnce(String) -> Result<T, String>,
    findings: &mut Findings<'_>,
) -> Option<T> {
    let text = findings.required(key, text)?;
    findings.check(key, check(text))
}

fn check_name(name: String) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let is_good = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.len() <= 64
        && name.chars().all(is_plain);
    if is_good {
        Ok(name)
    } else {
        Err(format!(
            "`{name}` is not a name of lower-case letters, digits, `-`, `_` and `.`, such as `contoso`"
        ))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of `required`")]
fn check_id(text: String) -> Result<TenantId, String> {
    let id: Result<TenantId, _> = text.parse();
    id.ok().filter(|id| !id.0.is_nil()).ok_or_else(|| {
        format!(
            "`{text}` is not a tenant id, which has the form 11111111-2222-3333-4444-555555555555"
        )
    })
}

fn check_day(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a day, such as 2027-03-31"))
}

fn check_graph(text: &str) -> Result<Url, String> {
    let url = address::web(text)?;
    match url.path().trim_end_matches('/').rsplit('/').next() {
        Some(version @ ("v1.0" | "beta")) => Err(format!(
            "must end before /{version}; the version is added to it"
        )),
        _ => Ok(url),
    }
}

fn check_notify(raw: RawNotify, path: &KeyPath, findings: &mut Findings<'_>) -> Option<Notify> {
    let RawNotify {
        sender,
        operators,
        invitation_redirect,
        days_before_final_day,
    } = raw;
    let days_before_final_day = days_before_final_day.unwrap_or(5);
    if days_before_final_day > 29 {
        findings.wrong(
            &path.child("days_before_final_day"),
            "must be from 0 to 29; Entra keeps a deleted guest for 30 days",
        );
    }
    let redirect = match invitation_redirect {
        None => Some(None),
        Some(text) => findings
            .check(&path.child("invitation_redirect"), address::hook(&text))
            .map(Some),
    };
    let sender = required(&path.child("sender"), sender, address::mail, findings);
    let key = path.child("operators");
    let operators = findings.required(&key, operators)?;
    if operators.is_empty() {
        findings.wrong(
            &key,
            "is empty; somebody has to hear when something is wrong",
        );
    }
    let operators: Vec<_> = operators
        .into_iter()
        .enumerate()
        .map(|(index, operator)| {
            let key = key.clone().entry(index);
            if findings.is_reported(&key) {
                return None;
            }
            findings.check(&key, address::mail(operator))
        })
        .collect();
    Some(Notify {
        sender: sender?,
        operators: operators.into_iter().collect::<Option<_>>()?,
        invitation_redirect: redirect?,
        days_before_final_day,
    })
}
