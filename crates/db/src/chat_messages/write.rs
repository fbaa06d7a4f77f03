//! Saying things, and letting them wait. Each is one statement, in which the chat's row is raised once and everything else
//! takes its new version from there.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId, LeaseId,
    chats::{ChatMessage, MessageId, NewMessage, QUEUE_MAX, QueuedId, QueuedMessage},
};
use store::{StoreError, StoreResult};

use super::rows::{MessageRow, QueuedRow, message, stored, waiting};
use crate::{
    chat_files::attach,
    chats::title_follows,
    query::{Cached, one, row, run},
};

/// What is set when something is said and a turn begins with it.
macro_rules! turn {
    () => {
        "snapshot_version = snapshot_version + 1, history_version = snapshot_version + 1, generation_attempt = 1, \
         status = 'running', lease_id = $2, turn_started_at = bursar_now(), last_error = NULL, \
         updated_at = bursar_now()"
    };
}

const SAY: &str = concat!(
    "WITH c AS (UPDATE chats SET ",
    turn!(),
    " WHERE id = $1 RETURNING id, snapshot_version), \
    over AS (DELETE FROM chat_parts WHERE chat_id = $1) \
    INSERT INTO chat_messages AS m (chat_id, role, visibility, content, created_by, model, revision) \
    SELECT c.id, $3, $4, $5, $6, $7, c.snapshot_version FROM c RETURNING ",
    message!()
);

async fn content(
    conn: &AsyncPgConnection,
    chat: ChatId,
    new: &NewMessage,
) -> StoreResult<serde_json::Value> {
    let contents = attach(conn, chat, std::iter::once(new.content.as_slice())).await?;
    stored(&contents.concat())
}

pub(super) async fn chat_message_create(
    conn: &AsyncPgConnection,
    chat: ChatId,
    new: &NewMessage,
    lease: LeaseId,
) -> StoreResult<ChatMessage> {
    let content = content(conn, chat, new).await?;
    let say = sql_query(SAY)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<SqlUuid, _>(lease.0)
        .bind::<Text, _>(new.role.as_str())
        .bind::<Text, _>(new.visibility.as_str())
        .bind::<Jsonb, _>(content)
        .bind::<Nullable<SqlUuid>, _>(new.created_by.map(|id| id.0))
        .bind::<Nullable<Text>, _>(new.model.clone());
    let said: MessageRow = one(conn, Cached(say)).await?;
    said.message()
}

/// Words that are edited away are forgotten: of such a message only stays that it was there.
const REPLACE: &str = concat!(
    "WITH unqueued AS (DELETE FROM chat_queued_messages WHERE chat_id = $1 RETURNING id), \
    c AS (UPDATE chats SET queue_version = CASE WHEN EXISTS (SELECT FROM unqueued) \
            THEN snapshot_version + 1 ELSE queue_version END, ",
    turn!(),
    " WHERE id = $1 RETURNING id, snapshot_version), \
    over AS (DELETE FROM chat_parts WHERE chat_id = $1), \
    gone AS (UPDATE chat_messages AS g SET deleted = true, content = '[]', revision = c.snapshot_version FROM c \
        WHERE g.chat_id = c.id AND g.id >= $8 AND NOT g.deleted RETURNING g.id), \
    m AS (INSERT INTO chat_messages (chat_id, role, visibility, content, created_by, model, revision) \
        SELECT c.id, $3, $4, $5, $6, $7, c.snapshot_version FROM c RETURNING *) \
    SELECT ",
    message!(),
    ", (SELECT coalesce(array_agg(gone.id ORDER BY gone.id), '{}') FROM gone) AS gone FROM m"
);

/// What only they attached goes with them, and makes room.
const FORGET_FILES: &str = "\
DELETE FROM chat_files AS f WHERE f.chat_id = $1 AND f.id::text NOT IN \
    (SELECT p ->> 'file_id' FROM chat_messages AS m, jsonb_array_elements(m.content) AS p \
        WHERE m.chat_id = $1 AND NOT m.deleted AND p ->> 'type' = 'file')";

#[derive(QueryableByName)]
struct ReplacedRow {
    #[diesel(embed)]
    message: MessageRow,
    #[diesel(sql_type = Array<BigInt>)]
    gone: Vec<i64>,
}

pub(super) async fn chat_message_replace(
    conn: &AsyncPgConnection,
    chat: ChatId,
    from: MessageId,
    new: &NewMessage,
    lease: LeaseId,
) -> StoreResult<(Vec<MessageId>, ChatMessage)> {
    let content = content(conn, chat, new).await?;
    let replace = sql_query(REPLACE)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<SqlUuid, _>(lease.0)
        .bind::<Text, _>(new.role.as_str())
        .bind::<Text, _>(new.visibility.as_str())
        .bind::<Jsonb, _>(content)
        .bind::<Nullable<SqlUuid>, _>(new.created_by.map(|id| id.0))
        .bind::<Nullable<Text>, _>(new.model.clone())
        .bind::<BigInt, _>(from.0);
    let replaced: ReplacedRow = one(conn, Cached(replace)).await?;
    let gone = replaced.gone.into_iter().map(MessageId).collect();
    let said = replaced.message.message()?;
    let forget = sql_query(FORGET_FILES).bind::<SqlUuid, _>(chat.0);
    run(conn, Cached(forget)).await?;
    title_follows(conn, &said).await?;
    Ok((gone, said))
}

