//! Usage events: what requests came to cost, written once.

use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use model::{
    Micros,
    metering::TokenUsage,
    spend::{Settlement, SettlementBasis},
};
use store::StoreResult;
use uuid::Uuid;

use super::{reserve::ReservationRow, stored};
use crate::{errors::internal, schema::ai_usage_events};

/// An event. `created_at` is the database's.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = ai_usage_events, check_for_backend(Pg))]
pub(super) struct EventRow {
    pub(super) id: Uuid,
    pub(super) reservation_id: Uuid,
    pub(super) corrects: Option<Uuid>,
    pub(super) user_id: Uuid,
    pub(super) effective_group_id: Option<Uuid>,
    pub(super) organization_id: Option<Uuid>,
    pub(super) api_key_id: String,
    pub(super) provider_id: Uuid,
    pub(super) provider_name: String,
    pub(super) model: String,
    pub(super) priced_model: Option<String>,
    pub(super) response_model: Option<String>,
    pub(super) provider_response_id: Option<String>,
    #[diesel(embed)]
    pub(super) tokens: Tokens,
    pub(super) prices: Option<serde_json::Value>,
    pub(super) cost_micros: Option<i64>,
    pub(super) hold_micros: i64,
    pub(super) over_hold_micros: i64,
    pub(super) estimated: bool,
    pub(super) swept: bool,
    pub(super) period_start: DateTime<Utc>,
}

/// Counts of tokens; in a correction, differences of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Queryable, Selectable, Insertable)]
#[diesel(table_name = ai_usage_events, check_for_backend(Pg))]
pub(super) struct Tokens {
    pub(super) input_tokens: i64,
    pub(super) cache_read_tokens: i64,
    pub(super) cache_write_5m_tokens: i64,
    pub(super) cache_write_1h_tokens: i64,
    pub(super) output_tokens: i64,
    pub(super) reasoning_tokens: i64,
    pub(super) audio_input_tokens: i64,
    pub(super) audio_output_tokens: i64,
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
    /// What the counter must be moved by.
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
            reservation_id: reservation.id,
            corrects: None,
            user_id: reservation.user_id,
            effective_group_id: reservation.effective_group_id,
            organization_id: reservation.organization_id,
            api_key_id: reservation.api_key_id,
            provider_id: reservation.provider_id,
            provider_name: reservation.provider_name,
            model: reservation.model,
            priced_model: priced_model(reservation.prices.as_ref()),
            response_model: None,
            provider_response_id: None,
            tokens: Tokens::default(),
            prices: reservation.prices,
            cost_micros: None,
            hold_micros: reservation.hold_micros,
            over_hold_micros: 0,
            estimated: true,
            swept: false,
            period_start: reservation.period_start,
        }
    }

    /// This event, with what a settlement says.
    pub(super) fn settled(self, settlement: &Settlement) -> StoreResult<Self> {
        let prices = settlement
            .prices
            .as_ref()
            .map(serde_json::to_value)
            .transpose();
        let prices = prices.map_err(internal)?;
        Ok(Self {
            priced_model: priced_model(prices.as_ref()),
            response_model: settlement.response_model.clone(),
            provider_response_id: settlement.provider_response_id.clone(),
            tokens: (&settlement.usage).into(),
            prices,
            cost_micros: settlement.cost.map(|cost| cost.0),
            over_hold_micros: over_hold(settlement.cost, Micros(self.hold_micros)).0,
            estimated: settlement.basis == SettlementBasis::Estimated,
            swept: false,
            ..self
        })
    }

    /// The event that corrects an estimate to what was true: the differences.
    pub(super) fn correction(swept: &Self, truth: Self, id: Uuid) -> Self {
        let cost = match (truth.cost_micros, swept.cost_micros) {
            (None, None) => None,
            _ => Some(truth.charge().saturating_sub(swept.charge()).0),
        };
        Self {
            id,
            corrects: Some(swept.id),
            tokens: truth.tokens.beyond(&swept.tokens),
            cost_micros: cost,
            ..truth
        }
    }
}

fn priced_model(prices: Option<&serde_json::Value>) -> Option<String> {
    Some(prices?.get("model")?.as_str()?.to_owned())
}

/// By how much a cost passes what was held. A request without a bound held nothing and passes nothing.
fn over_hold(cost: Option<Micros>, hold: Micros) -> Micros {
    match cost {
        Some(cost) if hold > Micros::ZERO => cost.saturating_sub(hold).or_zero(),
        _ => Micros::ZERO,
    }
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
