//! Messages to people: the inbox.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message in the caller's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxNotification {
    /// Its id; newer ones are greater.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// Which text it is: `ai_budget_threshold_user`, `ai_budget_threshold_admin` or `ai_pool_threshold_admin`, and
    /// more to come.
    pub template_id: String,
    /// What it is about, on a line.
    pub title: String,
    /// What it says, as plain text.
    pub content: String,
    /// What it says, by name, for programs.
    pub data: BTreeMap<String, String>,
    /// What can be done about it.
    pub actions: Vec<InboxNotificationAction>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it was read; `null` is not yet.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub read_at: Option<DateTime<Utc>>,
}

/// A link that a message comes with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InboxNotificationAction {
    /// What it does.
    pub label: String,
    /// Where it leads.
    pub url: String,
}

/// Messages of the caller's inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ListInboxNotificationsResponse {
    /// The messages asked for, newest first.
    pub notifications: Vec<InboxNotification>,
    /// How many of all were not read.
    pub unread_count: u64,
}

/// Whether messages were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InboxReadStatus {
    /// Whether or not.
    #[default]
    All,
    /// Those that were not.
    Unread,
    /// Those that were.
    Read,
}

/// Which messages of the inbox to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct NotificationListQuery {
    /// Only those that were read, or that were not; both when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(inline))]
    pub read_status: Option<InboxReadStatus>,
    /// Only those that are older than the message with this id: the last one of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting_before: Option<Uuid>,
    /// The greatest number of messages to return, 1 to 1,000; 25 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Whether a message was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateInboxNotificationReadStatusRequest {
    /// Whether it was. Marking what was read already keeps its time.
    pub is_read: bool,
}

/// A message, and how many of the inbox were not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateInboxNotificationReadStatusResponse {
    /// The message.
    pub notification: InboxNotification,
    /// How many of all were not read.
    pub unread_count: u64,
}
