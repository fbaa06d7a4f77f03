//! A chat as its viewers know it, and what they are told when it changes. Pure.

use std::collections::BTreeMap;

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
    messages: BTreeMap<MessageId, ChatMessage>,
    queue: Vec<QueuedMessage>,
    /// What the model has said so far in the turn that runs.
    parts: Vec<ChatPart>,
}

/// What changed, to be told.
#[derive(Debug, Default)]
pub(super) struct Change {
    preview_reset: bool,
    history_reset: bool,
    messages: Vec<ChatMessage>,
    queue: Option<Vec<QueuedMessage>>,
    status: Option<ChatStatus>,
    error: Option<ChatError>,
    turn: Option<TurnKey>,
    parts: Vec<ChatPart>,
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
        let mut image = Self {
            access: chat,
            messages: messages.map(|message| (message.id, message)).collect(),
            queue,
            parts: Vec::new(),
        };
        image.follow(parts);
        image
    }

    /// The chat.
    pub(super) const fn access(&self) -> &ChatAccess {
        &self.access
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
        self.messages.values().rev().find_map(events::answer)
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
            queue: (queue != self.queue).then(|| queue.clone()),
            ..Change::default()
        };
        change.preview_reset = new.turn() != old.turn() && !self.parts.is_empty();
        if new.turn() != old.turn() {
            self.parts.clear();
        }
        self.access = access;
        self.queue = queue;
        for message in messages {
            if message.deleted {
                change.history_reset |= self.messages.remove(&message.id).is_some();
            } else {
                change.messages.push(message.clone());
                self.messages.insert(message.id, message);
            }
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

    /// Everything, as it is told to somebody who comes now and knows all messages up to `after`; `anew` to somebody who
    /// is to forget what was told before.
    pub(super) fn snapshot(&self, after: Option<MessageId>, anew: bool) -> Change {
        // What was edited away since is told by forgetting everything.
        let lost = after.is_some_and(|after| after.0 > 0 && !self.messages.contains_key(&after));
        let reset = anew || lost;
        let newer = |id: &MessageId| reset || after.is_none_or(|after| *id > after);
        let messages = self.messages.iter().filter(|(id, _)| newer(id));
        let chat = &self.access.chat;
        let error = chat.last_error.clone();
        Change {
            preview_reset: anew,
            history_reset: reset,
            messages: messages.map(|(_, message)| message.clone()).collect(),
            queue: Some(self.queue.clone()),
            status: Some(chat.status),
            error: error.filter(|_| chat.status == ChatStatus::Error),
            turn: self.turn(),
            parts: self.parts.clone(),
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
    fn shown(&self, change: &Change, audience: Audience) -> (Vec<ChatMessage>, Option<ChatError>) {
        let (messages, error) = (change.messages.clone(), change.error.clone());
        if audience == Audience::Owner || (messages.is_empty() && error.is_none()) {
            return (messages, error);
        }
        let mut chat = self.access.clone();
        chat.chat.last_error = error;
        let news = news_for_readers(ChatNews {
            chat,
            messages,
            queue: Vec::new(),
            parts: Vec::new(),
        });
        (news.messages, news.chat.chat.last_error)
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
