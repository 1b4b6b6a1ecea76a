//! What holds for every condition: it is read or refused, and losing sight of a fact never turns it round.

use innkeeper_domain::facts::{AppRoleFact, Fact, Facts, PackageFact, ProjectFact};
use innkeeper_domain::ids::{GroupId, SponsorId};
use innkeeper_domain::policy::{Condition, Ends, Project, ProjectSource, Truth};
use innkeeper_domain::sponsor::{Sponsor, SponsorKind};
use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};

use crate::conditions::{ann, judge};

/// Things about a guest that are true, false or not known, and list all that a condition can ask about.
const ATOMS: [&str; 33] = [
    "true",
    "false",
    "guest.enabled",
    "guest.never_signed_in",
    "guest.synced == true",
    "has(guest.inactive_days)",
    "has(guest.company)",
    "guest.inactive_days >= 90",
    "guest.inactive_days < 60",
    "guest.expires_in_days == 5",
    "guest.expires_in_days in [3, 5]",
    "guest.domain != \"partner.example\"",
    "guest.inactive_days + guest.pending_days < 100",
    "100 / guest.pending_days > 2",
    "guest.expires_in_days < 0",
    "guest.account_age_days in [1, guest.inactive_days]",
    "guest.domain == \"partner.example\"",
    "guest.mail in [\"a\", guest.company, guest.upn]",
    "guest.company.lowerAscii().startsWith(\"ex\")",
    "\"vip\" in guest.groups",
    "\"exempt\" in guest.groups",
    "guest.sponsors.exists(s, s.eligible)",
    "guest.sponsors.all(s, s.enabled && has(s.mail))",
    "guest.sponsors.exists_one(s, s.enabled)",
    "guest.sponsors.all(s, !has(s.enabled))",
    "size(guest.sponsors.filter(s, s.enabled)) > 1",
    "guest.projects.all(p, p.ended)",
    "guest.access_packages.all(p, p.ends_in_days > 3)",
    "size(guest.app_roles.filter(r, r.days > 10)) == 0",
    "guest.app_roles.exists(r, r.role_name == \"Auditor\")",
    "\"Reader\" in guest.eligible_roles",
    "guest.group_count == guest.mail_group_count",
    "guest.projects.filter(p, p.ends_in_days < guest.pending_days).exists(p, p.name == \"b\")",
];

fn condition() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(ATOMS.to_vec()).prop_map(str::to_owned);
    atom.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one}) != ({other})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(one, then, other)| format!("({one} ? {then} : {other})")),
        ]
        .prop_map(|nested| format!("({nested})"))
    })
}

static PROJECT: Project = Project {
    group: String::new(),
    ends: Ends::Expiration,
    source: ProjectSource::Policy,
};

/// Everything that varies from guest to guest.
#[derive(Clone, Debug)]
struct Case {
    days: [i64; 4],
    flags: [bool; 5],
    company: Option<&'static str>,
    sponsors: Vec<(bool, bool, bool)>,
    projects: Vec<i64>,
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::array::uniform4(prop_oneof![Just(0), -50i64..200, any::<i64>()]),
        any::<[bool; 5]>(),
        prop::sample::select(vec![None, Some("Example Ltd"), Some("ann@partner.example")]),
        prop::collection::vec(any::<(bool, bool, bool)>(), 0..4),
        prop::collection::vec(-50i64..50, 0..3),
    )
        .prop_map(|(days, flags, company, sponsors, projects)| Case {
            days,
            flags,
            company,
            sponsors,
            projects,
        })
}

impl Case {
    fn sponsors(&self) -> Vec<Sponsor> {
        let sponsor =
            |(index, (enabled, has_mail, is_guest)): (usize, &(bool, bool, bool))| Sponsor {
                id: SponsorId::derived(&[&index.to_be_bytes()]),
                kind: SponsorKind::User,
                display_name: None,
                mail: has_mail.then(|| "sara@contoso.example".to_owned()),
                enabled: Some(*enabled),
                is_guest: *is_guest,
                membership: innkeeper_domain::sponsor::Membership::NotAsked,
            };
        self.sponsors.iter().enumerate().map(sponsor).collect()
    }

