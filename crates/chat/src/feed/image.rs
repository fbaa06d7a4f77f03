//! A chat as its viewers know it, and what they are told when it changes. Pure.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use dbauthz::news_for_readers;
use model::chats::{
    ChatAccess, ChatError, ChatMessage, ChatPart, ChatStatus, MessageId, QueuedMessage, TurnKey,
};
use store::chat_messages::{ChatNews, SeenVersions};

use crate::{
    ChatEvent, PartEvent,
    events::{self},
};

/// For whom events are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Audience {
    /// The owner, who sees what waits and what was used.
    Owner,
    /// Everybody else who may read the chat.
    Readers,
}

/// A chat as its viewers know it.
#[derive(Debug, Clone)]
pub(super) struct Image {
    access: ChatAccess,
    messages: BTreeMap<MessageId, Arc<ChatMessage>>,
    /// How many bytes of the chat's room they take.
    room: usize,
    queue: Arc<[QueuedMessage]>,
    /// What the model has said so far in the turn that runs.
    parts: Vec<ChatPart>,
}

/// What changed, to be told.
#[derive(Debug, Default)]
pub(super) struct Change {
    preview_reset: bool,
    history_reset: bool,
    messages: Vec<Arc<ChatMessage>>,
    queue: Option<Arc<[QueuedMessage]>>,
    status: Option<ChatStatus>,
    error: Option<ChatError>,
    turn: Option<TurnKey>,
    parts: Vec<ChatPart>,
    /// The first of the messages that are new, others than they were, or gone.
    touched: Option<MessageId>,
}

impl Change {
    /// These messages.
    pub(super) fn said(messages: Vec<Arc<ChatMessage>>) -> Self {
        Self {
            messages,
            ..Self::default()
        }
    }

    /// Whether there is nothing to be told.
    pub(super) const fn nothing(&self) -> bool {
        !(self.preview_reset || self.history_reset)
            && self.messages.is_empty()
            && self.queue.is_none()
            && self.status.is_none()
            && self.error.is_none()
            && self.parts.is_empty()
    }

    /// The first of the messages that are new, others than they were, or gone.
    pub(super) const fn touched(&self) -> Option<MessageId> {
        self.touched
    }
}

/// From where on news are to be asked for that make an image of nothing.
pub(super) fn nothing() -> SeenVersions {
    SeenVersions::default()
}

impl Image {
    /// The image that these news, since the beginning, make.
    pub(super) fn new(news: ChatNews) -> Self {
        let ChatNews {
            chat,
            messages,
            queue,
            parts,
        } = news;
        let messages = messages.into_iter().filter(|message| !message.deleted);
        let messages: BTreeMap<_, _> = messages
            .map(|message| (message.id, Arc::new(message)))
            .collect();
        let room = messages.values().map(|message| events::room(message));
        let mut image = Self {
            access: chat,
            room: room.sum(),
            messages,
            queue: queue.into(),
            parts: Vec::new(),
        };
        image.follow(parts);
        image
    }

    /// The chat.
    pub(super) const fn access(&self) -> &ChatAccess {
        &self.access
    }

    /// About how many bytes are said in it.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// The turn that runs.
    pub(super) fn turn(&self) -> Option<TurnKey> {
        self.access.chat.turn()
    }

    /// How many parts of it are known.
    pub(super) const fn heard(&self) -> usize {
        self.parts.len()
    }

    /// From where on news are to be asked for.
    pub(super) fn seen(&self) -> SeenVersions {
        let turn = self.turn();
        SeenVersions {
            revision: self.access.chat.versions.snapshot,
            turn: turn.map_or((0, 0), |turn| (turn.history_version, turn.attempt)),
            parts: i32::try_from(self.parts.len()).unwrap_or(i32::MAX),
        }
    }

    /// The last answer.
    pub(super) fn last_answer(&self) -> Option<MessageId> {
        self.messages
            .values()
            .rev()
            .find_map(|one| events::answer(one))
    }

