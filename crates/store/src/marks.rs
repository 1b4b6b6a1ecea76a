//! What was written into attributes of guests and is not cleared yet.

use chrono::{DateTime, Utc};
use innkeeper_domain::ids::{GuestId, TenantId};
use innkeeper_domain::mark::{Mark, MarkAttribute, Written};
use innkeeper_domain::policy::RuleName;
use uuid::Uuid;

use crate::error::StoreError;
use crate::open::Tx;
use crate::rows::micros;

/// A mark on a guest's row.
struct Columns {
    guest_key: i64,
    attribute: String,
    case_id: Uuid,
    rule: String,
    stage: i64,
    value: String,
}

from_row!(Columns {
    guest_key,
    attribute,
    case_id,
    rule,
    stage,
    value
});

impl Columns {
    fn written(self) -> Result<Written, StoreError> {
        let attribute = MarkAttribute::parse(&self.attribute);
        let stage = usize::try_from(self.stage);
        Ok(Written {
            case: self.case_id.into(),
            rule: RuleName::from(self.rule.as_str()),
            stage: stage
                .map_err(|_| StoreError::corrupt("stage of a mark", self.stage.to_string()))?,
            mark: Mark {
                attribute: attribute
                    .ok_or_else(|| StoreError::corrupt("attribute of a mark", self.attribute))?,
                value: self.value,
            },
        })
    }
}

impl Tx {
    /// Remembers what was written for a case, in the place of what was written into the same attribute for it before. The
    /// guest must be known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn save_mark(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        written: &Written,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let Written {
            case,
            rule,
            stage,
            mark: Mark { attribute, value },
        } = written;
        let sql = "INSERT INTO marks (tenant_id, guest_key, attribute, case_id, rule, stage, value, written_at) \
                   SELECT $1, guest_key, $3, $4, $5, $6, $7, $8 FROM guests WHERE tenant_id = $1 AND guest_id = $2 \
                   ON CONFLICT (tenant_id, guest_key, attribute, case_id) DO UPDATE SET rule = excluded.rule, \
                   stage = excluded.stage, value = excluded.value, written_at = excluded.written_at";
        execute!(
            self,
            sql,
            tenant.0,
            guest.0,
            attribute.to_string(),
            case.0,
            rule.as_str().to_owned(),
            i64::try_from(*stage).unwrap_or(i64::MAX),
            value.clone(),
            micros(at)
        )?;
        Ok(())
    }

    /// Forgets a mark of a guest, for whatever cases it was written; returns for how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_mark(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
        mark: &Mark,
    ) -> Result<u64, StoreError> {
        let Mark { attribute, value } = mark;
        let sql = "DELETE FROM marks WHERE tenant_id = $1 AND attribute = $3 AND value = $4 AND guest_key IN \
                   (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id = $2)";
        Ok(execute!(
            self,
            sql,
            tenant.0,
            guest.0,
            attribute.to_string(),
            value.clone()
        )?)
    }

    /// Forgets the marks of guests who are no longer in the directory; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_marks_of_gone(&mut self, tenant: TenantId) -> Result<u64, StoreError> {
        let sql = "DELETE FROM marks WHERE tenant_id = $1 AND guest_key IN \
                   (SELECT guest_key FROM guests WHERE tenant_id = $1 AND gone_at IS NOT NULL)";
        Ok(execute!(self, sql, tenant.0)?)
    }

    /// The marks of the guests in a range of rows, ordered by row, attribute and case.
    pub(crate) async fn marks_between(
        &mut self,
        tenant: TenantId,
        first: i64,
        last: i64,
    ) -> Result<Vec<(i64, Written)>, StoreError> {
        let sql = "SELECT guest_key, attribute, case_id, rule, stage, value FROM marks \
                   WHERE tenant_id = $1 AND guest_key BETWEEN $2 AND $3";
        let columns = fetch_all!(self, Columns, sql, tenant.0, first, last)?;
        let marks = columns.into_iter();
        let mut marks = marks
            .map(|columns| Ok((columns.guest_key, columns.written()?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        // Databases have orders of their own.
        marks.sort_unstable_by_key(|(key, written)| (*key, written.mark.attribute, written.case));
        Ok(marks)
    }
}
