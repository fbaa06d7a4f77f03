//! Messages to people: the inbox.

use chrono::{DateTime, Utc};

use crate::{NotificationId, UserId};

/// How many of a person's messages are kept; older ones go first.
pub const KEPT: u32 = 1_000;
/// For how many days a message is kept.
pub const KEPT_DAYS: u32 = 90;

/// A message in a person's inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id; newer ones are greater.
    pub id: NotificationId,
    /// Whose it is.
    pub user_id: UserId,
    /// Which text it is.
    pub template: String,
    /// What it is about, on a line.
    pub title: String,
    /// What it says, as plain text.
    pub content: String,
    /// What it says, by name, for programs: an object of texts.
    pub data: serde_json::Value,
    /// What can be done about it.
    pub actions: Vec<NotificationAction>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was read; `None` is not yet.
    pub read_at: Option<DateTime<Utc>>,
}

/// A link that a message comes with.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NotificationAction {
    /// What it does.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// Whether messages were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadStatus {
    /// Whether or not.
    #[default]
    All,
    /// Those that were not.
    Unread,
    /// Those that were.
    Read,
}

/// Which messages of a person to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxFilter {
    /// Whose.
    pub user_id: UserId,
    /// Read, unread, or both.
    pub read_status: ReadStatus,
    /// Only those that are older than this one.
    pub starting_before: Option<NotificationId>,
    /// How many at most.
    pub limit: u32,
}

/// Messages of a person, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// The messages asked for.
    pub items: Vec<Notification>,
    /// How many of all were not read.
    pub unread_count: u64,
}

/// A message, and how many of its person's were not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// The message.
    pub notification: Notification,
    /// How many of all were not read.
    pub unread_count: u64,
}