    fn facts<'a>(&self, sponsors: &'a [Sponsor]) -> Facts<'a> {
        let Self {
            days: [inactive, pending, expires, age],
            flags: [enabled, never, synced, vip, exempt],
            company,
            projects,
            ..
        } = self;
        let project = |(index, ends_in_days): (usize, &i64)| ProjectFact {
            project: &PROJECT,
            group: GroupId::derived(&[&index.to_be_bytes()]),
            name: ["a", "b", "c"][index],
            ends: Some(chrono::NaiveDate::MIN),
            ends_in_days: Some(*ends_in_days),
        };
        let package = |ends_in_days: &i64| PackageFact {
            name: "a",
            ends: Some(chrono::NaiveDate::MIN),
            ends_in_days: Some(*ends_in_days),
        };
        let app_role = |days: &i64| AppRoleFact {
            application: "a",
            role: "default",
            role_name: (*days > 0).then_some("Auditor"),
            days: (*days > 0).then_some(*days),
        };
        Facts {
            inactive_days: Fact::Known(*inactive),
            never_signed_in: Fact::Known(*never),
            pending_days: Fact::Known(*pending),
            expires_in_days: Fact::Known(*expires),
            account_age_days: Fact::Known(*age),
            enabled: Fact::Known(*enabled),
            synced: Fact::Known(*synced),
            domain: Fact::Known("partner.example".to_owned()),
            upn: Fact::Known("ann"),
            mail: Fact::Known("ann@partner.example"),
            company: company.map_or(Fact::Nothing, Fact::Known),
            user_type: Fact::Known("guest"),
            sponsors,
            projects: Fact::Known(projects.iter().enumerate().map(project).collect()),
            access_packages: Fact::Known(projects.iter().map(package).collect()),
            app_roles: Fact::Known(projects.iter().map(app_role).collect()),
            eligible_roles: Fact::Known(&[]),
            group_count: Fact::Known(*pending),
            mail_group_count: Fact::Known(*age),
            roles: &[],
            groups: vec![("vip", Fact::Known(*vip)), ("exempt", Fact::Known(*exempt))],
            ..Facts::unknown()
        }
    }
}

/// Loses sight of some facts.
fn blinded<'a>(mut facts: Facts<'a>, lost: u16) -> Facts<'a> {
    let is_lost = |bit: u32| lost & (1 << bit) != 0;
    fn lose<T>(fact: &mut Fact<T>, is_lost: bool) {
        if is_lost {
            *fact = Fact::Unknown;
        }
    }
    lose(&mut facts.inactive_days, is_lost(0));
    lose(&mut facts.never_signed_in, is_lost(1));
    lose(&mut facts.pending_days, is_lost(2));
    lose(&mut facts.expires_in_days, is_lost(3));
    lose(&mut facts.account_age_days, is_lost(4));
    lose(&mut facts.enabled, is_lost(5));
    lose(&mut facts.synced, is_lost(6));
    lose(&mut facts.domain, is_lost(7));
    lose(&mut facts.mail, is_lost(8));
    lose(&mut facts.company, is_lost(9));
    lose(&mut facts.projects, is_lost(10));
    lose(&mut facts.groups[0].1, is_lost(11));
    lose(&mut facts.groups[1].1, is_lost(12));
    lose(&mut facts.access_packages, is_lost(13));
    lose(&mut facts.app_roles, is_lost(14));
    lose(&mut facts.group_count, is_lost(14));
    lose(&mut facts.eligible_roles, is_lost(15));
    facts
}

