//! How a turn ends, decided by `model::chats::state` under the chat's lock.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join3;
use model::{
    ChatId, LeaseId,
    chats::{
        ChatError, ChatStatus, TurnEnd, TurnKey,
        state::{ChatState, Effect, Step},
    },
};
use store::StoreResult;

use crate::{
    chat_messages::{chat_queue_take, rows::stored},
    chats::rows::word,
    errors::internal,
    query::{Cached, row, run},
};

/// The owner's account before the chat, as everybody does: what waits is said in the owner's name.
const LOCK_OWNER: &str = "\
SELECT FROM users WHERE id = (SELECT owner_id FROM chats WHERE id = $1) FOR KEY SHARE";

const LOCK: &str = "\
SELECT c.status, c.archived, \
    EXISTS (SELECT FROM chat_queued_messages AS w WHERE w.chat_id = c.id) AS queued \
FROM chats AS c WHERE c.id = $1 AND c.history_version = $2 AND c.generation_attempt = $3 AND c.lease_id = $4 \
FOR NO KEY UPDATE OF c";

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Bool)]
    archived: bool,
    #[diesel(sql_type = Bool)]
    queued: bool,
}

pub(super) async fn chat_turn_finish(
    conn: &AsyncPgConnection,
    turn: TurnKey,
    lease: LeaseId,
    end: &TurnEnd,
) -> StoreResult<Option<TurnKey>> {
    let lock = || {
        let lock = sql_query(LOCK)
            .bind::<SqlUuid, _>(turn.chat_id.0)
            .bind::<BigInt, _>(turn.history_version)
            .bind::<BigInt, _>(turn.attempt)
            .bind::<SqlUuid, _>(lease.0);
        row::<_, StateRow>(conn, Cached(lock))
    };
    // Twice: what waits was looked for before the lock was had, and may be other messages since.
    let owner = sql_query(LOCK_OWNER).bind::<SqlUuid, _>(turn.chat_id.0);
    let (_, _, found) = try_join3(run(conn, Cached(owner)), lock(), lock()).await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let state = ChatState {
        status: word("chats.status", &found.status, ChatStatus::parse)?,
        queued: found.queued,
        archived: found.archived,
    };
    let step = if end.error.is_some() {
        Step::Fail
    } else {
        Step::Finish
    };
    let Ok(effect) = state.step(step) else {
        return Ok(None);
    };
    let shown = end.error.as_ref().filter(|_| effect == Effect::ShowError);
    write_end(conn, turn.chat_id, end, shown).await?;
    if effect != Effect::NextTurn {
        return Ok(None);
    }
    let next = chat_queue_take(conn, turn.chat_id, lease).await?;
    // A message begins the first attempt at answering the history that it ends.
    Ok(next.map(|message| TurnKey {
        history_version: message.revision,
        attempt: 1,
        ..turn
    }))
}

const END: &str = "\
WITH c AS (UPDATE chats SET snapshot_version = snapshot_version + 1, \
        history_version = CASE WHEN $2 THEN snapshot_version + 1 ELSE history_version END, \
        generation_attempt = CASE WHEN $2 THEN 0 ELSE generation_attempt END, \
        status = CASE WHEN $3 IS NULL THEN 'waiting' ELSE 'error' END, last_error = $3, \
        lease_id = NULL, turn_started_at = NULL, updated_at = bursar_now() \
    WHERE id = $1 RETURNING id, snapshot_version), \
over AS (DELETE FROM chat_parts WHERE chat_id = $1) \
INSERT INTO chat_messages (chat_id, role, content, model, usage_event_id, input_tokens, output_tokens, revision) \
SELECT c.id, 'assistant', $4, $5, $6, $7, $8, c.snapshot_version FROM c WHERE $2";

/// Ends the turn of a locked chat: what was said becomes a message, and the chat waits or shows an error.
pub(super) async fn write_end(
    conn: &AsyncPgConnection,
    chat: ChatId,
    end: &TurnEnd,
    shown: Option<&ChatError>,
) -> StoreResult<()> {
    let shown = shown.map(serde_json::to_value).transpose();
    let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let write = sql_query(END)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Bool, _>(!end.content.is_empty())
        .bind::<Nullable<Jsonb>, _>(shown.map_err(internal)?)
        .bind::<Jsonb, _>(stored(&end.content)?)
        .bind::<Nullable<Text>, _>(end.model.clone())
        .bind::<Nullable<SqlUuid>, _>(end.usage_event_id.map(|id| id.0))
        .bind::<Nullable<BigInt>, _>(end.usage.map(|usage| tokens(usage.input_tokens)))
        .bind::<Nullable<BigInt>, _>(end.usage.map(|usage| tokens(usage.output_tokens)));
    run(conn, Cached(write)).await.map(drop)
}
