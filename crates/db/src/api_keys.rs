//! Sessions and API tokens.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    UserId,
    api_keys::{ApiKey, ApiKeyKind, KeyStamp, KeyStanding, NewApiKey},
};
use store::{
    StoreError, StoreResult,
    api_keys::{ApiKeyRead, ApiKeyWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, count, one, parse, row, rows, run, run_on_one},
    schema::{api_keys, users},
    subjects::{StandingRow, standing_columns, versions_join},
    unit::{Unit, Writing},
    users::parse_status,
};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = api_keys, check_for_backend(Pg))]
struct ApiKeyRow {
    id: String,
    user_id: Uuid,
    kind: String,
    token_name: String,
    scopes: Vec<String>,
    allow_list: Vec<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = StoreError;
    fn try_from(row: ApiKeyRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id.into(),
            kind: parse_kind(&row.kind)?,
            token_name: row.token_name,
            scopes: row.scopes,
            allow_list: row.allow_list,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

const SESSION: &str = "session";
const TOKEN: &str = "token";

const fn kind_text(kind: ApiKeyKind) -> &'static str {
    match kind {
        ApiKeyKind::Session => SESSION,
        ApiKeyKind::Token => TOKEN,
    }
}

fn parse_kind(text: &str) -> StoreResult<ApiKeyKind> {
    match text {
        SESSION => Ok(ApiKeyKind::Session),
        TOKEN => Ok(ApiKeyKind::Token),
        other => Err(internal(format!("`api_keys.kind` holds `{other}`"))),
    }
}

/// What follows the key's own columns when its owner's standing and versions are asked for.
macro_rules! standing {
    () => {
        concat!(
            "k.expires_at <= bursar_now() AS expired, ",
            standing_columns!(),
            " FROM api_keys AS k JOIN users AS u ON u.id = k.user_id AND NOT u.deleted ",
            versions_join!()
        )
    };
}

/// A key with its owner's standing and versions, as one row. Every request reads one.
const KEY_STAMP: &str = concat!(
    "SELECT k.id, k.user_id, k.kind, k.token_name, k.scopes, k.allow_list, k.created_at, k.expires_at, \
     k.hashed_secret, CASE WHEN k.admin_mode_until > bursar_now() THEN k.admin_mode_until END AS admin_mode_until, \
     u.username, ",
    standing!(),
    "WHERE k.id = $1"
);

/// The same of many keys, without what never changes.
const KEY_STANDINGS: &str = concat!(
    "SELECT k.id, k.user_id, ",
    standing!(),
    "WHERE k.id = ANY ($1)"
);

#[derive(QueryableByName)]
struct KeyStampRow {
    #[diesel(embed)]
    key: ApiKeyRow,
    #[diesel(sql_type = Binary)]
    hashed_secret: Vec<u8>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    admin_mode_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = Bool)]
    expired: bool,
    #[diesel(embed)]
    standing: StandingRow,
}

#[derive(QueryableByName)]
struct UntilRow {
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct KeyStandingRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Bool)]
    expired: bool,
    #[diesel(embed)]
    standing: StandingRow,
}

impl TryFrom<KeyStandingRow> for KeyStanding {
    type Error = StoreError;
    fn try_from(row: KeyStandingRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id,
            user_id: row.user_id.into(),
            expired: row.expired,
            status: parse_status(&row.standing.status)?,
            versions: row.standing.versions(),
        })
    }
}

fn key_stamp(row: KeyStampRow) -> StoreResult<KeyStamp> {
    let hashed_secret = row.hashed_secret.try_into();
    Ok(KeyStamp {
        key: row.key.try_into()?,
        hashed_secret: hashed_secret
            .map_err(|_bytes: Vec<u8>| internal("`api_keys.hashed_secret` is no digest"))?,
        expired: row.expired,
        admin_mode_until: row.admin_mode_until,
        username: parse("users.username", &row.username)?,
        status: parse_status(&row.standing.status)?,
        versions: row.standing.versions(),
    })
}

#[async_trait]
impl<Mode: Send + Sync> ApiKeyRead for Unit<Mode> {
    async fn key_stamp_get(&mut self, id: &str) -> StoreResult<Option<KeyStamp>> {
        let query = sql_query(KEY_STAMP).bind::<Text, _>(id.to_owned());
        let found: Option<KeyStampRow> = row(self.connection()?, Cached(query)).await?;
        found.map(key_stamp).transpose()
    }

    async fn key_standing_list(&mut self, ids: &[String]) -> StoreResult<Vec<KeyStanding>> {
        let query = sql_query(KEY_STANDINGS).bind::<Array<Text>, _>(ids.to_vec());
        let found: Vec<KeyStandingRow> = rows(self.connection()?, Cached(query)).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }

