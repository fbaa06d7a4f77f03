//! Chats: conversations of a person with a model, in an organization, that can be shared for reading.
//!
//! A chat may have sub-chats at any depth. They are a family with one root, whose ACL is everybody's in it
//! ([`ChatAccess`]). What a conversation may do next is decided in [`state`], what a list asks for in [`query`].

mod content;
mod error;
mod files;
mod messages;
mod naming;
pub mod pins;
pub mod query;
mod size;
pub mod state;
mod title;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rbac::{Action, ActionSet, ResourceType};

pub use self::{
    content::{
        Attachment, ContentPart, ContentProblem, MAX_CONTENT_BYTES, content_problems, joined,
        text_of,
    },
    error::{ChatError, ChatErrorKind},
    files::{
        ChatFile, ChatFileBytes, ChatFileDownload, FILE_TYPES, FILES_PER_CHAT, LOOSE_FILES,
        MAX_FILE_BYTES, NewChatFile,
    },
    messages::{
        ChatMessage, ChatPart, ChatPrompt, ChatTurn, MessageId, MessagePage, MessageRole,
        MessageWindow, NewMessage, PromptPage, QUEUE_MAX, QueuedId, QueuedMessage, TurnEnd,
        TurnKey, TurnUsage, Visibility,
    },
    naming::{legible, provider_and_model},
    query::{ChatCursor, ChatFilter, ChatPage, ChatSources},
    size::{
        CHAT_MAX_BYTES, CHAT_MAX_MESSAGES, ChatSize, FAMILY_MAX, FileQuota, PROMPT_PAGE_BYTES,
        QuotaExceeded,
    },
    state::{ChatStatus, Conflict},
    title::made_title,
};
use crate::{
    ChatId, LeaseId, Name, OrganizationId, UserId, WorkspaceId,
    acl::{Acl, AclRole, SharingOff},
};

/// The longest title, in characters.
pub const TITLE_MAX_CHARS: usize = 200;
/// The most labels of a chat.
pub const LABELS_MAX: usize = 50;
/// How many chats there may be from a root down to a leaf.
pub const MAX_DEPTH: u32 = 10;

/// A chat, as it stands for somebody who looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the wire shows"
)]
pub struct Chat {
    /// Its id.
    pub id: ChatId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's unique name.
    pub owner_username: Name,
    /// The owner's name that people read.
    pub owner_name: String,
    /// The workspace it is about.
    pub workspace_id: Option<WorkspaceId>,
    /// The chat it is a part of.
    pub parent_chat_id: Option<ChatId>,
    /// The root of its family: its own id if it is one.
    pub root_chat_id: ChatId,
    /// What it is about.
    pub title: String,
    /// The provider and its model, as `provider/model`; `None` is the deployment's.
    pub model: Option<String>,
    /// By what kind of program it was started.
    pub client_type: ClientType,
    /// Words for programs to find it by.
    pub labels: BTreeMap<String, String>,
    /// Whether it was put away.
    pub archived: bool,
    /// Where it is kept on top of the looker's list, from 1 on; 0 is not there.
    pub pin_order: u32,
    /// What it does.
    pub status: ChatStatus,
    /// Why the last turn ended in an error.
    pub last_error: Option<ChatError>,
    /// Whether somebody else may read it because its family is shared.
    pub shared: bool,
    /// Whether there is an answer that the looker has not seen.
    pub has_unread: bool,
    /// Whether the looker keeps it out of sight; the owner never does.
    pub hidden: bool,
    /// Its versions.
    pub versions: ChatVersions,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When something about it or in it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Chat {
    /// Whether it is the root of its family.
    #[must_use]
    pub fn root(&self) -> bool {
        self.root_chat_id == self.id
    }

    /// The turn that runs in it.
    #[must_use]
    pub fn turn(&self) -> Option<TurnKey> {
        self.status.active().then_some(TurnKey {
            chat_id: self.id,
            history_version: self.versions.history,
            attempt: self.versions.attempt,
        })
    }
}

/// The versions of a chat: each is the snapshot's at the last change of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChatVersions {
    /// Raised by each change.
    pub snapshot: i64,
    /// Of what was said.
    pub history: i64,
    /// Of what waits to be said.
    pub queue: i64,
    /// How many turns were begun since the history changed last.
    pub attempt: i64,
}

/// A chat with what decides who may read it and share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAccess {
    /// The chat.
    pub chat: Chat,
    /// With whom its family is shared: the entries that count now.
    pub acl: Acl<ChatRole>,
    /// Whether its organization lets chats be shared.
    pub sharing: bool,
}

impl ChatAccess {
    /// Why its organization lets nobody share it; `None` when it does.
    #[must_use]
    pub const fn sharing_off(&self) -> Option<SharingOff> {
        if self.sharing {
            None
        } else {
            Some(SharingOff::Organization)
        }
    }
}

/// In which way a chat is shared with somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChatRole {
    /// To read it, and nothing else: a turn spends the owner's money and speaks in the owner's name.
    Read,
}

impl AclRole for ChatRole {
    const RESOURCE: ResourceType = ResourceType::Chat;
    const ALL: &'static [Self] = &[Self::Read];

    fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
        }
    }

    fn actions(self) -> ActionSet {
        match self {
            Self::Read => ActionSet::of(Action::Read),
        }
    }
}

/// By what kind of program a chat was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientType {
    /// A page for people.
    Ui,
    /// Any other program.
    #[default]
    Api,
}

impl ClientType {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ui => "ui",
            Self::Api => "api",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ui, Self::Api]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

/// A chat to be made, with its first message, whose turn begins at once.
#[derive(Debug, Clone)]
pub struct NewChat {
    /// Its id.
    pub id: ChatId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// Whose it is: an active member of the organization.
    pub owner_id: UserId,
    /// The workspace it is about, of the same organization.
    pub workspace_id: Option<WorkspaceId>,
    /// The chat it is a part of: of the same owner and organization.
    pub parent_chat_id: Option<ChatId>,
    /// What it is about.
    pub title: String,
    /// Whether the title was made of what is said first: it goes with those words, and is in no log.
    pub title_made: bool,
    /// The provider and its model; `None` is the deployment's.
    pub model: Option<String>,
    /// By what kind of program it is started.
    pub client_type: ClientType,
    /// Words for programs to find it by.
    pub labels: BTreeMap<String, String>,
    /// What is said first, in order: what the model is told, and what the owner says.
    pub messages: Vec<NewMessage>,
    /// The server that runs the turn.
    pub lease_id: LeaseId,
}

/// A change of a chat; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatUpdate {
    /// A new title, that somebody chose.
    pub title: Option<String>,
    /// All labels anew.
    pub labels: Option<BTreeMap<String, String>>,
    /// Another workspace, or none.
    pub workspace_id: Option<Option<WorkspaceId>>,
    /// Put away, or taken out again: with the whole family.
    pub archived: Option<bool>,
    /// Another place on top of the owner's list; 0 is none.
    pub pin_order: Option<u32>,
}

/// A change of what one viewer keeps; `None` leaves a value as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ViewerUpdate {
    /// The last message that was read; never goes back.
    pub last_read: Option<MessageId>,
    /// Another place on top of the viewer's list of what others share; 0 is none.
    pub pin_order: Option<u32>,
    /// Out of sight, or in it again.
    pub hidden: Option<bool>,
}

/// When entries of an ACL end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AclExpiry {
    /// As they did; new ones never.
    #[default]
    Keep,
    /// All that a change names, then.
    At(DateTime<Utc>),
    /// All that a change names, never.
    Never,
}
