//! An error names the place, the key and what was meant.

use super::{MINIMAL, NOTIFY, refusal, refused_with};

#[test]
fn a_misspelt_key_is_reported_beside_the_missing_one() {
    assert_eq!(
        refused_with("policy = ", "polcy = "),
        "2 things are wrong with the configuration:\n  \
         innkeeper.toml:7:1: tenants[0].policy is missing\n  \
         innkeeper.toml:10:1: unknown key tenants[0].polcy; did you mean tenants.policy?"
    );
}

#[test]
fn a_misspelt_table_is_reported_with_the_one_meant() {
    let text = refused_with("[database]", "[databse]");
    assert!(
        text.contains("innkeeper.toml: database.url is missing"),
        "{text}"
    );
    assert!(
        text.contains("innkeeper.toml:1:2: unknown key databse; did you mean database?"),
        "{text}"
    );
}

#[test]
fn a_key_at_the_wrong_place_is_shown_its_own() {
    let text = refused_with("policy = ", "lease_seconds = 3\npolicy = ");
    assert_eq!(
        text,
        "innkeeper.toml:10:1: unknown key tenants[0].lease_seconds; did you mean database.lease_seconds?"
    );
    let text = refused_with("kind = ", "colour = 3\nkind = ");
    assert_eq!(
        text,
        "innkeeper.toml:13:1: unknown key tenants[0].credential.colour; the keys here are kind, client_id, \
         client_secret, client_secret_file, secret_expires_on, certificate_file, token_file, source"
    );
}

#[test]
fn a_number_is_not_text_and_text_is_not_a_number() {
    let text = MINIMAL
        .replace("\"contoso\"", "3.5")
        .replace(
            "url = \"sqlite://innkeeper.db\"",
            "url = 7\nlease_seconds = \"30\"",
        )
        .replace("\"policy.toml\"", "[\"policy.toml\"]");
    assert_eq!(
        refusal(&text, &[]),
        "4 things are wrong with the configuration:\n  \
         innkeeper.toml:2:1: database.url: must be text in double quotes, not a number\n  \
         innkeeper.toml:3:1: database.lease_seconds: must be a whole number between 0 and 4294967295, not text\n  \
         innkeeper.toml:9:1: tenants[0].name: must be text in double quotes, not a number\n  \
         innkeeper.toml:11:1: tenants[0].policy: must be text in double quotes, not a list"
    );
}

