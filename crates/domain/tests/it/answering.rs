//! Who answers for a guest: each link of the chain, and each reason to pass somebody over.

use innkeeper_domain::guest::GuestView;
use innkeeper_domain::ids::{GroupId, SponsorId};
use innkeeper_domain::policy::{Contact, Link, Policy, Sponsoring, Steward};
use innkeeper_domain::sponsor::{
    Acquaintance, Circle, Finding, Hop, Inviter, Manager, Membership, Sponsor, SponsorKind,
    Succession, chain, managers, successor,
};

use crate::tenant::guest;

fn person(name: &str) -> Sponsor {
    Sponsor {
        id: SponsorId::derived(&[name.as_bytes()]),
        kind: SponsorKind::User,
        display_name: Some(name.to_owned()),
        mail: Some(format!("{name}@contoso.example")),
        enabled: Some(true),
        is_guest: false,
        membership: Membership::NotAsked,
    }
}

fn disabled(name: &str) -> Sponsor {
    Sponsor {
        enabled: Some(false),
        ..person(name)
    }
}

fn known(person: Sponsor) -> Acquaintance {
    Acquaintance {
        person,
        deleted: false,
    }
}

fn whole_chain() -> Sponsoring {
    Sponsoring {
        chain: Link::ORDERED.to_vec(),
        stewards: vec![Steward {
            domains: vec!["elsewhere.example".to_owned()],
            to: vec![Contact::Mail("steward@contoso.example".to_owned())],
        }],
        ..Sponsoring::default()
    }
}

fn sponsored_by(sponsors: Vec<Sponsor>) -> GuestView {
    GuestView {
        sponsors,
        ..guest(1)
    }
}

fn told(hops: &[Hop]) -> Vec<String> {
    let told = |hop: &Hop| {
        let name = hop.name.as_deref().unwrap_or("-");
        format!("{} {name}: {}", hop.link.as_str(), hop.finding.as_str())
    };
    hops.iter().map(told).collect()
}

#[test]
fn each_reason_to_pass_a_sponsor_over_is_told_and_a_co_sponsor_answers() {
    let sara = || person("sara");
    for (unfit, finding) in [
        (disabled("sara"), Finding::Disabled),
        (
            Sponsor {
                is_guest: true,
                ..sara()
            },
            Finding::Guest,
        ),
        (
            Sponsor {
                membership: Membership::Out,
                ..sara()
            },
            Finding::NotInGroup,
        ),
        (
            Sponsor {
                mail: None,
                ..sara()
            },
            Finding::NoMail,
        ),
        (
            Sponsor {
                enabled: None,
                ..sara()
            },
            Finding::EnabledUnknown,
        ),
        (
            Sponsor {
                membership: Membership::Unknown,
                ..sara()
            },
            Finding::GroupUnknown,
        ),
    ] {
        let view = sponsored_by(vec![unfit, person("carl")]);
        let hops = chain(&view, &Circle::default(), &whole_chain());
        assert_eq!(hops[0].finding, finding);
        assert_eq!(hops.len(), 2);
        assert_eq!(hops[1].finding, Finding::Chosen);
        let told = successor(&hops, &view);
        assert_eq!(told, Succession::Nobody, "carl is a sponsor already");
    }
}

