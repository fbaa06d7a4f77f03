//! Attaching files to a chat, with the messages that name them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    ChatId,
    chats::{ContentPart, FILES_PER_CHAT},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, rows, run},
};

/// The owner's files that no other chat has, in the order of their ids, so that two chats never wait for each other.
const LOCK: &str = "\
SELECT f.id, f.mime_type, f.name FROM chat_files AS f \
JOIN chats AS c ON c.id = $1 AND c.owner_id = f.owner_id AND c.organization_id = f.organization_id \
WHERE f.id = ANY ($2) AND (f.chat_id IS NULL OR f.chat_id = $1) ORDER BY f.id FOR UPDATE OF f";

const MOVE: &str = "UPDATE chat_files SET chat_id = $1 WHERE id = ANY ($2) AND chat_id IS NULL";

/// The oldest go, but none of those that were attached just now.
const EVICT: &str = "\
DELETE FROM chat_files WHERE id IN (SELECT id FROM chat_files WHERE chat_id = $1 AND id <> ALL ($2) \
    ORDER BY created_at, id \
    LIMIT greatest(0, (SELECT count(*) FROM chat_files WHERE chat_id = $1) - $3))";

#[derive(QueryableByName)]
struct AttachedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    mime_type: String,
    #[diesel(sql_type = Text)]
    name: String,
}

/// Attaches the files that these contents name to a locked chat, and says in the contents what they are.
///
/// # Errors
/// `Refused` when they are too many, or one does not exist, is not the owner's, or is another chat's.
pub(crate) async fn attach<'a>(
    conn: &AsyncPgConnection,
    chat: ChatId,
    contents: impl Iterator<Item = &'a [ContentPart]> + Send,
) -> StoreResult<Vec<Vec<ContentPart>>> {
    let mut contents: Vec<Vec<ContentPart>> = contents.map(<[_]>::to_vec).collect();
    let named = contents.iter().flatten().filter_map(|part| match part {
        ContentPart::File { file_id, .. } => Some(file_id.0),
        _ => None,
    });
    let wanted: BTreeSet<Uuid> = named.collect();
    if wanted.is_empty() {
        return Ok(contents);
    }
    if wanted.len() > FILES_PER_CHAT {
        let text = format!("a message can have at most {FILES_PER_CHAT} files");
        return Err(StoreError::Refused(text));
    }
    let wanted: Vec<Uuid> = wanted.into_iter().collect();
    let lock = sql_query(LOCK)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Array<SqlUuid>, _>(wanted.clone());
    let found: Vec<AttachedRow> = rows(conn, Cached(lock)).await?;
    if found.len() < wanted.len() {
        let text = "a file does not exist, is not the owner's, or is another chat's";
        return Err(StoreError::Refused(text.to_owned()));
    }
    let to_chat = sql_query(MOVE)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Array<SqlUuid>, _>(wanted.clone());
    let evict = sql_query(EVICT)
        .bind::<SqlUuid, _>(chat.0)
        .bind::<Array<SqlUuid>, _>(wanted)
        .bind::<BigInt, _>(i64::try_from(FILES_PER_CHAT).map_err(internal)?);
    try_join(run(conn, Cached(to_chat)), run(conn, Cached(evict))).await?;
    let known: BTreeMap<Uuid, AttachedRow> = found.into_iter().map(|row| (row.id, row)).collect();
    for part in contents.iter_mut().flatten() {
        if let ContentPart::File {
            file_id,
            mime_type,
            name,
        } = part
            && let Some(file) = known.get(&file_id.0)
        {
            *mime_type = Some(file.mime_type.clone());
            *name = Some(file.name.clone());
        }
    }
    Ok(contents)
}