/// What is set when only the queue changes.
macro_rules! queue {
    () => {
        "snapshot_version = snapshot_version + 1, queue_version = snapshot_version + 1, updated_at = bursar_now()"
    };
}

/// Nothing more waits than may.
const WAIT: &str = concat!(
    "WITH waiting AS (SELECT count(*) AS count, coalesce(max(position), 0) AS last \
        FROM chat_queued_messages WHERE chat_id = $1), \
    c AS (UPDATE chats SET ",
    queue!(),
    " FROM waiting WHERE id = $1 AND waiting.count < $5 RETURNING id, waiting.last) \
    INSERT INTO chat_queued_messages AS w (chat_id, content, model, created_by, position) \
    SELECT c.id, $2, $3, $4, c.last + 1 FROM c RETURNING ",
    waiting!()
);

pub(super) async fn chat_queue_create(
    conn: &AsyncPgConnection,
    chat: ChatId,
    new: &NewMessage,
) -> StoreResult<QueuedMessage> {
    let content = content(conn, chat, new).await?;
    let wait = sql_query(WAIT)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Jsonb, _>(content)
        .bind::<Nullable<Text>, _>(new.model.clone())
        .bind::<Nullable<SqlUuid>, _>(new.created_by.map(|id| id.0))
        .bind::<BigInt, _>(i64::from(QUEUE_MAX));
    let queued: Option<QueuedRow> = row(conn, Cached(wait)).await?;
    let full = || StoreError::Refused(format!("at most {QUEUE_MAX} messages can wait"));
    queued.ok_or_else(full)?.queued()
}

const UNQUEUE: &str = concat!(
    "WITH gone AS (DELETE FROM chat_queued_messages WHERE chat_id = $1 AND id = $2 RETURNING id) \
    UPDATE chats SET ",
    queue!(),
    " WHERE id = $1 AND EXISTS (SELECT FROM gone)"
);

const PROMOTE: &str = concat!(
    "WITH first AS (UPDATE chat_queued_messages SET position = \
            (SELECT min(position) - 1 FROM chat_queued_messages WHERE chat_id = $1) \
        WHERE chat_id = $1 AND id = $2 RETURNING id) \
    UPDATE chats SET ",
    queue!(),
    " WHERE id = $1 AND EXISTS (SELECT FROM first)"
);

async fn requeue(
    conn: &AsyncPgConnection,
    text: &'static str,
    chat: ChatId,
    id: QueuedId,
) -> StoreResult<bool> {
    let change = sql_query(text)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<BigInt, _>(id.0);
    Ok(run(conn, Cached(change)).await? > 0)
}

pub(super) async fn chat_queue_delete(
    conn: &AsyncPgConnection,
    chat: ChatId,
    id: QueuedId,
) -> StoreResult<bool> {
    requeue(conn, UNQUEUE, chat, id).await
}

pub(super) async fn chat_queue_promote(
    conn: &AsyncPgConnection,
    chat: ChatId,
    id: QueuedId,
) -> StoreResult<bool> {
    requeue(conn, PROMOTE, chat, id).await
}

const TAKE: &str = concat!(
    "WITH next AS (DELETE FROM chat_queued_messages WHERE id = (SELECT id FROM chat_queued_messages \
        WHERE chat_id = $1 ORDER BY position LIMIT 1) RETURNING content, model, created_by), \
    c AS (UPDATE chats SET queue_version = snapshot_version + 1, ",
    turn!(),
    " WHERE id = $1 AND EXISTS (SELECT FROM next) RETURNING id, snapshot_version), \
    over AS (DELETE FROM chat_parts WHERE chat_id = $1 AND EXISTS (SELECT FROM next)) \
    INSERT INTO chat_messages AS m (chat_id, role, visibility, content, created_by, model, revision) \
    SELECT c.id, 'user', 'both', next.content, next.created_by, next.model, c.snapshot_version FROM c, next RETURNING ",
    message!()
);

pub(crate) async fn chat_queue_take(
    conn: &AsyncPgConnection,
    chat: ChatId,
    lease: LeaseId,
) -> StoreResult<Option<ChatMessage>> {
    let take = sql_query(TAKE)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<SqlUuid, _>(lease.0);
    let taken: Option<MessageRow> = row(conn, Cached(take)).await?;
    taken.map(MessageRow::message).transpose()
}

const INTERRUPT: &str = "\
UPDATE chats SET status = 'interrupting', snapshot_version = snapshot_version + 1, updated_at = bursar_now() \
WHERE id = $1 AND status = 'running'";

pub(super) async fn chat_interrupt(conn: &AsyncPgConnection, chat: ChatId) -> StoreResult<()> {
    let interrupt = sql_query(INTERRUPT).bind::<SqlUuid, _>(chat.0);
    run(conn, Cached(interrupt)).await.map(drop)
}
