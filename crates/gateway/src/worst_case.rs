//! From the facts of a request and the price of its model to the most that it can cost. Pure.

use model::{
    Micros,
    admission::{OutputAsk, WorstCase, output_cap},
    metering::PriceSnapshot,
    prices::ModelPrice,
    spend::NotBounded,
};

use crate::wire::{Fee, RequestFacts};

/// Tokens that prices are given per.
const TOKENS_PER_PRICE: u128 = 1_000_000;

/// Anthropic's long context window, in tokens.
const LONG_CONTEXT: u64 = 1_000_000;

/// What a request can cost at most, and what an estimate of it is bounded by.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// The most input tokens; for a request that cannot be bounded, the best that is known.
    pub(crate) input_tokens: u64,
    /// The worst case, or why there is none.
    pub(crate) worst_case: Result<WorstCase, NotBounded>,
    /// The prices at the input bound; `None` when the model has none.
    pub(crate) prices: Option<PriceSnapshot>,
    /// How many searches the client allowed, for an estimate.
    pub(crate) web_searches: u64,
}

/// Computes the bounds of a request. `default_cap` is the deployment's output cap, in tokens; `long_context`
/// says that the provider was asked for its long context window.
pub(crate) fn bounds(
    facts: &RequestFacts,
    price: Option<&ModelPrice>,
    default_cap: u64,
    long_context: bool,
) -> Bounds {
    let window = price.and_then(ModelPrice::context_window);
    let window = window.map(|usual| {
        if long_context {
            usual.max(LONG_CONTEXT)
        } else {
            usual
        }
    });
    // A tool of the provider's own makes it read the whole prompt again.
    let tokens = facts.input_bound().tokens(window);
    let tokens = tokens.map(|tokens| tokens.saturating_mul(facts.rounds));
    let input_tokens = match &tokens {
        Ok(tokens) => *tokens,
        // Without a window nothing bounds it: the text that is there is what is known.
        Err(_unbounded) => facts
            .messages
            .saturating_mul(8)
            .saturating_add(facts.prompt_bytes)
            .saturating_add(facts.hidden_tokens),
    };
    let worst_case = match (price, tokens) {
        (None, _) => Err(NotBounded::Unpriced),
        (Some(_), Err(_unbounded)) => Err(NotBounded::Input),
        (Some(price), Ok(tokens)) => worst_case(facts, price, tokens, default_cap),
    };
    Bounds {
        input_tokens,
        worst_case,
        prices: price.map(|price| price.snapshot(input_tokens)),
        web_searches: facts
            .fees
            .iter()
            .filter_map(searches)
            .fold(0, u64::saturating_add),
    }
}

fn worst_case(
    facts: &RequestFacts,
    price: &ModelPrice,
    input_tokens: u64,
    default_cap: u64,
) -> Result<WorstCase, NotBounded> {
    let fees = fees(facts, price, input_tokens)?;
    let cap = output_cap(facts.client_cap, price.max_output_tokens(), default_cap);
    // A thinking budget above the cap is legal where thinking interleaves with tools, and it is spent beside
    // the cap, which therefore cannot be lowered.
    let beside = facts.thinking_budget.filter(|budget| *budget >= cap);
    let ask = OutputAsk {
        cap: cap.saturating_add(beside.unwrap_or(0)),
        choices: facts.choices,
        thinking: facts.thinking_budget,
    };
    let mut worst = WorstCase::new(price, input_tokens, ask, fees);
    if beside.is_some() {
        worst.floor = worst.cap;
    }
    Ok(worst)
}

impl Bounds {
    /// The most output tokens of all choices together, with this cap per choice.
    pub(crate) fn output_tokens(&self, facts: &RequestFacts, cap: u64) -> u64 {
        cap.saturating_mul(facts.choices)
            .saturating_add(facts.prediction_bytes)
    }
}

const fn searches(fee: &Fee) -> Option<u64> {
    match fee {
        Fee::WebSearch { max_uses } => *max_uses,
        Fee::Other { .. } => None,
    }
}

