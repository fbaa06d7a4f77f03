//! What is said in the fake's chats, and what waits there.

use async_trait::async_trait;
use model::{
    ChatFileId, ChatId, LeaseId,
    chats::{
        ChatMessage, ChatPart, ChatPrompt, ChatSize, ChatStatus, ContentPart, MessageId,
        MessagePage, MessageRole, MessageWindow, NewMessage, PromptPage, QueuedId, QueuedMessage,
        TurnUsage, Visibility, text_of,
    },
};
use store::{
    StoreError, StoreResult,
    chat_messages::{ChatMessageRead, ChatMessageWrite, ChatNews, SeenVersions},
};

use super::{FakeUnit, State};

impl State {
    /// Says something: the history changes.
    pub(super) fn chat_says(
        &mut self,
        id: ChatId,
        new: &NewMessage,
        usage: Option<TurnUsage>,
    ) -> StoreResult<ChatMessage> {
        self.chat_attaches(id, &new.content)?;
        let chat = self.chat_changes(id)?;
        let revision = chat.versions.snapshot;
        (chat.versions.history, chat.versions.attempt) = (revision, 0);
        let message = ChatMessage {
            id: MessageId(next(self.chat_messages.iter().map(|one| one.id.0))),
            chat_id: id,
            role: new.role,
            visibility: new.visibility,
            content: new.content.clone(),
            created_by: new.created_by,
            model: new.model.clone(),
            usage,
            deleted: false,
            revision,
            created_at: self.now,
        };
        self.chat_messages.push(message.clone());
        Ok(message)
    }

    /// Attaches the files that are named to a chat.
    fn chat_attaches(&mut self, id: ChatId, content: &[ContentPart]) -> StoreResult<()> {
        let owner = self.chat(id)?.chat.owner_id;
        let named = content.iter().filter_map(|part| match part {
            ContentPart::File { file_id, .. } => Some(*file_id),
            _ => None,
        });
        for file in named.collect::<Vec<ChatFileId>>() {
            let mut files = self.chat_files.iter_mut();
            let found = files.find(|one| one.file.id == file && one.file.owner_id == owner);
            let free = found.filter(|one| one.file.chat_id.is_none_or(|chat| chat == id));
            let text = || StoreError::Refused("the file cannot be attached".to_owned());
            free.ok_or_else(text)?.file.chat_id = Some(id);
        }
        Ok(())
    }

    /// Says what waits first and begins its turn.
    pub(super) fn chat_next(
        &mut self,
        id: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatMessage>> {
        let mut queue = self.chat_queue.iter();
        let Some(place) = queue.position(|one| one.chat_id == id) else {
            return Ok(None);
        };
        let first = self.chat_queue.remove(place);
        let new = NewMessage {
            role: MessageRole::User,
            visibility: Visibility::Both,
            content: first.content,
            created_by: first.created_by,
            model: first.model,
        };
        let said = self.chat_says(id, &new, None)?;
        self.chat_queue_changes(id)?;
        self.chat_turn_begins(id, lease)?;
        Ok(Some(said))
    }

    fn chat_queue_changes(&mut self, id: ChatId) -> StoreResult<()> {
        let chat = self.chat_changes(id)?;
        chat.versions.queue = chat.versions.snapshot;
        Ok(())
    }

    fn queue_of(&self, chat: ChatId) -> Vec<QueuedMessage> {
        let queue = self.chat_queue.iter();
        queue.filter(|one| one.chat_id == chat).cloned().collect()
    }
}

/// The number after the greatest.
fn next(numbers: impl Iterator<Item = i64>) -> i64 {
    numbers.max().unwrap_or_default() + 1
}

#[async_trait]
impl ChatMessageRead for FakeUnit {
    async fn chat_message_list(
        &mut self,
        chat: ChatId,
        window: &MessageWindow,
    ) -> StoreResult<MessagePage> {
        let messages = self.call("chat_message_list").chat_messages.iter();
        let mut found: Vec<_> = messages
            .filter(|one| {
                one.chat_id == chat
                    && !one.deleted
                    && one.visibility != Visibility::Model
                    && window.before.is_none_or(|before| one.id < before)
                    && window.after.is_none_or(|after| one.id > after)
            })
            .cloned()
            .collect();
        if window.after.is_none() || window.before.is_some() {
            found.reverse();
        }
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        Ok(MessagePage {
            messages: found,
            has_more,
        })
    }

    async fn chat_message_get(
        &mut self,
        chat: ChatId,
        id: MessageId,
    ) -> StoreResult<Option<ChatMessage>> {
        let mut messages = self.call("chat_message_get").chat_messages.iter();
        Ok(messages
            .find(|one| one.chat_id == chat && one.id == id)
            .cloned())
    }

    async fn chat_prompt_list(
        &mut self,
        chat: ChatId,
        before: Option<MessageId>,
        limit: u32,
    ) -> StoreResult<PromptPage> {
        let messages = self.call("chat_prompt_list").chat_messages.iter().rev();
        let said = messages.filter(|one| {
            one.chat_id == chat
                && !one.deleted
                && one.role == MessageRole::User
                && one.visibility != Visibility::Model
                && before.is_none_or(|before| one.id < before)
        });
        let prompts = said.map(|one| ChatPrompt {
            id: one.id,
            text: text_of(&one.content),
        });
        let mut prompts: Vec<_> = prompts.filter(|prompt| !prompt.text.is_empty()).collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = prompts.len() > limit;
        prompts.truncate(limit);
        Ok(PromptPage { prompts, has_more })
    }

