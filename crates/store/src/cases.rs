//! Cases, open and closed.

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_domain::case::{Case, Closing};
use innkeeper_domain::ids::{CaseId, GuestId, TenantId};
use innkeeper_domain::policy::{Action, RuleName};
use innkeeper_domain::watch::Watched;
use uuid::Uuid;

use crate::error::StoreError;
use crate::given::Given;
use crate::open::Tx;
use crate::rows::{count, from_json, json, micros, seconds};

/// A case, and its end when it has come.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseRow {
    /// The case.
    pub case: Case,
    /// When and why it closed.
    pub closed: Option<(DateTime<Utc>, Closing)>,
}

/// A query for [`Columns`].
macro_rules! select_cases {
    ($rest:literal) => {
        concat!(
            "SELECT c.case_id, c.guest_key, g.guest_id, c.rule, c.opened_at, c.done, c.since, c.blind, c.hold_until, c.reminded, \
             c.closed_at, c.closing FROM cases c JOIN guests g ON g.guest_key = c.guest_key ",
            $rest
        )
    };
}
pub(crate) use select_cases;

/// The columns of a case, with its guest's id.
pub(crate) struct Columns {
    case_id: Uuid,
    pub(crate) guest_key: i64,
    guest_id: Uuid,
    rule: String,
    opened_at: DateTime<Utc>,
    done: String,
    since: i64,
    blind: i64,
    hold_until: Option<DateTime<Utc>>,
    reminded: Option<i64>,
    closed_at: Option<DateTime<Utc>>,
    closing: Option<String>,
}

from_row!(Columns {
    case_id,
    guest_key,
    guest_id,
    rule,
    opened_at,
    done,
    since,
    blind,
    hold_until,
    reminded,
    closed_at,
    closing
});

impl Columns {
    pub(crate) fn row(self) -> Result<CaseRow, StoreError> {
        let action =
            |word: &str| Action::parse(word).ok_or_else(|| StoreError::corrupt("action", word));
        let done = self
            .done
            .split(',')
            .filter(|word| !word.is_empty())
            .map(action)
            .collect::<Result<_, _>>()?;
        let closed = match (self.closed_at, self.closing) {
            (Some(at), Some(closing)) => Some((at, from_json("closing of a case", &closing)?)),
            (None, None) => None,
            _ => return Err(StoreError::corrupt("case", self.case_id)),
        };
        let case = Case {
            id: self.case_id.into(),
            guest: self.guest_id.into(),
            rule: RuleName::from(self.rule.as_str()),
            opened: self.opened_at,
            done,
            since: Watched(self.since),
            blind: TimeDelta::seconds(self.blind),
            hold_until: self.hold_until,
            reminded: self.reminded.map(Watched),
        };
        Ok(CaseRow { case, closed })
    }
}

fn words(done: &[Action]) -> String {
    done.iter()
        .map(|action| action.as_str())
        .collect::<Vec<_>>()
        .join(",")
}