/// All charges beside input and capped output: searches, and a predicted output, whose rejected tokens are
/// charged as output beyond the cap.
fn fees(facts: &RequestFacts, price: &ModelPrice, input: u64) -> Result<Micros, NotBounded> {
    let predicted = u128::from(facts.prediction_bytes)
        .saturating_mul(u128::from(price.dearest_output_price(input)))
        .div_ceil(TOKENS_PER_PRICE);
    let mut sum = Micros(i64::try_from(predicted).unwrap_or(i64::MAX));
    for fee in &facts.fees {
        let calls = searches(fee).ok_or(NotBounded::Fee)?;
        sum = sum.saturating_add(price.web_search_fee(calls).ok_or(NotBounded::Fee)?);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Dialect, parse_request};
    use chrono::DateTime;
    use model::prices::{PriceBook, ProviderKind};

    fn facts(body: &str) -> RequestFacts {
        parse_request(Dialect::OpenAiChat, body.as_bytes()).unwrap()
    }

    fn price(model: &str) -> Option<ModelPrice> {
        let book = PriceBook::bundled().unwrap();
        book.lookup(
            ProviderKind::OpenAi,
            model,
            DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        )
    }

    #[test]
    fn the_hold_is_the_input_bound_and_the_capped_output_at_the_dearest_prices() {
        let price = price("gpt-4o-mini").unwrap();
        let facts = facts(
            r#"{"model":"gpt-4o-mini","max_tokens":100,"n":2,"messages":[{"role":"user","content":"hello"}]}"#,
        );
        let bounds = bounds(&facts, Some(&price), 8_192, false);
        let worst = bounds.worst_case.as_ref().unwrap();
        assert_eq!(worst.cap, 100);
        let input = u128::from(bounds.input_tokens)
            * u128::from(price.dearest_input_price(bounds.input_tokens));
        let output = 200 * u128::from(price.dearest_output_price(bounds.input_tokens));
        let expected = input.div_ceil(1_000_000) + output.div_ceil(1_000_000);
        assert_eq!(u128::try_from(worst.hold(100).0).unwrap(), expected);
        assert_eq!(bounds.output_tokens(&facts, 100), 200);
    }

    #[test]
    fn without_a_cap_the_smaller_of_the_models_and_the_deployments_holds() {
        let text = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hello"}]}"#;
        let facts = facts(text);
        let price = price("gpt-4o-mini").unwrap();
        let cap = |default| {
            bounds(&facts, Some(&price), default, false)
                .worst_case
                .unwrap()
                .cap
        };
        assert_eq!(cap(100), 100);
        assert_eq!(
            cap(1_000_000),
            price.max_output_tokens().unwrap_or(1_000_000)
        );
    }

    #[test]
    fn what_cannot_be_bounded_says_why() {
        let check = |model: &str, extra: &str, expected: NotBounded| {
            let text = format!(
                r#"{{"model":"{model}","messages":[{{"role":"user","content":"hello"}}]{extra}}}"#
            );
            let found = bounds(&facts(&text), price(model).as_ref(), 8_192, false).worst_case;
            assert_eq!(found.err(), Some(expected), "{text}");
        };
        check("no-such-model-at-all", "", NotBounded::Unpriced);
        check(
            "gpt-4o-mini",
            r#","service_tier":"priority""#,
            NotBounded::Fee,
        );
    }

    #[test]
    fn a_predicted_output_is_held_beside_the_cap() {
        let price = price("gpt-4o-mini").unwrap();
        let hold = |extra: &str| {
            let text = format!(
                r#"{{"model":"gpt-4o-mini","max_tokens":10,"messages":[{{"role":"user","content":"x"}}]{extra}}}"#
            );
            bounds(&facts(&text), Some(&price), 8_192, false)
                .worst_case
                .unwrap()
                .hold(10)
        };
        assert!(
            hold(r#","prediction":{"type":"content","content":"a long predicted answer"}"#)
                > hold("")
        );
    }

    #[test]
    fn a_thinking_budget_above_the_cap_is_held_beside_it_and_never_lowered() {
        let price = price("gpt-4o-mini").unwrap();
        let worst = |budget: Option<u64>| {
            let text = r#"{"model":"gpt-4o-mini","max_tokens":1000,"messages":[{"role":"user","content":"x"}]}"#;
            let facts = RequestFacts {
                thinking_budget: budget,
                ..facts(text)
            };
            bounds(&facts, Some(&price), 8_192, false)
                .worst_case
                .unwrap()
        };
        assert_eq!((worst(None).cap, worst(None).floor), (1_000, 16));
        assert_eq!((worst(Some(500)).cap, worst(Some(500)).floor), (1_000, 501));
        assert_eq!(
            (worst(Some(4_000)).cap, worst(Some(4_000)).floor),
            (5_000, 5_000)
        );
    }

    #[test]
    fn a_long_context_window_bounds_higher() {
        let price = price("gpt-4o-mini").unwrap();
        let usual = price.context_window().unwrap();
        let text = format!(
            r#"{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{}"}}]}}"#,
            "x".repeat(2_000_000)
        );
        let facts = facts(&text);
        assert_eq!(
            bounds(&facts, Some(&price), 8_192, false).input_tokens,
            usual
        );
        assert_eq!(
            bounds(&facts, Some(&price), 8_192, true).input_tokens,
            1_000_000
        );
    }
}
