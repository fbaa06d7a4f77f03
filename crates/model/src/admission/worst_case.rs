//! The most that a request can cost, as a function of the output cap that it is given.

use crate::{Micros, metering::tokens_cost_ceil, prices::ModelPrice};

/// A cap is never lowered below this many tokens per choice: less is no answer.
pub const LEAST_CAP: u64 = 16;

/// What a request asks for as its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputAsk {
    /// The cap per choice, from [`super::output_cap`].
    pub cap: u64,
    /// How many choices (`n`); 0 counts as 1.
    pub choices: u64,
    /// The request's own thinking budget, in tokens: a lowered cap stays above it.
    pub thinking: Option<u64>,
}

/// The bounds of what a request can cost. It grows with the output cap, which is what admission may lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorstCase {
    /// The dearest cost of the whole prompt.
    pub input_cost: Micros,
    /// The dearest price of a token of the answer, in micros per million.
    pub output_price: u64,
    /// How many choices are answered, each up to the cap.
    pub choices: u64,
    /// The cap per choice that the request would like.
    pub cap: u64,
    /// The least cap per choice that it can be given; at most `cap`.
    pub floor: u64,
    /// Fees that are due whatever the tokens.
    pub fees: Micros,
}

impl WorstCase {
    /// The worst case of a prompt of at most `input_tokens`. `fees` are those of searches and the like
    /// ([`ModelPrice::web_search_fee`]); the model's fee per request is added here.
    #[must_use]
    pub fn new(price: &ModelPrice, input_tokens: u64, output: OutputAsk, fees: Micros) -> Self {
        let thinking = output.thinking.map_or(0, |tokens| tokens.saturating_add(1));
        Self {
            input_cost: tokens_cost_ceil(
                u128::from(input_tokens),
                price.dearest_input_price(input_tokens),
            ),
            output_price: price.dearest_output_price(input_tokens),
            choices: output.choices.max(1),
            cap: output.cap,
            floor: LEAST_CAP.max(thinking).min(output.cap),
            fees: fees.saturating_add(price.request_fee()),
        }
    }

    /// What must be held for a cap per choice: rounded up, so that no usage within the bounds costs more.
    #[must_use]
    pub fn hold(&self, cap: u64) -> Micros {
        let tokens = u128::from(cap).saturating_mul(u128::from(self.choices));
        self.fixed()
            .saturating_add(tokens_cost_ceil(tokens, self.output_price))
    }

    /// The highest cap per choice, up to the wanted one, whose hold fits `rest`. `None` when not even an empty
    /// answer does.
    #[must_use]
    pub fn affordable_cap(&self, rest: Micros) -> Option<u64> {
        let left = u128::try_from(rest.saturating_sub(self.fixed()).0).ok()?;
        let per_token = u128::from(self.output_price).saturating_mul(u128::from(self.choices));
        let tokens = left.saturating_mul(1_000_000).checked_div(per_token);
        Some(tokens.map_or(self.cap, |most| {
            u64::try_from(most).unwrap_or(u64::MAX).min(self.cap)
        }))
    }

    fn fixed(&self) -> Micros {
        self.input_cost.saturating_add(self.fees)
    }
}
