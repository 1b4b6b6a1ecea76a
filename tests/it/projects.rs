//! Projects: their ends from the policy, from people and from the groups themselves.

use serde_json::{Value, json};

use crate::tenant::{Tenant, shown};

const RULES: &str = r#"
[[rule]]
name = "all projects ended"
when = 'guest.all_projects_ended'
stages = [
  { action = "notify" },
  { action = "remove-from-group", wait = "1d" },
]

[[rule]]
name = "one project ended"
when = 'guest.projects.exists(p, p.ended) && guest.projects.exists(p, !p.ended)'
stages = [{ action = "flag" }]

[[rule]]
name = "no project"
when = 'size(guest.projects) == 0'
stages = [{ action = "flag" }]

[limits]
remove-from-group = { guests = 100, percent = 100 }
"#;

struct Site {
    tenant: Tenant,
    guests: Vec<String>,
}

impl Site {
    /// Four guests: in the bridge's group, in the bridge's and the tunnel's, in none, and in one that expires.
    async fn new(projects: &str) -> Self {
        let tenant = Tenant::empty().await;
        tenant.write("policy.toml", &format!("{RULES}\n{projects}"));
        let mut guests = Vec::new();
        for name in ["bea", "tom", "nora", "emil"] {
            guests.push(tenant.add_guest(name, 5).await);
        }
        let olga = json!({ "user_type": "Member", "mail": "olga@contoso.example" });
        let olga = tenant.post("users", olga).await["id"].clone();
        tenant
            .post(
                "groups",
                json!({ "name": "tunnel", "members": [guests[1]], "owners": [olga] }),
            )
            .await;
        let expiring = json!({ "name": "harbour", "kind": "m365", "members": [guests[3]], "expires": "2027-01-20T12:00:00Z" });
        tenant.post("groups", expiring).await;
        for guest in &guests[..2] {
            let member = json!({ "add_group": "bridge" });
            tenant
                .control(
                    reqwest::Method::PATCH,
                    &format!("users/{guest}"),
                    Some(member),
                )
                .await;
        }
        Self { tenant, guests }
    }

    /// The rule that decides for each guest.
    async fn rules(&self) -> Vec<Value> {
        let plan = self.tenant.json(&["plan"]).await;
        let verdicts = plan["verdicts"].as_array().expect("a list").clone();
        let rule = |guest: &String| {
            let of = |verdict: &&Value| verdict["guest_id"] == guest.as_str();
            verdicts.iter().find(of).expect("a verdict")["rule"].clone()
        };
        self.guests.iter().map(rule).collect()
    }

    async fn projects_of(&self, guest: usize) -> Value {
        let explained = self.tenant.json(&["explain", &self.guests[guest]]).await;
        let facts = explained["facts"].as_array().expect("a list").clone();
        let is_it = |fact: &&Value| fact["fact"] == "projects";
        facts.iter().find(is_it).expect("the fact")["value"].clone()
    }
}

