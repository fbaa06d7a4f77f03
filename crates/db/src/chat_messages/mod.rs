//! What is said in chats, and what waits to be said.

mod news;
mod prompts;
pub(crate) mod rows;
mod write;

use async_trait::async_trait;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId, LeaseId,
    chats::{
        ChatMessage, ChatSize, MessageId, MessagePage, MessageWindow, NewMessage, PromptPage,
        QueuedId, QueuedMessage,
    },
};
use store::{
    StoreResult,
    chat_messages::{ChatMessageRead, ChatMessageWrite, ChatNews, SeenVersions},
};

use self::rows::{MessageRow, QueuedRow, message, waiting};
pub(crate) use self::{news::PartRow, write::chat_queue_take};
use crate::{
    errors::internal,
    query::{self, Cached, one, row},
    unit::{Unit, Writing},
};

/// Messages for people that were not edited away.
macro_rules! shown {
    () => {
        concat!(
            "SELECT ",
            message!(),
            " FROM chat_messages AS m WHERE m.chat_id = $1 AND NOT m.deleted AND m.visibility <> 'model' \
             AND ($2 IS NULL OR m.id < $2) AND ($3 IS NULL OR m.id > $3) ORDER BY m.id "
        )
    };
}

const OLDEST: &str = concat!(shown!(), "LIMIT $4");
const NEWEST: &str = concat!(shown!(), "DESC LIMIT $4");

async fn chat_message_list(
    conn: &AsyncPgConnection,
    chat: ChatId,
    window: &MessageWindow,
) -> StoreResult<MessagePage> {
    let onwards = window.after.is_some() && window.before.is_none();
    let list = sql_query(if onwards { OLDEST } else { NEWEST })
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Nullable<BigInt>, _>(window.before.map(|id| id.0))
        .bind::<Nullable<BigInt>, _>(window.after.map(|id| id.0))
        .bind::<BigInt, _>(i64::from(window.limit).saturating_add(1));
    let found: Vec<MessageRow> = query::rows(conn, Cached(list)).await?;
    let limit = usize::try_from(window.limit).map_err(internal)?;
    let has_more = found.len() > limit;
    let messages = found.into_iter().take(limit).map(MessageRow::message);
    Ok(MessagePage {
        messages: messages.collect::<StoreResult<_>>()?,
        has_more,
    })
}

const GET: &str = concat!(
    "SELECT ",
    message!(),
    " FROM chat_messages AS m WHERE m.chat_id = $1 AND m.id = $2"
);

const QUEUE: &str = concat!(
    "SELECT ",
    waiting!(),
    " FROM chat_queued_messages AS w WHERE w.chat_id = $1 ORDER BY w.position"
);

const COUNT: &str = "SELECT count(*) AS count FROM chat_queued_messages WHERE chat_id = $1";

const SIZE: &str = "SELECT said_bytes, said_messages FROM chat_sizes WHERE chat_id = $1";

#[derive(QueryableByName)]
struct SizeRow {
    #[diesel(sql_type = BigInt)]
    said_bytes: i64,
    #[diesel(sql_type = BigInt)]
    said_messages: i64,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[async_trait]
impl<Mode: Send + Sync> ChatMessageRead for Unit<Mode> {
    async fn chat_message_list(
        &mut self,
        chat: ChatId,
        window: &MessageWindow,
    ) -> StoreResult<MessagePage> {
        chat_message_list(self.connection()?, chat, window).await
    }

    async fn chat_message_get(
        &mut self,
        chat: ChatId,
        id: MessageId,
    ) -> StoreResult<Option<ChatMessage>> {
        let get = sql_query(GET)
            .bind::<SqlUuid, _>(chat.0)
            .bind::<BigInt, _>(id.0);
        let found: Option<MessageRow> = row(self.connection()?, Cached(get)).await?;
        found.map(MessageRow::message).transpose()
    }

    async fn chat_prompt_list(
        &mut self,
        chat: ChatId,
        before: Option<MessageId>,
        limit: u32,
    ) -> StoreResult<PromptPage> {
        prompts::chat_prompt_list(self.connection()?, chat, before, limit).await
    }

    async fn chat_size_get(&mut self, chat: ChatId) -> StoreResult<ChatSize> {
        let size = sql_query(SIZE).bind::<SqlUuid, _>(chat.0);
        let found: Option<SizeRow> = row(self.connection()?, Cached(size)).await?;
        Ok(found.map_or_else(ChatSize::default, |size| ChatSize {
            bytes: query::count(size.said_bytes),
            messages: query::count(size.said_messages),
        }))
    }

    async fn chat_queue_list(&mut self, chat: ChatId) -> StoreResult<Vec<QueuedMessage>> {
        let list = sql_query(QUEUE).bind::<SqlUuid, _>(chat.0);
        let found: Vec<QueuedRow> = query::rows(self.connection()?, Cached(list)).await?;
        found.into_iter().map(QueuedRow::queued).collect()
    }

    async fn chat_queue_count(&mut self, chat: ChatId) -> StoreResult<u32> {
        let count = sql_query(COUNT).bind::<SqlUuid, _>(chat.0);
        let counted: CountRow = one(self.connection()?, Cached(count)).await?;
        u32::try_from(counted.count).map_err(internal)
    }

    async fn chat_news_get(
        &mut self,
        chat: ChatId,
        seen: &SeenVersions,
    ) -> StoreResult<Option<ChatNews>> {
        news::chat_news_get(self.connection()?, chat, seen).await
    }
}

#[async_trait]
impl ChatMessageWrite for Unit<Writing> {
    async fn chat_message_create(
        &mut self,
        chat: ChatId,
        new: &NewMessage,
        lease: LeaseId,
    ) -> StoreResult<ChatMessage> {
        write::chat_message_create(self.connection()?, chat, new, lease).await
    }

    async fn chat_message_replace(
        &mut self,
        chat: ChatId,
        from: MessageId,
        new: &NewMessage,
        lease: LeaseId,
    ) -> StoreResult<(Vec<MessageId>, ChatMessage)> {
        write::chat_message_replace(self.connection()?, chat, from, new, lease).await
    }

    async fn chat_queue_create(
        &mut self,
        chat: ChatId,
        new: &NewMessage,
    ) -> StoreResult<QueuedMessage> {
        write::chat_queue_create(self.connection()?, chat, new).await
    }

    async fn chat_queue_delete(&mut self, chat: ChatId, id: QueuedId) -> StoreResult<bool> {
        write::chat_queue_delete(self.connection()?, chat, id).await
    }

    async fn chat_queue_promote(&mut self, chat: ChatId, id: QueuedId) -> StoreResult<bool> {
        write::chat_queue_promote(self.connection()?, chat, id).await
    }

    async fn chat_queue_take(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatMessage>> {
        chat_queue_take(self.connection()?, chat, lease).await
    }

    async fn chat_interrupt(&mut self, chat: ChatId) -> StoreResult<()> {
        write::chat_interrupt(self.connection()?, chat).await
    }
}