#[test]
fn tables_and_lists_are_told_apart() {
    let text = refused_with("[[tenants]]", "[tenants]");
    assert_eq!(
        text,
        "innkeeper.toml:7:2: tenants: must be tables, [[tenants]], not a table"
    );
    let text = refusal(
        &format!(
            "{MINIMAL}{}",
            NOTIFY.replace("[\"identity", "[3, \"identity")
        ),
        &[],
    );
    assert_eq!(
        text,
        "innkeeper.toml:19:14: tenants[0].notify.operators[0]: must be text in double quotes, not a number"
    );
    let text = refusal(
        &format!(
            "{MINIMAL}\n[tenants.notify]\nsender = \"a@b.example\"\noperators = \"c@b.example\""
        ),
        &[],
    );
    assert!(
        text.contains(
            "operators: must be a list of texts, such as operators = [\"...\"], not text"
        ),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_syntax_error_has_its_place() {
    let text = refused_with("cycle = \"0", "cycle = 0");
    assert!(text.starts_with("innkeeper.toml:5:"), "{text}");
}

#[test]
fn everything_is_reported_at_once() {
    let text = MINIMAL
        .replace("sqlite:", "mysql:")
        .replace("0 */6 * * *", "0 0 */6 * * *")
        .replace("\"contoso\"", "\"Contoso GmbH\"")
        .replace(
            "555555555555\"",
            "555\"\nmode = \"enforced\"\ngraph_url = \"http://graph.example\"",
        )
        .replace("\"client-secret\"", "\"password\"");
    let text = refusal(&text, &[]);
    for part in [
        "2:1: database.url: must begin with sqlite:// or postgres://",
        "5:1: schedule.cycle: `0 0 */6 * * *` has 6 fields",
        "8:1: tenants[0].name: `Contoso GmbH` is not a name",
        "9:1: tenants[0].tenant_id: `11111111-2222-3333-4444-555` is not a tenant id",
        "10:1: tenants[0].mode: `enforced` is not known; did you mean `enforce`?",
        "11:1: tenants[0].graph_url: must begin with https://; a secret would travel to graph.example in clear",
        "15:1: tenants[0].credential.kind: `password` is not known; it is one of client-secret, certificate, workload-identity, managed-identity",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.starts_with("7 things"), "{text}");
}

#[test]
fn a_variable_is_named_where_it_is_wrong() {
    let refused = |name, value| refusal(MINIMAL, &[(name, value)]);
    assert_eq!(
        refused("INNKEEPER__SCHEDULE__CYCLE", "hourly"),
        "environment variable INNKEEPER__SCHEDULE__CYCLE: schedule.cycle: `hourly` has 1 field, a schedule has five: \
         minute, hour, day of the month, month, weekday, as in `0 */6 * * *`"
    );
    assert_eq!(
        refused("INNKEEPER__DATABASE__LEASE_SECONDS", "soon"),
        "environment variable INNKEEPER__DATABASE__LEASE_SECONDS: database.lease_seconds must be a whole number"
    );
    assert_eq!(
        refused("INNKEEPER__DATABSE__URL", "sqlite://a.db"),
        "environment variable INNKEEPER__DATABSE__URL: there is no such key; did you mean INNKEEPER__DATABASE__URL?"
    );
    assert_eq!(
        refused("INNKEEPER__TENANTS__CONTOSO__POLCY", "p.toml"),
        "environment variable INNKEEPER__TENANTS__CONTOSO__POLCY: there is no such key; did you mean \
         INNKEEPER__TENANTS__<NAME>__POLICY?"
    );
    assert_eq!(
        refused("INNKEEPER__TENANTS__CONTOSSO__POLICY", "p.toml"),
        "environment variable INNKEEPER__TENANTS__CONTOSSO__POLICY: the configuration has no tenant of that name; did \
         you mean CONTOSO?"
    );
    // A table is no value.
    assert!(refused("INNKEEPER__DATABASE", "x").contains("there is no such key"));
}

#[test]
fn tenants_are_unique_by_name_and_by_id() {
    let tenant = &MINIMAL[MINIMAL.find("[[tenants]]").unwrap()..];
    let text = refusal(&format!("{MINIMAL}\n{tenant}"), &[]);
    assert!(
        text.contains("18:1: tenants[1].name: `contoso` and `contoso` cannot be told apart"),
        "{text}"
    );
    assert!(
        text.contains("19:1: tenants[1].tenant_id: the tenant `contoso` has the same id"),
        "{text}"
    );
}

#[test]
fn without_tenants_there_is_nothing_to_do() {
    let text = &MINIMAL[..MINIMAL.find("[[tenants]]").unwrap()];
    assert_eq!(refusal(text, &[]), "innkeeper.toml: tenants is missing");
}

#[test]
fn whoever_writes_to_people_has_a_sender_and_operators() {
    for mode in ["warn", "enforce"] {
        let text = refused_with("policy = ", &format!("mode = \"{mode}\"\npolicy = "));
        assert_eq!(
            text,
            format!(
                "innkeeper.toml:7:1: tenants[0].notify is missing; the mode {mode} writes to people"
            )
        );
    }
    let notify = NOTIFY.replace("identity-team@contoso.example", "identity-team");
    let text = refusal(&format!("{MINIMAL}{notify}"), &[]);
    assert!(
        text.contains("operators[0]: `identity-team` is not a mail address"),
        "{text}"
    );
    let notify = NOTIFY.replace("\"identity-team@contoso.example\"", "");
    let text = refusal(&format!("{MINIMAL}{notify}"), &[]);
    assert!(text.contains("operators: is empty"), "{text}");
}

#[test]
fn a_simulated_clock_is_only_for_the_simulator() {
    let clock = "[clock]\nfollow = \"http://127.0.0.1:4000/_simulator/clock\"\n\n[[tenants]]";
    let text = refused_with("[[tenants]]", clock);
    assert_eq!(
        text,
        "innkeeper.toml:8:1: clock.follow: a simulated clock is only for the simulator; the tenant contoso is at \
         https://graph.microsoft.com/"
    );
}

#[test]
fn what_is_misspelt_is_suggested() {
    let text = refused_with("cycle = ", "time_zone = \"Europe/Berln\"\ncycle = ");
    assert!(
        text.contains("`Europe/Berln` is no time zone; did you mean `Europe/Berlin`?"),
        "{text}"
    );
    for (level, meant) in [("inof", "info"), ("warn,innkeeper=debgu", "debug")] {
        let text = refusal(&format!("{MINIMAL}\n[log]\nlevel = \"{level}\""), &[]);
        assert!(text.contains(&format!("did you mean `{meant}`?")), "{text}");
    }
    let text = refusal(
        &format!("{MINIMAL}\n[http]\nlisten = \"localhost:8080\""),
        &[],
    );
    assert!(
        text.contains("http.listen: `localhost:8080` is not an address with a port"),
        "{text}"
    );
}

#[test]
fn a_version_is_no_part_of_the_address_of_graph() {
    let text = refused_with(
        "policy = ",
        "graph_url = \"https://graph.microsoft.com/v1.0/\"\npolicy = ",
    );
    assert!(text.contains("must end before /v1.0"), "{text}");
}

#[test]
fn a_reading_that_is_spread_leaves_time_for_what_follows_it() {
    let text = refused_with("[schedule]\n", "[schedule]\nspread_percent = 81\n");
    assert_eq!(
        text,
        "innkeeper.toml:5:1: schedule.spread_percent: must be at most 80: what follows the reading needs its time \
         before the next run"
    );
}
