//! What nobody asks for: families that have been left alone are archived and in the end removed, and so is what belongs to
//! an account or an organization that has ended.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    OrganizationId, UserId,
    chats::{ChatError, ChatErrorKind},
};
use store::StoreResult;
use uuid::Uuid;

use super::{list::IdRow, pins};
use crate::{
    errors::internal,
    query::{Cached, changed, one, rows, run},
};

/// The advisory lock that one server holds while it keeps order, until its unit ends: "chatkeep" in ASCII.
const LOCK: i64 = 0x6368_6174_6b65_6570;

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Whether no other server keeps order at this moment; none does until the unit ends. Two at a time would only be in
/// each other's way.
pub(crate) async fn alone(conn: &AsyncPgConnection) -> StoreResult<bool> {
    let lock = sql_query("SELECT pg_try_advisory_xact_lock($1) AS locked").bind::<BigInt, _>(LOCK);
    let lock: LockRow = one(conn, Cached(lock)).await?;
    Ok(lock.locked)
}

/// Nothing in the family changed lately, and nothing runs.
macro_rules! left_alone {
    () => {
        "NOT EXISTS (SELECT FROM chats AS s WHERE s.root_chat_id = c.id AND s.parent_chat_id IS NOT NULL \
             AND (s.updated_at >= $1 OR s.lease_id IS NOT NULL)) \
         AND c.lease_id IS NULL AND c.updated_at < $1"
    };
}

/// Nor does its owner keep it on top.
macro_rules! unwatched {
    () => {
        concat!(
            left_alone!(),
            " AND NOT EXISTS (SELECT FROM chat_viewers AS v \
                WHERE v.chat_id = c.id AND v.user_id = c.owner_id AND v.pin_order > 0)"
        )
    };
}

const OLD: &str = concat!(
    "SELECT c.id FROM chats AS c WHERE c.parent_chat_id IS NULL AND NOT c.archived AND ",
    unwatched!(),
    " ORDER BY c.updated_at, c.id LIMIT $2 FOR UPDATE SKIP LOCKED"
);

/// What somebody else holds is not waited for.
const LOCK_CHILDREN: &str = "\
SELECT FROM chats WHERE root_chat_id = ANY ($1) AND parent_chat_id IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED";

const COUNT_CHILDREN: &str = "\
SELECT FROM chats WHERE root_chat_id = ANY ($1) AND parent_chat_id IS NOT NULL";

/// Looked at again now that nobody else can change them: somebody may have done so before they were locked.
const STILL_OLD: &str = concat!(
    "SELECT c.id FROM chats AS c WHERE c.id = ANY ($2) AND NOT c.archived AND ",
    unwatched!()
);

const ARCHIVE: &str = "\
UPDATE chats SET archived = true, snapshot_version = snapshot_version + 1, updated_at = bursar_now() \
WHERE (id = ANY ($1) OR root_chat_id = ANY ($1) AND parent_chat_id IS NOT NULL) AND NOT archived";

pub(super) async fn chat_archive_old(
    conn: &AsyncPgConnection,
    before: DateTime<Utc>,
    limit: u32,
) -> StoreResult<u64> {
    if !alone(conn).await? {
        return Ok(0);
    }
    let old = locked(conn, OLD, before, limit).await?;
    if old.is_empty() {
        return Ok(0);
    }
    let children = |text| {
        run(
            conn,
            Cached(sql_query(text).bind::<Array<SqlUuid>, _>(old.clone())),
        )
    };
    if children(LOCK_CHILDREN).await? != children(COUNT_CHILDREN).await? {
        // Somebody is at work in one of them. Which one is not worth asking: the next time is soon.
        return Ok(0);
    }
    let still = sql_query(STILL_OLD)
        .bind::<Timestamptz, _>(before)
        .bind::<Array<SqlUuid>, _>(old);
    let still: Vec<IdRow> = rows(conn, Cached(still)).await?;
    let roots: Vec<Uuid> = still.into_iter().map(|row| row.id).collect();
    put_away(conn, &roots).await?;
    Ok(changed(roots.len()))
}

/// Archives locked families in which nothing runs.
async fn put_away(conn: &AsyncPgConnection, roots: &[Uuid]) -> StoreResult<()> {
    if roots.is_empty() {
        return Ok(());
    }
    let archive = sql_query(ARCHIVE).bind::<Array<SqlUuid>, _>(roots.to_vec());
    run(conn, Cached(archive)).await?;
    pins::take_off_everywhere(conn, roots).await
}

