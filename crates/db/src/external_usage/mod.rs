//! Spend that other gateways report, or ask for first: the keys that were taken, and the leases that holds live by.
//!
//! **Order of locks.** Keys in their order, or the row of one hold; then whatever a batch of the ledger locks. Nobody
//! takes a key while holding a counter.

mod rows;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::Duration;
use diesel::{
    sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    LeaseId, Micros, ReservationId, UserId,
    external_usage::{
        ChargedPerson, Closing, ExternalRecord, HoldUpdate, IdempotencyKey, NewExternal, PersonRef,
        TakenExternal,
    },
};
use serde::Serialize;
use serde_json::Value;
use store::{
    StoreResult,
    external_usage::{ExternalUsageRead, ExternalUsageWrite},
};
use uuid::Uuid;

use self::rows::{ExternalRow, KeyRow, PersonRow};
use crate::{
    errors::internal,
    query::{Cached, parse, row, rows, run, run_on_one},
    spend::charged_organizations,
    unit::{Unit, Writing},
};

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT x.reporter_id, x.idempotency_key, x.person, x.content, x.user_id, x.event_id, x.effective_group_id, \
             x.organization_id, x.state, x.lease_id, x.hold_micros, x.expires_at, x.expires_at <= bursar_now() AS expired, \
             x.closing, x.over_hold_micros, x.corrected, x.closed_at, x.created_at FROM ai_external_usage AS x WHERE ",
            $which
        )
    };
}

const BY_KEYS: &str = select!("x.reporter_id = $1 AND x.idempotency_key = ANY ($2)");
const BY_ID: &str = select!("x.event_id = $1 AND x.state <> 'recorded'");
const LOCK: &str = select!("x.event_id = $1 AND x.state <> 'recorded' FOR UPDATE");

const BY_USER_ID: &str =
    "SELECT id, username, status FROM users WHERE id = ANY ($1) AND NOT deleted";
const BY_USERNAME: &str =
    "SELECT id, username, status FROM users WHERE lower(username) = ANY ($1) AND NOT deleted";

/// In the order of the keys: two reports that bring the same ones do not wait for each other in a circle.
const CREATE: &str = "\
INSERT INTO ai_external_usage (reporter_id, idempotency_key, person, content, user_id, state) \
SELECT $1, n.key, n.person, n.content, n.user_id, 'recorded' \
FROM unnest($2, $3, $4, $5) AS n (key, person, content, user_id) ORDER BY n.key COLLATE \"C\" \
ON CONFLICT DO NOTHING RETURNING idempotency_key";

const HOLD: &str = "\
WITH lease AS (INSERT INTO server_leases (id, expires_at, external) \
    VALUES ($6, bursar_now() + $7 * interval '1 millisecond', true) RETURNING id, expires_at) \
INSERT INTO ai_external_usage \
    (reporter_id, idempotency_key, person, content, user_id, state, lease_id, hold_micros, expires_at) \
SELECT $1, $2, $3, $4, $5, 'open', lease.id, $8, lease.expires_at FROM lease \
ON CONFLICT DO NOTHING";

const RECORD: &str = "\
UPDATE ai_external_usage AS x SET event_id = n.event_id, effective_group_id = n.group_id, organization_id = n.organization_id \
FROM unnest($2, $3, $4, $5) AS n (key, event_id, group_id, organization_id) \
WHERE x.reporter_id = $1 AND x.idempotency_key = n.key AND x.event_id IS NULL";

/// With the hold goes its lease: nothing lives by it any more.
const CLOSE: &str = "\
WITH closed AS (UPDATE ai_external_usage \
    SET state = $2, closing = $3, over_hold_micros = $4, corrected = $5, closed_at = bursar_now() \
    WHERE event_id = $1 AND state = 'open' RETURNING lease_id), \
lease AS (DELETE FROM server_leases USING closed WHERE id = closed.lease_id) \
SELECT lease_id AS id FROM closed";

/// A hold never lives shorter than it would have. Its lease and its row say the same.
const EXTEND: &str = "\
WITH hold AS (UPDATE ai_external_usage AS x SET hold_micros = $2, \
    expires_at = greatest(x.expires_at, bursar_now() + $3 * interval '1 millisecond') \
    WHERE x.event_id = $1 AND x.state = 'open' RETURNING x.lease_id, x.expires_at) \
UPDATE server_leases AS l SET renewed_at = bursar_now(), expires_at = hold.expires_at \
FROM hold WHERE l.id = hold.lease_id";

