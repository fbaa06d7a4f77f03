//! What is said in chats, and what waits to be said.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lenient::{empty_as_none, null_as_default};

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatMessage {
    /// Its id: greater ones are later.
    pub id: i64,
    /// The chat.
    pub chat_id: Uuid,
    /// Who sent it; absent for what the model says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Uuid>,
    /// The model that said it, or that was asked, as `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was said.
    pub created_at: DateTime<Utc>,
    /// Who says it.
    pub role: ChatMessageRole,
    /// What it is made of.
    pub content: Vec<ChatMessagePart>,
    /// What the answer took; told to the owner only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<ChatMessageUsage>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatMessageRole {
    /// Whoever set the chat up, to the model.
    System,
    /// The owner.
    User,
    /// The model.
    Assistant,
}

/// A part of what was said. Which fields there are depends on its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatMessagePart {
    /// What kind of part it is.
    pub r#type: ChatMessagePartType,
    /// The words of `text` and `reasoning`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The file of `file`, of this chat. It may be gone: a chat keeps its 50 newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<Uuid>,
    /// What the file of `file` is by its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The name of the file of `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the file of `file-reference` is called where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// The first line of `file-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_line: Option<u32>,
    /// The last line of `file-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The lines of `file-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

/// What kind of part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChatMessagePartType {
    /// Words.
    Text,
    /// How the model came to its answer, where it says so.
    Reasoning,
    /// A file of the chat.
    File,
    /// Lines of a file that is somewhere else.
    FileReference,
}

/// What an answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatMessageUsage {
    /// The tokens that went in.
    pub input_tokens: u64,
    /// The tokens that came out.
    pub output_tokens: u64,
}

/// Something that waits to be said until the present turn has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatQueuedMessage {
    /// Its id, which is none of a message.
    pub id: i64,
    /// The chat.
    pub chat_id: Uuid,
    /// The model that is to be asked, as `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// What it is made of.
    pub content: Vec<ChatMessagePart>,
}

/// A part of what somebody sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatInputPart {
    /// What kind of part it is: `text`, `file` or `file-reference`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub r#type: String,
    /// The words of `text`.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub text: String,
    /// The file of `file`: one of the caller's own that no other chat has.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub file_id: Option<Uuid>,
    /// What the file of `file-reference` is called where it is.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub file_name: String,
    /// The first line of `file-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_line: Option<u32>,
    /// The last line of `file-reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// The lines of `file-reference`.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub content: String,
}

impl ChatInputPart {
    /// Words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            r#type: "text".to_owned(),
            text: text.into(),
            ..Self::default()
        }
    }

    /// A file.
    #[must_use]
    pub fn file(file_id: Uuid) -> Self {
        Self {
            r#type: "file".to_owned(),
            file_id: Some(file_id),
            ..Self::default()
        }
    }
}

/// Something to be said. 256 KiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateChatMessageRequest {
    /// What it is made of.
    #[serde(default, deserialize_with = "null_as_default")]
    pub content: Vec<ChatInputPart>,
    /// The provider and its model that answer, as `provider/model`; the chat's when it is absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub model: Option<String>,
    /// What becomes of it while the model answers: `queue`, which is the rule, lets it wait; `interrupt` stops the answer
    /// too.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub busy_behavior: Option<String>,
}

/// What became of something that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateChatMessageResponse {
    /// It was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<ChatMessage>,
    /// All that was said now: where others waited before it, the first of them is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<ChatMessage>,
    /// It waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_message: Option<ChatQueuedMessage>,
    /// Whether it waits.
    pub queued: bool,
}

/// Something to be said instead of what was said. 256 KiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditChatMessageRequest {
    /// What it is made of.
    #[serde(default, deserialize_with = "null_as_default")]
    pub content: Vec<ChatInputPart>,
    /// The provider and its model that answer, as `provider/model`; the chat's when it is absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub model: Option<String>,
}

/// What was said instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditChatMessageResponse {
    /// The new message: it has an id of its own.
    pub message: ChatMessage,
    /// The messages that are no longer said: the one that was edited, and all after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted_message_ids: Vec<i64>,
}

/// What became of something that waited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromoteChatQueuedMessageResponse {
    /// That it is next, for people.
    pub message: String,
}

/// Which messages to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatMessageListQuery {
    /// Only older ones than the message with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 0))]
    pub before_id: Option<i64>,
    /// Only newer ones than the message with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 0))]
    pub after_id: Option<i64>,
    /// The most of them, 1 to 200; 50 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 200))]
    pub limit: Option<i64>,
}

/// Some of what was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatMessagesResponse {
    /// Newest first; with `after_id` alone oldest first.
    pub messages: Vec<ChatMessage>,
    /// What waits to be said; told to the owner only, with the newest messages only.
    pub queued_messages: Vec<ChatQueuedMessage>,
    /// Whether there are more messages further on.
    pub has_more: bool,
}

/// Which prompts to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct ChatPromptListQuery {
    /// Only those of messages older than the one with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 0))]
    pub before_id: Option<i64>,
    /// The most of them, 0 to 2000; 500 when it is 0 or absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 0, maximum = 2000))]
    pub limit: Option<i64>,
}

/// What the owner has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatPromptsResponse {
    /// Newest first; those without words are left out.
    pub prompts: Vec<ChatPrompt>,
    /// Whether there are older ones: a page ends at the limit, and at about a MiB.
    #[serde(default)]
    pub has_more: bool,
}

/// The words of a message of the owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatPrompt {
    /// The message's id.
    pub id: i64,
    /// Its words.
    pub text: String,
}
