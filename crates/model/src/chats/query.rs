//! What a list of chats asks for: the words of its query language, and its place.

mod cursor;
mod parse;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub use self::{
    cursor::CursorError,
    parse::{QueryProblem, label},
};
use super::Chat;
use crate::ChatId;

/// Whose chats are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChatSources {
    /// One's own.
    #[default]
    Own,
    /// Those that others share with oneself or with a group of one's own.
    Shared,
    /// Both.
    Both,
}

/// What a list of chats is narrowed by: roots only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatFilter {
    /// Whose.
    pub sources: ChatSources,
    /// Only with this in the title, without regard to case.
    pub title: Option<String>,
    /// Only those that were put away, instead of the others.
    pub archived: bool,
    /// Only with, or without, an answer that the looker has not seen.
    pub has_unread: Option<bool>,
    /// Also those that the looker keeps out of sight.
    pub with_hidden: bool,
    /// Only with all these labels.
    pub labels: BTreeMap<String, String>,
    /// Only those in which all these words are, in the title or in what was said, also in a sub-chat.
    pub search: Option<String>,
    /// Only what follows this place.
    pub after: Option<ChatCursor>,
    /// Only what follows this chat, where it stands now.
    pub after_id: Option<ChatId>,
    /// How many rows to pass over.
    pub offset: u32,
    /// The most rows.
    pub limit: u32,
}

/// A place in a list, by what the list is sorted by: on top first, then what changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatCursor {
    /// The place on top; 0 is not there.
    pub pin_order: u32,
    /// When it changed last.
    pub updated_at: DateTime<Utc>,
    /// Which it is.
    pub id: ChatId,
}

impl ChatCursor {
    /// The place of a chat.
    #[must_use]
    pub const fn of(chat: &Chat) -> Self {
        Self {
            pin_order: chat.pin_order,
            updated_at: chat.updated_at,
            id: chat.id,
        }
    }
}

/// Some chats.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatPage {
    /// The roots, each with the chats of its family in the order in which they were made.
    pub chats: Vec<ChatFamily>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A root with the rest of its family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFamily {
    /// The root.
    pub root: Chat,
    /// Its sub-chats at any depth, as far as they are archived as it is.
    pub children: Vec<Chat>,
}