    async fn api_key_get(&mut self, id: &str) -> StoreResult<Option<ApiKey>> {
        let query = api_keys::table
            .inner_join(users::table)
            .filter(api_keys::id.eq(id).and(users::deleted.eq(false)))
            .select(ApiKeyRow::as_select());
        let found: Option<ApiKeyRow> = row(self.connection()?, query).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn api_key_list(&mut self, user: UserId) -> StoreResult<Vec<ApiKey>> {
        let query = api_keys::table
            .filter(api_keys::user_id.eq(user.0).and(api_keys::kind.eq(TOKEN)))
            .order((api_keys::created_at.desc(), api_keys::id))
            .select(ApiKeyRow::as_select());
        let found: Vec<ApiKeyRow> = rows(self.connection()?, query).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }
}

#[async_trait]
impl ApiKeyWrite for Unit<Writing> {
    async fn api_key_create(&mut self, new: &NewApiKey) -> StoreResult<ApiKey> {
        // The owner's row is locked, so that a deleted account keeps no key.
        let insert = sql_query(
            "INSERT INTO api_keys \
                (id, hashed_secret, user_id, kind, token_name, scopes, allow_list, expires_at) \
             SELECT $1, $2, u.id, $4, $5, $6, $7, bursar_now() + $8 * interval '1 millisecond' \
             FROM users AS u WHERE u.id = $3 AND NOT u.deleted FOR SHARE RETURNING *",
        )
        .bind::<Text, _>(new.id.clone())
        .bind::<Binary, _>(new.hashed_secret.to_vec())
        .bind::<SqlUuid, _>(new.user_id.0)
        .bind::<Text, _>(kind_text(new.kind))
        .bind::<Text, _>(new.token_name.clone())
        .bind::<Array<Text>, _>(new.scopes.clone())
        .bind::<Array<Text>, _>(new.allow_list.clone())
        .bind::<BigInt, _>(new.lifetime.num_milliseconds());
        one::<_, ApiKeyRow>(self.connection()?, Cached(insert))
            .await?
            .try_into()
    }

    async fn api_key_lock(&mut self, id: &str) -> StoreResult<Option<ApiKey>> {
        let lock = api_keys::table
            .filter(api_keys::id.eq(id))
            .select(ApiKeyRow::as_select())
            .for_update();
        let found: Option<ApiKeyRow> = row(self.connection()?, lock).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn api_key_delete(&mut self, id: &str) -> StoreResult<()> {
        let delete = diesel::delete(api_keys::table).filter(api_keys::id.eq(id));
        run_on_one(self.connection()?, delete).await
    }

    async fn admin_mode_begin(
        &mut self,
        id: &str,
        lifetime: chrono::Duration,
    ) -> StoreResult<DateTime<Utc>> {
        let begin = sql_query(
            "UPDATE api_keys SET admin_mode_until = \
                least(bursar_now() + $2 * interval '1 millisecond', expires_at) \
             WHERE id = $1 AND kind = 'session' AND expires_at > bursar_now() RETURNING admin_mode_until AS until",
        )
        .bind::<Text, _>(id.to_owned())
        .bind::<BigInt, _>(lifetime.num_milliseconds());
        let begun: Option<UntilRow> = row(self.connection()?, Cached(begin)).await?;
        Ok(begun.ok_or(StoreError::NotFound)?.until)
    }

    async fn admin_mode_end(&mut self, id: &str) -> StoreResult<()> {
        let end = diesel::update(api_keys::table)
            .filter(
                api_keys::id
                    .eq(id)
                    .and(api_keys::admin_mode_until.is_not_null()),
            )
            .set(api_keys::admin_mode_until.eq(None::<DateTime<Utc>>));
        run(self.connection()?, end).await.map(drop)
    }

    async fn api_key_delete_sessions(
        &mut self,
        user: UserId,
        except: Option<&str>,
    ) -> StoreResult<u64> {
        let of_person = || api_keys::user_id.eq(user.0).and(api_keys::kind.eq(SESSION));
        let delete = diesel::delete(api_keys::table)
            .filter(of_person())
            .filter(api_keys::id.ne(except.unwrap_or_default()));
        let ended = run(self.connection()?, delete).await?;
        leave_admin_mode(self.connection()?, user).await?;
        Ok(count(i64::try_from(ended).map_err(internal)?))
    }
}

/// Takes all of a person's sessions out of admin mode.
pub(crate) async fn leave_admin_mode(conn: &AsyncPgConnection, user: UserId) -> StoreResult<()> {
    let leave = diesel::update(api_keys::table)
        .filter(api_keys::user_id.eq(user.0))
        .filter(api_keys::admin_mode_until.is_not_null())
        .set(api_keys::admin_mode_until.eq(None::<DateTime<Utc>>));
    run(conn, leave).await.map(drop)
}
