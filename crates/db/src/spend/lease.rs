//! Leases, by which a dead server's reservations are told from a living one's, and the progress of the latter.

use chrono::Duration;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Integer, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{LeaseId, spend::Progress};
use store::StoreResult;
use uuid::Uuid;

use super::stored;
use crate::{
    errors::internal,
    query::{Cached, bursar_now, count, one, run},
    schema::server_leases,
};

/// A lapsed lease stays lapsed: its reservations may have been swept.
const RENEW: &str = "\
INSERT INTO server_leases AS l (id, renewed_at, expires_at) \
VALUES ($1, bursar_now(), bursar_now() + $2 * interval '1 millisecond') \
ON CONFLICT (id) DO UPDATE SET renewed_at = excluded.renewed_at, expires_at = excluded.expires_at \
    WHERE l.expires_at > bursar_now()";

pub(super) async fn lease_renew(
    conn: &AsyncPgConnection,
    lease: LeaseId,
    ttl: Duration,
) -> StoreResult<bool> {
    let renew = sql_query(RENEW)
        .bind::<SqlUuid, _>(lease.0)
        .bind::<BigInt, _>(ttl.num_milliseconds());
    Ok(run(conn, Cached(renew)).await? > 0)
}

pub(super) async fn lease_end(conn: &AsyncPgConnection, lease: LeaseId) -> StoreResult<()> {
    let end = diesel::update(server_leases::table)
        .filter(
            server_leases::id
                .eq(lease.0)
                .and(server_leases::expires_at.gt(bursar_now())),
        )
        .set(server_leases::expires_at.eq(bursar_now()));
    run(conn, end).await.map(drop)
}

pub(super) async fn lease_end_others(conn: &AsyncPgConnection, lease: LeaseId) -> StoreResult<u64> {
    let end = diesel::update(server_leases::table)
        .filter(
            server_leases::id
                .ne(lease.0)
                // What other gateways hold lives on.
                .and(server_leases::external.eq(false))
                .and(server_leases::expires_at.gt(bursar_now())),
        )
        .set(server_leases::expires_at.eq(bursar_now()));
    let ended = run(conn, end).await?;
    Ok(count(i64::try_from(ended).map_err(internal)?))
}

#[derive(QueryableByName)]
struct MadeRow {
    #[diesel(sql_type = Integer)]
    made: i32,
}

/// Makes the partitions of this month and the next ones.
pub(super) async fn ledger_months_make(conn: &AsyncPgConnection) -> StoreResult<u64> {
    let make = sql_query("SELECT bursar_make_next_usage_partitions() AS made");
    let row: MadeRow = one(conn, Cached(make)).await?;
    Ok(count(i64::from(row.made)))
}

/// Progress never goes back. A row that is being closed at this moment is passed over: it needs none.
const PROGRESS: &str = "\
UPDATE ai_reservations AS r \
SET progress_output_tokens = greatest(r.progress_output_tokens, p.tokens) \
FROM unnest($1, $2) AS p (id, tokens) \
WHERE r.id = p.id AND r.id IN \
    (SELECT o.id FROM ai_reservations AS o WHERE o.id = ANY ($1) FOR UPDATE SKIP LOCKED)";

pub(super) async fn reservation_progress(
    conn: &AsyncPgConnection,
    progress: &[Progress],
) -> StoreResult<()> {
    let ids: Vec<Uuid> = progress.iter().map(|one| one.id.0).collect();
    let tokens: Vec<i64> = progress
        .iter()
        .map(|one| stored(one.output_tokens))
        .collect();
    let update = sql_query(PROGRESS)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<BigInt>, _>(tokens);
    run(conn, Cached(update)).await.map(drop)
}
