//! Files that people attach to chats.

mod attach;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Bytea, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use futures_util::future::try_join;
use model::{
    ChatFileId, ChatId, UserId,
    chats::{ChatFile, ChatFileBytes, ChatFileDownload, LOOSE_FILES, NewChatFile},
};
use store::{
    StoreError, StoreResult,
    chat_files::{ChatFileRead, ChatFileWrite, FileAccess},
};
use uuid::Uuid;

pub(crate) use self::attach::attach;
use crate::{
    chats::alone,
    chats::rows::{AccessRow, columns, looked_at, optional_json},
    errors::internal,
    query::{Cached, changed, count, one, row, rows, run},
    unit::{Unit, Writing},
};

/// What a [`FileRow`] says of the file `f`, but for whether it is shown.
macro_rules! columns_of_file {
    () => {
        "f.id, f.owner_id, f.organization_id, f.chat_id, f.name, f.mime_type, f.size_bytes, f.sha256, f.created_at, "
    };
}

/// What a [`FileRow`] says of the file `f`, which is one: its chat is looked through for it.
macro_rules! file {
    () => {
        concat!(
            columns_of_file!(),
            "EXISTS (SELECT FROM chat_messages AS fm \
                WHERE fm.chat_id = f.chat_id AND NOT fm.deleted AND fm.visibility <> 'model' \
                AND fm.content @> jsonb_build_array(jsonb_build_object('type', 'file', 'file_id', f.id::text))) AS shown"
        )
    };
}

/// The files that messages of a chat name which all its readers see, looked for once, however many files it has.
macro_rules! said {
    ($chat:literal) => {
        concat!(
            "WITH said AS MATERIALIZED (SELECT DISTINCT named #>> '{}' AS id FROM chat_messages AS m, \
                jsonb_path_query(m.content, '$[*] ? (@.type == \"file\").file_id') AS named \
                WHERE m.chat_id = ",
            $chat,
            " AND NOT m.deleted AND m.visibility <> 'model') "
        )
    };
}

/// What a [`FileRow`] says of a file `f` of the chat that was looked through.
macro_rules! file_of_chat {
    () => {
        concat!(
            columns_of_file!(),
            "(f.chat_id IS NOT NULL AND f.id::text IN (SELECT s.id FROM said AS s)) AS shown"
        )
    };
}

/// Files of living organizations.
macro_rules! files {
    () => {
        " FROM chat_files AS f JOIN organizations AS fo ON fo.id = f.organization_id AND NOT fo.deleted "
    };
}

/// Nobody in particular looks at the chat: `$1` is NULL.
const GET: &str = concat!(
    "SELECT ",
    file!(),
    ", (SELECT to_jsonb(whole) FROM (SELECT ",
    columns!(),
    ", c.acl, c.chat_sharing FROM chats_expanded AS c",
    looked_at!(),
    "WHERE c.id = f.chat_id) AS whole) AS chat",
    files!(),
    "WHERE f.id = $2"
);

const BYTES: &str = concat!("SELECT ", file!(), ", f.data", files!(), "WHERE f.id = $1");

const LIST: &str = concat!(
    said!("$1"),
    "SELECT ",
    file_of_chat!(),
    files!(),
    "WHERE f.chat_id = $1 ORDER BY f.created_at, f.id"
);

const ATTACHABLE: &str = concat!(
    said!("$3"),
    "SELECT ",
    file_of_chat!(),
    files!(),
    "WHERE f.id = ANY ($1) AND f.owner_id = $2 AND (f.chat_id IS NULL OR f.chat_id = $3) ORDER BY f.id"
);

#[derive(QueryableByName)]
struct FileRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    chat_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    mime_type: String,
    #[diesel(sql_type = BigInt)]
    size_bytes: i64,
    #[diesel(sql_type = Bytea)]
    sha256: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    shown: bool,
}

impl FileRow {
    fn file(self) -> StoreResult<ChatFile> {
        Ok(ChatFile {
            id: self.id.into(),
            owner_id: self.owner_id.into(),
            organization_id: self.organization_id.into(),
            chat_id: self.chat_id.map(Into::into),
            name: self.name,
            mime_type: self.mime_type,
            size_bytes: u64::try_from(self.size_bytes).map_err(internal)?,
            sha256: hash("chat_files.sha256", &self.sha256)?,
            created_at: self.created_at,
            shown: self.shown,
        })
    }
}

