//! Usage events: what requests came to cost, written once.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros, ReservationId,
    metering::TokenUsage,
    spend::{Settlement, SettlementBasis},
};
use store::StoreResult;
use uuid::Uuid;

use super::{reservation::ReservationRow, sql, stored};
use crate::query::{Cached, rows, run};

/// An event.
#[derive(Debug, Clone, QueryableByName)]
pub(super) struct EventRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) corrects: Option<Uuid>,
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
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) priced_model: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) response_model: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub(super) provider_response_id: Option<String>,
    #[diesel(embed)]
    pub(super) tokens: Tokens,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub(super) price_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub(super) cost_micros: Option<i64>,
    #[diesel(sql_type = BigInt)]
    pub(super) hold_micros: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) over_hold_micros: i64,
    #[diesel(sql_type = Bool)]
    pub(super) estimated: bool,
    #[diesel(sql_type = Bool)]
    pub(super) swept: bool,
}

/// Counts of tokens; in a correction, differences of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, QueryableByName)]
pub(super) struct Tokens {
    #[diesel(sql_type = BigInt)]
    pub(super) input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cache_read_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cache_write_5m_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) cache_write_1h_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) output_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) reasoning_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) audio_input_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) audio_output_tokens: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) web_searches: i64,
}

impl From<&TokenUsage> for Tokens {
    fn from(usage: &TokenUsage) -> Self {
        Self {
            input_tokens: stored(usage.input),
            cache_read_tokens: stored(usage.cache_read),
            cache_write_5m_tokens: stored(usage.cache_write_5m),
            cache_write_1h_tokens: stored(usage.cache_write_1h),
            output_tokens: stored(usage.output),
            reasoning_tokens: stored(usage.reasoning),
            audio_input_tokens: stored(usage.audio_input),
            audio_output_tokens: stored(usage.audio_output),
            web_searches: stored(usage.web_searches),
        }
    }
}

impl Tokens {
    /// What must be added to `other` to come to this.
    const fn beyond(self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_sub(other.input_tokens),
            cache_read_tokens: self
                .cache_read_tokens
                .saturating_sub(other.cache_read_tokens),
            cache_write_5m_tokens: self
                .cache_write_5m_tokens
                .saturating_sub(other.cache_write_5m_tokens),
            cache_write_1h_tokens: self
                .cache_write_1h_tokens
                .saturating_sub(other.cache_write_1h_tokens),
            output_tokens: self.output_tokens.saturating_sub(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_sub(other.reasoning_tokens),
            audio_input_tokens: self
                .audio_input_tokens
                .saturating_sub(other.audio_input_tokens),
            audio_output_tokens: self
                .audio_output_tokens
                .saturating_sub(other.audio_output_tokens),
            web_searches: self.web_searches.saturating_sub(other.web_searches),
        }
    }
}

impl EventRow {
    /// The instant that it counts at.
    pub(super) fn created_at(&self) -> DateTime<Utc> {
        ReservationId(self.id).instant()
    }

    /// What the counters must be moved by.
    pub(super) const fn charge(&self) -> Micros {
        match self.cost_micros {
            Some(cost) => Micros(cost),
            None => Micros::ZERO,
        }
    }

    /// The event of a reservation about which nothing but itself is known yet.
    pub(super) fn of(reservation: ReservationRow) -> Self {
        Self {
            id: reservation.id,
            corrects: None,
            user_id: reservation.user_id,
            effective_group_id: reservation.effective_group_id,
            organization_id: reservation.organization_id,
            api_key_id: reservation.api_key_id,
            provider_id: reservation.provider_id,
            provider_name: reservation.provider_name,
            model: reservation.model,
            client: reservation.client,
            credential_kind: reservation.credential_kind,
            priced_model: None,
            response_model: None,
            provider_response_id: None,
            tokens: Tokens::default(),
            price_id: reservation.price_id,
            cost_micros: None,
            hold_micros: reservation.hold_micros,
            over_hold_micros: 0,
            estimated: true,
            swept: false,
        }
    }

    /// This event, with what a settlement says.
    pub(super) fn settled(self, settlement: &Settlement, price_id: Option<Uuid>) -> Self {
        Self {
            priced_model: settlement
                .prices
                .as_ref()
                .map(|prices| prices.model.clone()),
            response_model: settlement.response_model.clone(),
            provider_response_id: settlement.provider_response_id.clone(),
            tokens: (&settlement.usage).into(),
            price_id,
            cost_micros: settlement.cost.map(|cost| cost.0),
            over_hold_micros: over_hold(settlement.cost, Micros(self.hold_micros)).0,
            estimated: settlement.basis == SettlementBasis::Estimated,
            swept: false,
            ..self
        }
    }

    /// This event of a request that turned out to cost nothing.
    pub(super) fn released(self) -> Self {
        Self {
            tokens: Tokens::default(),
            cost_micros: Some(0),
            estimated: false,
            swept: false,
            ..self
        }
    }

    /// The event that corrects an estimate to what was true: the differences.
    pub(super) fn correction(swept: &Self, truth: Self) -> Self {
        let cost = match (truth.cost_micros, swept.cost_micros) {
            (None, None) => None,
            _ => Some(truth.charge().saturating_sub(swept.charge()).0),
        };
        Self {
            id: ReservationId(swept.id).correction(),
            corrects: Some(swept.id),
            tokens: truth.tokens.beyond(&swept.tokens),
            cost_micros: cost,
            ..truth
        }
    }
}

