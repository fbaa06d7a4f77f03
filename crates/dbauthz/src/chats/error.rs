//! What keeps somebody from doing something with a chat, besides what the store itself says.

use model::{
    ChatId,
    chats::{Conflict, QuotaExceeded},
};
use store::StoreError;

/// The result of a call about a chat.
pub type ChatResult<T> = Result<T, ChatCallError>;

/// Why something was not done with a chat.
#[derive(Debug, thiserror::Error)]
pub enum ChatCallError {
    /// The store's error: also for a chat that is missing, or that the caller may not read or not change.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller may read the chat, and perhaps change it, but it is somebody else's.
    #[error("only the owner of a chat may do this")]
    NotOwner(OwnerOnly),
    /// The caller is no member of the organization that a chat or a file is to belong to, or there is none.
    #[error("the caller is no member of the organization")]
    NotMember,
    /// It is not possible as the chat stands.
    #[error("the chat does not stand so that this can be done")]
    Conflict(Conflict),
    /// As many messages wait as may wait.
    #[error("no more messages can wait in this chat")]
    QueueFull,
    /// The chat would hold more than it may.
    #[error("the chat is full")]
    Full,
    /// The chat has no such message, or it was edited away.
    #[error("the chat has no such message")]
    NoMessage,
    /// The message is not one that the owner said.
    #[error("only what the owner said can be changed")]
    NotUserMessage,
    /// No such message waits.
    #[error("no such message waits in this chat")]
    NoQueuedMessage,
    /// Parts of the content, by their places, name files that the caller may not attach, or that there are not.
    #[error("there are files that cannot be attached")]
    Files(Vec<usize>),
    /// A message has more files than a chat can keep.
    #[error("the message has too many files")]
    TooManyFiles,
    /// What a whole family has or does is changed at its root.
    #[error("only the root of a family can be changed so")]
    Inner {
        /// What was to be changed.
        change: RootOnly,
        /// The root.
        root: ChatId,
    },
    /// What is archived is not kept on top.
    #[error("an archived chat cannot be kept on top")]
    ArchivedPin,
    /// Something is wrong with the workspace.
    #[error("the workspace cannot be worked in")]
    Workspace(WorkspaceProblem),
    /// The parent is missing, somebody else's, or of another organization.
    #[error("there is no such parent")]
    NoParent,
    /// The parent is as deep as chats may be.
    #[error("the family is as deep as it may be")]
    TooDeep,
    /// The family has as many chats as it may have.
    #[error("the family has as many chats as it may have")]
    FamilyFull,
    /// The owner's quota has no room for a file.
    #[error(transparent)]
    FileQuota(#[from] QuotaExceeded),
    /// The owner keeps a chat on top by changing it, and never out of sight.
    #[error("the owner of a chat is not one of its readers")]
    OwnChat,
}

impl From<Conflict> for ChatCallError {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

/// What only the owner does, because it spends the owner's money, speaks in the owner's name or is the owner's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OwnerOnly {
    /// Say something.
    Send,
    /// Say something else.
    Edit,
    /// Say what waits now.
    Promote,
    /// Start a part of it.
    Branch,
    /// Keep it on top.
    Pin,
    /// Bind it to a workspace.
    Bind,
    /// Run its turn.
    Run,
}

/// What is changed at the root of a family only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RootOnly {
    /// Whether it is put away.
    Archive,
    /// Its place on top.
    Pin,
    /// Whether it is out of sight.
    Hide,
}

/// What is wrong with a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkspaceProblem {
    /// There is none, or the caller may not know of it.
    Missing,
    /// The caller may see it, but not work in it.
    NotUsable,
    /// It belongs to another organization than the chat.
    OtherOrganization,
}
