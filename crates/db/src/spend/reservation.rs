//! The rows of open reservations.

use std::collections::BTreeMap;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, Micros, OrganizationId, ReservationId, UserId,
    admission::WorstCase,
    spend::{Account, ReserveRequest},
};
use store::StoreResult;
use uuid::Uuid;

use super::{candidates::Standing, sql, stored};
use crate::{
    errors::internal,
    query::{Cached, rows, run},
};

/// An open reservation.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct ReservationRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) lease_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub(super) user_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) effective_group_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) organization_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    pub(super) api_key_id: String,
    #[diesel(sql_type = SqlUuid)]
    pub(super) provider_id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) provider_name: String,
    #[diesel(sql_type = Text)]
    pub(super) model: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) client: Option<String>,
    #[diesel(sql_type = Text)]
    pub(super) credential_kind: String,
    #[diesel(sql_type = BigInt)]
    pub(super) hold_micros: i64,
    /// What the input and the fees cost at worst.
    #[diesel(sql_type = BigInt)]
    pub(super) input_cost_micros: i64,
    /// Micros per million tokens.
    #[diesel(sql_type = BigInt)]
    pub(super) output_price_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) input_bound_tokens: i64,
    /// Of all choices together.
    #[diesel(sql_type = BigInt)]
    pub(super) output_cap_tokens: i64,
    /// Of all choices together, as far as it is known.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) progress_output_tokens: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) price_id: Option<Uuid>,
}

impl ReservationRow {
    /// The row of a request that is admitted with this hold and cap.
    pub(super) fn of(
        id: ReservationId,
        request: &ReserveRequest,
        standing: &Standing,
        (hold, cap): (Micros, Option<u64>),
        price_id: Option<Uuid>,
    ) -> Self {
        let worst = request.worst_case.as_ref().ok();
        let of_worst = |field: fn(&WorstCase) -> i64| worst.map(field).unwrap_or_default();
        let cap_tokens = |worst: &WorstCase| cap.unwrap_or(worst.cap).saturating_mul(worst.choices);
        Self {
            id: id.0,
            lease_id: request.lease_id.0,
            user_id: request.user_id.0,
            effective_group_id: standing.group.map(Into::into),
            organization_id: standing.organization.map(Into::into),
            api_key_id: request.api_key_id.clone(),
            provider_id: request.provider_id.0,
            provider_name: request.provider_name.clone(),
            model: request.model.clone(),
            client: request.client.clone(),
            credential_kind: request.credential_kind.to_string(),
            hold_micros: hold.0,
            input_cost_micros: of_worst(|worst| worst.input_cost.saturating_add(worst.fees).0),
            output_price_micros: of_worst(|worst| stored(worst.output_price)),
            input_bound_tokens: stored(request.input_bound_tokens),
            output_cap_tokens: stored(worst.map(cap_tokens).unwrap_or_default()),
            progress_output_tokens: None,
            price_id,
        }
    }

    /// Whose it is.
    pub(super) fn account(&self) -> Account {
        Account {
            user_id: UserId(self.user_id),
            group_id: self.effective_group_id.map(GroupId),
            organization_id: self.organization_id.map(OrganizationId),
        }
    }

    pub(super) const fn hold(&self) -> Micros {
        Micros(self.hold_micros)
    }
}

const TAKE: &str = "\
DELETE FROM ai_reservations WHERE id = ANY ($1) RETURNING id, lease_id, user_id, effective_group_id, \
    organization_id, api_key_id, provider_id, provider_name, model, client, credential_kind, hold_micros, \
    input_cost_micros, output_price_micros, input_bound_tokens, output_cap_tokens, progress_output_tokens, price_id";

/// Removes open reservations; those that somebody else closed are not in the answer.
pub(super) async fn take(
    conn: &AsyncPgConnection,
    ids: &[Uuid],
) -> StoreResult<Vec<ReservationRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let take = sql(TAKE).bind::<Array<SqlUuid>, _>(ids.to_vec());
    rows(conn, Cached(take)).await
}

const OPEN: &str = "\
SELECT id, lease_id, user_id, effective_group_id, \
    organization_id, api_key_id, provider_id, provider_name, model, client, credential_kind, hold_micros, \
    input_cost_micros, output_price_micros, input_bound_tokens, output_cap_tokens, progress_output_tokens, price_id \
FROM ai_reservations WHERE id = ANY ($1)";

/// Those that are open. Whoever holds the locks of their counters knows that they stay open.
pub(super) async fn open(
    conn: &AsyncPgConnection,
    ids: &[Uuid],
) -> StoreResult<Vec<ReservationRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    rows(
        conn,
        Cached(sql(OPEN).bind::<Array<SqlUuid>, _>(ids.to_vec())),
    )
    .await
}

const EXTEND: &str = "\
UPDATE ai_reservations AS r SET hold_micros = n.hold FROM unnest($1, $2) AS n (id, hold) WHERE r.id = n.id";

/// Writes what open ones hold now.
pub(super) async fn extend(
    conn: &AsyncPgConnection,
    holds: &BTreeMap<Uuid, Micros>,
) -> StoreResult<()> {
    if holds.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = holds.keys().copied().collect();
    let amounts: Vec<i64> = holds.values().map(|hold| hold.0).collect();
    let extend = sql(EXTEND)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<BigInt>, _>(amounts);
    if run(conn, Cached(extend)).await? == holds.len() {
        Ok(())
    } else {
        Err(internal("a reservation was closed without its locks"))
    }
}

const ADD: &str = "\
INSERT INTO ai_reservations (id, lease_id, user_id, effective_group_id, organization_id, api_key_id, \
    provider_id, provider_name, model, client, credential_kind, hold_micros, input_cost_micros, \
    output_price_micros, input_bound_tokens, output_cap_tokens, price_id) \
SELECT $1[n], $2[n], $3[n], $4[n], $5[n], $6[n], $7[n], $8[n], $9[n], $10[n], $11[n], $12[n], \
    $13[n], $14[n], $15[n], $16[n], $17[n] \
FROM generate_series(1, cardinality($1)) AS n";

/// Writes new ones.
pub(super) async fn add(conn: &AsyncPgConnection, new: &[ReservationRow]) -> StoreResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(new: &'a [ReservationRow], of: fn(&'a ReservationRow) -> T) -> Vec<T> {
        new.iter().map(of).collect()
    }
    let add = sql(ADD)
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.id))
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.lease_id))
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.user_id))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.effective_group_id))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.organization_id))
        .bind::<Array<Text>, _>(column(new, |one| one.api_key_id.as_str()))
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.provider_id))
        .bind::<Array<Text>, _>(column(new, |one| one.provider_name.as_str()))
        .bind::<Array<Text>, _>(column(new, |one| one.model.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(new, |one| one.client.as_deref()))
        .bind::<Array<Text>, _>(column(new, |one| one.credential_kind.as_str()))
        .bind::<Array<BigInt>, _>(column(new, |one| one.hold_micros))
        .bind::<Array<BigInt>, _>(column(new, |one| one.input_cost_micros))
        .bind::<Array<BigInt>, _>(column(new, |one| one.output_price_micros))
        .bind::<Array<BigInt>, _>(column(new, |one| one.input_bound_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.output_cap_tokens))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.price_id));
    run(conn, Cached(add)).await.map(drop)
}