#[async_trait]
impl<Mode: Send + Sync> ExternalUsageRead for Unit<Mode> {
    async fn external_usage_get(
        &mut self,
        reporter: UserId,
        keys: &[IdempotencyKey],
    ) -> StoreResult<Vec<ExternalRecord>> {
        let get = sql_query(BY_KEYS)
            .bind::<SqlUuid, _>(reporter.0)
            .bind::<Array<Text>, _>(texts(keys));
        let found: Vec<ExternalRow> = rows(self.connection()?, Cached(get)).await?;
        found.into_iter().map(ExternalRecord::try_from).collect()
    }

    async fn external_usage_persons(
        &mut self,
        persons: &[PersonRef],
    ) -> StoreResult<Vec<Option<ChargedPerson>>> {
        persons_charged(self.connection()?, persons).await
    }

    async fn external_reservation_get(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<Option<ExternalRecord>> {
        hold(self.connection()?, BY_ID, id).await
    }
}

#[async_trait]
impl ExternalUsageWrite for Unit<Writing> {
    async fn external_usage_create(
        &mut self,
        reporter: UserId,
        new: &[NewExternal],
    ) -> StoreResult<Vec<IdempotencyKey>> {
        let keys: Vec<&str> = new.iter().map(|one| one.key.as_str()).collect();
        let persons: Vec<&str> = new.iter().map(|one| one.person.as_str()).collect();
        let contents = new.iter().map(|one| json(&one.content));
        let contents: Vec<Value> = contents.collect::<StoreResult<_>>()?;
        let users: Vec<Uuid> = new.iter().map(|one| one.user_id.0).collect();
        let create = sql_query(CREATE)
            .bind::<SqlUuid, _>(reporter.0)
            .bind::<Array<Text>, _>(keys)
            .bind::<Array<Text>, _>(persons)
            .bind::<Array<Jsonb>, _>(contents)
            .bind::<Array<SqlUuid>, _>(users);
        let taken: Vec<KeyRow> = rows(self.connection()?, Cached(create)).await?;
        let key = |row: KeyRow| parse("idempotency_key", &row.idempotency_key);
        taken.into_iter().map(key).collect()
    }

    async fn external_reservation_create(
        &mut self,
        reporter: UserId,
        new: &NewExternal,
        hold: Micros,
        lease: LeaseId,
        lifetime: Duration,
    ) -> StoreResult<bool> {
        let create = sql_query(HOLD)
            .bind::<SqlUuid, _>(reporter.0)
            .bind::<Text, _>(new.key.as_str().to_owned())
            .bind::<Text, _>(new.person.clone())
            .bind::<Jsonb, _>(json(&new.content)?)
            .bind::<SqlUuid, _>(new.user_id.0)
            .bind::<SqlUuid, _>(lease.0)
            .bind::<BigInt, _>(lifetime.num_milliseconds())
            .bind::<BigInt, _>(hold.0);
        Ok(run(self.connection()?, Cached(create)).await? > 0)
    }

    async fn external_usage_record(
        &mut self,
        reporter: UserId,
        taken: &[TakenExternal],
    ) -> StoreResult<()> {
        let keys: Vec<&str> = taken.iter().map(|one| one.key.as_str()).collect();
        let ids: Vec<Uuid> = taken.iter().map(|one| one.id.0).collect();
        let groups: Vec<Option<Uuid>> = taken
            .iter()
            .map(|one| one.group_id.map(Into::into))
            .collect();
        let organizations: Vec<Option<Uuid>> = taken
            .iter()
            .map(|one| one.organization_id.map(Into::into))
            .collect();
        let record = sql_query(RECORD)
            .bind::<SqlUuid, _>(reporter.0)
            .bind::<Array<Text>, _>(keys)
            .bind::<Array<SqlUuid>, _>(ids)
            .bind::<Array<Nullable<SqlUuid>>, _>(groups)
            .bind::<Array<Nullable<SqlUuid>>, _>(organizations);
        if run(self.connection()?, Cached(record)).await? == taken.len() {
            Ok(())
        } else {
            Err(internal("a key that was taken is not there"))
        }
    }