fn hash(column: &str, bytes: &[u8]) -> StoreResult<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_size| internal(format!("`{column}` has {} bytes", bytes.len())))
}

#[derive(QueryableByName)]
struct FileAccessRow {
    #[diesel(embed)]
    file: FileRow,
    #[diesel(sql_type = Nullable<Jsonb>)]
    chat: Option<serde_json::Value>,
}

#[derive(QueryableByName)]
struct FileBytesRow {
    #[diesel(embed)]
    file: FileRow,
    #[diesel(sql_type = Bytea)]
    data: Vec<u8>,
}

const DOWNLOAD: &str = "\
SELECT file_id, user_id, expires_at FROM chat_file_downloads WHERE token_hash = $1 AND expires_at > $2";

#[derive(QueryableByName)]
struct DownloadRow {
    #[diesel(sql_type = SqlUuid)]
    file_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
}

#[async_trait]
impl<Mode: Send + Sync> ChatFileRead for Unit<Mode> {
    async fn chat_file_get(&mut self, id: ChatFileId) -> StoreResult<Option<FileAccess>> {
        let get = sql_query(GET)
            .bind::<Nullable<SqlUuid>, _>(None::<Uuid>)
            .bind::<SqlUuid, _>(id.0);
        let found: Option<FileAccessRow> = row(self.connection()?, Cached(get)).await?;
        let access = |found: FileAccessRow| {
            let chat: Option<AccessRow> = optional_json("chats_expanded", found.chat)?;
            Ok(FileAccess {
                file: found.file.file()?,
                chat: chat.map(AccessRow::access).transpose()?,
            })
        };
        found.map(access).transpose()
    }

    async fn chat_file_bytes_get(&mut self, id: ChatFileId) -> StoreResult<Option<ChatFileBytes>> {
        let get = sql_query(BYTES).bind::<SqlUuid, _>(id.0);
        let found: Option<FileBytesRow> = row(self.connection()?, Cached(get)).await?;
        let bytes = |found: FileBytesRow| {
            Ok(ChatFileBytes {
                file: found.file.file()?,
                data: found.data,
            })
        };
        found.map(bytes).transpose()
    }

    async fn chat_file_list(&mut self, chat: ChatId) -> StoreResult<Vec<ChatFile>> {
        let list = sql_query(LIST).bind::<SqlUuid, _>(chat.0);
        let found: Vec<FileRow> = rows(self.connection()?, Cached(list)).await?;
        found.into_iter().map(FileRow::file).collect()
    }

    async fn chat_file_download_get(
        &mut self,
        token_hash: &[u8; 32],
        now: DateTime<Utc>,
    ) -> StoreResult<Option<ChatFileDownload>> {
        let get = sql_query(DOWNLOAD)
            .bind::<Bytea, _>(token_hash.to_vec())
            .bind::<Timestamptz, _>(now);
        let found: Option<DownloadRow> = row(self.connection()?, Cached(get)).await?;
        Ok(found.map(|row| ChatFileDownload {
            token_hash: *token_hash,
            file_id: row.file_id.into(),
            user_id: row.user_id.into(),
            expires_at: row.expires_at,
        }))
    }
}

/// Held by whoever keeps a file of a person's, before anything else, and by nobody for anything else.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtextextended('chat_files ' || $1, 0))";

const USAGE: &str =
    "SELECT coalesce(sum(size_bytes), 0)::bigint AS bytes FROM chat_files WHERE owner_id = $1";