#[test]
fn the_chain_goes_from_link_to_link_until_somebody_is_fit() {
    let sara = disabled("sara");
    let view = sponsored_by(vec![sara.clone()]);
    let sponsoring = whole_chain();
    let mut circle = Circle::default();
    let without = [
        "sponsor sara: disabled",
        "manager -: not known: not read",
        "project-owner -: nobody there",
        "inviter -: not known: not read",
        "steward steward@contoso.example: answers",
    ];
    let hops = chain(&view, &circle, &sponsoring);
    assert_eq!(told(&hops), without);
    assert_eq!(
        successor(&hops, &view),
        Succession::InDoubt(hops[1].clone())
    );
    circle.managers.insert(sara.id.0, Manager::Nobody);
    circle.inviter = Inviter::NotRecorded;
    let hops = chain(&view, &circle, &sponsoring);
    let not_recorded = "inviter -: the audit log has no record of it";
    assert_eq!(told(&hops)[3], not_recorded);
    let told_of = successor(&hops, &view);
    assert_eq!(told_of, Succession::Nobody, "an address is no user");

    circle.inviter = Inviter::Is(known(person("ivo")));
    let hops = chain(&view, &circle, &sponsoring);
    assert_eq!(told(&hops)[3], "inviter ivo: answers");
    assert_eq!(successor(&hops, &view), Succession::Is(person("ivo").id));

    let group = GroupId::derived(&[b"bridge"]);
    circle.owners = vec![(group, person("olga"))];
    let hops = chain(&view, &circle, &sponsoring);
    assert_eq!(told(&hops)[2], "project-owner olga: answers");
    assert_eq!(hops[2].of, Some(group.0));

    circle
        .managers
        .insert(sara.id.0, Manager::Is(known(person("mona"))));
    let hops = chain(&view, &circle, &sponsoring);
    assert_eq!(
        told(&hops),
        ["sponsor sara: disabled", "manager mona: answers"]
    );
    assert_eq!(successor(&hops, &view), Succession::Is(person("mona").id));
}

#[test]
fn nobody_becomes_a_sponsor_after_somebody_of_whom_it_is_not_known_whether_they_are_fit() {
    let sponsoring = whole_chain();
    let doubts = [
        Sponsor {
            enabled: None,
            ..person("mona")
        },
        Sponsor {
            membership: Membership::Unknown,
            ..person("mona")
        },
    ];
    for mona in doubts {
        let sara = disabled("sara");
        let view = sponsored_by(vec![sara.clone()]);
        let circle = Circle {
            managers: [(sara.id.0, Manager::Is(known(mona)))].into(),
            inviter: Inviter::Is(known(person("ivo"))),
            ..Circle::default()
        };
        let hops = chain(&view, &circle, &sponsoring);
        // A notice goes past her.
        assert_eq!(hops[3].name.as_deref(), Some("ivo"));
        assert_eq!(
            successor(&hops, &view),
            Succession::InDoubt(hops[1].clone())
        );
    }
    // A sponsor who might be fit needs no other beside.
    let sara = Sponsor {
        enabled: None,
        ..person("sara")
    };
    let view = sponsored_by(vec![sara.clone()]);
    let circle = Circle {
        managers: [(sara.id.0, Manager::Is(known(person("mona"))))].into(),
        ..Circle::default()
    };
    let hops = chain(&view, &circle, &sponsoring);
    assert_eq!(
        successor(&hops, &view),
        Succession::InDoubt(hops[0].clone())
    );
}

#[test]
fn a_deleted_sponsor_is_told_and_its_manager_as_last_known_answers() {
    let sara = person("sara");
    let view = sponsored_by(Vec::new());
    let mut circle = Circle {
        departed: vec![sara.clone()],
        ..Circle::default()
    };
    circle
        .managers
        .insert(sara.id.0, Manager::Is(known(person("mona"))));
    let hops = chain(&view, &circle, &whole_chain());
    assert_eq!(
        told(&hops),
        ["sponsor sara: deleted", "manager mona: answers"]
    );
    let gone = Acquaintance {
        person: person("mona"),
        deleted: true,
    };
    circle.managers.insert(sara.id.0, Manager::Is(gone));
    let hops = chain(&view, &circle, &whole_chain());
    assert_eq!(told(&hops)[1], "manager mona: deleted");
}

#[test]
fn the_operators_answer_when_nobody_else_does_and_it_is_told_why() {
    let view = sponsored_by(Vec::new());
    let circle = Circle {
        inviter: Inviter::Application,
        ..Circle::default()
    };
    let sponsoring = Sponsoring {
        stewards: Vec::new(),
        ..whole_chain()
    };
    assert_eq!(
        told(&chain(&view, &circle, &sponsoring)),
        [
            "sponsor -: nobody there",
            "manager -: nobody there",
            "project-owner -: nobody there",
            "inviter -: invited by an application",
            "steward -: nobody there",
            "operators -: answers",
        ]
    );
}

