//! What is said in chats, and what waits to be said.

use async_trait::async_trait;
use model::{
    ChatId, LeaseId,
    chats::{
        ChatMessage, ChatSize, MessageId, MessagePage, MessageWindow, NewMessage, PromptPage,
        QueuedId, QueuedMessage,
    },
};

use crate::StoreResult;

/// What changed in a chat since somebody looked last, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatNews {
    /// The chat as it is.
    pub chat: model::chats::ChatAccess,
    /// Messages that are for people and changed since then, edited away or not, in the order of their ids.
    pub messages: Vec<ChatMessage>,
    /// What waits.
    pub queue: Vec<QueuedMessage>,
    /// What the model has said so far in the turn that runs, from the place on that was asked for.
    pub parts: Vec<model::chats::ChatPart>,
}

/// From where on news are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SeenVersions {
    /// The snapshot version up to which messages are known.
    pub revision: i64,
    /// The turn whose parts are known, by its history version and attempt.
    pub turn: (i64, i64),
    /// How many of that turn's parts are known.
    pub parts: i32,
}

/// Reads what is said in chats.
#[async_trait]
pub trait ChatMessageRead: Send {
    /// Messages that are for people and were not edited away.
    async fn chat_message_list(
        &mut self,
        chat: ChatId,
        window: &MessageWindow,
    ) -> StoreResult<MessagePage>;
    /// One message, edited away or not.
    async fn chat_message_get(
        &mut self,
        chat: ChatId,
        id: MessageId,
    ) -> StoreResult<Option<ChatMessage>>;
    /// The words of what the owner said, of messages that are for people and were not edited away: before `before`, so
    /// many at most, and no more than [`model::chats::PROMPT_PAGE_BYTES`] of messages, but one at least.
    async fn chat_prompt_list(
        &mut self,
        chat: ChatId,
        before: Option<MessageId>,
        limit: u32,
    ) -> StoreResult<PromptPage>;
    /// How large a chat is: of a locked chat, with all that its unit has said in it.
    async fn chat_size_get(&mut self, chat: ChatId) -> StoreResult<ChatSize>;
    /// What waits, in its order.
    async fn chat_queue_list(&mut self, chat: ChatId) -> StoreResult<Vec<QueuedMessage>>;
    /// How many messages wait: what they are made of may be large.
    async fn chat_queue_count(&mut self, chat: ChatId) -> StoreResult<u32> {
        let waiting = self.chat_queue_list(chat).await?;
        Ok(waiting.len().try_into().unwrap_or(u32::MAX))
    }
    /// What changed in a chat; `None` when it is gone.
    async fn chat_news_get(
        &mut self,
        chat: ChatId,
        seen: &SeenVersions,
    ) -> StoreResult<Option<ChatNews>>;
}

/// Changes what is said in chats, which must be locked. Each change raises the snapshot version, and what is asked for
/// here was found possible by `model::chats::state`.
#[async_trait]
pub trait ChatMessageWrite: ChatMessageRead {
    /// Says something, attaches its files, and begins a turn at this server.
    ///
    /// # Errors
    /// [`crate::StoreError::Refused`] for a file that does not exist, is not the owner's, or is another chat's.
    async fn chat_message_create(
        &mut self,
        chat: ChatId,
        new: &NewMessage,
        lease: LeaseId,
    ) -> StoreResult<ChatMessage>;
    /// Forgets a message and all that came after, empties the queue, says something else instead, and begins a turn at
    /// this server. The forgotten messages' ids, and the new message.
    ///
    /// # Errors
    /// As [`ChatMessageWrite::chat_message_create`].
    async fn chat_message_replace(
        &mut self,
        chat: ChatId,
        from: MessageId,
        new: &NewMessage,
        lease: LeaseId,
    ) -> StoreResult<(Vec<MessageId>, ChatMessage)>;
    /// Lets something wait, behind what waits already.
    ///
    /// # Errors
    /// As [`ChatMessageWrite::chat_message_create`].
    async fn chat_queue_create(
        &mut self,
        chat: ChatId,
        new: &NewMessage,
    ) -> StoreResult<QueuedMessage>;
    /// Takes back what waits; whether it did.
    async fn chat_queue_delete(&mut self, chat: ChatId, id: QueuedId) -> StoreResult<bool>;
    /// Puts what waits before all others; whether it did wait.
    async fn chat_queue_promote(&mut self, chat: ChatId, id: QueuedId) -> StoreResult<bool>;
    /// Says what waits first and begins a turn at this server; `None` when nothing waits.
    async fn chat_queue_take(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatMessage>>;
    /// Tells the turn that runs to stop.
    async fn chat_interrupt(&mut self, chat: ChatId) -> StoreResult<()>;
}
