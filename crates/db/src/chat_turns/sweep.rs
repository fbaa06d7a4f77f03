//! After a crash: turns whose server's lease has lapsed are ended. What they said so far is kept, and nothing is asked
//! again at the owner's cost.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId,
    chats::{ChatError, ChatErrorKind, TurnEnd, joined},
};
use store::StoreResult;
use uuid::Uuid;

use super::finish::write_end;
use crate::{
    chat_messages::PartRow,
    chats::rows::json,
    query::{Cached, rows},
};

/// What is being changed at this moment is left for the next time.
const LAPSED: &str = "\
SELECT c.id FROM chats AS c LEFT JOIN server_leases AS l ON l.id = c.lease_id \
WHERE c.lease_id IS NOT NULL AND (l.id IS NULL OR l.expires_at <= bursar_now()) \
ORDER BY c.id LIMIT $1 FOR NO KEY UPDATE OF c SKIP LOCKED";

/// Looked at again now that they are locked: another turn may have begun before, at a server that lives.
const STILL_LAPSED: &str = "\
SELECT c.id, coalesce((SELECT m.model FROM chat_messages AS m WHERE m.chat_id = c.id AND m.role = 'user' \
        AND NOT m.deleted ORDER BY m.id DESC LIMIT 1), c.model) AS model, \
    (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', p.seq, 'part', p.part) ORDER BY p.seq), '[]') \
        FROM chat_parts AS p WHERE p.chat_id = c.id AND p.history_version = c.history_version \
            AND p.generation_attempt = c.generation_attempt) AS parts \
FROM chats AS c WHERE c.id = ANY ($1) AND c.lease_id IS NOT NULL \
    AND NOT EXISTS (SELECT FROM server_leases AS l WHERE l.id = c.lease_id AND l.expires_at > bursar_now()) \
ORDER BY c.id";

#[derive(QueryableByName)]
struct LapsedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct StillLapsedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Jsonb)]
    parts: serde_json::Value,
}

pub(super) async fn chat_turn_sweep(
    conn: &AsyncPgConnection,
    limit: u32,
) -> StoreResult<Vec<ChatId>> {
    let lapsed = sql_query(LAPSED).bind::<BigInt, _>(i64::from(limit));
    let lapsed: Vec<LapsedRow> = rows(conn, Cached(lapsed)).await?;
    if lapsed.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = lapsed.into_iter().map(|row| row.id).collect();
    let still = sql_query(STILL_LAPSED).bind::<Array<SqlUuid>, _>(ids);
    let still: Vec<StillLapsedRow> = rows(conn, Cached(still)).await?;
    let error = ChatError {
        message: "The server that ran this turn has gone. Send the message again.".to_owned(),
        detail: None,
        kind: ChatErrorKind::Generic,
        provider: None,
        retryable: true,
        status_code: None,
    };
    let mut ended = Vec::with_capacity(still.len());
    for turn in still {
        let parts: Vec<PartRow> = json("chat_parts", turn.parts)?;
        let end = TurnEnd {
            content: joined(parts.into_iter().map(|part| part.part().part)),
            model: turn.model,
            usage: None,
            usage_event_id: None,
            error: None,
        };
        let chat = ChatId(turn.id);
        write_end(conn, chat, &end, Some(&error)).await?;
        ended.push(chat);
    }
    Ok(ended)
}
