//! Files that people attach to chats.

use chrono::{DateTime, Utc};

use crate::{ChatFileId, ChatId, OrganizationId, UserId};

/// The largest file, in bytes.
pub const MAX_FILE_BYTES: usize = 10 * 1024 * 1024;
/// The most files of a chat: with one more its oldest goes.
pub const FILES_PER_CHAT: usize = 50;
/// The most files of a person that no chat has; they go after a day.
pub const LOOSE_FILES: usize = 50;

/// What files may be.
pub const FILE_TYPES: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "text/plain",
    "text/markdown",
    "text/csv",
    "application/json",
    "application/pdf",
];

/// What is known of a file without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFile {
    /// Its id.
    pub id: ChatFileId,
    /// Whose it is.
    pub owner_id: UserId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The chat that has it; `None` until it is attached.
    pub chat_id: Option<ChatId>,
    /// Its name.
    pub name: String,
    /// What it is by its bytes: one of [`FILE_TYPES`].
    pub mime_type: String,
    /// How large it is.
    pub size_bytes: u64,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// When it came.
    pub created_at: DateTime<Utc>,
    /// Whether something names it there that readers of its chat see: neither what waits nor what was edited away.
    pub shown: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFileBytes {
    /// What is known of it.
    pub file: ChatFile,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// A file to be kept.
#[derive(Debug, Clone)]
pub struct NewChatFile {
    /// Its id.
    pub id: ChatFileId,
    /// Whose it is: an active member of the organization.
    pub owner_id: UserId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// Its name.
    pub name: String,
    /// What it is by its bytes.
    pub mime_type: String,
    /// The SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub data: Vec<u8>,
}

/// An address of a file that holds for a while without a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatFileDownload {
    /// The SHA-256 of the secret in the address.
    pub token_hash: [u8; 32],
    /// The file.
    pub file_id: ChatFileId,
    /// For whom it was made: who must still be allowed to read the file.
    pub user_id: UserId,
    /// Until when it holds.
    pub expires_at: DateTime<Utc>,
}
