//! Changing a chat, what its viewers keep of it, and with whom its family is shared.

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join4;
use model::{
    ChatId, UserId,
    acl::AclDiff,
    chats::{AclExpiry, ChatUpdate, ViewerUpdate},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::{pins, rows::ACL};
use crate::{
    acl::{self, ids},
    errors::internal,
    query::{Cached, one, row, run},
};

const LOCK_ORGANIZATION: &str = "\
SELECT FROM organizations WHERE id = (SELECT organization_id FROM chats WHERE id = $1) FOR SHARE";

/// The account before the membership, and both before chats: whoever ends the account locks it first.
const LOCK_OWNER: &str = "\
SELECT FROM users WHERE id = (SELECT owner_id FROM chats WHERE id = $1) FOR KEY SHARE";
const LOCK_MEMBER: &str = "\
SELECT FROM organization_members \
WHERE (organization_id, user_id) = (SELECT organization_id, owner_id FROM chats WHERE id = $1) FOR KEY SHARE";

/// The root first. The order is that of the locks, too.
const LOCK_FAMILY: &str = "\
WITH family AS (SELECT root_chat_id AS root FROM chats WHERE id = $1) \
SELECT FROM chats AS c WHERE c.id = (SELECT root FROM family) \
    OR c.root_chat_id = (SELECT root FROM family) AND c.parent_chat_id IS NOT NULL \
ORDER BY c.parent_chat_id IS NOT NULL, c.id FOR UPDATE";

/// Locks a chat's family from its root on, and before it what must not change meanwhile.
pub(super) async fn lock_family(conn: &AsyncPgConnection, id: ChatId) -> StoreResult<()> {
    let lock = |text: &'static str| run(conn, Cached(sql_query(text).bind::<SqlUuid, _>(id.0)));
    try_join4(
        lock(LOCK_ORGANIZATION),
        lock(LOCK_OWNER),
        lock(LOCK_MEMBER),
        lock(LOCK_FAMILY),
    )
    .await
    .map(drop)
}

/// Nothing is touched where nothing differs.
const UPDATE: &str = "\
UPDATE chats SET title = coalesce($2, title), title_made = title_made AND $2 IS NULL, labels = coalesce($3, labels), \
    workspace_id = CASE WHEN $4 THEN $5 ELSE workspace_id END, \
    snapshot_version = snapshot_version + 1, updated_at = bursar_now() \
WHERE id = $1 AND (title, labels, workspace_id) IS DISTINCT FROM \
    (coalesce($2, title), coalesce($3, labels), CASE WHEN $4 THEN $5 ELSE workspace_id END)";

const ARCHIVE: &str = "\
UPDATE chats SET archived = $2, snapshot_version = snapshot_version + 1, updated_at = bursar_now() \
WHERE archived <> $2 AND (id = $1 OR root_chat_id = $1 AND parent_chat_id IS NOT NULL)";

/// What another place on top changes is how the chat looks to its owner, and not when it changed last.
const TELL: &str = "UPDATE chats SET snapshot_version = snapshot_version + 1 WHERE id = $1";

const OWNER: &str =
    "SELECT owner_id AS user_id, archived, parent_chat_id IS NULL AS root FROM chats WHERE id = $1";

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Bool)]
    archived: bool,
    #[diesel(sql_type = Bool)]
    root: bool,
}

impl PlaceRow {
    /// Refuses a place on top of what has none.
    fn admits(&self, place: u32) -> StoreResult<()> {
        if place > 0 && (self.archived || !self.root) {
            let text = "only a root that is not archived is kept on top";
            return Err(StoreError::Refused(text.to_owned()));
        }
        Ok(())
    }
}

pub(super) async fn chat_update(
    conn: &AsyncPgConnection,
    id: ChatId,
    update: &ChatUpdate,
) -> StoreResult<()> {
    let ChatUpdate {
        title,
        labels,
        workspace_id,
        archived,
        pin_order,
    } = update;
    if title.is_some() || labels.is_some() || workspace_id.is_some() {
        let labels = labels.as_ref().map(serde_json::to_value).transpose();
        let write = sql_query(UPDATE)
            .bind::<SqlUuid, _>(id.0)
            .bind::<Nullable<Text>, _>(title.clone())
            .bind::<Nullable<Jsonb>, _>(labels.map_err(internal)?)
            .bind::<Bool, _>(workspace_id.is_some())
            .bind::<Nullable<SqlUuid>, _>(workspace_id.flatten().map(|id| id.0));
        run(conn, Cached(write)).await?;
    }
    if let Some(archived) = archived {
        let write = sql_query(ARCHIVE)
            .bind::<SqlUuid, _>(id.0)
            .bind::<Bool, _>(*archived);
        run(conn, Cached(write)).await?;
        if *archived {
            pins::take_off_everywhere(conn, &[id.0]).await?;
        }
    }
    if let Some(place) = *pin_order {
        let owner = sql_query(OWNER).bind::<SqlUuid, _>(id.0);
        let owner: PlaceRow = one(conn, Cached(owner)).await?;
        owner.admits(place)?;
        pins::place(conn, (id, true), owner.user_id.into(), place).await?;
        run(conn, Cached(sql_query(TELL).bind::<SqlUuid, _>(id.0))).await?;
    }
    Ok(())
}

