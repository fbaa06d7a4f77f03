//! Group budgets.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use model::{GroupId, Micros, budgets::GroupBudget};
use store::{
    StoreResult,
    budgets::{BudgetRead, BudgetWrite},
};
use uuid::Uuid;

use crate::{
    query::{Cached, one, row, run},
    schema::group_ai_budgets,
    unit::{Unit, Writing},
};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = group_ai_budgets, check_for_backend(Pg))]
struct BudgetRow {
    group_id: Uuid,
    spend_limit_micros: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<BudgetRow> for GroupBudget {
    fn from(row: BudgetRow) -> Self {
        Self {
            group_id: row.group_id.into(),
            spend_limit: Micros(row.spend_limit_micros),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

#[async_trait]
impl<Mode: Send + Sync> BudgetRead for Unit<Mode> {
    async fn group_budget_get(&mut self, group: GroupId) -> StoreResult<Option<GroupBudget>> {
        let query = group_ai_budgets::table
            .filter(group_ai_budgets::group_id.eq(group.0))
            .select(BudgetRow::as_select());
        let found: Option<BudgetRow> = row(self.connection()?, query).await?;
        Ok(found.map(Into::into))
    }
}

#[async_trait]
impl BudgetWrite for Unit<Writing> {
    async fn group_budget_upsert(
        &mut self,
        group: GroupId,
        spend_limit: Micros,
    ) -> StoreResult<GroupBudget> {
        // The group's row is locked, so that a budget does not meet a group that is being deleted.
        let upsert = sql_query(
            "INSERT INTO group_ai_budgets (group_id, organization_id, spend_limit_micros) \
             SELECT g.id, g.organization_id, $2 FROM groups AS g WHERE g.id = $1 FOR KEY SHARE \
             ON CONFLICT (group_id) DO UPDATE \
                SET spend_limit_micros = excluded.spend_limit_micros, updated_at = bursar_now() \
             RETURNING *",
        )
        .bind::<SqlUuid, _>(group.0)
        .bind::<BigInt, _>(spend_limit.0);
        Ok(one::<_, BudgetRow>(self.connection()?, Cached(upsert))
            .await?
            .into())
    }

    async fn group_budget_delete(&mut self, group: GroupId) -> StoreResult<bool> {
        let delete =
            diesel::delete(group_ai_budgets::table).filter(group_ai_budgets::group_id.eq(group.0));
        Ok(run(self.connection()?, delete).await? > 0)
    }
}