impl Tx {
    /// Opens cases. Their guests must be known.
    ///
    /// # Errors
    /// `Conflict` when a guest has an open case under the same rule already.
    pub async fn open_cases(&mut self, tenant: TenantId, cases: &[Case]) -> Result<(), StoreError> {
        let done: Vec<String> = cases.iter().map(|case| words(&case.done)).collect();
        let given = Given::rows(cases.len())
            .ids("case_id", cases.iter().map(|case| case.id.0))
            .ids("guest_id", cases.iter().map(|case| case.guest.0))
            .texts("rule", cases.iter().map(|case| case.rule.as_str()))
            .times("opened_at", cases.iter().map(|case| case.opened))
            .texts("done", done.iter().map(String::as_str))
            .integers("since", cases.iter().map(|case| case.since.0))
            .integers("blind", cases.iter().map(|case| seconds(case.blind)))
            .times("hold_until", cases.iter().map(|case| case.hold_until))
            .integers(
                "reminded",
                cases.iter().map(|case| case.reminded.map(|at| at.0)),
            );
        let sql = "INSERT INTO cases (case_id, tenant_id, guest_key, rule, opened_at, done, since, blind, hold_until, reminded) \
                   SELECT given.case_id, $1, (SELECT guest_key FROM guests WHERE tenant_id = $1 AND guest_id = given.guest_id), \
                   given.rule, given.opened_at, given.done, given.since, given.blind, given.hold_until, given.reminded FROM given";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Writes how far open cases are.
    ///
    /// # Errors
    /// `CaseClosed` when one of them is not open.
    pub async fn save_cases(&mut self, tenant: TenantId, cases: &[Case]) -> Result<(), StoreError> {
        let done: Vec<String> = cases.iter().map(|case| words(&case.done)).collect();
        let given = Given::rows(cases.len())
            .ids("case_id", cases.iter().map(|case| case.id.0))
            .texts("done", done.iter().map(String::as_str))
            .integers("since", cases.iter().map(|case| case.since.0))
            .integers("blind", cases.iter().map(|case| seconds(case.blind)))
            .times("hold_until", cases.iter().map(|case| case.hold_until))
            .integers(
                "reminded",
                cases.iter().map(|case| case.reminded.map(|at| at.0)),
            );
        let sql = "UPDATE cases SET done = given.done, since = given.since, blind = given.blind, hold_until = given.hold_until, reminded = given.reminded \
                   FROM given WHERE cases.tenant_id = $1 AND cases.case_id = given.case_id AND cases.closed_at IS NULL";
        let touched = self.execute_given(tenant, &given, sql).await?;
        if touched == cases.len() as u64 {
            Ok(())
        } else {
            Err(StoreError::CaseClosed)
        }
    }

    /// Adds time that does not count.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_blind(
        &mut self,
        tenant: TenantId,
        spans: &[(CaseId, TimeDelta)],
    ) -> Result<(), StoreError> {
        let given = Given::rows(spans.len())
            .ids("case_id", spans.iter().map(|(case, _)| case.0))
            .integers("span", spans.iter().map(|(_, span)| seconds(*span)));
        // The sum of big integers is a NUMERIC in Postgres.
        let sql = "UPDATE cases SET blind = cases.blind + spans.span \
                   FROM (SELECT case_id, CAST(SUM(span) AS BIGINT) AS span FROM given GROUP BY case_id) AS spans \
                   WHERE cases.tenant_id = $1 AND cases.case_id = spans.case_id AND cases.closed_at IS NULL";
        self.execute_given(tenant, &given, sql).await?;
        Ok(())
    }

    /// Closes a case; one that is closed already stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn close_case(
        &mut self,
        tenant: TenantId,
        case: CaseId,
        at: DateTime<Utc>,
        closing: &Closing,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE cases SET closed_at = $3, closing = $4 WHERE tenant_id = $1 AND case_id = $2 AND closed_at IS NULL";
        execute!(self, sql, tenant.0, case.0, micros(at), json(closing))?;
        Ok(())
    }

    /// The open cases of guests who are no longer in the directory.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cases_of_gone(&mut self, tenant: TenantId) -> Result<Vec<Case>, StoreError> {
        let sql = select_cases!(
            "WHERE c.tenant_id = $1 AND c.closed_at IS NULL AND g.gone_at IS NOT NULL ORDER BY c.case_id"
        );
        fetch_all!(self, Columns, sql, tenant.0)?
            .into_iter()
            .map(|columns| columns.row().map(|row| row.case))
            .collect()
    }

    /// Those of these cases that are open, in any order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_among(
        &mut self,
        tenant: TenantId,
        cases: &[CaseId],
    ) -> Result<Vec<Case>, StoreError> {
        let given = Given::rows(cases.len()).ids("case_id", cases.iter().map(|case| case.0));
        let sql = select_cases!(
            "WHERE c.tenant_id = $1 AND c.case_id IN (SELECT case_id FROM given) AND c.closed_at IS NULL"
        );
        self.fetch_given::<Columns>(tenant, &given, sql)
            .await?
            .into_iter()
            .map(|columns| columns.row().map(|row| row.case))
            .collect()
    }

    /// Every case of a guest, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cases_of(
        &mut self,
        tenant: TenantId,
        guest: GuestId,
    ) -> Result<Vec<CaseRow>, StoreError> {
        let sql = select_cases!(
            "WHERE c.tenant_id = $1 AND g.guest_id = $2 ORDER BY c.opened_at DESC, c.rule"
        );
        fetch_all!(self, Columns, sql, tenant.0, guest.0)?
            .into_iter()
            .map(Columns::row)
            .collect()
    }

    /// Every case that closed from `from` until before `to`, in the order of their ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cases_closed_between(
        &mut self,
        tenant: TenantId,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<CaseRow>, StoreError> {
        let sql = select_cases!(
            "WHERE c.tenant_id = $1 AND c.closed_at >= $2 AND c.closed_at < $3 ORDER BY c.closed_at, c.case_id"
        );
        fetch_all!(self, Columns, sql, tenant.0, micros(from), micros(to))?
            .into_iter()
            .map(Columns::row)
            .collect()
    }

    /// How many cases are open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open_case_count(&mut self, tenant: TenantId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) FROM cases WHERE tenant_id = $1 AND closed_at IS NULL";
        let (cases,): (i64,) = fetch_one!(self, (i64,), sql, tenant.0)?;
        Ok(count(cases))
    }
}
