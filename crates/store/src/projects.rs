//! The ends of projects that people set beside the policy.

use chrono::{DateTime, NaiveDate, Utc};
use innkeeper_domain::ids::TenantId;
use innkeeper_domain::policy::SetProject;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::micros;

struct Columns {
    name_used: String,
    ends_on: String,
    set_by: String,
    set_at: DateTime<Utc>,
}

from_row!(Columns {
    name_used,
    ends_on,
    set_by,
    set_at
});

impl Columns {
    fn project(self) -> Result<SetProject, StoreError> {
        let ends = self.ends_on.parse::<NaiveDate>();
        Ok(SetProject {
            group: self.name_used,
            ends: ends.map_err(|_| StoreError::corrupt("end of a project", self.ends_on))?,
            by: self.set_by,
            at: self.set_at,
        })
    }
}

impl Tx {
    /// Sets the end of a project, in the place of an earlier one; `false` when it ended that day already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_project(
        &mut self,
        tenant: TenantId,
        project: &SetProject,
    ) -> Result<bool, StoreError> {
        let SetProject {
            group,
            ends,
            by,
            at,
        } = project;
        let sql = "INSERT INTO projects (tenant_id, name_used, ends_on, set_by, set_at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (tenant_id, name_used) DO UPDATE SET ends_on = excluded.ends_on, set_by = excluded.set_by, \
                   set_at = excluded.set_at WHERE projects.ends_on <> excluded.ends_on";
        let touched = execute!(
            self,
            sql,
            tenant.0,
            group.clone(),
            ends.to_string(),
            by.clone(),
            micros(*at)
        )?;
        Ok(touched == 1)
    }

    /// Forgets the end of a project; returns it if one was set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_project(
        &mut self,
        tenant: TenantId,
        group: &str,
    ) -> Result<Option<SetProject>, StoreError> {
        let sql = "DELETE FROM projects WHERE tenant_id = $1 AND name_used = $2 RETURNING name_used, ends_on, set_by, set_at";
        let removed = fetch_optional!(self, Columns, sql, tenant.0, group.to_owned())?;
        removed.map(Columns::project).transpose()
    }

    /// The projects that people set, ordered by the group's id or name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projects(&mut self, tenant: TenantId) -> Result<Vec<SetProject>, StoreError> {
        let sql = "SELECT name_used, ends_on, set_by, set_at FROM projects WHERE tenant_id = $1";
        let mut projects = fetch_all!(self, Columns, sql, tenant.0)?
            .into_iter()
            .map(Columns::project)
            .collect::<Result<Vec<_>, _>>()?;
        // Databases have orders of their own.
        projects.sort_unstable_by(|one, other| one.group.cmp(&other.group));
        Ok(projects)
    }
}
