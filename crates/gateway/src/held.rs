//! A reservation in the hands of a request: closed exactly once, also when the request's task panics.

use std::sync::Arc;

use model::{
    Micros, ReservationId,
    metering::{MAX_COUNT, TokenUsage},
    prices::ModelPrice,
    spend::{Account, Release, Settlement, SettlementBasis},
};
use tokio::task::JoinHandle;

use crate::{
    lease::Lease,
    settle::{Closing, Settler},
    telemetry::Unpriced,
    wire::Metered,
};

/// What a request is charged by.
#[derive(Debug, Clone)]
pub(crate) struct Bill {
    /// The reservation.
    pub(crate) id: ReservationId,
    /// Whom it is held by and charged to.
    pub(crate) account: Account,
    /// The price at the request's instant.
    pub(crate) price: Option<ModelPrice>,
    /// The model, if it has no price.
    pub(crate) unpriced: Option<Unpriced>,
    /// The input bound, in tokens.
    pub(crate) input_tokens: u64,
    /// The most output tokens of all choices together; `u64::MAX` when nothing bounds them.
    pub(crate) output_tokens: u64,
    /// How many searches the client allowed.
    pub(crate) web_searches: u64,
    /// What an estimate may not pass: the hold of a request whose output is capped.
    pub(crate) ceiling: Option<Micros>,
}

impl Bill {
    const fn release(&self) -> Release {
        Release {
            id: self.id,
            account: self.account,
        }
    }

    /// The charge for what was read of an answer: the provider's own figures if they are final and sane, else
    /// an estimate that never passes the hold.
    pub(crate) fn settlement(&self, metered: &Metered) -> Settlement {
        let reported = metered.settled().filter(sane).and_then(|usage| {
            self.cost(&usage)
                .map(|cost| (usage, cost, SettlementBasis::Reported))
        });
        let (usage, cost, basis) = reported.unwrap_or_else(|| self.estimate(metered));
        Settlement {
            id: self.id,
            account: self.account,
            prices: self
                .price
                .as_ref()
                .map(|price| price.snapshot(usage.total_input())),
            usage,
            basis,
            cost,
            response_model: metered.response_model.clone(),
            provider_response_id: metered.provider_response_id.clone(),
        }
    }

    fn estimate(&self, metered: &Metered) -> (TokenUsage, Option<Micros>, SettlementBasis) {
        let by = |metered: &Metered| {
            let mut usage = metered.estimated(self.input_tokens, self.output_tokens);
            usage.web_searches = usage.web_searches.max(self.web_searches);
            usage
        };
        let usage = by(metered);
        // Figures that nobody can mean are worth nothing: then only the bounds count.
        let usage = if sane(&usage) && self.cost(&usage).is_some() {
            usage
        } else {
            by(&Metered {
                usage: None,
                ..metered.clone()
            })
        };
        let cost = self.cost(&usage).unwrap_or(self.ceiling);
        let capped = cost.map(|cost| self.ceiling.map_or(cost, |ceiling| cost.min(ceiling)));
        (usage, capped, SettlementBasis::Estimated)
    }

    /// The cost: `Some(None)` without a price, `None` when it is beyond reason.
    #[expect(
        clippy::option_option,
        reason = "no price and no sane cost are different answers"
    )]
    fn cost(&self, usage: &TokenUsage) -> Option<Option<Micros>> {
        self.price
            .as_ref()
            .map(|price| price.cost(usage).ok())
            .map_or(Some(None), |cost| cost.map(Some))
    }
}

/// Whether a provider can mean these counts.
fn sane(usage: &TokenUsage) -> bool {
    let TokenUsage {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        audio_input,
        audio_output,
        web_searches,
    } = *usage;
    [
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        audio_input,
        audio_output,
        web_searches,
    ]
    .iter()
    .all(|count| *count <= MAX_COUNT)
}

/// What would have to happen to the reservation if its request ended now.
#[derive(Debug)]
enum State {
    /// Nothing was written upstream: it costs nothing.
    Unwritten,
    /// It may have been written: it costs what is known.
    Written(Box<Metered>),
    /// It is closed, or there is none.
    Closed,
}

/// An open reservation. Dropping it unclosed, as a panic does, closes it by what is known.
#[derive(Debug)]
pub(crate) struct Held {
    settler: Arc<Settler>,
    lease: Arc<Lease>,
    /// What it is charged by.
    pub(crate) bill: Bill,
    state: State,
}

impl Held {
    /// A reservation that was just made, under this lease.
    pub(crate) const fn new(settler: Arc<Settler>, lease: Arc<Lease>, bill: Bill) -> Self {
        Self {
            settler,
            lease,
            bill,
            state: State::Unwritten,
        }
    }