#[tokio::test]
async fn ends_come_from_the_policy_from_people_and_from_the_group_and_the_three_cases_are_told_apart()
 {
    let site = Site::new(
        "[[project]]\ngroup = \"bridge\"\nends = 2027-01-10\n\n[[project]]\ngroup = \"harbour\"\nends = \"expirationDateTime\"\n",
    )
    .await;
    let tenant = &site.tenant;
    let set = [
        "projects",
        "set",
        "tunnel",
        "--ends",
        "2027-01-15",
        "--by",
        "olga",
    ];
    let output = tenant.run(&set).await;
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(
        site.rules().await,
        [Value::Null, Value::Null, json!("no project"), Value::Null]
    );
    assert_eq!(
        site.projects_of(1).await,
        "[bridge (ends 2027-01-10; policy), tunnel (ends 2027-01-15; set by olga)]"
    );
    assert_eq!(
        site.projects_of(3).await,
        "[harbour (ends 2027-01-20; expirationDateTime of the group)]"
    );
    tenant.pass_days(8).await;
    assert_eq!(
        site.rules().await,
        [
            json!("all projects ended"),
            json!("one project ended"),
            json!("no project"),
            Value::Null
        ]
    );
    tenant.pass_days(10).await;
    assert_eq!(
        site.rules().await,
        [
            json!("all projects ended"),
            json!("all projects ended"),
            json!("no project"),
            json!("all projects ended")
        ]
    );
    let listed = tenant.json(&["projects", "list"]).await;
    let sources: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|project| (project["found"].clone(), project["ended"].clone()))
        .collect();
    let found = ["bridge", "harbour", "tunnel"];
    assert_eq!(sources, found.map(|name| (json!(name), json!(true))));
    // The owner of the tunnel answers for a guest without a sponsor.
    tenant.apply().await;
    let outbox = tenant.get("outbox").await.to_string();
    assert!(outbox.contains("olga@contoso.example"), "{outbox}");
    tenant.pass_days(2).await;
    tenant.apply().await;
    let removals = tenant.writes().await;
    let removals = removals.iter().filter(|kind| kind.starts_with("remove"));
    assert_eq!(removals.count(), 4);
}

#[tokio::test]
async fn the_policy_file_wins_and_a_conflict_is_warned_about() {
    let site = Site::new("[[project]]\ngroup = \"bridge\"\nends = 2027-06-30\n").await;
    let tenant = &site.tenant;
    let set = [
        "projects",
        "set",
        "bridge",
        "--ends",
        "2027-01-01",
        "--by",
        "olga",
    ];
    let output = tenant.run(&set).await;
    assert!(output.status.success(), "{}", shown(&output));
    let warning = "warning: bridge: the policy file says that it ends 2027-06-30, and wins";
    assert!(shown(&output).contains(warning), "{}", shown(&output));
    site.rules().await;
    assert_eq!(
        site.projects_of(0).await,
        "[bridge (ends 2027-06-30; policy)]"
    );
    let listed = tenant.json(&["projects", "list"]).await;
    assert_eq!(listed[1]["overridden"], true, "{listed:#}");
    for (code, says) in [(0, "no project any more"), (64, "no end was set")] {
        let removed = tenant
            .run(&["projects", "remove", "bridge", "--by", "olga"])
            .await;
        assert_eq!(removed.status.code(), Some(code), "{}", shown(&removed));
        assert!(shown(&removed).contains(says), "{}", shown(&removed));
    }
}

#[tokio::test]
async fn an_import_tells_everything_that_is_wrong_with_its_line_and_then_sets_nothing() {
    let site = Site::new("").await;
    let tenant = &site.tenant;
    let file = tenant.path("projects.csv");
    let file = file.to_str().expect("a path");
    let import = ["projects", "import", file, "--by", "olga"];
    tenant.write(
        "projects.csv",
        "group,ends\nbridge,2027-01-10\n,2027-01-10\ntunnel,10.1.2027\nbridge,2027-02-01\n",
    );
    let output = tenant.run(&import).await;
    assert_eq!(output.status.code(), Some(64), "{}", shown(&output));
    let text = shown(&output);
    for says in [
        "projects.csv:3: group is empty",
        "projects.csv:4: ends is the last day, such as 2027-03-31, and this is \"10.1.2027\"",
        "projects.csv:5: \"bridge\" is in line 2 already",
        "nothing was imported",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert_eq!(tenant.json(&["projects", "list"]).await, json!([]));
    tenant.write(
        "projects.csv",
        "ends,group\n2027-01-10,bridge\n2027-02-01,tunnel\n",
    );
    for expected in [2, 0] {
        let done = tenant.json(&import).await;
        assert_eq!(done["projects"], 2);
        assert_eq!(done["changed"].as_array().map(Vec::len), Some(expected));
    }
    tenant.pass_days(8).await;
    assert_eq!(
        site.rules().await[..2],
        [json!("all projects ended"), json!("one project ended")]
    );
}