const FORGOTTEN: &str = concat!(
    "SELECT c.id FROM chats AS c WHERE c.parent_chat_id IS NULL AND c.archived AND ",
    left_alone!(),
    " ORDER BY c.updated_at, c.id LIMIT $2 FOR UPDATE SKIP LOCKED"
);

/// Before the chats, so that the log can still name them.
const END_SHARES: &str = "DELETE FROM chat_acl WHERE root_chat_id = ANY ($1)";
const REMOVE: &str = "DELETE FROM chats WHERE id = ANY ($1)";

pub(super) async fn chat_purge(
    conn: &AsyncPgConnection,
    before: DateTime<Utc>,
    limit: u32,
) -> StoreResult<u64> {
    if !alone(conn).await? {
        return Ok(0);
    }
    let roots = locked(conn, FORGOTTEN, before, limit).await?;
    if roots.is_empty() {
        return Ok(0);
    }
    let of = |text| {
        run(
            conn,
            Cached(sql_query(text).bind::<Array<SqlUuid>, _>(roots.clone())),
        )
    };
    of(END_SHARES).await?;
    of(REMOVE).await.map(changed)
}

async fn locked(
    conn: &AsyncPgConnection,
    text: &'static str,
    before: DateTime<Utc>,
    limit: u32,
) -> StoreResult<Vec<Uuid>> {
    let query = sql_query(text)
        .bind::<Timestamptz, _>(before)
        .bind::<BigInt, _>(i64::from(limit));
    let found: Vec<IdRow> = rows(conn, Cached(query)).await?;
    Ok(found.into_iter().map(|row| row.id).collect())
}

/// What belonged to an account that ends: its chats are archived, whatever ran in them.
pub(crate) async fn end_of_account(conn: &AsyncPgConnection, user: UserId) -> StoreResult<()> {
    let own = "SELECT id FROM chats WHERE owner_id = $1 ORDER BY parent_chat_id IS NOT NULL, id FOR UPDATE";
    end(
        conn,
        own,
        user.0,
        "The account that this chat belongs to has ended.",
    )
    .await?;
    let kept = sql_query("DELETE FROM chat_viewers WHERE user_id = $1");
    run(conn, Cached(kept.bind::<SqlUuid, _>(user.0)))
        .await
        .map(drop)
}

/// What belonged to an organization that ends: its chats are archived, whatever ran in them, and shared with nobody.
pub(crate) async fn end_of_organization(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
) -> StoreResult<()> {
    let all = "SELECT id FROM chats WHERE organization_id = $1 ORDER BY parent_chat_id IS NOT NULL, id FOR UPDATE";
    end(
        conn,
        all,
        organization.0,
        "The organization of this chat has ended.",
    )
    .await?;
    let shares = sql_query("DELETE FROM chat_acl WHERE organization_id = $1");
    run(conn, Cached(shares.bind::<SqlUuid, _>(organization.0)))
        .await
        .map(drop)
}

/// The turn is nobody's any more: what it says goes nowhere.
const STOP: &str = "\
UPDATE chats SET status = 'error', last_error = $2, lease_id = NULL, turn_started_at = NULL, \
    snapshot_version = snapshot_version + 1, updated_at = bursar_now() \
WHERE id = ANY ($1) AND lease_id IS NOT NULL";

async fn end(
    conn: &AsyncPgConnection,
    which: &'static str,
    whose: Uuid,
    why: &str,
) -> StoreResult<()> {
    let found: Vec<IdRow> = rows(conn, Cached(sql_query(which).bind::<SqlUuid, _>(whose))).await?;
    if found.is_empty() {
        return Ok(());
    }
    let all: Vec<Uuid> = found.into_iter().map(|row| row.id).collect();
    let error = ChatError {
        message: why.to_owned(),
        detail: None,
        kind: ChatErrorKind::Generic,
        provider: None,
        retryable: false,
        status_code: None,
    };
    let error = serde_json::to_value(error).map_err(internal)?;
    let stop = sql_query(STOP)
        .bind::<Array<SqlUuid>, _>(all.clone())
        .bind::<Jsonb, _>(error);
    run(conn, Cached(stop)).await?;
    put_away(conn, &all).await
}
