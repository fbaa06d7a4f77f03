//! What streams of chats tell.
//!
//! A stream is a WebSocket, or a stream of server-sent events for whoever accepts `text/event-stream`. A frame, or the
//! `data` of an event, is a JSON list of [`ChatStreamEvent`]s, 256 at most; one of `/chats/watch` is a single
//! [`ChatWatchEvent`].

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Chat, ChatError, ChatMessage, ChatMessagePart, ChatMessageRole, ChatQueuedMessage, ChatStatus,
};

/// Something that happened in a chat. Which fields there are depends on its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatStreamEvent {
    /// What kind of event it is.
    pub r#type: ChatStreamEventType,
    /// The chat.
    pub chat_id: Uuid,
    /// The message of `message`: it takes the place of the one with the same id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<ChatMessage>,
    /// The part of `message_part`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_part: Option<ChatStreamMessagePart>,
    /// What the chat does now, of `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ChatStreamStatus>,
    /// Why the turn ended, of `error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ChatError>,
    /// All that waits now, of `queue_update`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_messages: Option<Vec<ChatQueuedMessage>>,
}

impl ChatStreamEvent {
    /// An event that says nothing more than its kind.
    #[must_use]
    pub const fn new(kind: ChatStreamEventType, chat_id: Uuid) -> Self {
        Self {
            r#type: kind,
            chat_id,
            message: None,
            message_part: None,
            status: None,
            error: None,
            queued_messages: None,
        }
    }
}

/// What kind of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatStreamEventType {
    /// A message is new, or has changed.
    Message,
    /// The model says something more in the turn that runs.
    MessagePart,
    /// What the chat does has changed.
    Status,
    /// The turn has ended in an error.
    Error,
    /// What waits to be said has changed; told to the owner only.
    QueueUpdate,
    /// Messages were edited away: all that were told before are forgotten, and those that hold now follow.
    HistoryReset,
    /// The parts of an unfinished answer that were told before are forgotten.
    PreviewReset,
}

/// A piece of what the model says in the turn that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatStreamMessagePart {
    /// Who says it.
    pub role: ChatMessageRole,
    /// Words that follow those before, or something whole.
    pub part: ChatMessagePart,
    /// The history that the turn answers.
    pub history_version: i64,
    /// Which attempt at an answer to that history it is.
    pub generation_attempt: i64,
    /// Its place in the turn, counted from 0 without a gap.
    pub seq: i32,
}

/// What a chat does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatStreamStatus {
    /// What it does.
    pub status: ChatStatus,
}

/// From where on a stream tells what was said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatStreamQuery {
    /// Only messages that are newer than the one with this id are told at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(value_type = Option<i64>, minimum = 0))]
    pub after_id: Option<String>,
}

/// Why a stream ends before its time: the last event of a stream of server-sent events, by the name `error`. A WebSocket
/// is closed with the same code and words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatStreamEnd {
    /// 4401 when nobody is signed in any more, 4403 when the caller may not read the chat any more, 1001 when the server
    /// stops, 1011 when it cannot go on.
    pub code: u16,
    /// The same for people.
    pub message: String,
}

/// Something that happened to a chat of the caller's, or to one that is shared with the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatWatchEvent {
    /// What happened.
    pub kind: ChatWatchEventKind,
    /// The chat; with `granted` and `revoked` the root of the family.
    pub chat_id: Uuid,
    /// The chat as it is for the caller; absent when it is gone, or is not for the caller any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
}

/// What happened to a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatWatchEventKind {
    /// It was made, or taken out of the archive.
    Created,
    /// What it does has changed.
    StatusChange,
    /// Its title has changed.
    TitleChange,
    /// It was archived, or is gone.
    Deleted,
    /// Its family is shared with the caller now.
    Granted,
    /// Its family is not shared with the caller any more.
    Revoked,
    /// With whom its family is shared has changed.
    AclChange,
}