/// The account before the chat: whoever ends it takes its chats then.
const LOCK_VIEWER: &str = "SELECT FROM users WHERE id = $1 FOR KEY SHARE";

/// Held still before the viewer's row is made: whoever archives the chat holds it while it changes that row.
const LOCK_VIEWED: &str = "\
SELECT owner_id AS user_id, archived, parent_chat_id IS NULL AS root FROM chats WHERE id = $1 FOR KEY SHARE";

/// Nobody has read further than to the last message.
const LOOK: &str = "\
INSERT INTO chat_viewers AS v (chat_id, user_id, last_read_message_id, hidden) \
VALUES ($1, $2, CASE WHEN $3 IS NOT NULL THEN \
        least($3, coalesce((SELECT max(m.id) FROM chat_messages AS m WHERE m.chat_id = $1), 0)) END, coalesce($4, false)) \
ON CONFLICT (chat_id, user_id) DO UPDATE SET \
    last_read_message_id = greatest(v.last_read_message_id, excluded.last_read_message_id), \
    hidden = coalesce($4, v.hidden) \
WHERE (v.last_read_message_id, v.hidden) IS DISTINCT FROM \
    (greatest(v.last_read_message_id, excluded.last_read_message_id), coalesce($4, v.hidden))";

pub(super) async fn chat_viewer_update(
    conn: &AsyncPgConnection,
    id: ChatId,
    viewer: UserId,
    update: &ViewerUpdate,
) -> StoreResult<()> {
    run(
        conn,
        Cached(sql_query(LOCK_VIEWER).bind::<SqlUuid, _>(viewer.0)),
    )
    .await?;
    let viewed = sql_query(LOCK_VIEWED).bind::<SqlUuid, _>(id.0);
    let viewed: Option<PlaceRow> = row(conn, Cached(viewed)).await?;
    let viewed = viewed.ok_or(StoreError::NotFound)?;
    let own = viewed.user_id == viewer.0;
    if let Some(place) = update.pin_order {
        viewed.admits(place)?;
        pins::place(conn, (id, own), viewer, place).await?;
    }
    if update.last_read.is_some() || update.hidden.is_some() {
        let look = sql_query(LOOK)
            .bind::<SqlUuid, _>(id.0)
            .bind::<SqlUuid, _>(viewer.0)
            .bind::<Nullable<BigInt>, _>(update.last_read.map(|id| id.0))
            .bind::<Nullable<Bool>, _>(update.hidden);
        run(conn, Cached(look)).await?;
    }
    Ok(())
}

/// What has ended is no entry any more: whoever is named anew is told of it again.
const FORGET_ENDED: &str = "\
DELETE FROM chat_acl WHERE root_chat_id = $1 AND expires_at <= bursar_now() \
    AND (user_id = ANY ($2) OR group_id = ANY ($3))";

const END_AT: &str = "\
UPDATE chat_acl SET expires_at = $4 WHERE root_chat_id = $1 AND (user_id = ANY ($2) OR group_id = ANY ($3)) \
    AND expires_at IS DISTINCT FROM $4";

const ORGANIZATION: &str = "SELECT organization_id AS id FROM chats WHERE id = $1";

pub(super) async fn chat_acl_update(
    conn: &AsyncPgConnection,
    root: ChatId,
    diff: &AclDiff,
    expiry: AclExpiry,
) -> StoreResult<()> {
    let organization = sql_query(ORGANIZATION).bind::<SqlUuid, _>(root.0);
    let organization: super::IdRow = one(conn, Cached(organization)).await?;
    let named = diff.set.iter().map(|(principal, _)| ids(*principal));
    let (users, groups): (Vec<_>, Vec<_>) = named.unzip();
    if !diff.set.is_empty() {
        let forget = sql_query(FORGET_ENDED)
            .bind::<SqlUuid, _>(root.0)
            .bind::<Array<Nullable<SqlUuid>>, _>(users.clone())
            .bind::<Array<Nullable<SqlUuid>>, _>(groups.clone());
        run(conn, Cached(forget)).await?;
    }
    acl::update(conn, &ACL, (root.0, organization.id.into()), diff).await?;
    let end = match expiry {
        AclExpiry::Keep => return Ok(()),
        AclExpiry::At(at) => Some(at),
        AclExpiry::Never => None,
    };
    let end_at = sql_query(END_AT)
        .bind::<SqlUuid, _>(root.0)
        .bind::<Array<Nullable<SqlUuid>>, _>(users)
        .bind::<Array<Nullable<SqlUuid>>, _>(groups)
        .bind::<Nullable<Timestamptz>, _>(end);
    run(conn, Cached(end_at)).await.map(drop)
}
