//! After a crash: turns whose server's lease has lapsed are ended, each in a unit of its own, so that one that cannot be
//! ended stands in the way of no other. What they said so far is kept, and nothing is asked again at the owner's cost.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId,
    chats::{ChatError, ChatErrorKind, TurnEnd, joined},
};
use store::{StoreResult, chat_turns::Noted};
use uuid::Uuid;

use super::finish::write_end;
use crate::{
    chat_messages::PartRow,
    chats::rows::json,
    query::{Cached, row, rows},
};

/// How many bytes of the parts that were noted are kept: many times what an answer is. A piece is noted every 50 ms at most.
const KEPT_BYTES: i64 = 8 * 1024 * 1024;

macro_rules! lapsed {
    () => {
        "c.lease_id IS NOT NULL \
         AND NOT EXISTS (SELECT FROM server_leases AS l WHERE l.id = c.lease_id AND l.expires_at > bursar_now())"
    };
}

const LAPSED: &str = concat!(
    "SELECT c.id FROM chats AS c WHERE ",
    lapsed!(),
    " AND ($1 IS NULL OR c.id > $1) ORDER BY c.id LIMIT $2"
);

#[derive(QueryableByName)]
struct LapsedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

pub(super) async fn chat_turn_lapsed_list(
    conn: &AsyncPgConnection,
    after: Option<ChatId>,
    limit: u32,
) -> StoreResult<Vec<ChatId>> {
    let lapsed = sql_query(LAPSED)
        .bind::<Nullable<SqlUuid>, _>(after.map(|after| after.0))
        .bind::<BigInt, _>(i64::from(limit));
    let lapsed: Vec<LapsedRow> = rows(conn, Cached(lapsed)).await?;
    Ok(lapsed.into_iter().map(|row| ChatId(row.id)).collect())
}

/// What is being changed at this moment is left for the next time.
const LOCK: &str = "SELECT id FROM chats WHERE id = $1 FOR NO KEY UPDATE SKIP LOCKED";

/// Looked at again now that it is locked: another turn may have begun before, at a server that lives. No more is read of
/// what was noted than is kept.
const STILL_LAPSED: &str = concat!(
    "SELECT coalesce((SELECT m.model FROM chat_messages AS m WHERE m.chat_id = c.id AND m.role = 'user' \
        AND NOT m.deleted ORDER BY m.id DESC LIMIT 1), c.model) AS model, \
    (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', said.seq, 'part', said.part) ORDER BY said.seq), '[]') \
        FROM (SELECT p.seq, p.part, sum(octet_length(p.part::text)) OVER (ORDER BY p.seq) AS bytes \
            FROM chat_parts AS p WHERE $2 AND p.chat_id = c.id \
                AND p.history_version = c.history_version AND p.generation_attempt = c.generation_attempt) AS said \
        WHERE said.bytes <= $3) AS parts \
    FROM chats AS c WHERE c.id = $1 AND ",
    lapsed!()
);

#[derive(QueryableByName)]
struct StillLapsedRow {
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Jsonb)]
    parts: serde_json::Value,
}

pub(super) async fn chat_turn_sweep(
    conn: &AsyncPgConnection,
    chat: ChatId,
    noted: Noted,
) -> StoreResult<bool> {
    let lock = sql_query(LOCK).bind::<SqlUuid, _>(chat.0);
    let locked: Option<LapsedRow> = row(conn, Cached(lock)).await?;
    if locked.is_none() {
        return Ok(false);
    }
    let still = sql_query(STILL_LAPSED)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Bool, _>(noted == Noted::Kept)
        .bind::<BigInt, _>(KEPT_BYTES);
    let still: Option<StillLapsedRow> = row(conn, Cached(still)).await?;
    let Some(turn) = still else {
        return Ok(false);
    };
    let parts: Vec<PartRow> = json("chat_parts", turn.parts)?;
    let end = TurnEnd {
        content: joined(parts.into_iter().map(|part| part.part().part)),
        model: turn.model,
        usage: None,
        usage_event_id: None,
        error: None,
    };
    let error = ChatError {
        message: "The server that ran this turn has gone. Send the message again.".to_owned(),
        detail: None,
        kind: ChatErrorKind::Generic,
        provider: None,
        retryable: true,
        status_code: None,
    };
    write_end(conn, chat, &end, Some(&error)).await?;
    Ok(true)
}
