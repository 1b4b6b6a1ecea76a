//! What is written arrives.

use chrono_tz::Tz;
use innkeeper_domain::plan::Mode;
use tempfile::TempDir;

use super::{MINIMAL, NOTIFY, load, load_in, refusal, refused_with};
use crate::telemetry::Format;

#[test]
fn the_shortest_configuration_is_filled_with_defaults() {
    let folder = TempDir::new().unwrap();
    let text = MINIMAL.replace("[schedule]\ncycle = \"0 */6 * * *\"\n", "");
    let config = load_in(folder.path(), &text, &[]).unwrap();
    let tenant = &config.tenants[0];
    assert_eq!(config.database.lease_seconds, 30);
    assert_eq!(config.schedule.to_string(), "0 */6 * * *");
    assert_eq!(config.schedule.zone(), Tz::UTC);
    assert_eq!(config.http.listen, None);
    assert_eq!(
        (config.log.format, config.log.level.as_str()),
        (Format::Text, "info")
    );
    assert_eq!(config.clock.follow, None);
    assert_eq!(tenant.mode, Mode::Observe);
    assert_eq!(tenant.graph_url.as_str(), "https://graph.microsoft.com/");
    assert_eq!(
        tenant.login_url.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert!(tenant.notify.is_none() && tenant.ca_file.is_none());
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn paths_start_at_the_configuration() {
    let folder = TempDir::new().unwrap();
    let config = load_in(folder.path(), MINIMAL, &[]).unwrap();
    assert_eq!(config.tenants[0].policy, folder.path().join("policy.toml"));
    let database = |url| {
        let config = load_in(folder.path(), MINIMAL, &[("INNKEEPER__DATABASE__URL", url)]).unwrap();
        config.database.url.expose().to_owned()
    };
    let here = folder.path().display();
    assert_eq!(
        database("sqlite://innkeeper.db"),
        format!("sqlite://{here}/innkeeper.db")
    );
    assert_eq!(
        database("sqlite:./innkeeper.db?mode=rwc"),
        format!("sqlite://{here}/innkeeper.db?mode=rwc")
    );
    assert_eq!(
        database("sqlite:///var/lib/innkeeper/i.db"),
        "sqlite:///var/lib/innkeeper/i.db"
    );
}

#[test]
fn a_database_in_memory_is_refused() {
    for url in [
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite://x?mode=memory",
    ] {
        let text = refused_with("sqlite://innkeeper.db", url);
        assert!(text.contains("forgotten at every start"), "{text}");
    }
    assert!(refused_with("sqlite://innkeeper.db", "sqlite://").contains("names no file"));
}

#[test]
fn a_far_database_whose_certificate_is_not_checked_is_warned_of() {
    let warnings = |url| {
        load(MINIMAL, &[("INNKEEPER__DATABASE__URL", url)])
            .warnings
            .len()
    };
    assert_eq!(warnings("postgres://a@db.example/x"), 1);
    assert_eq!(warnings("postgres://a@db.example/x?sslmode=require"), 1);
    assert_eq!(warnings("postgres://a@db.example/x?sslmode=verify-full"), 0);
    assert_eq!(warnings("postgresql://a@localhost/x"), 0);
    assert_eq!(warnings("postgres:///x?host=/run/postgresql"), 0);
}

#[test]
fn variables_win_over_the_file() {
    let config = load(
        &format!("{MINIMAL}{NOTIFY}"),
        &[
            ("INNKEEPER__DATABASE__LEASE_SECONDS", "60"),
            ("INNKEEPER__SCHEDULE__TIME_ZONE", "Asia/Kathmandu"),
            ("INNKEEPER__LOG__FORMAT", "json"),
            ("INNKEEPER__TENANTS__CONTOSO__MODE", "warn"),
            (
                "INNKEEPER__TENANTS__CONTOSO__NOTIFY__OPERATORS",
                "a@b.example, c@d.example",
            ),
            // Not meant for the configuration.
            ("INNKEEPER_SERVICE_HOST", "10.0.0.1"),
            ("PATH", "/usr/bin"),
        ],
    );
    assert_eq!(config.database.lease_seconds, 60);
    assert_eq!(config.schedule.zone(), Tz::Asia__Kathmandu);
    assert_eq!(config.log.format, Format::Json);
    assert_eq!(config.tenants[0].mode, Mode::Warn);
    assert_eq!(
        config.tenants[0].notify.as_ref().unwrap().operators,
        ["a@b.example", "c@d.example"]
    );
}

#[test]
fn a_variable_can_set_what_the_file_leaves_out() {
    let text = MINIMAL
        .replace("client_secret = \"s3cret-s3cret\"\n", "")
        .replace("contoso", "contoso-eu");
    let config = load(
        &text,
        &[(
            "INNKEEPER__TENANTS__CONTOSO_EU__CREDENTIAL__CLIENT_SECRET",
            "12345",
        )],
    );
    assert!(config.show().contains(
        "environment variable INNKEEPER__TENANTS__CONTOSO_EU__CREDENTIAL__CLIENT_SECRET"
    ));
}

#[test]
fn the_simulator_is_reached_in_clear_on_this_machine_only() {
    let simulated =
        "graph_url = \"http://127.0.0.1:4000\"\nlogin_url = \"http://localhost:4000\"\npolicy = ";
    let clock = "[clock]\nfollow = \"http://[::1]:4000/_simulator/clock\"\n\n[[tenants]]";
    let text = MINIMAL
        .replace("policy = ", simulated)
        .replace("[[tenants]]", clock);
    let config = load(&text, &[]);
    assert!(config.clock.follow.is_some());
    let far = refused_with(
        "policy = ",
        "login_url = \"http://127.0.0.1.example\"\npolicy = ",
    );
    assert!(far.contains("in clear"), "{far}");
}

#[test]
fn levels_for_parts_are_taken() {
    for level in [
        "warn",
        "info,innkeeper_graph=debug",
        "off",
        "innkeeper[cycle]=trace",
        "INFO",
    ] {
        let config = load(&format!("{MINIMAL}\n[log]\nlevel = \"{level}\""), &[]);
        assert_eq!(config.log.level, level);
    }
}

#[test]
fn a_cloud_fills_in_both_addresses_and_either_can_still_be_set() {
    let urls = |more: &str| {
        let text = MINIMAL.replace("policy = ", &format!("{more}\npolicy = "));
        let config = load(&text, &[]);
        let tenant = &config.tenants[0];
        (tenant.graph_url.to_string(), tenant.login_url.to_string())
    };
    assert_eq!(
        urls("cloud = \"us-dod\""),
        (
            "https://dod-graph.microsoft.us/".to_owned(),
            "https://login.microsoftonline.us/".to_owned()
        )
    );
    assert_eq!(
        urls("cloud = \"china\"\ngraph_url = \"http://127.0.0.1:4000\"").0,
        "http://127.0.0.1:4000/"
    );
}

#[test]
fn each_kind_of_credential_is_read_with_what_azure_tells_of_itself() {
    use innkeeper_graph::{Application, Credential, IdentitySource};
    let secret = "client_secret = \"s3cret-s3cret\"";
    let with = |lines: &str, env: &[(&str, &str)]| {
        let text = MINIMAL.replace("kind = \"client-secret\"", lines);
        let text = text.replace(secret, "");
        load(&text, env).tenants.remove(0).credential
    };
    let certificate = with("kind = \"certificate\"\ncertificate_file = \"a.pem\"", &[]);
    assert!(
        matches!(&certificate, Credential::Application { application: Application::Certificate(file), .. } if file.ends_with("a.pem")),
        "{certificate:?}"
    );
    let workload = with(
        "kind = \"workload-identity\"",
        &[("AZURE_FEDERATED_TOKEN_FILE", "/var/run/token")],
    );
    assert!(
        matches!(&workload, Credential::Application { application: Application::FederatedToken(file), .. } if file.ends_with("run/token")),
        "{workload:?}"
    );
    let service = with(
        "kind = \"managed-identity\"",
        &[
            ("IDENTITY_ENDPOINT", "http://127.0.0.1:41/msi/token"),
            ("IDENTITY_HEADER", "the-header"),
        ],
    );
    assert!(
        matches!(
            &service,
            Credential::ManagedIdentity {
                source: IdentitySource::AppService { .. },
                ..
            }
        ),
        "{service:?}"
    );
    assert!(!format!("{service:?}").contains("the-header"));
    let vm = "kind = \"managed-identity\"\nsource = \"vm\"";
    let host = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
    for (env, expected) in [
        (
            &[][..],
            "http://169.254.169.254/metadata/identity/oauth2/token",
        ),
        (
            &[(host, "http://127.0.0.1:41/")],
            "http://127.0.0.1:41/metadata/identity/oauth2/token",
        ),
    ] {
        let vm = with(vm, env);
        assert!(
            matches!(
                &vm,
                Credential::ManagedIdentity {
                    source: IdentitySource::Vm { endpoint },
                    ..
                } if endpoint.as_str() == expected
            ),
            "{vm:?}"
        );
    }
}

#[test]
fn retention_and_anchors_are_checked() {
    let config = load(MINIMAL, &[]);
    assert_eq!(config.retention.observations_days, 400);
    assert_eq!(config.retention.plans_days, 400);
    assert_eq!(config.retention.actions_days, 400);
    assert_eq!(config.retention.removed_guests_days, None);
    let with = |text: &str| format!("{MINIMAL}\n{text}\n");
    let config = load(&with("[retention]\nremoved_guests_days = 90"), &[]);
    assert_eq!(
        config.retention.plans_days, 90,
        "plans hold reasons, which can name a person"
    );
    for (text, told) in [
        (
            "[retention]\nremoved_guests_days = 30",
            "must be between 31 and 36500 days",
        ),
        (
            "[retention]\nactions_days = 30",
            "must be between 31 and 36500 days",
        ),
        (
            "[retention]\nremoved_guests_days = 90\nplans_days = 91",
            "must not be longer than retention.removed_guests_days",
        ),
        (
            "[journal]\nanchor_url = \"http://hook.example/1\"",
            "must begin with https://",
        ),
    ] {
        let refusal = refusal(&with(text), &[]);
        assert!(refusal.contains(told), "{refusal}");
    }
    let url = "[journal]\nanchor_url = \"https://hook.example/s3cret-path?key=k3y\"";
    let config = load(&with(url), &[]);
    for shown in [config.show(), format!("{config:?}")] {
        assert!(shown.contains("https://hook.example/***"), "{shown}");
        assert!(
            !shown.contains("s3cret-path") && !shown.contains("k3y"),
            "{shown}"
        );
    }
}
