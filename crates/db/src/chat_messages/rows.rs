//! What the rows of messages say, and how they are read.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use model::chats::{
    ChatMessage, ContentPart, MessageId, MessageRole, QueuedId, QueuedMessage, TurnUsage,
    Visibility,
};
use serde::Deserialize;
use store::StoreResult;
use uuid::Uuid;

use crate::{
    chats::rows::{json, word},
    errors::internal,
};

/// What a [`MessageRow`] says of the message `m`.
macro_rules! message {
    () => {
        "m.id, m.chat_id, m.role, m.visibility, m.content, m.created_by, m.model, m.input_tokens, m.output_tokens, \
         m.deleted, m.revision, m.created_at"
    };
}

/// What a [`QueuedRow`] says of what waits, `w`.
macro_rules! waiting {
    () => {
        "w.id, w.chat_id, w.content, w.created_by, w.model, w.created_at"
    };
}

pub(crate) use {message, waiting};

/// A message. The keys are the columns'.
#[derive(Deserialize, QueryableByName)]
pub(crate) struct MessageRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SqlUuid)]
    chat_id: Uuid,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    visibility: String,
    #[diesel(sql_type = Jsonb)]
    content: serde_json::Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    created_by: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    input_tokens: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    output_tokens: Option<i64>,
    #[diesel(sql_type = Bool)]
    deleted: bool,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

impl MessageRow {
    pub(crate) fn message(self) -> StoreResult<ChatMessage> {
        let usage = match (self.input_tokens, self.output_tokens) {
            (None, None) => None,
            (input, output) => Some(TurnUsage {
                input_tokens: tokens(input)?,
                output_tokens: tokens(output)?,
            }),
        };
        Ok(ChatMessage {
            id: MessageId(self.id),
            chat_id: self.chat_id.into(),
            role: word("chat_messages.role", &self.role, MessageRole::parse)?,
            visibility: word(
                "chat_messages.visibility",
                &self.visibility,
                Visibility::parse,
            )?,
            content: json("chat_messages.content", self.content)?,
            created_by: self.created_by.map(Into::into),
            model: self.model,
            usage,
            deleted: self.deleted,
            revision: self.revision,
            created_at: self.created_at,
        })
    }
}

fn tokens(stored: Option<i64>) -> StoreResult<u64> {
    u64::try_from(stored.unwrap_or_default()).map_err(internal)
}

/// Something that waits. The keys are the columns'.
#[derive(Deserialize, QueryableByName)]
pub(crate) struct QueuedRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SqlUuid)]
    chat_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    content: serde_json::Value,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    created_by: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

impl QueuedRow {
    pub(crate) fn queued(self) -> StoreResult<QueuedMessage> {
        Ok(QueuedMessage {
            id: QueuedId(self.id),
            chat_id: self.chat_id.into(),
            content: json("chat_queued_messages.content", self.content)?,
            created_by: self.created_by.map(Into::into),
            model: self.model,
            created_at: self.created_at,
        })
    }
}

/// Content as it is stored.
pub(crate) fn stored(content: &[ContentPart]) -> StoreResult<serde_json::Value> {
    serde_json::to_value(content).map_err(internal)
}

/// Rows that were read as one JSON value.
pub(crate) fn messages(value: serde_json::Value) -> StoreResult<Vec<ChatMessage>> {
    let found: Vec<MessageRow> = json("chat_messages", value)?;
    found.into_iter().map(MessageRow::message).collect()
}