    async fn external_reservation_lock(
        &mut self,
        id: ReservationId,
    ) -> StoreResult<Option<ExternalRecord>> {
        hold(self.connection()?, LOCK, id).await
    }

    async fn external_reservation_update(
        &mut self,
        id: ReservationId,
        update: &HoldUpdate,
    ) -> StoreResult<()> {
        let conn = self.connection()?;
        match update {
            HoldUpdate::Closed {
                how,
                over_hold,
                corrected,
            } => close(conn, id, how, (*over_hold, *corrected)).await,
            HoldUpdate::Extended { hold, lifetime } => {
                let extend = sql_query(EXTEND)
                    .bind::<SqlUuid, _>(id.0)
                    .bind::<BigInt, _>(hold.0)
                    .bind::<Nullable<BigInt>, _>(lifetime.map(|time| time.num_milliseconds()));
                run_on_one(conn, Cached(extend)).await
            }
        }
    }
}

async fn close(
    conn: &AsyncPgConnection,
    id: ReservationId,
    how: &Closing,
    (over_hold, corrected): (Micros, bool),
) -> StoreResult<()> {
    let state = match how {
        Closing::Settle(_) => "settled",
        Closing::Release => "released",
    };
    let close = sql_query(CLOSE)
        .bind::<SqlUuid, _>(id.0)
        .bind::<Text, _>(state)
        .bind::<Jsonb, _>(json(how)?)
        .bind::<BigInt, _>(over_hold.0)
        .bind::<Bool, _>(corrected);
    run_on_one(conn, Cached(close)).await
}

fn texts(keys: &[IdempotencyKey]) -> Vec<&str> {
    keys.iter().map(IdempotencyKey::as_str).collect()
}

fn json(value: &impl Serialize) -> StoreResult<Value> {
    serde_json::to_value(value).map_err(internal)
}

async fn hold(
    conn: &AsyncPgConnection,
    text: &'static str,
    id: ReservationId,
) -> StoreResult<Option<ExternalRecord>> {
    let get = sql_query(text).bind::<SqlUuid, _>(id.0);
    let found: Option<ExternalRow> = row(conn, Cached(get)).await?;
    found.map(ExternalRecord::try_from).transpose()
}

async fn persons_charged(
    conn: &AsyncPgConnection,
    persons: &[PersonRef],
) -> StoreResult<Vec<Option<ChargedPerson>>> {
    let mut ids: Vec<Uuid> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for person in persons {
        match person {
            PersonRef::Id(id) => ids.push(id.0),
            PersonRef::Name(name) => names.push(name.as_str().to_lowercase()),
        }
    }
    let (by_id, by_name): (Vec<PersonRow>, Vec<PersonRow>) = try_join(
        rows(
            conn,
            Cached(sql_query(BY_USER_ID).bind::<Array<SqlUuid>, _>(ids)),
        ),
        rows(
            conn,
            Cached(sql_query(BY_USERNAME).bind::<Array<Text>, _>(names)),
        ),
    )
    .await?;
    let mut users: Vec<UserId> = Vec::new();
    users.extend(by_id.iter().chain(&by_name).map(|row| UserId(row.id)));
    users.sort_unstable();
    users.dedup();
    let organizations = charged_organizations(conn, &users).await?;
    let by_id: BTreeMap<Uuid, &PersonRow> = by_id.iter().map(|row| (row.id, row)).collect();
    let by_name: BTreeMap<String, &PersonRow> = by_name
        .iter()
        .map(|row| (row.username.to_lowercase(), row))
        .collect();
    let charged = |person: &PersonRef| {
        let row = match person {
            PersonRef::Id(id) => by_id.get(&id.0)?,
            PersonRef::Name(name) => by_name.get(&name.as_str().to_lowercase())?,
        };
        let user_id = UserId(row.id);
        Some(ChargedPerson {
            user_id,
            active: row.status == "active",
            organization_id: organizations.get(&user_id).copied().flatten(),
        })
    };
    Ok(persons.iter().map(charged).collect())
}