#[derive(QueryableByName)]
struct UsageRow {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// The membership is held against another file of the same person that is being kept, so that the two see each other.
const HOLD: &str = "\
SELECT FROM organization_members AS m \
JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
JOIN users AS u ON u.id = m.user_id AND NOT u.deleted AND u.status = 'active' \
WHERE m.organization_id = $1 AND m.user_id = $2 \
FOR SHARE OF o FOR KEY SHARE OF u FOR NO KEY UPDATE OF m";

const CREATE: &str = concat!(
    "INSERT INTO chat_files AS f (id, owner_id, organization_id, name, mime_type, size_bytes, sha256, data) \
     SELECT $1, $2, $3, $4, $5, octet_length($7), $6, $7 \
     WHERE (SELECT count(*) FROM chat_files AS l WHERE l.owner_id = $2 AND l.chat_id IS NULL) < $8 RETURNING ",
    file!()
);

const PROMISE: &str = "\
INSERT INTO chat_file_downloads (token_hash, file_id, user_id, expires_at) VALUES ($1, $2, $3, $4)";

const PRUNE_FILES: &str = "\
DELETE FROM chat_files WHERE id IN (SELECT id FROM chat_files WHERE chat_id IS NULL AND created_at < $1 \
    ORDER BY created_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)";

const PRUNE_DOWNLOADS: &str = "\
DELETE FROM chat_file_downloads WHERE token_hash IN (SELECT token_hash FROM chat_file_downloads \
    WHERE expires_at <= bursar_now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)";

#[async_trait]
impl ChatFileWrite for Unit<Writing> {
    async fn chat_file_usage_lock(&mut self, owner: UserId) -> StoreResult<u64> {
        let conn = self.connection()?;
        let lock = sql_query(LOCK).bind::<Text, _>(owner.to_string());
        run(conn, Cached(lock)).await?;
        let usage = sql_query(USAGE).bind::<SqlUuid, _>(owner.0);
        let usage: UsageRow = one(conn, Cached(usage)).await?;
        Ok(count(usage.bytes))
    }

    async fn chat_file_create(&mut self, new: &NewChatFile) -> StoreResult<ChatFile> {
        let conn = self.connection()?;
        let hold = sql_query(HOLD)
            .bind::<SqlUuid, _>(new.organization_id.0)
            .bind::<SqlUuid, _>(new.owner_id.0);
        if run(conn, Cached(hold)).await? == 0 {
            let text = "the owner must be an active member of the organization";
            return Err(StoreError::Refused(text.to_owned()));
        }
        let create = sql_query(CREATE)
            .bind::<SqlUuid, _>(new.id.0)
            .bind::<SqlUuid, _>(new.owner_id.0)
            .bind::<SqlUuid, _>(new.organization_id.0)
            .bind::<Text, _>(new.name.clone())
            .bind::<Text, _>(new.mime_type.clone())
            .bind::<Bytea, _>(new.sha256.to_vec())
            .bind::<Bytea, _>(new.data.clone())
            .bind::<BigInt, _>(i64::try_from(LOOSE_FILES).map_err(internal)?);
        let made: Option<FileRow> = row(conn, Cached(create)).await?;
        let refused = || {
            StoreError::Refused(format!(
                "at most {LOOSE_FILES} files can be kept unattached"
            ))
        };
        made.ok_or_else(refused)?.file()
    }

    async fn chat_file_download_create(&mut self, download: &ChatFileDownload) -> StoreResult<()> {
        let promise = sql_query(PROMISE)
            .bind::<Bytea, _>(download.token_hash.to_vec())
            .bind::<SqlUuid, _>(download.file_id.0)
            .bind::<SqlUuid, _>(download.user_id.0)
            .bind::<Timestamptz, _>(download.expires_at);
        run(self.connection()?, Cached(promise)).await.map(drop)
    }

    async fn chat_file_prune(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let conn = self.connection()?;
        if !alone(conn).await? {
            return Ok(0);
        }
        let files = sql_query(PRUNE_FILES)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(limit));
        let downloads = sql_query(PRUNE_DOWNLOADS).bind::<BigInt, _>(i64::from(limit));
        let pruned = try_join(run(conn, Cached(files)), run(conn, Cached(downloads)));
        let (files, downloads) = pruned.await?;
        Ok(changed(files.saturating_add(downloads)))
    }

    async fn chat_file_attachable_list(
        &mut self,
        owner: UserId,
        chat: Option<ChatId>,
        ids: &[ChatFileId],
    ) -> StoreResult<Vec<ChatFile>> {
        let list = sql_query(ATTACHABLE)
            .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(owner.0)
            .bind::<Nullable<SqlUuid>, _>(chat.map(|id| id.0));
        let found: Vec<FileRow> = rows(self.connection()?, Cached(list)).await?;
        found.into_iter().map(FileRow::file).collect()
    }
}
