//! Titles that nobody chose: they are made of what was said first, and go with it.

use diesel::{
    sql_query,
    sql_types::{BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::chats::{ChatMessage, MessageRole, made_title};
use store::StoreResult;

use crate::query::{Cached, run};

/// Alone, so that the log takes it for a step of the conversation.
const FOLLOW: &str = "\
UPDATE chats SET title = $3 WHERE id = $1 AND title_made AND title <> $3 \
    AND NOT EXISTS (SELECT FROM chat_messages AS m \
        WHERE m.chat_id = $1 AND m.id < $2 AND m.role = 'user' AND NOT m.deleted)";

/// Makes the title of a locked chat anew, if it was made of words in whose place others were said.
pub(crate) async fn title_follows(conn: &AsyncPgConnection, said: &ChatMessage) -> StoreResult<()> {
    if said.role != MessageRole::User {
        return Ok(());
    }
    let follow = sql_query(FOLLOW)
        .bind::<SqlUuid, _>(said.chat_id.0)
        .bind::<BigInt, _>(said.id.0)
        .bind::<Text, _>(made_title(&said.content));
    run(conn, Cached(follow)).await.map(drop)
}
