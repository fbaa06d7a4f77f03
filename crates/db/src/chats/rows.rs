//! What a chat's row says: the columns that every reading of chats selects, and how they are read.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use model::{
    acl::AclRole,
    chats::{Chat, ChatAccess, ChatRole, ChatStatus, ChatVersions, ClientType},
};
use serde::Deserialize;
use store::StoreResult;
use uuid::Uuid;

use crate::{
    acl::{self, AclTable},
    errors::internal,
    query::parse,
    visibility::Columns,
};

/// Entries that count now.
pub(crate) const LIVE: &str = "acl.expires_at IS NULL OR acl.expires_at > bursar_now()";

/// Who else may read a family, in queries whose chats are `c` and whose organizations are `o`.
pub(crate) const ACL: AclTable = AclTable {
    name: "chat_acl",
    object: "root_chat_id",
    row: "c.root_chat_id",
    granting: ChatRole::granting,
    counts: "o.chat_sharing",
    live: Some(LIVE),
    changed: "UPDATE chats SET snapshot_version = snapshot_version + 1, updated_at = bursar_now() WHERE id = $1",
};

/// What a visibility asks for, in queries whose chats are `c` and whose organizations are `o`.
pub(crate) const COLUMNS: Columns = Columns {
    id: Some("c.id"),
    owner: Some("c.owner_id"),
    organization: Some("o.id"),
    groups: false,
};

/// Whether there is an answer that a looker has not seen: the chat is `c`, what the looker keeps of it `v`.
macro_rules! unread {
    () => {
        "EXISTS (SELECT FROM chat_messages AS m WHERE m.chat_id = c.id AND m.role = 'assistant' AND NOT m.deleted \
         AND m.id > coalesce(v.last_read_message_id, 0))"
    };
}

/// What a [`ChatRow`] says of the chat `c` of `chats_expanded` to the looker `$1`, who keeps `v` of it.
macro_rules! columns {
    () => {
        concat!(
            "c.id, c.organization_id, c.owner_id, c.owner_username, c.owner_name, c.workspace_id, c.parent_chat_id, \
             c.root_chat_id, c.title, c.model, c.client_type, c.labels, c.archived, \
             coalesce(v.pin_order, 0) AS pin_order, c.status, c.last_error, \
             c.chat_sharing AND EXISTS (SELECT FROM chat_acl AS acl WHERE acl.root_chat_id = c.root_chat_id \
                 AND (acl.expires_at IS NULL OR acl.expires_at > bursar_now())) AS shared, \
             $1 IS NOT NULL AND ",
            $crate::chats::rows::unread!(),
            " AS has_unread, coalesce(v.hidden, false) AND c.owner_id <> $1 AS hidden, c.snapshot_version, \
             c.history_version, c.queue_version, c.generation_attempt, c.created_at, c.updated_at"
        )
    };
}

/// What the looker `$1` keeps of the chat `c`.
macro_rules! looked_at {
    () => {
        " LEFT JOIN chat_viewers AS v ON v.chat_id = c.id AND v.user_id = $1 "
    };
}

pub(crate) use {columns, looked_at, unread};

/// A chat as somebody sees it. The keys are the columns'.
#[derive(Deserialize, QueryableByName)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
pub(crate) struct ChatRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Text)]
    owner_username: String,
    #[diesel(sql_type = Text)]
    owner_name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    workspace_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    parent_chat_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    root_chat_id: Uuid,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Text)]
    client_type: String,
    #[diesel(sql_type = Jsonb)]
    labels: serde_json::Value,
    #[diesel(sql_type = Bool)]
    archived: bool,
    #[diesel(sql_type = Integer)]
    pin_order: i32,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Jsonb>)]
    last_error: Option<serde_json::Value>,
    #[diesel(sql_type = Bool)]
    shared: bool,
    #[diesel(sql_type = Bool)]
    has_unread: bool,
    #[diesel(sql_type = Bool)]
    hidden: bool,
    #[diesel(sql_type = BigInt)]
    snapshot_version: i64,
    #[diesel(sql_type = BigInt)]
    history_version: i64,
    #[diesel(sql_type = BigInt)]
    queue_version: i64,
    #[diesel(sql_type = BigInt)]
    generation_attempt: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

impl ChatRow {
    pub(crate) fn chat(self) -> StoreResult<Chat> {
        Ok(Chat {
            id: self.id.into(),
            organization_id: self.organization_id.into(),
            owner_id: self.owner_id.into(),
            owner_username: parse("users.username", &self.owner_username)?,
            owner_name: self.owner_name,
            workspace_id: self.workspace_id.map(Into::into),
            parent_chat_id: self.parent_chat_id.map(Into::into),
            root_chat_id: self.root_chat_id.into(),
            title: self.title,
            model: self.model,
            client_type: word("chats.client_type", &self.client_type, ClientType::parse)?,
            labels: json("chats.labels", self.labels)?,
            archived: self.archived,
            pin_order: u32::try_from(self.pin_order).map_err(internal)?,
            status: word("chats.status", &self.status, ChatStatus::parse)?,
            last_error: optional_json("chats.last_error", self.last_error)?,
            shared: self.shared,
            has_unread: self.has_unread,
            hidden: self.hidden,
            versions: ChatVersions {
                snapshot: self.snapshot_version,
                history: self.history_version,
                queue: self.queue_version,
                attempt: self.generation_attempt,
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A chat with what decides about it.
#[derive(Deserialize, QueryableByName)]
pub(crate) struct AccessRow {
    #[serde(flatten)]
    #[diesel(embed)]
    chat: ChatRow,
    #[diesel(sql_type = Jsonb)]
    acl: serde_json::Value,
    #[diesel(sql_type = Bool)]
    chat_sharing: bool,
}

impl AccessRow {
    pub(crate) fn access(self) -> StoreResult<ChatAccess> {
        Ok(ChatAccess {
            chat: self.chat.chat()?,
            acl: acl::acl(self.acl)?,
            sharing: self.chat_sharing,
        })
    }
}

/// Reads a stored word that a check of the table admits.
pub(crate) fn word<T>(
    column: &str,
    word: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> StoreResult<T> {
    parse(word).ok_or_else(|| internal(format!("`{column}` holds `{word}`, which is no such word")))
}

/// Reads a stored JSON value that was checked when it was written.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    column: &str,
    value: serde_json::Value,
) -> StoreResult<T> {
    serde_json::from_value(value)
        .map_err(|error| internal(format!("`{column}` cannot be read: {error}")))
}

/// Reads a stored JSON value, if there is one.
pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(
    column: &str,
    value: Option<serde_json::Value>,
) -> StoreResult<Option<T>> {
    value.map(|value| json(column, value)).transpose()
}