fn soup() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        prop::sample::select(vec![
            "guest",
            ".",
            "mail",
            "inactive_days",
            "sponsors",
            "projects",
            "groups",
            "roles",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            "?",
            ":",
            "&&",
            "||",
            "!",
            "==",
            "!=",
            "<",
            ">=",
            "+",
            "-",
            "*",
            "/",
            "%",
            "in",
            "true",
            "false",
            "null",
            "1",
            "0",
            "1.5",
            "2u",
            "\"a\"",
            "'b'",
            "r\"\\d\"",
            "\"",
            "has(",
            "size(",
            ".all(",
            ".exists(",
            ".exists_one(",
            ".filter(",
            ".map(",
            ".matches(",
            "s",
            "s.mail",
            ", s",
            "s, ",
            "guest.sponsors",
            "ä",
            "🥐",
            "//",
            "\n",
            "\r\n",
            " ",
        ])
        .prop_map(str::to_owned),
        Just("guest.sponsors.exists(s, s.eligible)".to_owned()),
        Just("guest.inactive_days >= 90".to_owned()),
        Just("\"x\" in guest.groups".to_owned()),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// Whatever the text, parsing it ends; what is accepted can be judged, and what is refused points into the text.
fn survives(source: &str) {
    match Condition::parse(source) {
        Ok(_) => {
            judge(&ann(), source);
        }
        Err(error) => {
            assert!(
                source.is_char_boundary(error.offset),
                "{source:?}: {error:?}"
            );
            assert!(!error.message.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(source in "\\PC{0,80}") {
        survives(&source);
    }

    #[test]
    fn no_soup_of_tokens_makes_the_parser_panic(source in soup()) {
        survives(&source);
    }

    /// The promise that everything else rests on: a fault of the sensor never turns a rule from false to true, nor a
    /// protection from true to false.
    #[test]
    fn losing_sight_of_a_fact_never_turns_a_condition_round(
        source in condition(),
        case in case(),
        lost in any::<u16>(),
        lost_sponsors in any::<u8>(),
    ) {
        let condition = Condition::parse(&source).expect("a good condition");
        let sponsors = case.sponsors();
        let mut fewer = sponsors.clone();
        for (index, sponsor) in fewer.iter_mut().enumerate() {
            if lost_sponsors & (1 << index) != 0 {
                sponsor.enabled = None;
            }
        }
        let seen = condition.judge(&case.facts(&sponsors));
        let half_seen = condition.judge(&blinded(case.facts(&fewer), lost));
        match half_seen {
            Truth::Unknown(fact) => prop_assert!(condition.facts().contains(&fact), "{source}: {fact}"),
            known => prop_assert_eq!(known, seen, "{}", source),
        }
    }
}

proptest! {
    // Fewer, for each case is a dozen conditions.
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// De Morgan's laws, and that a double negation says nothing: also of what is not known.
    #[test]
    fn the_laws_of_logic_hold_with_three_values(one in condition(), other in condition(), case in case(), lost in any::<u16>()) {
        let sponsors = case.sponsors();
        let facts = blinded(case.facts(&sponsors), lost);
        let truth = |source: &str| Condition::parse(source).expect("a good condition").judge(&facts);
        prop_assert_eq!(truth(&format!("!({one} && {other})")), truth(&format!("!({one}) || !({other})")));
        prop_assert_eq!(truth(&format!("!({one} || {other})")), truth(&format!("!({one}) && !({other})")));
        prop_assert_eq!(truth(&format!("!(!({one}))")), truth(&one));
        prop_assert_eq!(known(truth(&format!("{one} && {other}"))), known(truth(&format!("{other} && {one}"))));
        prop_assert_eq!(known(truth(&format!("{one} || {other}"))), known(truth(&format!("{other} || {one}"))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a warning says of a condition is so for every guest, seen or half seen.
    #[test]
    fn what_is_said_never_to_be_true_is_never_true(
        one in condition(),
        other in condition(),
        case in case(),
        lost in any::<u16>(),
    ) {
        let sponsors = case.sponsors();
        let facts = blinded(case.facts(&sponsors), lost);
        for source in [format!("{one} && {other}"), format!("{one} || {other}")] {
            let condition = Condition::parse(&source).expect("a good condition");
            let truth = condition.judge(&facts);
            prop_assert!(!(condition.is_never_true() && truth == Truth::True), "{}", source);
            prop_assert!(!(condition.is_never_false() && truth == Truth::False), "{}", source);
        }
    }
}

/// The value, without the fact to blame.
fn known(truth: Truth) -> Option<bool> {
    match truth {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Unknown(_) => None,
    }
}
