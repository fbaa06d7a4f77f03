//! Places on top of lists. Each viewer's are changed by one at a time, who holds the viewer's own lock: 1, 2, 3 and so
//! on among the viewer's own chats, and again among those of others.

use diesel::{
    sql_query,
    sql_types::{Array, Bool, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{ChatId, UserId, chats::pins};
use store::StoreResult;
use uuid::Uuid;

use super::list::IdRow;
use crate::query::{Cached, rows, run};

/// In one order, so that nobody who needs several waits in a circle. The number tells these locks from others: "pins".
const LOCK: &str = "\
SELECT pg_advisory_xact_lock(key) FROM (SELECT hashtextextended(id::text, 1885957747) AS key \
    FROM unnest($1) AS id ORDER BY 1) AS keys";

const ORDER: &str = "\
SELECT v.chat_id AS id FROM chat_viewers AS v JOIN chats AS c ON c.id = v.chat_id \
WHERE v.user_id = $1 AND v.pin_order > 0 AND (c.owner_id = v.user_id) = $2 ORDER BY v.pin_order, v.chat_id";

const PLACE: &str = "\
INSERT INTO chat_viewers AS v (chat_id, user_id, pin_order) \
SELECT id, $1, place FROM unnest($2) WITH ORDINALITY AS placed (id, place) \
ON CONFLICT (chat_id, user_id) DO UPDATE SET pin_order = excluded.pin_order WHERE v.pin_order <> excluded.pin_order";

const TAKE_OFF: &str = "\
UPDATE chat_viewers SET pin_order = 0 WHERE chat_id = $2 AND user_id = $1 AND pin_order > 0";

/// Holds what these viewers keep on top.
pub(super) async fn lock(conn: &AsyncPgConnection, viewers: Vec<Uuid>) -> StoreResult<()> {
    let lock = sql_query(LOCK).bind::<Array<SqlUuid>, _>(viewers);
    run(conn, Cached(lock)).await.map(drop)
}

/// Puts a chat at a place on top of a viewer's list, or takes it off. Whether it is the viewer's own decides which list.
pub(super) async fn place(
    conn: &AsyncPgConnection,
    (id, own): (ChatId, bool),
    viewer: UserId,
    place: u32,
) -> StoreResult<()> {
    lock(conn, vec![viewer.0]).await?;
    let order = sql_query(ORDER)
        .bind::<SqlUuid, _>(viewer.0)
        .bind::<Bool, _>(own);
    let order: Vec<IdRow> = rows(conn, Cached(order)).await?;
    let mut order: Vec<ChatId> = order.into_iter().map(|row| row.id.into()).collect();
    pins::place(&mut order, id, place);
    if place == 0 {
        let off = sql_query(TAKE_OFF)
            .bind::<SqlUuid, _>(viewer.0)
            .bind::<SqlUuid, _>(id.0);
        run(conn, Cached(off)).await?;
    }
    let order: Vec<Uuid> = order.into_iter().map(|id| id.0).collect();
    let write = sql_query(PLACE)
        .bind::<SqlUuid, _>(viewer.0)
        .bind::<Array<SqlUuid>, _>(order);
    run(conn, Cached(write)).await.map(drop)
}

const HOLDERS: &str = "\
SELECT DISTINCT user_id AS id FROM chat_viewers WHERE chat_id = ANY ($1) AND pin_order > 0";

const CLOSE_UP: &str = "\
UPDATE chat_viewers AS v SET pin_order = n.place FROM ( \
    SELECT v.chat_id, v.user_id, CASE WHEN v.chat_id = ANY ($1) THEN 0 ELSE row_number() OVER ( \
        PARTITION BY v.user_id, c.owner_id = v.user_id, v.chat_id = ANY ($1) ORDER BY v.pin_order, v.chat_id) END AS place \
    FROM chat_viewers AS v JOIN chats AS c ON c.id = v.chat_id WHERE v.user_id = ANY ($2) AND v.pin_order > 0) AS n \
WHERE v.chat_id = n.chat_id AND v.user_id = n.user_id AND v.pin_order <> n.place";

/// Takes roots off the top of every list. They must be locked, so that nobody puts them there meanwhile.
pub(super) async fn take_off_everywhere(
    conn: &AsyncPgConnection,
    roots: &[Uuid],
) -> StoreResult<()> {
    let holders = sql_query(HOLDERS).bind::<Array<SqlUuid>, _>(roots.to_vec());
    let holders: Vec<IdRow> = rows(conn, Cached(holders)).await?;
    if holders.is_empty() {
        return Ok(());
    }
    let holders: Vec<Uuid> = holders.into_iter().map(|row| row.id).collect();
    lock(conn, holders.clone()).await?;
    close_up(conn, roots, holders).await
}

/// Takes roots off the top of these viewers' lists, who are locked, and closes up what is left there.
pub(super) async fn close_up(
    conn: &AsyncPgConnection,
    roots: &[Uuid],
    holders: Vec<Uuid>,
) -> StoreResult<()> {
    let close = sql_query(CLOSE_UP)
        .bind::<Array<SqlUuid>, _>(roots.to_vec())
        .bind::<Array<SqlUuid>, _>(holders);
    run(conn, Cached(close)).await.map(drop)
}
