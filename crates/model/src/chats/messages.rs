//! What is said in a chat, what waits to be said, and turns.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{ChatError, ContentPart};
use crate::{ChatId, LeaseId, OrganizationId, ReservationId, UserId};

/// The most messages that wait in a chat.
pub const QUEUE_MAX: u32 = 50;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

numbers! {
    /// A message: greater ones are later, also across chats.
    MessageId,
    /// A message that waits.
    QueuedId,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRole {
    /// Whoever set the chat up, to the model.
    System,
    /// The owner.
    User,
    /// The model.
    Assistant,
}

impl MessageRole {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// The role of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::System, Self::User, Self::Assistant];
        all.into_iter().find(|one| one.as_str() == word)
    }
}

/// Who a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// Only people.
    User,
    /// Only the model.
    Model,
    /// Both.
    #[default]
    Both,
}

impl Visibility {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Model => "model",
            Self::Both => "both",
        }
    }

    /// The visibility of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::User, Self::Model, Self::Both];
        all.into_iter().find(|one| one.as_str() == word)
    }
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// Its id.
    pub id: MessageId,
    /// The chat.
    pub chat_id: ChatId,
    /// Who says it.
    pub role: MessageRole,
    /// Who it is for.
    pub visibility: Visibility,
    /// What it is made of.
    pub content: Vec<ContentPart>,
    /// Who sent it; `None` for what the model says.
    pub created_by: Option<UserId>,
    /// The model that said it, or that was asked.
    pub model: Option<String>,
    /// The tokens that went into the answer, and those of the answer; for the owner only.
    pub usage: Option<TurnUsage>,
    /// Whether it was edited away.
    pub deleted: bool,
    /// The chat's snapshot version at its last change.
    pub revision: i64,
    /// When it was said.
    pub created_at: DateTime<Utc>,
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Who says it.
    pub role: MessageRole,
    /// Who it is for.
    pub visibility: Visibility,
    /// What it is made of; its files are attached to the chat with it.
    pub content: Vec<ContentPart>,
    /// Who sent it.
    pub created_by: Option<UserId>,
    /// The model that says it, or that is asked.
    pub model: Option<String>,
}

/// Something that waits to be said until the present turn has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// Its id.
    pub id: QueuedId,
    /// The chat.
    pub chat_id: ChatId,
    /// What it is made of.
    pub content: Vec<ContentPart>,
    /// Who sent it.
    pub created_by: Option<UserId>,
    /// The model that is to be asked.
    pub model: Option<String>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
}

/// Which messages of a chat are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageWindow {
    /// Only older ones than this.
    pub before: Option<MessageId>,
    /// Only newer ones than this.
    pub after: Option<MessageId>,
    /// The most of them. With `after` alone it is the oldest that are given, otherwise the newest.
    pub limit: u32,
}

/// Some of what was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessagePage {
    /// In the order of their ids: newest first, or with `after` alone oldest first.
    pub messages: Vec<ChatMessage>,
    /// Whether there are more of them further on.
    pub has_more: bool,
}

/// The words of something that the owner said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPrompt {
    /// The message.
    pub id: MessageId,
    /// Its texts, with an empty line between them.
    pub text: String,
}

/// Some of what the owner said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromptPage {
    /// Newest first; what has no words is left out.
    pub prompts: Vec<ChatPrompt>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// Which turn of a chat is meant: whatever changes the history or begins another turn ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TurnKey {
    /// The chat.
    pub chat_id: ChatId,
    /// The history that it answers.
    pub history_version: i64,
    /// Which attempt it is.
    pub attempt: i64,
}

/// A turn that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatTurn {
    /// Which.
    pub key: TurnKey,
    /// The server that runs it.
    pub lease_id: LeaseId,
    /// In whose name and on whose budget.
    pub owner_id: UserId,
    /// The chat's organization.
    pub organization_id: OrganizationId,
    /// The provider and its model: the last message's, else the chat's; `None` is the deployment's.
    pub model: Option<String>,
    /// What was said so far, as far as it is for the model.
    pub history: Vec<ChatMessage>,
}

/// A piece of what the model says in a turn that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatPart {
    /// Its place, counted from 0 without a gap.
    pub seq: i32,
    /// Words that follow those before, or something whole.
    pub part: ContentPart,
}

/// What a turn used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TurnUsage {
    /// The tokens that went in.
    pub input_tokens: u64,
    /// The tokens that came out.
    pub output_tokens: u64,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnEnd {
    /// What the model said, in whole or in part; nothing when it is empty.
    pub content: Vec<ContentPart>,
    /// The model that said it.
    pub model: Option<String>,
    /// What it used, as far as the provider told.
    pub usage: Option<TurnUsage>,
    /// Its usage event.
    pub usage_event_id: Option<ReservationId>,
    /// Why it ended before its end, if it did. An interruption is no error.
    pub error: Option<ChatError>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chats::{ChatStatus, ClientType};

    #[test]
    fn words_are_read_as_they_are_written() {
        for role in [
            MessageRole::System,
            MessageRole::User,
            MessageRole::Assistant,
        ] {
            assert_eq!(MessageRole::parse(role.as_str()), Some(role));
        }
        for visibility in [Visibility::User, Visibility::Model, Visibility::Both] {
            assert_eq!(Visibility::parse(visibility.as_str()), Some(visibility));
        }
        for status in ChatStatus::ALL {
            assert_eq!(ChatStatus::parse(status.as_str()), Some(*status));
        }
        for client in [ClientType::Ui, ClientType::Api] {
            assert_eq!(ClientType::parse(client.as_str()), Some(client));
        }
        for other in ["", "User", "tool"] {
            assert_eq!(MessageRole::parse(other), None);
            assert_eq!(Visibility::parse(other), None);
            assert_eq!(ChatStatus::parse(other), None);
            assert_eq!(ClientType::parse(other), None);
        }
    }

    #[test]
    fn numbers_are_read_as_they_are_shown() {
        for number in [0, 1, i64::MAX] {
            let id = MessageId(number);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!("x".parse::<QueuedId>().is_err());
        assert!(MessageId(1) < MessageId(2));
    }
}
