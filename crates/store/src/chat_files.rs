//! Files that people attach to chats.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatFileId, ChatId, UserId,
    chats::{ChatAccess, ChatFile, ChatFileBytes, ChatFileDownload, NewChatFile},
};

use crate::StoreResult;

/// A file and the chat that has it, as of one moment.
#[derive(Debug, Clone)]
pub struct FileAccess {
    /// What is known of the file.
    pub file: ChatFile,
    /// The chat that has it, with its ACL.
    pub chat: Option<ChatAccess>,
}

/// Reads files of chats.
#[async_trait]
pub trait ChatFileRead: Send {
    /// A file without its bytes, and the chat that has it, by one statement.
    async fn chat_file_get(&mut self, id: ChatFileId) -> StoreResult<Option<FileAccess>>;
    /// A file's bytes.
    async fn chat_file_bytes_get(&mut self, id: ChatFileId) -> StoreResult<Option<ChatFileBytes>>;
    /// A chat's files without their bytes, oldest first.
    async fn chat_file_list(&mut self, chat: ChatId) -> StoreResult<Vec<ChatFile>>;
    /// What an address leads to, if it still holds.
    async fn chat_file_download_get(
        &mut self,
        token_hash: &[u8; 32],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<ChatFileDownload>>;
}

/// Changes files of chats.
#[async_trait]
pub trait ChatFileWrite: ChatFileRead {
    /// How many bytes of files a person keeps. Until the unit ends nobody else is told, so that two files of a person that
    /// come at once see each other.
    async fn chat_file_usage_lock(&mut self, owner: UserId) -> StoreResult<u64>;
    /// Keeps a file that no chat has yet.
    ///
    /// # Errors
    /// [`crate::StoreError::Refused`] when the owner is no active member of the organization, or has too many files
    /// that no chat has.
    async fn chat_file_create(&mut self, new: &NewChatFile) -> StoreResult<ChatFile>;
    /// Makes an address.
    async fn chat_file_download_create(&mut self, download: &ChatFileDownload) -> StoreResult<()>;
    /// Removes files that no chat has and that came before `before`, and addresses that hold no more; how many.
    async fn chat_file_prune(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64>;
    /// Those of these files that this person may attach: their own, that no chat has or this one.
    async fn chat_file_attachable_list(
        &mut self,
        owner: UserId,
        chat: Option<ChatId>,
        ids: &[ChatFileId],
    ) -> StoreResult<Vec<ChatFile>>;
}
