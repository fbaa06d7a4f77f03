//! Reports of what people and groups spent: the one place that adds up the ledger for people to read.
//!
//! Sums come from the events and from the days made of them ([`charged`]), between two ends, so that nothing of
//! another period is ever counted. Which limit holds for whom is decided by `model::budgets::resolve` ([`people`]); SQL
//! fetches. What can be long is read through a cursor ([`export`]), a bounded number of rows at a time.

mod charged;
mod export;
mod groups;
mod members;
mod people;
mod users;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_query, sql_types::Timestamptz};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    GroupId, OrganizationId, PageRequest, UserId,
    budgets::BudgetSettings,
    spend::Period,
    spend_reports::{
        GroupSpendReport, MemberSpendReport, SpendExportFilter, SpendUserFilter, UserSpendReport,
    },
};
use rbac::Visibility;
use store::{
    StoreResult,
    spend_reports::{SpendExportSink, SpendReportRead, SpendReportWrite},
};

use crate::{
    budgets,
    query::{Cached, one},
    unit::{Unit, Writing},
};

/// The instant of a report, the period of people's budgets that it lies in, and what holds for all budgets.
#[derive(Debug)]
struct Present {
    now: DateTime<Utc>,
    period: Period,
    settings: BudgetSettings,
}

#[derive(QueryableByName)]
struct PresentRow {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    period_start: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    period_end: DateTime<Utc>,
}

const PRESENT: &str = "\
SELECT n.now, p.period_start, p.period_end \
FROM ai_budget_settings AS s CROSS JOIN (SELECT bursar_now() AS now) AS n \
CROSS JOIN LATERAL bursar_period(n.now, s.period, s.time_zone) AS p";

async fn present(conn: &AsyncPgConnection) -> StoreResult<Present> {
    let present = one::<_, PresentRow>(conn, Cached(sql_query(PRESENT)));
    let (present, settings) = try_join(present, budgets::settings(conn)).await?;
    Ok(Present {
        now: present.now,
        period: Period {
            start: present.period_start,
            end: present.period_end,
        },
        settings,
    })
}

/// The period that is asked for, else the present one.
async fn period(conn: &AsyncPgConnection, asked: Option<Period>) -> StoreResult<Period> {
    match asked {
        Some(period) => Ok(period),
        None => Ok(present(conn).await?.period),
    }
}

#[async_trait]
impl<Mode: Send + Sync> SpendReportRead for Unit<Mode> {
    async fn group_spend_get(&mut self, group: GroupId) -> StoreResult<GroupSpendReport> {
        groups::group_spend_get(self.connection()?, group).await
    }

    async fn organization_group_spend_list(
        &mut self,
        organization: OrganizationId,
        groups: &[GroupId],
        visibility: &Visibility,
    ) -> StoreResult<GroupSpendReport> {
        let conn = self.connection()?;
        groups::organization_group_spend_list(conn, organization, groups, visibility).await
    }

    async fn group_member_spend_list(
        &mut self,
        group: GroupId,
        users: &[UserId],
        visibility: &Visibility,
    ) -> StoreResult<MemberSpendReport> {
        members::group_member_spend_list(self.connection()?, group, users, visibility).await
    }

    async fn spend_export(
        &mut self,
        filter: &SpendExportFilter,
        sink: &mut dyn SpendExportSink,
    ) -> StoreResult<()> {
        let began = self.begin_snapshot().await?;
        export::spend_export(self.connection()?, filter, sink).await?;
        if began {
            self.end_snapshot().await?;
        }
        Ok(())
    }

    async fn spend_user_list(
        &mut self,
        filter: &SpendUserFilter,
        page: PageRequest,
    ) -> StoreResult<UserSpendReport> {
        users::spend_user_list(self.connection()?, filter, page).await
    }
}

#[async_trait]
impl SpendReportWrite for Unit<Writing> {}
