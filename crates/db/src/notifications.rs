//! Messages to people: the inbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Integer},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    NotificationId, UserId,
    notifications::{Inbox, InboxEntry, InboxFilter, KEPT_DAYS, Notification, ReadStatus},
};
use rbac::Visibility;
use store::{
    StoreResult,
    notifications::{NotificationRead, NotificationWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, bursar_now, changed, count, one, row, rows, run},
    schema::notifications,
    unit::{Unit, Writing},
    visibility::{Columns, Visible},
};

const COLUMNS: Columns = Columns {
    id: Some("\"notifications\".\"id\""),
    owner: Some("\"notifications\".\"user_id\""),
    organization: None,
    groups: false,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = notifications, check_for_backend(Pg))]
struct NotificationRow {
    id: Uuid,
    user_id: Uuid,
    template: String,
    title: String,
    content: String,
    data: serde_json::Value,
    actions: serde_json::Value,
    created_at: DateTime<Utc>,
    read_at: Option<DateTime<Utc>>,
}

fn notification(row: NotificationRow) -> StoreResult<Notification> {
    Ok(Notification {
        id: row.id.into(),
        user_id: row.user_id.into(),
        template: row.template,
        title: row.title,
        content: row.content,
        data: row.data,
        actions: serde_json::from_value(row.actions).map_err(internal)?,
        created_at: row.created_at,
        read_at: row.read_at,
    })
}

async fn unread(conn: &AsyncPgConnection, user: UserId, visible: Visible) -> StoreResult<u64> {
    let query = notifications::table
        .filter(notifications::user_id.eq(user.0))
        .filter(notifications::read_at.is_null())
        .filter(visible)
        .count();
    one::<_, i64>(conn, query).await.map(count)
}

#[async_trait]
impl<Mode: Send + Sync> NotificationRead for Unit<Mode> {
    async fn notification_list(
        &mut self,
        filter: &InboxFilter,
        visibility: &Visibility,
    ) -> StoreResult<Inbox> {
        let conn = self.connection()?;
        let visible = Visible::new(visibility, &COLUMNS);
        let mut query = notifications::table
            .select(NotificationRow::as_select())
            .filter(notifications::user_id.eq(filter.user_id.0))
            .filter(visible.clone())
            .order(notifications::id.desc())
            .limit(i64::from(filter.limit))
            .into_boxed();
        if let Some(before) = filter.starting_before {
            query = query.filter(notifications::id.lt(before.0));
        }
        query = match filter.read_status {
            ReadStatus::All => query,
            ReadStatus::Unread => query.filter(notifications::read_at.is_null()),
            ReadStatus::Read => query.filter(notifications::read_at.is_not_null()),
        };
        let (found, unread_count) = try_join(
            rows::<_, NotificationRow>(conn, query),
            unread(conn, filter.user_id, visible),
        )
        .await?;
        let items = found.into_iter().map(notification);
        Ok(Inbox {
            items: items.collect::<StoreResult<_>>()?,
            unread_count,
        })
    }
}

const PRUNE: &str = "\
DELETE FROM notifications WHERE id IN (SELECT id FROM notifications \
    WHERE created_at < bursar_now() - $1 * interval '1 day' ORDER BY created_at LIMIT $2)";

#[async_trait]
impl NotificationWrite for Unit<Writing> {
    async fn notification_lock(&mut self, id: NotificationId) -> StoreResult<Option<Notification>> {
        let query = notifications::table
            .select(NotificationRow::as_select())
            .filter(notifications::id.eq(id.0))
            .for_update();
        let found: Option<NotificationRow> = row(self.connection()?, query).await?;
        found.map(notification).transpose()
    }

    async fn notification_update(
        &mut self,
        id: NotificationId,
        read: bool,
    ) -> StoreResult<InboxEntry> {
        let conn = self.connection()?;
        let the = notifications::table.filter(notifications::id.eq(id.0));
        if read {
            let mark = diesel::update(the.filter(notifications::read_at.is_null()))
                .set(notifications::read_at.eq(bursar_now().nullable()));
            run(conn, mark).await?;
        } else {
            let mark = diesel::update(the).set(notifications::read_at.eq(None::<DateTime<Utc>>));
            run(conn, mark).await?;
        }
        let now = the.select(NotificationRow::as_select());
        let notification = notification(one(conn, now).await?)?;
        let all = Visible::new(&Visibility::All, &COLUMNS);
        let unread_count = unread(conn, notification.user_id, all).await?;
        Ok(InboxEntry {
            notification,
            unread_count,
        })
    }

    async fn notification_read_all(&mut self, user: UserId) -> StoreResult<u64> {
        let mark = diesel::update(notifications::table)
            .filter(notifications::user_id.eq(user.0))
            .filter(notifications::read_at.is_null())
            .set(notifications::read_at.eq(bursar_now().nullable()));
        run(self.connection()?, mark).await.map(changed)
    }

    async fn notification_prune(&mut self, limit: u32) -> StoreResult<u64> {
        let days = i32::try_from(KEPT_DAYS).map_err(internal)?;
        let prune = sql_query(PRUNE)
            .bind::<Integer, _>(days)
            .bind::<BigInt, _>(i64::from(limit));
        run(self.connection()?, Cached(prune)).await.map(changed)
    }
}
