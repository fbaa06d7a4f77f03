//! The prices of one model at one instant, over all of its tiers.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::{
    Micros,
    metering::{self, CostError, PriceSnapshot, PriceSource, TokenUsage, UnitPrices},
};

/// What a price book knows of a model, whatever the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ModelFacts {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) source: PriceSource,
    pub(super) context_window: Option<u64>,
    pub(super) max_output_tokens: Option<u64>,
}

/// Prices that hold from a size of the prompt on, for the whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tier {
    pub(super) start: u64,
    pub(super) prices: UnitPrices,
}

/// The prices of a model at the instant it was looked up. Cheap to clone; keep the one that a request was
/// admitted with for its settlement, so that both use the prices of the same instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrice {
    facts: Arc<ModelFacts>,
    effective_from: Option<NaiveDate>,
    base: UnitPrices,
    /// Ascending by start.
    tiers: Arc<[Tier]>,
}

impl ModelPrice {
    /// `tiers` are what comes above `base`, in any order.
    pub(super) fn new(
        facts: Arc<ModelFacts>,
        effective_from: Option<NaiveDate>,
        base: UnitPrices,
        mut tiers: Vec<Tier>,
    ) -> Self {
        tiers.sort_by_key(|tier| tier.start);
        Self {
            facts,
            effective_from,
            base,
            tiers: tiers.into(),
        }
    }

    /// The model's canonical name, which may differ from the one that was asked for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.facts.model
    }

    /// The provider as the price book names it.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.facts.provider
    }

    /// Where the prices were found.
    #[must_use]
    pub fn source(&self) -> PriceSource {
        self.facts.source
    }

    /// The most tokens that a prompt can have, if the book knows it.
    #[must_use]
    pub fn context_window(&self) -> Option<u64> {
        self.facts.context_window
    }

    /// The most tokens that an answer can have, if the book knows it.
    #[must_use]
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.facts.max_output_tokens
    }

    /// The same prices, with the limits of another where these have none of their own.
    pub(super) fn with_limits_of(&self, other: Option<&Self>) -> Self {
        let mut price = self.clone();
        if let Some(other) = other {
            let facts = Arc::make_mut(&mut price.facts);
            facts.context_window = facts.context_window.or(other.facts.context_window);
            facts.max_output_tokens = facts.max_output_tokens.or(other.facts.max_output_tokens);
        }
        price
    }

    /// The prices of a request that reaches no tier.
    #[must_use]
    pub const fn base(&self) -> UnitPrices {
        self.base
    }

    /// The size at which each tier begins, ascending, with all prices that hold from there on.
    pub fn tiers(&self) -> impl Iterator<Item = (u64, UnitPrices)> {
        self.tiers.iter().map(|tier| (tier.start, tier.prices))
    }

    /// The day since which the prices hold, when the book tells one.
    #[must_use]
    pub const fn since(&self) -> Option<NaiveDate> {
        self.effective_from
    }

    /// Whether any token of it has a price, be it 0.
    pub(super) fn priced(&self) -> bool {
        self.base.priced()
    }

    /// The prices of a request whose prompt has `total_input_tokens` ([`TokenUsage::total_input`]): those of
    /// the tier with the largest start at or below it, for all of its tokens.
    #[must_use]
    pub fn snapshot(&self, total_input_tokens: u64) -> PriceSnapshot {
        let (tier_start, prices) = self
            .reached(total_input_tokens)
            .next_back()
            .map_or((0, self.base), |tier| (tier.start, tier.prices));
        PriceSnapshot {
            provider: self.facts.provider.clone(),
            model: self.facts.model.clone(),
            source: self.facts.source,
            effective_from: self.effective_from,
            tier_start,
            prices,
        }
    }

    /// The cost of a usage at the tier that it reached.
    ///
    /// # Errors
    /// As [`metering::cost`].
    pub fn cost(&self, usage: &TokenUsage) -> Result<Micros, CostError> {
        metering::cost(usage, &self.snapshot(usage.total_input()))
    }

    /// The highest price, in micros per million, of a token of a prompt of at most `bound` tokens: over every
    /// tier that such a prompt can reach, and every kind of token that it can consist of.
    #[must_use]
    pub fn dearest_input_price(&self, bound: u64) -> u64 {
        self.dearest(bound, UnitPrices::dearest_input)
    }

    /// The highest price, in micros per million, of a token of an answer to a prompt of at most `bound` tokens.
    #[must_use]
    pub fn dearest_output_price(&self, bound: u64) -> u64 {
        self.dearest(bound, UnitPrices::dearest_output)
    }

    /// The most that `count` web searches can cost. `None` when the book has no price for them: such a request
    /// cannot be bounded while a limit applies.
    #[must_use]
    pub fn web_search_fee(&self, count: u64) -> Option<Micros> {
        let price = self.all().filter_map(|prices| prices.web_searches).max()?;
        Some(metering::calls_fee_ceil(count, price))
    }

    /// The fee that every request to this model pays, rounded up; usually nothing.
    #[must_use]
    pub fn request_fee(&self) -> Micros {
        let price = self
            .all()
            .filter_map(|prices| prices.requests)
            .max()
            .unwrap_or(0);
        metering::calls_fee_ceil(1, price)
    }

    fn dearest(&self, bound: u64, of: impl Fn(&UnitPrices) -> u64) -> u64 {
        self.reached(bound).fold(of(&self.base), |dearest, tier| {
            dearest.max(of(&tier.prices))
        })
    }

    fn reached(&self, input_tokens: u64) -> impl DoubleEndedIterator<Item = &Tier> {
        self.tiers.iter().take(
            self.tiers
                .partition_point(|tier| tier.start <= input_tokens),
        )
    }

    fn all(&self) -> impl Iterator<Item = &UnitPrices> {
        std::iter::once(&self.base).chain(self.tiers.iter().map(|tier| &tier.prices))
    }

    /// The starts of all tiers, the base's 0 included: the sizes at which a test must look.
    #[cfg(test)]
    pub(crate) fn starts(&self) -> Vec<u64> {
        std::iter::once(0)
            .chain(self.tiers.iter().map(|tier| tier.start))
            .collect()
    }
}