#[test]
fn a_notice_to_the_manager_looks_for_the_guests_own_first() {
    let view = sponsored_by(vec![person("sara")]);
    let mut circle = Circle::default();
    let own = view.record.guest.id.0;
    circle
        .managers
        .insert(own, Manager::Is(known(person("gert"))));
    let sara = person("sara").id.0;
    circle
        .managers
        .insert(sara, Manager::Is(known(person("mona"))));
    let hops = managers(&view, &circle, &whole_chain());
    assert_eq!(told(&hops), ["guest-manager gert: answers"]);
    circle.managers.insert(own, Manager::Nobody);
    let hops = managers(&view, &circle, &whole_chain());
    assert_eq!(
        told(&hops),
        ["guest-manager -: nobody there", "manager mona: answers"]
    );
    circle.managers.clear();
    let hops = managers(&view, &circle, &whole_chain());
    assert_eq!(
        told(&hops),
        [
            "guest-manager -: not known: not read",
            "manager -: not known: not read",
            "sponsor sara: answers"
        ]
    );
}

#[test]
fn a_record_of_a_hop_has_no_name_and_no_address() {
    let view = sponsored_by(vec![disabled("sara")]);
    let hops = chain(&view, &Circle::default(), &whole_chain());
    let record = serde_json::to_string(&hops).expect("JSON");
    assert!(
        !record.contains('@') && !record.contains("\"sara\""),
        "{record}"
    );
    assert!(record.contains(&person("sara").id.to_string()), "{record}");
}

const POLICY: &str = "[[rule]]\nname = \"r\"\nwhen = 'guest.inactive_days > 90'\nstages = [{ action = \"notify\" }]\n";

#[test]
fn only_what_the_policy_follows_is_read() {
    let parse = |more: &str| Policy::parse("p", &format!("{POLICY}{more}")).expect("a policy");
    let plain = parse("");
    assert!(!plain.reads_managers() && !plain.reads_inviters());
    let whole = parse("[sponsors]\n");
    assert!(whole.reads_managers() && whole.reads_inviters());
    let short = parse("[sponsors]\nchain = [\"sponsor\", \"inviter\"]\n");
    assert!(!short.reads_managers() && short.reads_inviters());
    let asking = POLICY.replace(
        "guest.inactive_days > 90",
        "guest.invited_by == \"application\"",
    );
    let asking = Policy::parse("p", &asking).expect("a policy");
    assert!(!asking.reads_managers() && asking.reads_inviters());
    let grouped = parse("[sponsors]\ngroup = \"Hosts\"\n");
    assert!(grouped.groups().contains("Hosts"));
}

#[test]
fn what_is_wrong_about_sponsors_is_told_with_its_place_and_the_nearest_name() {
    let policy = format!(
        "{POLICY}[sponsors]\nchain = [\"sponser\", \"operators\"]\ngrup = \"x\"\n[[steward]]\ndomains = [\"*.example\"]\nto = [\"nobody\"]\n"
    );
    let problems = Policy::parse("p", &policy)
        .expect_err("problems")
        .to_string();
    for told in [
        "p:6:10: [sponsors]: chain has no link \"sponser\"; did you mean sponsor?",
        "p:6:21: [sponsors]: the operators come last by themselves; leave them out of chain",
        "p:7:1: [sponsors]: there is no key grup; did you mean group?",
        "p:9:12:",
        "p:10:7:",
    ] {
        assert!(problems.contains(told), "{told}\n{problems}");
    }
    let writes = POLICY.replace("notify", "add-sponsor");
    let problems = Policy::parse("p", &writes)
        .expect_err("a problem")
        .to_string();
    assert!(problems.contains("write_back = true"), "{problems}");
    let allowed = format!("{writes}[sponsors]\nwrite_back = true\n");
    assert!(Policy::parse("p", &allowed).is_ok());
}
