//! Saying something, and letting it wait.

use model::{
    ChatId, LeaseId,
    chats::{
        Chat, ChatAccess, ChatMessage, Conflict, MessageId, MessageRole, NewMessage, QUEUE_MAX,
        QueuedId, Visibility,
        state::{ChatState, Effect, Step},
    },
};
use store::{StoreError, StoreResult};

use super::{BusyBehavior, ChatMessages, Edited, Said, Saying};
use crate::{
    chat_files::attach,
    chats::{
        ChatCallError, ChatResult, OwnerOnly, changeable, owned, shown_access, still_workable,
    },
};

impl<U: store::WriteUnit + ?Sized> ChatMessages<'_, U> {
    /// Says something as the owner: at once, and a turn begins at this server, or when the present turn has ended.
    ///
    /// # Errors
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Conflict`, `QueueFull`, `Full`, `Workspace`, `Files`,
    /// `TooManyFiles`.
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
        self.admitted(chat).await?;
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
    /// `Store` with `NotFound` or `Denied`, `NotOwner`, `Conflict`, `NoMessage`, `NotUserMessage`, `Full`, `Workspace`,
    /// `Files`, `TooManyFiles`.
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
        self.admitted(chat).await?;
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

    /// Refuses what has made a locked chat larger than its owner may make it: the unit is not to be committed then.
    async fn admitted(&mut self, chat: ChatId) -> ChatResult<()> {
        let size = self.unit.chat_size_get(chat).await?;
        if size.admitted() {
            Ok(())
        } else {
            Err(ChatCallError::Full)
        }
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
