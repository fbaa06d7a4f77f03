//! What is said in chats, and what waits to be said.

use model::{
    ChatId, LeaseId,
    chats::{
        Chat, ChatAccess, ChatMessage, Conflict, ContentPart, MessageId, MessagePage, MessageRole,
        MessageWindow, NewMessage, QUEUE_MAX, QueuedId, QueuedMessage, TurnKey, Visibility,
        state::{ChatState, Effect, Step},
    },
};
use rbac::Action;
use store::{
    StoreError, StoreResult,
    chat_messages::{ChatNews, SeenVersions},
};

use crate::{
    acl::Shared,
    chat_files::attach,
    chats::{
        ChatCallError, ChatResult, OwnerOnly, changeable, news_for_readers, owned, sees_all,
        shown_access, shown_messages, still_workable,
    },
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const READ: &[&str] = &["chat:read"];
const CHANGE: &[&str] = &["chat:read", "chat:update"];
const TURN: &[&str] = &[
    "chat:read",
    "chat:update",
    "workspace:read",
    "workspace:application_connect",
    "workspace:ssh",
];

pub(crate) const RULES: &[Rule] = &[
    rule(
        "chat_message_list",
        Shape::Fetch,
        READ,
        "what was used is the owner's to see",
    ),
    rule("chat_message_get", Shape::Inside, &[], ""),
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
        TURN,
        "the owner only, who must still be able to work in the chat's workspace",
    ),
    rule(
        "chat_message_replace",
        Shape::Lock,
        TURN,
        "the owner only, who must still be able to work in the chat's workspace",
    ),
    rule("chat_queue_create", Shape::Inside, &[], ""),
    rule("chat_queue_delete", Shape::Lock, CHANGE, ""),
    rule(
        "chat_queue_promote",
        Shape::Lock,
        TURN,
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

impl<U: store::WriteUnit + ?Sized> ChatMessages<'_, U> {
    /// Says something as the owner: at once, and a turn begins at this server, or when the present turn has ended.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Conflict`, `QueueFull`, `Workspace`, `Files`, `TooManyFiles`.
    pub async fn chat_message_create(
        &mut self,
        chat: ChatId,
        saying: &Saying,
        busy: BusyBehavior,
        lease: LeaseId,
    ) -> ChatResult<Said> {
        let found = self.owned(chat, OwnerOnly::Send).await?;
        let (state, waiting) = self.state(&found.chat).await?;
        let step = match busy {
            BusyBehavior::Queue => Step::Send,
            BusyBehavior::Interrupt => Step::SendInterrupting,
        };
        let effect = state.step(step)?;
        let new = self.message(&found.chat, saying).await?;
        let (mut message, mut queued) = (None, None);
        match effect {
            Effect::QueueAndTurn => {
                still_workable(self.gate, self.unit, &found.chat).await?;
                message = self.unit.chat_queue_take(chat, lease).await?;
                queued = Some(self.unit.chat_queue_create(chat, &new).await?);
            }
            Effect::Queue | Effect::QueueAndInterrupt => {
                if waiting >= QUEUE_MAX {
                    return Err(ChatCallError::QueueFull);
                }
                queued = Some(self.unit.chat_queue_create(chat, &new).await?);
                if effect == Effect::QueueAndInterrupt {
                    self.unit.chat_interrupt(chat).await?;
                }
            }
            _ => {
                still_workable(self.gate, self.unit, &found.chat).await?;
                message = Some(self.unit.chat_message_create(chat, &new, lease).await?);
            }
        }
        let chat = self.again(&found).await?;
        let turn = message.as_ref().and_then(|_| chat.turn());
        Ok(Said {
            chat,
            message,
            queued,
            turn,
        })
    }

    /// Says something else as the owner instead of something that was said, forgets all that came after and all that
    /// waits, and begins a turn at this server.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Conflict`, `NoMessage`, `NotUserMessage`, `Workspace`, `Files`,
    /// `TooManyFiles`.
    pub async fn chat_message_replace(
        &mut self,
        chat: ChatId,
        from: MessageId,
        saying: &Saying,
        lease: LeaseId,
    ) -> ChatResult<Edited> {
        let found = self.owned(chat, OwnerOnly::Edit).await?;
        let (state, _) = self.state(&found.chat).await?;
        state.step(Step::Edit)?;
        let old = self.unit.chat_message_get(chat, from).await?;
        let known = |old: &ChatMessage| !old.deleted && old.visibility != Visibility::Model;
        let old = old.filter(known).ok_or(ChatCallError::NoMessage)?;
        if old.role != MessageRole::User {
            return Err(ChatCallError::NotUserMessage);
        }
        let new = self.message(&found.chat, saying).await?;
        still_workable(self.gate, self.unit, &found.chat).await?;
        let replaced = self.unit.chat_message_replace(chat, from, &new, lease);
        let (deleted, message) = replaced.await?;
        let chat = self.again(&found).await?;
        let turn = chat.turn();
        Ok(Edited {
            chat,
            message,
            deleted,
            turn,
        })
    }

    /// Takes back what waits.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Conflict` with `Archived`, `NoQueuedMessage`.
    pub async fn chat_queue_delete(&mut self, chat: ChatId, id: QueuedId) -> ChatResult<Chat> {
        let found = self.locked(chat).await?;
        changeable(self.gate, &found)?;
        self.waiting(&found.chat, Step::Unqueue).await?;
        if !self.unit.chat_queue_delete(chat, id).await? {
            return Err(ChatCallError::NoQueuedMessage);
        }
        Ok(self.again(&found).await?)
    }

    /// Says what waits now: a turn begins with it at this server, or the present one is told to stop for it.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Conflict` with `Archived`, `NoQueuedMessage`, `Workspace`.
    pub async fn chat_queue_promote(
        &mut self,
        chat: ChatId,
        id: QueuedId,
        lease: LeaseId,
    ) -> ChatResult<Said> {
        let found = self.owned(chat, OwnerOnly::Promote).await?;
        let effect = self.waiting(&found.chat, Step::Promote).await?;
        if effect == Effect::NextTurn {
            still_workable(self.gate, self.unit, &found.chat).await?;
        }
        if !self.unit.chat_queue_promote(chat, id).await? {
            return Err(ChatCallError::NoQueuedMessage);
        }
        let message = if effect == Effect::NextTurn {
            self.unit.chat_queue_take(chat, lease).await?
        } else {
            self.unit.chat_interrupt(chat).await?;
            None
        };
        let chat = self.again(&found).await?;
        let turn = message.as_ref().and_then(|_| chat.turn());
        Ok(Said {
            chat,
            message,
            queued: None,
            turn,
        })
    }

    /// Tells the turn that runs to stop.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `Conflict`.
    pub async fn chat_interrupt(&mut self, chat: ChatId) -> ChatResult<Chat> {
        let found = self.locked(chat).await?;
        changeable(self.gate, &found)?;
        let (state, _) = self.state(&found.chat).await?;
        state.step(Step::Interrupt)?;
        self.unit.chat_interrupt(chat).await?;
        Ok(self.again(&found).await?)
    }

    async fn owned(&mut self, id: ChatId, step: OwnerOnly) -> ChatResult<ChatAccess> {
        let found = self.locked(id).await?;
        owned(self.gate, &found, step)?;
        Ok(found)
    }

    async fn locked(&mut self, id: ChatId) -> StoreResult<ChatAccess> {
        let viewer = self.gate.actor().map(|actor| actor.user_id);
        let found = self.unit.chat_lock(id, viewer).await?;
        found.ok_or(StoreError::NotFound)
    }

    /// Where a locked chat stands, and how many messages wait in it.
    async fn state(&mut self, chat: &Chat) -> StoreResult<(ChatState, u32)> {
        let waiting = self.unit.chat_queue_count(chat.id).await?;
        let state = ChatState {
            status: chat.status,
            queued: waiting > 0,
            archived: chat.archived,
        };
        Ok((state, waiting))
    }

    /// What is done for a step with a message that waits.
    async fn waiting(&mut self, chat: &Chat, step: Step) -> ChatResult<Effect> {
        let (state, _) = self.state(chat).await?;
        state.step(step).map_err(|conflict| match conflict {
            // Then the one that is meant does not wait either.
            Conflict::NothingQueued => ChatCallError::NoQueuedMessage,
            other => other.into(),
        })
    }

    /// What the owner says, with what is known of its files.
    async fn message(&mut self, chat: &Chat, saying: &Saying) -> ChatResult<NewMessage> {
        let (owner, organization) = (chat.owner_id, chat.organization_id);
        let mut content = saying.content.clone();
        attach(self.unit, owner, organization, Some(chat.id), &mut content).await?;
        Ok(NewMessage {
            role: MessageRole::User,
            visibility: Visibility::Both,
            content,
            created_by: Some(owner),
            model: saying.model.clone(),
        })
    }

    /// A chat as it is after its change.
    async fn again(&mut self, found: &ChatAccess) -> StoreResult<Chat> {
        let viewer = self.gate.actor().map(|actor| actor.user_id);
        let changed = self.unit.chat_get(found.chat.id, viewer).await?;
        let changed = changed.ok_or(StoreError::NotFound)?;
        Ok(shown_access(self.gate, changed))
    }
}