    async fn chat_size_get(&mut self, chat: ChatId) -> StoreResult<ChatSize> {
        let state = self.call("chat_size_get");
        let said = state.chat_messages.iter();
        let said = said.filter(|one| one.chat_id == chat && !one.deleted);
        let waiting = state.queue_of(chat);
        let contents = waiting.iter().map(|one| &one.content);
        let contents = contents.chain(said.map(|one| &one.content));
        let sizes =
            contents.map(|content| serde_json::to_string(content).map_or(0, |text| text.len()));
        let sizes: Vec<usize> = sizes.collect();
        Ok(ChatSize {
            bytes: sizes.iter().sum::<usize>().try_into().unwrap_or(u64::MAX),
            messages: sizes.len().try_into().unwrap_or(u64::MAX),
        })
    }

    async fn chat_queue_list(&mut self, chat: ChatId) -> StoreResult<Vec<QueuedMessage>> {
        Ok(self.call("chat_queue_list").queue_of(chat))
    }

    async fn chat_news_get(
        &mut self,
        chat: ChatId,
        seen: &SeenVersions,
    ) -> StoreResult<Option<ChatNews>> {
        let state = self.call("chat_news_get");
        let Some(found) = state.chat_for(chat, None) else {
            return Ok(None);
        };
        let messages = state.chat_messages.iter().filter(|one| {
            one.chat_id == chat
                && one.visibility != Visibility::Model
                && one.revision > seen.revision
        });
        let versions = found.chat.versions;
        let turn = (versions.history, versions.attempt);
        let from = if turn == seen.turn { seen.parts } else { 0 };
        let parts = state.chat_parts.get(&chat).into_iter().flatten();
        let parts = parts.filter(|part: &&ChatPart| part.seq >= from);
        Ok(Some(ChatNews {
            messages: messages.cloned().collect(),
            queue: state.queue_of(chat),
            parts: parts.cloned().collect(),
            chat: found,
        }))
    }
}

#[async_trait]
impl ChatMessageWrite for FakeUnit {
    async fn chat_message_create(
        &mut self,
        chat: ChatId,
        new: &NewMessage,
        lease: LeaseId,
    ) -> StoreResult<ChatMessage> {
        let state = self.call("chat_message_create");
        let said = state.chat_says(chat, new, None)?;
        state.chat_turn_begins(chat, lease)?;
        Ok(said)
    }

    async fn chat_message_replace(
        &mut self,
        chat: ChatId,
        from: MessageId,
        new: &NewMessage,
        lease: LeaseId,
    ) -> StoreResult<(Vec<MessageId>, ChatMessage)> {
        let state = self.call("chat_message_replace");
        let said = state.chat_says(chat, new, None)?;
        let mut gone = Vec::new();
        let messages = state.chat_messages.iter_mut();
        for old in messages.filter(|one| one.chat_id == chat && one.id >= from && one.id < said.id)
        {
            if !old.deleted {
                (old.deleted, old.revision) = (true, said.revision);
                gone.push(old.id);
            }
        }
        state.chat_queue.retain(|one| one.chat_id != chat);
        state.chat_parts.remove(&chat);
        state.chat_queue_changes(chat)?;
        state.chat_turn_begins(chat, lease)?;
        Ok((gone, said))
    }

    async fn chat_queue_create(
        &mut self,
        chat: ChatId,
        new: &NewMessage,
    ) -> StoreResult<QueuedMessage> {
        let state = self.call("chat_queue_create");
        state.chat_attaches(chat, &new.content)?;
        let queued = QueuedMessage {
            id: QueuedId(next(state.chat_queue.iter().map(|one| one.id.0))),
            chat_id: chat,
            content: new.content.clone(),
            created_by: new.created_by,
            model: new.model.clone(),
            created_at: state.now,
        };
        state.chat_queue.push(queued.clone());
        state.chat_queue_changes(chat)?;
        Ok(queued)
    }

    async fn chat_queue_delete(&mut self, chat: ChatId, id: QueuedId) -> StoreResult<bool> {
        let state = self.call("chat_queue_delete");
        let before = state.chat_queue.len();
        state
            .chat_queue
            .retain(|one| one.chat_id != chat || one.id != id);
        let gone = state.chat_queue.len() < before;
        if gone {
            state.chat_queue_changes(chat)?;
        }
        Ok(gone)
    }

    async fn chat_queue_promote(&mut self, chat: ChatId, id: QueuedId) -> StoreResult<bool> {
        let state = self.call("chat_queue_promote");
        let mut queue = state.chat_queue.iter();
        let Some(place) = queue.position(|one| one.chat_id == chat && one.id == id) else {
            return Ok(false);
        };
        let first = state.chat_queue.remove(place);
        state.chat_queue.insert(0, first);
        state.chat_queue_changes(chat)?;
        Ok(true)
    }

    async fn chat_queue_take(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatMessage>> {
        self.call("chat_queue_take").chat_next(chat, lease)
    }

    async fn chat_interrupt(&mut self, chat: ChatId) -> StoreResult<()> {
        let chat = self.call("chat_interrupt").chat_changes(chat)?;
        if chat.status.active() {
            chat.status = ChatStatus::Interrupting;
        }
        Ok(())
    }
}
