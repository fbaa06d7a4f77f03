//! What is left behind and counts for nothing: entries of ACLs that have ended, and what people keep of chats that they
//! have lost.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{ChatId, UserId};
use store::{StoreResult, chats::ViewerPlace};
use uuid::Uuid;

use super::{pins, upkeep::alone};
use crate::query::{Cached, changed, rows, run};

/// What somebody changes at this moment is left for the next time. Nothing that anybody sees changes, so the chats are
/// left as they are.
const ENDED: &str = "\
WITH ended AS (SELECT root_chat_id, principal_kind, principal_id FROM chat_acl WHERE expires_at <= bursar_now() \
    ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
DELETE FROM chat_acl AS acl USING ended WHERE acl.root_chat_id = ended.root_chat_id \
    AND acl.principal_kind = ended.principal_kind AND acl.principal_id = ended.principal_id";

pub(super) async fn chat_acl_prune(conn: &AsyncPgConnection, limit: u32) -> StoreResult<u64> {
    if !alone(conn).await? {
        return Ok(0);
    }
    let prune = sql_query(ENDED).bind::<BigInt, _>(i64::from(limit));
    run(conn, Cached(prune)).await.map(changed)
}

/// Lost is what is not one's own and not shared with one, by an entry that counts now or would if sharing were on, unless
/// a role may let one read it: then that is not judged here, and the row stays.
const LOOK: &str = "\
SELECT v.chat_id, v.user_id, v.pin_order > 0 AS pinned, \
    c.owner_id <> v.user_id AND u.roles = '{}' AND coalesce(m.roles, '{}') = '{}' \
    AND (m.user_id IS NULL OR o.default_org_member_roles <@ '{organization-workspace-access}') \
    AND NOT EXISTS (SELECT FROM chat_acl AS acl WHERE acl.root_chat_id = c.root_chat_id \
        AND (acl.expires_at IS NULL OR acl.expires_at > bursar_now()) \
        AND (acl.user_id = v.user_id OR EXISTS (SELECT FROM group_members_expanded AS e \
            WHERE e.group_id = acl.group_id AND e.user_id = v.user_id))) AS lost \
FROM (SELECT chat_id, user_id, pin_order FROM chat_viewers WHERE $1 IS NULL OR (chat_id, user_id) > ($1, $2) \
    ORDER BY chat_id, user_id LIMIT $3) AS v \
JOIN chats AS c ON c.id = v.chat_id JOIN users AS u ON u.id = v.user_id \
JOIN organizations AS o ON o.id = c.organization_id \
LEFT JOIN organization_members AS m ON m.organization_id = c.organization_id AND m.user_id = v.user_id \
ORDER BY v.chat_id, v.user_id";

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    chat_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Bool)]
    pinned: bool,
    #[diesel(sql_type = Bool)]
    lost: bool,
}

const FORGET: &str = "\
DELETE FROM chat_viewers AS v USING unnest($1, $2) AS lost (chat_id, user_id) \
WHERE v.chat_id = lost.chat_id AND v.user_id = lost.user_id";

pub(super) async fn chat_viewer_prune(
    conn: &AsyncPgConnection,
    after: Option<ViewerPlace>,
    limit: u32,
) -> StoreResult<(u64, Option<ViewerPlace>)> {
    if !alone(conn).await? {
        return Ok((0, after));
    }
    let look = sql_query(LOOK)
        .bind::<Nullable<SqlUuid>, _>(after.map(|(chat, _)| chat.0))
        .bind::<Nullable<SqlUuid>, _>(after.map(|(_, user)| user.0))
        .bind::<BigInt, _>(i64::from(limit));
    let seen: Vec<KeptRow> = rows(conn, Cached(look)).await?;
    let full = changed(seen.len()) >= u64::from(limit);
    let last = seen.last().filter(|_| full);
    let next = last.map(|last| (ChatId(last.chat_id), UserId(last.user_id)));
    let lost: Vec<KeptRow> = seen.into_iter().filter(|row| row.lost).collect();
    if lost.is_empty() {
        return Ok((0, next));
    }
    let pinned = lost.iter().filter(|row| row.pinned);
    let holders: Vec<Uuid> = pinned.map(|row| row.user_id).collect();
    pins::lock(conn, holders.clone()).await?;
    let (chats, users): (Vec<Uuid>, Vec<Uuid>) =
        lost.iter().map(|row| (row.chat_id, row.user_id)).unzip();
    let forget = sql_query(FORGET)
        .bind::<Array<SqlUuid>, _>(chats)
        .bind::<Array<SqlUuid>, _>(users);
    let forgotten = run(conn, Cached(forget)).await?;
    pins::close_up(conn, &[], holders).await?;
    Ok((changed(forgotten), next))
}
