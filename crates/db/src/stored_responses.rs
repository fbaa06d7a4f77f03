//! What AI providers keep of the answers that they gave, and whose it is.

use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use futures_util::future::try_join;
use model::{
    ProviderId, UserId,
    stored_responses::{NewStoredResponse, STORED_IDS_MAX, STORED_RESPONSE_LIFETIME, StoredId},
};
use store::{
    StoreResult,
    stored_responses::{StoredResponseRead, StoredResponseWrite},
};

use crate::{
    errors::internal,
    query::{Cached, parse, rows, run},
    unit::{Unit, Writing},
};

const GET: &str = "\
SELECT stored_id FROM ai_stored_responses \
WHERE provider_id = $1 AND user_id = $2 AND stored_id = ANY ($3) \
    AND created_at > bursar_now() - $4 * interval '1 second'";

/// The person's row is held against the end of the account, which removes what is noted and comes before or after.
const KEEP: &str = "\
WITH person AS (SELECT id FROM users WHERE id = $2 AND NOT deleted FOR KEY SHARE) \
INSERT INTO ai_stored_responses (provider_id, stored_id, user_id) \
SELECT $1, kept.id, person.id FROM person, unnest($3) AS kept (id) ORDER BY kept.id \
ON CONFLICT DO NOTHING";

/// As many at most as one answer adds, so that there is an end to it. What another transaction is about to forget is
/// left to it.
const FORGET: &str = "\
DELETE FROM ai_stored_responses WHERE ctid = ANY (ARRAY( \
    SELECT ctid FROM ai_stored_responses WHERE created_at <= bursar_now() - $1 * interval '1 second' \
    ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

#[derive(QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = Text)]
    stored_id: String,
}

fn texts(ids: &[StoredId]) -> Vec<&str> {
    ids.iter().map(StoredId::as_str).collect()
}

#[async_trait]
impl<Mode: Send + Sync> StoredResponseRead for Unit<Mode> {
    async fn stored_response_get(
        &mut self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>> {
        let get = sql_query(GET)
            .bind::<SqlUuid, _>(provider.0)
            .bind::<SqlUuid, _>(user.0)
            .bind::<Array<Text>, _>(texts(ids))
            .bind::<BigInt, _>(STORED_RESPONSE_LIFETIME.num_seconds());
        let found: Vec<StoredRow> = rows(self.connection()?, Cached(get)).await?;
        let id = |row: StoredRow| parse("ai_stored_responses.stored_id", &row.stored_id);
        found.into_iter().map(id).collect()
    }
}

#[async_trait]
impl StoredResponseWrite for Unit<Writing> {
    async fn stored_response_create(&mut self, new: &NewStoredResponse) -> StoreResult<()> {
        let conn = self.connection()?;
        let most = i64::try_from(STORED_IDS_MAX).map_err(internal)?;
        let forget = sql_query(FORGET)
            .bind::<BigInt, _>(STORED_RESPONSE_LIFETIME.num_seconds())
            .bind::<BigInt, _>(most);
        let keep = sql_query(KEEP)
            .bind::<SqlUuid, _>(new.provider_id.0)
            .bind::<SqlUuid, _>(new.user_id.0)
            .bind::<Array<Text>, _>(texts(&new.ids));
        try_join(run(conn, Cached(forget)), run(conn, Cached(keep)))
            .await
            .map(drop)
    }
}
