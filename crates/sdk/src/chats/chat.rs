//! A chat, and how it is made and changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ChatFile, ChatInputPart};
use crate::lenient::{empty_as_none, null_as_default};

/// A chat, as it stands for whoever looks at it: `pin_order`, `has_unread` and `hidden` are the looker's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields that existing clients know"
)]
pub struct Chat {
    /// Its id.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization_id: Uuid,
    /// Whose it is.
    pub owner_id: Uuid,
    /// The owner's unique name.
    pub owner_username: String,
    /// The owner's name that people read; may be empty.
    pub owner_name: String,
    /// The workspace it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<Uuid>,
    /// The chat it is a part of; absent for a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_chat_id: Option<Uuid>,
    /// The root of its family, whose ACL is that of every chat in it; a root's is its own id.
    pub root_chat_id: Uuid,
    /// What it is about.
    pub title: String,
    /// The provider and its model that answer, as `provider/model`; absent where the deployment's do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it does.
    pub status: ChatStatus,
    /// Why the last turn ended in an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<ChatError>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When something about it or in it last changed.
    pub updated_at: DateTime<Utc>,
    /// Whether it was put away.
    pub archived: bool,
    /// Whether somebody else may read it because its family is shared.
    pub shared: bool,
    /// Where the looker keeps it on top of their list, from 1 on; 0 is not there.
    pub pin_order: u32,
    /// Whether there is an answer that the looker has not seen.
    pub has_unread: bool,
    /// Whether the looker keeps it out of sight.
    pub hidden: bool,
    /// Words for programs to find it by.
    pub labels: BTreeMap<String, String>,
    /// By what kind of program it was started.
    pub client_type: ChatClientType,
    /// Its files, oldest first; only where one chat is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<ChatFile>,
    /// A root's sub-chats at any depth, as far as they are archived as it is, in the order in which they were made.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    pub children: Vec<Chat>,
}

/// What a chat does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatStatus {
    /// It waits for its owner to say something.
    Waiting,
    /// The model answers.
    Running,
    /// The last turn ended in an error.
    Error,
    /// The model answers and was told to stop.
    Interrupting,
}

/// By what kind of program a chat was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatClientType {
    /// A page for people.
    Ui,
    /// Any other program.
    #[default]
    Api,
}

/// Why a turn ended in an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChatError {
    /// What happened, for people. With `usage_limit` it has the numbers, and when the limit resets.
    pub message: String,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What kind of error it is.
    pub kind: ChatErrorKind,
    /// The provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Whether the same may succeed later.
    pub retryable: bool,
    /// The status that the provider or the gateway answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
}

/// What kind of error ended a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ChatErrorKind {
    /// None of the others.
    Generic,
    /// The provider is overloaded.
    Overloaded,
    /// The provider takes no more requests for now.
    RateLimit,
    /// No answer came in time.
    Timeout,
    /// The answer began and went silent.
    StreamSilenceTimeout,
    /// The provider did not accept this deployment's key.
    Auth,
    /// The model or the provider is not set up.
    Config,
    /// A budget or a cap of the owner is in the way.
    UsageLimit,
    /// The provider did not answer what was asked.
    ContentFilter,
}

/// A chat to be made, with what is said first: its turn begins at once. 256 KiB at most.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateChatRequest {
    /// The organization it shall belong to: the caller is a member of it.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub organization_id: Option<Uuid>,
    /// What the caller says.
    #[serde(default, deserialize_with = "null_as_default")]
    pub content: Vec<ChatInputPart>,
    /// What the model is told before.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub system_prompt: Option<String>,
    /// What it is about, 200 characters at most; the beginning of what is said when it is absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub title: Option<String>,
    /// The workspace it is about: of the same organization, and one that the caller may use.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub workspace_id: Option<Uuid>,
    /// The chat that it shall be a part of: one of the caller's own.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub parent_chat_id: Option<Uuid>,
    /// The provider and its model that answer, as `provider/model`; the deployment's when it is absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub model: Option<String>,
    /// Words for programs to find it by, 50 at most.
    #[serde(
        default,
        deserialize_with = "null_as_default",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub labels: BTreeMap<String, String>,
    /// By what kind of program it is started: `ui` or `api`, which it is when it is absent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub client_type: Option<String>,
}

/// A change of a chat; what is absent stays as it is. It is made as a whole, or not at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateChatRequest {
    /// A new title, 200 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// All labels anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Put away, or taken out again, with its whole family; of a root only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Another place on top of the owner's list, from 1 on; 0 takes it off. A chat that is not there yet comes last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_order: Option<i64>,
    /// Another workspace; the id of zeros is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<Uuid>,
}

/// A change of what the caller keeps about a chat that they may read; what is absent stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateChatViewerRequest {
    /// Another place on top of the caller's list of what others share, from 1 on; 0 takes it off. The owner's place is the
    /// chat's own `pin_order`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_order: Option<i64>,
    /// Kept out of the list, or in it again. An owner's own chats are archived instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// The last message that was read; it never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read_message_id: Option<i64>,
}