/// By how much a cost passes what was held. A request without a bound held nothing and passes nothing.
fn over_hold(cost: Option<Micros>, hold: Micros) -> Micros {
    match cost {
        Some(cost) if hold > Micros::ZERO => cost.saturating_sub(hold).or_zero(),
        _ => Micros::ZERO,
    }
}

const ADD: &str = "\
INSERT INTO ai_usage_events (created_at, id, corrects, user_id, effective_group_id, organization_id, api_key_id, \
    provider_id, provider_name, model, client, credential_kind, priced_model, response_model, provider_response_id, \
    input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, \
    reasoning_tokens, audio_input_tokens, audio_output_tokens, web_searches, price_id, cost_micros, \
    hold_micros, over_hold_micros, estimated, swept) \
SELECT $1[n], $2[n], $3[n], $4[n], $5[n], $6[n], $7[n], $8[n], $9[n], $10[n], $11[n], $12[n], \
    $13[n], $14[n], $15[n], $16[n], $17[n], $18[n], $19[n], $20[n], $21[n], $22[n], $23[n], $24[n], \
    $25[n], $26[n], $27[n], $28[n], $29[n], $30[n] \
FROM generate_series(1, cardinality($1)) AS n";

/// Writes events.
pub(super) async fn add(conn: &AsyncPgConnection, new: &[EventRow]) -> StoreResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    fn column<'a, T>(new: &'a [EventRow], of: fn(&'a EventRow) -> T) -> Vec<T> {
        new.iter().map(of).collect()
    }
    let add = sql(ADD)
        .bind::<Array<Timestamptz>, _>(column(new, EventRow::created_at))
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.id))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.corrects))
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.user_id))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.effective_group_id))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.organization_id))
        .bind::<Array<Text>, _>(column(new, |one| one.api_key_id.as_str()))
        .bind::<Array<SqlUuid>, _>(column(new, |one| one.provider_id))
        .bind::<Array<Text>, _>(column(new, |one| one.provider_name.as_str()))
        .bind::<Array<Text>, _>(column(new, |one| one.model.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(new, |one| one.client.as_deref()))
        .bind::<Array<Text>, _>(column(new, |one| one.credential_kind.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(new, |one| one.priced_model.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(new, |one| one.response_model.as_deref()))
        .bind::<Array<Nullable<Text>>, _>(column(new, |one| one.provider_response_id.as_deref()))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.input_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.cache_read_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.cache_write_5m_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.cache_write_1h_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.output_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.reasoning_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.audio_input_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.audio_output_tokens))
        .bind::<Array<BigInt>, _>(column(new, |one| one.tokens.web_searches))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(new, |one| one.price_id))
        .bind::<Array<Nullable<BigInt>>, _>(column(new, |one| one.cost_micros))
        .bind::<Array<BigInt>, _>(column(new, |one| one.hold_micros))
        .bind::<Array<BigInt>, _>(column(new, |one| one.over_hold_micros))
        .bind::<Array<Bool>, _>(column(new, |one| one.estimated))
        .bind::<Array<Bool>, _>(column(new, |one| one.swept));
    run(conn, Cached(add)).await.map(drop)
}

const GET: &str = "\
SELECT e.id, e.corrects, e.user_id, e.effective_group_id, e.organization_id, e.api_key_id, \
    e.provider_id, e.provider_name, e.model, e.client, e.credential_kind, e.priced_model, e.response_model, \
    e.provider_response_id, e.input_tokens, e.cache_read_tokens, e.cache_write_5m_tokens, \
    e.cache_write_1h_tokens, e.output_tokens, e.reasoning_tokens, e.audio_input_tokens, \
    e.audio_output_tokens, e.web_searches, e.price_id, e.cost_micros, e.hold_micros, \
    e.over_hold_micros, e.estimated, e.swept \
FROM unnest($1, $2) AS k (at, id) JOIN ai_usage_events AS e ON e.created_at = k.at AND e.id = k.id";

/// The events that closed these reservations, and those that corrected them.
pub(super) async fn of_closed(
    conn: &AsyncPgConnection,
    closed: &[ReservationId],
) -> StoreResult<Vec<EventRow>> {
    if closed.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = closed
        .iter()
        .flat_map(|id| [id.0, id.correction()])
        .collect();
    let instants: Vec<DateTime<Utc>> = ids.iter().map(|id| ReservationId(*id).instant()).collect();
    let get = sql(GET)
        .bind::<Array<Timestamptz>, _>(instants)
        .bind::<Array<SqlUuid>, _>(ids);
    rows(conn, Cached(get)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_passes_its_hold_only_if_something_was_held() {
        let check = |cost: Option<i64>, hold: i64, over: i64| {
            assert_eq!(
                over_hold(cost.map(Micros), Micros(hold)),
                Micros(over),
                "{cost:?} {hold}"
            );
        };
        check(Some(10), 10, 0);
        check(Some(15), 10, 5);
        check(Some(5), 10, 0);
        check(None, 10, 0);
        check(Some(5), 0, 0);
    }
}
