//! What is said in chats, and what waits to be said.

mod write;

use model::{
    ChatId,
    chats::{
        Chat, ChatAccess, ChatMessage, ChatSize, ContentPart, MessageId, MessagePage,
        MessageWindow, PromptPage, QueuedMessage, TurnKey,
    },
};
use rbac::Action;
use store::{
    StoreError, StoreResult,
    chat_messages::{ChatNews, SeenVersions},
};

use crate::{
    acl::Shared,
    chats::{CHANGE, READ, WORKSPACE, news_for_readers, sees_all, shown_access, shown_messages},
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "chat_message_list",
        Shape::Fetch,
        READ,
        "what was used is the owner's to see",
    ),
    rule("chat_message_get", Shape::Inside, &[], ""),
    rule("chat_prompt_list", Shape::Fetch, READ, ""),
    rule("chat_size_get", Shape::Fetch, READ, ""),
    rule(
        "chat_queue_list",
        Shape::Fetch,
        READ,
        "empty for everybody but the owner",
    ),
    rule("chat_queue_count", Shape::Inside, &[], ""),
    rule(
        "chat_news_get",
        Shape::Fetch,
        READ,
        "as readers see it, for everybody but the owner",
    ),
    rule(
        "chat_message_create",
        Shape::Lock,
        WORKSPACE,
        "the owner only, who must still be able to work in the chat's workspace",
    ),
    rule(
        "chat_message_replace",
        Shape::Lock,
        WORKSPACE,
        "the owner only, who must still be able to work in the chat's workspace",
    ),
    rule("chat_queue_create", Shape::Inside, &[], ""),
    rule("chat_queue_delete", Shape::Lock, CHANGE, ""),
    rule(
        "chat_queue_promote",
        Shape::Lock,
        WORKSPACE,
        "the owner only, who must still be able to work in the chat's workspace",
    ),
    rule("chat_queue_take", Shape::Inside, &[], ""),
    rule("chat_interrupt", Shape::Lock, CHANGE, ""),
];

wrapper! {
    /// What is said in chats, each call authorized.
    ChatMessages
}

/// Something that the owner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// What it is made of. Names and types of files are filled in.
    pub content: Vec<ContentPart>,
    /// The model that is asked; `None` is the chat's, else the deployment's.
    pub model: Option<String>,
}

/// What becomes of what is said while a turn runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BusyBehavior {
    /// It waits.
    #[default]
    Queue,
    /// It waits, and the turn stops.
    Interrupt,
}

/// What came of something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The chat as it is now.
    pub chat: Chat,
    /// What was said now: what was sent, or what had waited first.
    pub message: Option<ChatMessage>,
    /// What was sent, if it waits.
    pub queued: Option<QueuedMessage>,
    /// The turn that begins at this server.
    pub turn: Option<TurnKey>,
}

/// What came of something that was said instead of something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The chat as it is now.
    pub chat: Chat,
    /// What was said.
    pub message: ChatMessage,
    /// What was forgotten.
    pub deleted: Vec<MessageId>,
    /// The turn that begins at this server.
    pub turn: Option<TurnKey>,
}

impl<U: store::ReadUnit + ?Sized> ChatMessages<'_, U> {
    /// Messages that are for people and were not edited away.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_message_list(
        &mut self,
        chat: ChatId,
        window: &MessageWindow,
    ) -> StoreResult<MessagePage> {
        let found = self.readable(chat).await?;
        let page = self.unit.chat_message_list(chat, window).await?;
        Ok(MessagePage {
            messages: shown_messages(self.gate, &found.chat, page.messages),
            ..page
        })
    }

    /// The words of what the owner said, newest first, so many at most and so many bytes at a time.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_prompt_list(
        &mut self,
        chat: ChatId,
        before: Option<MessageId>,
        limit: u32,
    ) -> StoreResult<PromptPage> {
        self.readable(chat).await?;
        self.unit.chat_prompt_list(chat, before, limit).await
    }

    /// How much is said in a chat.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_size_get(&mut self, chat: ChatId) -> StoreResult<ChatSize> {
        self.readable(chat).await?;
        self.unit.chat_size_get(chat).await
    }

    /// What waits, in its order: nothing, for everybody but the owner.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_queue_list(&mut self, chat: ChatId) -> StoreResult<Vec<QueuedMessage>> {
        let found = self.readable(chat).await?;
        if !sees_all(self.gate, &found.chat) {
            return Ok(Vec::new());
        }
        self.unit.chat_queue_list(chat).await
    }

    /// What changed in a chat since somebody looked last. System actors see all of it, and make of it what readers may see
    /// by [`news_for_readers`].
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_news_get(
        &mut self,
        chat: ChatId,
        seen: &SeenVersions,
    ) -> StoreResult<ChatNews> {
        let news = self.unit.chat_news_get(chat, seen).await?;
        let mut news = news.ok_or(StoreError::NotFound)?;
        self.gate
            .check(Action::Read, &news.chat.object(self.gate))?;
        news.chat.chat = shown_access(self.gate, news.chat.clone());
        if sees_all(self.gate, &news.chat.chat) {
            Ok(news)
        } else {
            Ok(news_for_readers(news))
        }
    }

    async fn readable(&mut self, id: ChatId) -> StoreResult<ChatAccess> {
        let viewer = self.gate.actor().map(|actor| actor.user_id);
        let found = self.unit.chat_get(id, viewer).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &found.object(self.gate))?;
        Ok(found)
    }
}