    /// Takes news in; what is to be told of them.
    pub(super) fn advance(&mut self, news: ChatNews) -> Change {
        let ChatNews {
            chat: access,
            messages,
            queue,
            parts,
        } = news;
        let (old, new) = (&self.access.chat, &access.chat);
        let mut change = Change {
            status: (new.status != old.status).then_some(new.status),
            // Once for each turn that ends so.
            error: (ended(new) != ended(old))
                .then(|| new.last_error.clone())
                .flatten()
                .filter(|_| new.status == ChatStatus::Error),
            touched: messages.iter().map(|message| message.id).min(),
            ..Change::default()
        };
        if queue.as_slice() != &*self.queue {
            self.queue = queue.into();
            change.queue = Some(Arc::clone(&self.queue));
        }
        change.preview_reset = new.turn() != old.turn() && !self.parts.is_empty();
        if new.turn() != old.turn() {
            self.parts.clear();
        }
        self.access = access;
        for message in messages {
            let before = if message.deleted {
                let before = self.messages.remove(&message.id);
                change.history_reset |= before.is_some();
                before
            } else {
                let message = Arc::new(message);
                self.room = self.room.saturating_add(events::room(&message));
                change.messages.push(Arc::clone(&message));
                self.messages.insert(message.id, message)
            };
            let freed = before.map_or(0, |message| events::room(&message));
            self.room = self.room.saturating_sub(freed);
        }
        if change.history_reset {
            change.messages = self.messages.values().cloned().collect();
        }
        change.parts = self.follow(parts);
        change.turn = self.turn();
        change
    }

    /// Takes in what the model says on in this turn; what is to be told of it. Nothing when it is not the turn that is
    /// known to run: then there are news to be read.
    pub(super) fn say(&mut self, turn: TurnKey, parts: Vec<ChatPart>) -> Option<Change> {
        (self.turn() == Some(turn)).then(|| Change {
            parts: self.follow(parts),
            turn: Some(turn),
            ..Change::default()
        })
    }

    /// Whether there is such a message.
    pub(super) fn knows(&self, id: MessageId) -> bool {
        self.messages.contains_key(&id)
    }

    /// The messages after this one.
    pub(super) fn said(&self, after: Option<MessageId>) -> impl Iterator<Item = &Arc<ChatMessage>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let newer = self.messages.range((from, Bound::Unbounded));
        newer.map(|(_, message)| message)
    }

    /// Everything after this message, as it is told to somebody who comes now.
    pub(super) fn state(&self, after: Option<MessageId>) -> Change {
        let chat = &self.access.chat;
        let error = chat.last_error.clone();
        Change {
            messages: self.said(after).cloned().collect(),
            queue: Some(Arc::clone(&self.queue)),
            status: Some(chat.status),
            error: error.filter(|_| chat.status == ChatStatus::Error),
            turn: self.turn(),
            parts: self.parts.clone(),
            ..Change::default()
        }
    }

    /// What is to be told of a change.
    pub(super) fn events(&self, change: &Change, audience: Audience) -> Vec<ChatEvent> {
        let mut events = Vec::new();
        events.extend(change.preview_reset.then_some(ChatEvent::PreviewReset));
        events.extend(change.history_reset.then_some(ChatEvent::HistoryReset));
        let (messages, error) = self.shown(change, audience);
        events.extend(messages.into_iter().map(ChatEvent::Message));
        if audience == Audience::Owner {
            events.extend(change.queue.clone().map(ChatEvent::Queue));
        }
        events.extend(change.status.map(ChatEvent::Status));
        events.extend(error.map(ChatEvent::Error));
        if let Some(turn) = change.turn {
            let part = |part| ChatEvent::Part(PartEvent::new(turn, part));
            events.extend(change.parts.iter().map(part));
        }
        events
    }

    /// What of messages and of an error is shown.
    fn shown(
        &self,
        change: &Change,
        audience: Audience,
    ) -> (Vec<Arc<ChatMessage>>, Option<ChatError>) {
        let (messages, error) = (&change.messages, change.error.clone());
        if audience == Audience::Owner || (messages.is_empty() && error.is_none()) {
            return (messages.clone(), error);
        }
        let mut chat = self.access.clone();
        chat.chat.last_error = error;
        let news = news_for_readers(ChatNews {
            chat,
            messages: messages.iter().map(|one| ChatMessage::clone(one)).collect(),
            queue: Vec::new(),
            parts: Vec::new(),
        });
        // What is the same for all is kept once.
        let once = |(all, readers): (&Arc<ChatMessage>, ChatMessage)| match **all == readers {
            true => Arc::clone(all),
            false => Arc::new(readers),
        };
        let shown = messages.iter().zip(news.messages).map(once);
        (shown.collect(), news.chat.chat.last_error)
    }

    /// Takes in those of these parts that follow without a gap.
    fn follow(&mut self, parts: Vec<ChatPart>) -> Vec<ChatPart> {
        let mut new = Vec::new();
        for part in parts {
            if usize::try_from(part.seq).is_ok_and(|seq| seq == self.parts.len()) {
                self.parts.push(part.clone());
                new.push(part);
            }
        }
        new
    }
}

/// Which turn a chat shows the error of.
fn ended(chat: &model::chats::Chat) -> Option<(i64, i64)> {
    let shows = chat.status == ChatStatus::Error;
    shows.then_some((chat.versions.history, chat.versions.attempt))
}