    /// From here on the provider may have seen the request.
    pub(crate) fn written(&mut self) {
        self.state = State::Written(Box::default());
    }

    /// Notes what an unexpected end would be charged by.
    pub(crate) fn note(&mut self, output_bytes: u64) {
        if let State::Written(metered) = &mut self.state {
            metered.output_bytes_seen = output_bytes;
        }
    }

    /// Closes it without a charge.
    pub(crate) fn release(&mut self) -> Option<JoinHandle<()>> {
        self.state = State::Closed;
        self.settler.close(
            Closing::Release(self.bill.release()),
            Arc::clone(&self.lease),
        )
    }

    /// Closes it with the charge for what was read.
    pub(crate) fn settle(&mut self, metered: &Metered) -> Option<JoinHandle<()>> {
        self.state = State::Closed;
        let settlement = Box::new(self.bill.settlement(metered));
        self.bill.unpriced.iter().for_each(Unpriced::count);
        self.settler
            .close(Closing::Settle(settlement), Arc::clone(&self.lease))
    }

    /// Whether it was closed.
    pub(crate) const fn closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The tasks run on by themselves.
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Unwritten => drop(self.release()),
            State::Written(metered) => drop(self.settle(&metered)),
            State::Closed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use model::prices::{PriceBook, ProviderKind};
    use uuid::Uuid;

    fn bill(ceiling: Option<i64>, priced: bool) -> Bill {
        let book = PriceBook::bundled().unwrap();
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        Bill {
            id: ReservationId(Uuid::from_u128(1)),
            account: Account {
                user_id: model::UserId(Uuid::from_u128(2)),
                group_id: None,
                organization_id: None,
            },
            price: priced.then(|| book.lookup(ProviderKind::OpenAi, "gpt-4o", at).unwrap()),
            unpriced: None,
            input_tokens: 1_000,
            output_tokens: 100,
            web_searches: 0,
            ceiling: ceiling.map(Micros),
        }
    }

    fn seen(usage: Option<TokenUsage>, complete: bool, bytes: u64) -> Metered {
        Metered {
            usage,
            complete,
            output_bytes_seen: bytes,
            ..Metered::default()
        }
    }

    #[test]
    fn the_providers_final_figures_count_even_above_the_hold() {
        let usage = TokenUsage {
            input: 9_000_000,
            output: 1,
            ..TokenUsage::default()
        };
        let settlement = bill(Some(5), true).settlement(&seen(Some(usage), true, 0));
        assert_eq!(settlement.basis, SettlementBasis::Reported);
        assert_eq!(settlement.usage, usage);
        assert!(settlement.cost.unwrap() > Micros(5));
    }

    #[test]
    fn an_estimate_is_the_input_bound_and_what_was_received_up_to_the_hold() {
        let check = |ceiling, bytes, tokens| {
            let bill = bill(ceiling, true);
            let settlement = bill.settlement(&seen(None, false, bytes));
            assert_eq!(settlement.basis, SettlementBasis::Estimated);
            assert_eq!(
                (settlement.usage.input, settlement.usage.output),
                (1_000, tokens)
            );
            let cost = bill
                .price
                .as_ref()
                .unwrap()
                .cost(&settlement.usage)
                .unwrap();
            assert_eq!(
                settlement.cost,
                Some(ceiling.map_or(cost, |most| cost.min(Micros(most))))
            );
        };
        check(None, 0, 0);
        check(None, 40, 40);
        check(None, 4_000, 100);
        check(Some(10), 40, 40);
    }

    #[test]
    fn impossible_figures_fall_back_to_an_estimate() {
        let usage = TokenUsage {
            input: u64::MAX,
            ..TokenUsage::default()
        };
        let check = |priced, cost: Option<Micros>| {
            let settlement = bill(Some(7), priced).settlement(&seen(Some(usage), true, 3));
            assert_eq!(settlement.basis, SettlementBasis::Estimated);
            assert_eq!(
                (settlement.usage.input, settlement.usage.output),
                (1_000, 3)
            );
            assert_eq!(settlement.cost, cost);
        };
        check(true, Some(Micros(7)));
        check(false, None);
    }

    #[test]
    fn without_a_price_tokens_are_counted_and_cost_nothing() {
        let usage = TokenUsage {
            input: 3,
            output: 4,
            ..TokenUsage::default()
        };
        let settlement = bill(None, false).settlement(&seen(Some(usage), true, 0));
        assert_eq!((settlement.cost, settlement.prices.is_none()), (None, true));
        assert_eq!(settlement.basis, SettlementBasis::Reported);
    }
}
