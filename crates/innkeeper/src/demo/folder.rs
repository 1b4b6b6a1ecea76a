//! What the demo leaves behind: a configuration, a policy and a database.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::world::{Info, World};
use crate::exit::UsageError;

/// The policy that is shipped.
const POLICY: &str = include_str!("../../../../config/policy.toml");

/// Its line that makes a plan wait for a person.
const CEILING: &str = "ceiling = { guests = 500, percent = 20 }";

/// The first line of a configuration that a demo wrote. A folder without one is not the demo's to overwrite.
const MARK: &str = "# Written by `innkeeper demo`.";

/// What a policy has besides what is shipped.
#[derive(Clone, Debug, Default)]
pub(super) struct Besides {
    /// Before the first table.
    pub(super) before: String,
    /// After the last one.
    pub(super) rules: String,
}

/// The files of a demo.
pub(super) struct Folder {
    pub(super) config: PathBuf,
}

/// Makes the folder, with what the policy has besides what is shipped; or empties the one that an earlier demo left.
pub(super) async fn prepare(directory: &Path, world: &World, besides: &Besides) -> Result<Folder> {
    let config = directory.join("innkeeper.toml");
    let is_new = !directory.exists();
    let is_ours = || fs::read_to_string(&config).is_ok_and(|text| text.starts_with(MARK));
    let is_empty = || fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
    if !is_new && !is_ours() && !is_empty() {
        let shown = directory.display();
        return Err(UsageError(format!(
            "{shown} exists and is not an earlier demo's folder; name another with --directory"
        ))
        .into());
    }
    let cannot = || {
        format!(
            "the folder {} cannot be written; name another with --directory",
            directory.display()
        )
    };
    fs::create_dir_all(directory).with_context(cannot)?;
    for file in ["innkeeper.db", "innkeeper.db-wal", "innkeeper.db-shm"] {
        match fs::remove_file(directory.join(file)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(cannot);
            }
            Ok(()) | Err(_) => {}
        }
    }
    fs::write(directory.join("policy.toml"), policy(world, besides).await?).with_context(cannot)?;
    fs::write(&config, configuration(world, &world.info().await?)).with_context(cannot)?;
    Ok(Folder { config })
}

/// The shipped policy, with what only this tenant knows: its projects and its synchronised partners.
async fn policy(world: &World, Besides { before, rules }: &Besides) -> Result<String> {
    // Nobody is there to be asked.
    let shipped = POLICY.replace(CEILING, "ceiling = { guests = 500, percent = 100 }");
    let mut policy = format!("{before}{shipped}");
    policy.push_str(rules);
    policy.push_str("\n# ---- This tenant's projects and partners, added by the demo ----\n");
    for project in world.projects().await? {
        write!(
            policy,
            "\n[[project]] # {}\ngroup = \"{}\"\nends = {}\n",
            project.name, project.id, project.ends
        )?;
    }
    for partner in world
        .partners()
        .await?
        .iter()
        .filter(|partner| partner.cross_tenant_sync)
    {
        write!(
            policy,
            "\n[[partner]]\ndomain = \"{}\"\nsynced = true\n",
            partner.domain
        )?;
    }
    Ok(policy)
}

fn configuration(world: &World, info: &Info) -> String {
    let Info {
        tenant_id,
        client_id,
        client_secret,
        notify_sender,
        operators,
    } = info;
    let operators = operators
        .iter()
        .map(|operator| format!("\"{operator}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let url = &world.url;
    format!(
        "{MARK} The simulated tenant is gone with it; what it left in the database can be looked at.\n\n\
         [database]\nurl = \"sqlite://innkeeper.db\"\n\n[schedule]\ncycle = \"0 6 * * *\"\n\n\
         [[tenants]]\nname = \"contoso\"\ntenant_id = \"{tenant_id}\"\nmode = \"enforce\"\npolicy = \"policy.toml\"\n\
         graph_url = \"{url}\"\nlogin_url = \"{url}\"\n\n\
         [tenants.credential]\nkind = \"client-secret\"\nclient_id = \"{client_id}\"\nclient_secret = \"{client_secret}\"\n\n\
         [tenants.notify]\nsender = \"{notify_sender}\"\noperators = [{operators}]\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_has_the_line_that_the_demo_exchanges() {
        assert_eq!(POLICY.matches(CEILING).count(), 1);
    }
}
