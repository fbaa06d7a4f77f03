//! What changed in a chat since somebody looked last: one statement, so that it is of one moment.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Jsonb, Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId,
    chats::{ChatPart, ContentPart},
};
use serde::Deserialize;
use store::{
    StoreResult,
    chat_messages::{ChatNews, SeenVersions},
};
use uuid::Uuid;

use super::rows::{QueuedRow, message, messages, waiting};
use crate::{
    chats::rows::{AccessRow, columns, json, looked_at},
    query::{Cached, row},
};

/// Nobody in particular looks at the chat: `$1` is NULL. Who has seen nothing needs not hear of what is edited away. Parts are those of the turn that runs, from the first on if
/// it is not the turn whose parts are known.
const NEWS: &str = concat!(
    "SELECT to_jsonb(whole) AS chat, \
        (SELECT coalesce(jsonb_agg(to_jsonb(news) ORDER BY news.id), '[]') FROM (SELECT ",
    message!(),
    " FROM chat_messages AS m WHERE m.chat_id = whole.id AND m.revision > $3 AND m.visibility <> 'model' \
            AND ($3 > 0 OR NOT m.deleted)) AS news) \
            AS messages, \
        (SELECT coalesce(jsonb_agg(to_jsonb(queue) - 'position' ORDER BY queue.position), '[]') FROM (SELECT ",
    waiting!(),
    ", w.position FROM chat_queued_messages AS w WHERE w.chat_id = whole.id) AS queue) AS queue, \
        (SELECT coalesce(jsonb_agg(jsonb_build_object('seq', p.seq, 'part', p.part) ORDER BY p.seq), '[]') \
            FROM chat_parts AS p WHERE p.chat_id = whole.id AND whole.status IN ('running', 'interrupting') \
                AND p.history_version = whole.history_version AND p.generation_attempt = whole.generation_attempt \
                AND p.seq >= CASE WHEN (p.history_version, p.generation_attempt) = ($4, $5) THEN $6 ELSE 0 END) AS parts \
    FROM (SELECT ",
    columns!(),
    ", c.acl, c.chat_sharing FROM chats_expanded AS c",
    looked_at!(),
    "WHERE c.id = $2) AS whole"
);

#[derive(QueryableByName)]
struct NewsRow {
    #[diesel(sql_type = Jsonb)]
    chat: serde_json::Value,
    #[diesel(sql_type = Jsonb)]
    messages: serde_json::Value,
    #[diesel(sql_type = Jsonb)]
    queue: serde_json::Value,
    #[diesel(sql_type = Jsonb)]
    parts: serde_json::Value,
}

/// A piece of what the model says, as it is noted.
#[derive(Deserialize)]
pub(crate) struct PartRow {
    seq: i32,
    part: ContentPart,
}

impl PartRow {
    pub(crate) fn part(self) -> ChatPart {
        ChatPart {
            seq: self.seq,
            part: self.part,
        }
    }
}

pub(super) async fn chat_news_get(
    conn: &AsyncPgConnection,
    chat: ChatId,
    seen: &SeenVersions,
) -> StoreResult<Option<ChatNews>> {
    let query = sql_query(NEWS)
        .bind::<Nullable<SqlUuid>, _>(None::<Uuid>)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<BigInt, _>(seen.revision)
        .bind::<BigInt, _>(seen.turn.0)
        .bind::<BigInt, _>(seen.turn.1)
        .bind::<Integer, _>(seen.parts);
    let Some(found) = row::<_, NewsRow>(conn, Cached(query)).await? else {
        return Ok(None);
    };
    let chat: AccessRow = json("chats_expanded", found.chat)?;
    let queue: Vec<QueuedRow> = json("chat_queued_messages", found.queue)?;
    let parts: Vec<PartRow> = json("chat_parts", found.parts)?;
    Ok(Some(ChatNews {
        chat: chat.access()?,
        messages: messages(found.messages)?,
        queue: queue
            .into_iter()
            .map(QueuedRow::queued)
            .collect::<StoreResult<_>>()?,
        parts: parts.into_iter().map(PartRow::part).collect(),
    }))
}
