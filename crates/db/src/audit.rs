//! The audit log: reading it, and recording refusals. Its other lines are the triggers'.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_query,
    sql_types::{BigInt, Bool, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use futures_util::future::try_join;
use model::{
    PageRequest,
    audit::{
        AUDIT_COUNT_CAP, AuditAction, AuditCursor, AuditEntry, AuditFilter, AuditPage, RefusedWrite,
    },
};
use rbac::Visibility;
use store::{
    StoreResult,
    audit::{AuditRead, AuditWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, count, one, rows, run},
    schema::audit_logs,
    unit::{Unit, Writing},
    visibility::{Columns, Visible},
};

/// A line belongs to an organization or to the deployment, and to nobody.
const COLUMNS: Columns = Columns {
    id: None,
    owner: None,
    organization: Some("\"audit_logs\".\"organization_id\""),
    groups: false,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_logs, check_for_backend(Pg))]
struct AuditRow {
    id: Uuid,
    time: DateTime<Utc>,
    action: String,
    resource_type: String,
    resource_id: String,
    resource_target: String,
    organization_id: Option<Uuid>,
    user_id: Option<Uuid>,
    actor_name: String,
    diff: serde_json::Value,
    status_code: i32,
    request_id: Option<Uuid>,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = store::StoreError;
    fn try_from(row: AuditRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id.into(),
            time: row.time,
            action: parse_action(&row.action)?,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            resource_target: row.resource_target,
            organization_id: row.organization_id.map(Into::into),
            user_id: row.user_id.map(Into::into),
            actor_name: row.actor_name,
            diff: row.diff,
            status_code: row.status_code.try_into().map_err(internal)?,
            request_id: row.request_id,
        })
    }
}

const fn action_text(action: AuditAction) -> &'static str {
    match action {
        AuditAction::Create => "create",
        AuditAction::Write => "write",
        AuditAction::Delete => "delete",
    }
}

fn parse_action(text: &str) -> StoreResult<AuditAction> {
    match text {
        "create" => Ok(AuditAction::Create),
        "write" => Ok(AuditAction::Write),
        "delete" => Ok(AuditAction::Delete),
        other => Err(internal(format!("`audit_logs.action` holds `{other}`"))),
    }
}

fn listed<'a>(filter: &AuditFilter, visibility: &Visibility) -> audit_logs::BoxedQuery<'a, Pg> {
    let mut query = audit_logs::table
        .filter(Visible::new(visibility, &COLUMNS))
        .into_boxed();
    // Twice the same, but so an index goes on in the order of the list.
    if let Some(organization) = only_organization(visibility) {
        query = query.filter(audit_logs::organization_id.eq(organization));
    }
    if let Some(resource_type) = &filter.resource_type {
        query = query.filter(audit_logs::resource_type.eq(resource_type.clone()));
    }
    if let Some(resource) = &filter.resource_id {
        query = query.filter(audit_logs::resource_id.eq(resource.clone()));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit_logs::action.eq(action_text(action)));
    }
    if let Some(user) = filter.user_id {
        query = query.filter(audit_logs::user_id.eq(user.0));
    }
    if let Some(organization) = filter.organization_id {
        query = query.filter(audit_logs::organization_id.eq(organization.0));
    }
    if let Some(request) = filter.request_id {
        query = query.filter(audit_logs::request_id.eq(request));
    }
    if let Some(since) = filter.since {
        query = query.filter(audit_logs::time.ge(since));
    }
    if let Some(until) = filter.until {
        query = query.filter(audit_logs::time.lt(until));
    }
    if let Some(AuditCursor { time, id }) = filter.after {
        // As one comparison of rows, which is where an index goes on.
        let older = sql::<Bool>("(audit_logs.time, audit_logs.id) < (")
            .bind::<Timestamptz, _>(time)
            .sql(", ")
            .bind::<SqlUuid, _>(id.0)
            .sql(")");
        query = query.filter(older);
    }
    query
}

/// The one organization whose rows the visibility admits at the most.
fn only_organization(visibility: &Visibility) -> Option<Uuid> {
    match visibility {
        Visibility::OrgIn(ids) => match ids.as_slice() {
            [one] => Some(*one),
            _ => None,
        },
        Visibility::And(parts) => parts.iter().find_map(only_organization),
        _ => None,
    }
}

/// How many rows a query has, which says itself at how many to stop.
#[derive(Debug, Clone, Copy)]
struct Counted<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

impl<Q> QueryId for Counted<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Counted<Q> {
    type SqlType = BigInt;
}

#[async_trait]
impl<Mode: Send + Sync> AuditRead for Unit<Mode> {
    async fn audit_list(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<AuditPage> {
        let conn = self.connection()?;
        // One more than asked for tells whether there are more.
        let part = listed(filter, visibility)
            .order((audit_logs::time.desc(), audit_logs::id.desc()))
            .limit(i64::from(page.limit) + 1)
            .offset(page.offset.into())
            .select(AuditRow::as_select());
        let part = rows::<_, AuditRow>(conn, part);
        let (part, count) = if filter.after.is_some() {
            (part.await?, None)
        } else {
            let most = i64::try_from(AUDIT_COUNT_CAP).map_err(internal)? + 1;
            let all = listed(filter, visibility)
                .select(audit_logs::id)
                .limit(most);
            let (part, all) = try_join(part, one::<_, i64>(conn, Counted(all))).await?;
            (part, Some(count(all)))
        };
        let mut items = part
            .into_iter()
            .map(TryInto::try_into)
            .collect::<StoreResult<Vec<AuditEntry>>>()?;
        let asked = usize::try_from(page.limit).map_err(internal)?;
        let more = items.len() > asked;
        items.truncate(asked);
        let next = items.last().filter(|_| more).map(AuditCursor::from);
        Ok(AuditPage { items, next, count })
    }
}

#[async_trait]
impl AuditWrite for Unit<Writing> {
    async fn audit_refused(&mut self, refused: &RefusedWrite) -> StoreResult<()> {
        let call = sql_query("SELECT audit_refused($1, $2, $3, $4)")
            .bind::<Text, _>(action_text(refused.action))
            .bind::<Text, _>(refused.resource_type.clone())
            .bind::<Text, _>(refused.resource_target.clone())
            .bind::<Integer, _>(i32::from(refused.status_code));
        run(self.connection()?, Cached(call)).await.map(drop)
    }
}
