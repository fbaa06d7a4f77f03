//! The words of what owners said: texts only, and so many bytes at a time.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId,
    chats::{ChatPrompt, MessageId, PROMPT_PAGE_BYTES, PromptPage},
};
use store::StoreResult;

use crate::{
    errors::internal,
    query::{Cached, rows},
};

/// One more is looked for than is told. Bytes are added up from the newest on, and the newest is told however large it is.
const LIST: &str = "\
WITH said AS (SELECT m.id, m.content, row_number() OVER (ORDER BY m.id DESC) AS place, \
        sum(m.room_bytes) OVER (ORDER BY m.id DESC) AS bytes \
    FROM chat_messages AS m WHERE m.chat_id = $1 AND NOT m.deleted AND m.role = 'user' AND m.visibility <> 'model' \
        AND ($2 IS NULL OR m.id < $2) AND m.content @> '[{\"type\": \"text\"}]' \
    ORDER BY m.id DESC LIMIT $3 + 1) \
SELECT s.id, (SELECT count(*) FROM said) AS found, \
    (SELECT string_agg(p.part ->> 'text', E'\\n\\n' ORDER BY p.place) \
        FROM jsonb_array_elements(s.content) WITH ORDINALITY AS p (part, place) WHERE p.part ->> 'type' = 'text') AS text \
FROM said AS s WHERE s.place <= $3 AND (s.place = 1 OR s.bytes <= $4) ORDER BY s.id DESC";

#[derive(QueryableByName)]
struct PromptRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    found: i64,
    #[diesel(sql_type = Text)]
    text: String,
}

pub(super) async fn chat_prompt_list(
    conn: &AsyncPgConnection,
    chat: ChatId,
    before: Option<MessageId>,
    limit: u32,
) -> StoreResult<PromptPage> {
    let list = sql_query(LIST)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Nullable<BigInt>, _>(before.map(|id| id.0))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<BigInt, _>(i64::from(PROMPT_PAGE_BYTES));
    let told: Vec<PromptRow> = rows(conn, Cached(list)).await?;
    let count = i64::try_from(told.len()).map_err(internal)?;
    let has_more = told.first().is_some_and(|row| row.found > count);
    let prompts = told.into_iter().map(|row| ChatPrompt {
        id: MessageId(row.id),
        text: row.text,
    });
    Ok(PromptPage {
        prompts: prompts.collect(),
        has_more,
    })
}
