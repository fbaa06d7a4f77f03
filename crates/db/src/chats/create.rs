//! Making a chat.

use diesel::{
    sql_query,
    sql_types::{Array, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::chats::{Chat, NewChat};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::chat_get;
use crate::{
    chat_files::attach,
    errors::internal,
    query::{Cached, run},
};

/// With its first turn. Organization and owner are held still, so that neither is deleted and the owner does not leave
/// meanwhile; the account before the membership, as whoever deletes the account does. A parent that there is not is its
/// own root here, and refused by the foreign key.
const CREATE: &str = "\
INSERT INTO chats (id, organization_id, owner_id, workspace_id, parent_chat_id, root_chat_id, title, title_made, model, \
    client_type, labels, status, lease_id, turn_started_at, snapshot_version, history_version, generation_attempt) \
SELECT $1, m.organization_id, m.user_id, $4, $5, \
    CASE WHEN $5 IS NULL THEN $1 ELSE coalesce((SELECT p.root_chat_id FROM chats AS p WHERE p.id = $5), $5) END, \
    $6, $7, $8, $9, $10, 'running', $11, bursar_now(), 1, 1, 1 \
FROM organization_members AS m \
JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
JOIN users AS u ON u.id = m.user_id AND NOT u.deleted AND u.status = 'active' \
WHERE m.organization_id = $2 AND m.user_id = $3 FOR SHARE OF o FOR KEY SHARE OF u, m";

/// In their order, so that the one that is said first has the least id.
const SAY: &str = "\
INSERT INTO chat_messages (chat_id, role, visibility, content, created_by, model, revision) \
SELECT $1, said.role, said.visibility, said.content, said.created_by, said.model, 1 \
FROM unnest($2, $3, $4, $5, $6) WITH ORDINALITY AS said (role, visibility, content, created_by, model, place) \
ORDER BY said.place";

pub(super) async fn chat_create(conn: &AsyncPgConnection, new: &NewChat) -> StoreResult<Chat> {
    let labels = serde_json::to_value(&new.labels).map_err(internal)?;
    let insert = sql_query(CREATE)
        .bind::<SqlUuid, _>(new.id.0)
        .bind::<SqlUuid, _>(new.organization_id.0)
        .bind::<SqlUuid, _>(new.owner_id.0)
        .bind::<Nullable<SqlUuid>, _>(new.workspace_id.map(|id| id.0))
        .bind::<Nullable<SqlUuid>, _>(new.parent_chat_id.map(|id| id.0))
        .bind::<Text, _>(new.title.clone())
        .bind::<Bool, _>(new.title_made)
        .bind::<Nullable<Text>, _>(new.model.clone())
        .bind::<Text, _>(new.client_type.as_str())
        .bind::<Jsonb, _>(labels)
        .bind::<SqlUuid, _>(new.lease_id.0);
    if run(conn, Cached(insert)).await? == 0 {
        let text = "the owner must be an active member of the organization";
        return Err(StoreError::Refused(text.to_owned()));
    }
    let contents = new
        .messages
        .iter()
        .map(|message| message.content.as_slice());
    let contents = attach(conn, new.id, contents).await?;
    let contents: Vec<serde_json::Value> = contents
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()
        .map_err(internal)?;
    let of = |messages: &[model::chats::NewMessage]| -> Vec<Option<Uuid>> {
        let by = messages.iter().map(|one| one.created_by.map(|id| id.0));
        by.collect()
    };
    let roles = new.messages.iter().map(|one| one.role.as_str());
    let visibilities = new.messages.iter().map(|one| one.visibility.as_str());
    let models = new.messages.iter().map(|one| one.model.clone());
    let say = sql_query(SAY)
        .bind::<SqlUuid, _>(new.id.0)
        .bind::<Array<Text>, _>(roles.collect::<Vec<_>>())
        .bind::<Array<Text>, _>(visibilities.collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(contents)
        .bind::<Array<Nullable<SqlUuid>>, _>(of(&new.messages))
        .bind::<Array<Nullable<Text>>, _>(models.collect::<Vec<_>>());
    run(conn, Cached(say)).await?;
    let made = chat_get(conn, new.id, Some(new.owner_id)).await?;
    Ok(made.ok_or(StoreError::NotFound)?.chat)
}
