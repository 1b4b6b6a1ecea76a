//! Invented names of people, partners and projects.

const GIVEN: &[&str] = &[
    "Ada", "Alba", "Amos", "Anouk", "Arvid", "Astrid", "Basil", "Beatrix", "Bruno", "Carla",
    "Casper", "Celia", "Cosmo", "Dagny", "Delia", "Doran", "Edda", "Elio", "Elsa", "Emil", "Esme",
    "Fabio", "Farah", "Felix", "Freya", "Gideon", "Greta", "Gustav", "Hanna", "Hector", "Hilda",
    "Ida", "Igor", "Ines", "Ivo", "Jana", "Jasper", "Jonas", "Juno", "Kai", "Katja", "Kira",
    "Lars", "Leila", "Lino", "Lotte", "Magda", "Malik", "Mara", "Milo", "Nadia", "Nils", "Nora",
    "Odin", "Olga", "Oskar", "Petra", "Pia", "Quinn", "Rafael", "Rhea", "Runa", "Samir", "Selma",
    "Silas", "Tara", "Thea", "Timo", "Ulla", "Umar", "Vera", "Viggo", "Wanda", "Willem", "Xenia",
    "Yara", "Yusuf", "Zelda", "Zoran",
];

const SURNAMES: &[&str] = &[
    "Abendroth",
    "Almquist",
    "Bellweather",
    "Birkholm",
    "Brandish",
    "Cardew",
    "Castellan",
    "Dahlgreen",
    "Denholm",
    "Drossel",
    "Eastmark",
    "Ekdahl",
    "Fairwind",
    "Falkenrath",
    "Fenwick",
    "Garland",
    "Grimstad",
    "Halloway",
    "Hartgrove",
    "Hoxley",
    "Ilvane",
    "Ingelow",
    "Jarnvik",
    "Jessop",
    "Kestrel",
    "Kirkbride",
    "Lachlan",
    "Lindqvist",
    "Lorne",
    "Marchetti",
    "Merrow",
    "Nightingale",
    "Norrby",
    "Oakhurst",
    "Ostermann",
    "Pellworm",
    "Penrose",
    "Quill",
    "Ravensby",
    "Rosendal",
    "Sandoval",
    "Selwyn",
    "Steenberg",
    "Tallis",
    "Thornbury",
    "Ulrich",
    "Underwood",
    "Valmont",
    "Vesper",
    "Wainwright",
    "Westergaard",
    "Wexcombe",
    "Yarrow",
    "Zimmerlin",
];

const PARTNER_FIRST: &[&str] = &[
    "amber", "arctic", "aspen", "azure", "bright", "cedar", "cobalt", "copper", "coral", "crimson",
    "delta", "ember", "fjord", "golden", "granite", "harbor", "indigo", "ivory", "juniper",
    "lunar", "maple", "meadow", "nimbus", "north", "ocean", "opal", "orchid", "polar", "quartz",
    "river", "saffron", "silver", "solar", "summit", "tidal", "umber", "velvet", "vertex",
    "willow", "zephyr",
];

const PARTNER_SECOND: &[&str] = &[
    "analytics",
    "architects",
    "bank",
    "chemicals",
    "consulting",
    "dynamics",
    "energy",
    "engineering",
    "foods",
    "freight",
    "instruments",
    "labs",
    "legal",
    "logistics",
    "marine",
    "media",
    "optics",
    "partners",
    "pharma",
    "robotics",
    "shipping",
    "software",
    "studio",
    "systems",
    "textiles",
    "travel",
    "works",
];

const PROJECT_FIRST: &[&str] = &[
    "Aurora", "Beacon", "Bluebird", "Borealis", "Cascade", "Compass", "Condor", "Drift", "Echo",
    "Falcon", "Glacier", "Harvest", "Horizon", "Iris", "Jigsaw", "Keystone", "Lantern", "Mosaic",
    "Nautilus", "Orbit", "Pioneer", "Quarry", "Relay", "Sextant", "Talisman", "Upland", "Vantage",
    "Windmill", "Zenith",
];

const PROJECT_SECOND: &[&str] = &[
    "Audit",
    "Build",
    "Design",
    "Expansion",
    "Fit-out",
    "Integration",
    "Launch",
    "Migration",
    "Pilot",
    "Review",
    "Rollout",
    "Study",
    "Tender",
    "Upgrade",
];

const TEAMS: &[&str] = &[
    "Data Room",
    "Extranet",
    "Field Service",
    "Invoices",
    "Legal Review",
    "Press Desk",
    "Procurement",
    "Quality",
    "Research Exchange",
    "Supplier Portal",
    "Support",
    "Training",
];

/// How many given names there are.
pub(crate) const GIVEN_COUNT: usize = GIVEN.len();
/// How many surnames there are.
pub(crate) const SURNAME_COUNT: usize = SURNAMES.len();

pub(crate) fn given(index: u16) -> &'static str {
    GIVEN[usize::from(index) % GIVEN.len()]
}

pub(crate) fn surname(index: u16) -> &'static str {
    SURNAMES[usize::from(index) % SURNAMES.len()]
}

/// The domain of the partner with this number; each number has its own.
pub(crate) fn partner(number: usize) -> String {
    let first = PARTNER_FIRST[number % PARTNER_FIRST.len()];
    let rest = number / PARTNER_FIRST.len();
    let second = PARTNER_SECOND[(number + rest) % PARTNER_SECOND.len()];
    // 40 and 27 have no common divisor: the first 1080 pairs are distinct.
    match number / (PARTNER_FIRST.len() * PARTNER_SECOND.len()) {
        0 => format!("{first}-{second}.example"),
        round => format!("{first}-{second}-{round}.example"),
    }
}

pub(crate) fn project(number: usize) -> String {
    let first = PROJECT_FIRST[number % PROJECT_FIRST.len()];
    let second = PROJECT_SECOND[number % PROJECT_SECOND.len()];
    format!("Project {first} {second} {}", number + 1)
}

pub(crate) fn team(number: usize) -> String {
    format!("{} {}", TEAMS[number % TEAMS.len()], number + 1)
}

const CITIES: &[(&str, &str)] = &[
    ("Aarhus", "DK"),
    ("Bergen", "NO"),
    ("Bologna", "IT"),
    ("Cork", "IE"),
    ("Ghent", "BE"),
    ("Graz", "AT"),
    ("Lyon", "FR"),
    ("Porto", "PT"),
    ("Tampere", "FI"),
    ("Utrecht", "NL"),
];

/// A city and its country.
pub(crate) fn city(number: usize) -> (&'static str, &'static str) {
    CITIES[number % CITIES.len()]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_partner_has_a_domain_of_its_own() {
        let domains: HashSet<String> = (0..3000).map(partner).collect();
        assert_eq!(domains.len(), 3000);
        assert!(domains.iter().all(|domain| domain.ends_with(".example")));
    }
}
