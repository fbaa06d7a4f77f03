//! The cost formula on the cases of its reference and on its edges.

use super::*;

fn prices(input: u64, output: u64, cache_read: u64, cache_write: u64) -> UnitPrices {
    UnitPrices {
        input: Some(input),
        output: Some(output),
        cache_read: Some(cache_read),
        cache_write_5m: Some(cache_write),
        ..UnitPrices::default()
    }
}

fn usage(input: u64, output: u64, cache_read: u64, cache_write_5m: u64) -> TokenUsage {
    TokenUsage {
        input,
        output,
        cache_read,
        cache_write_5m,
        ..TokenUsage::default()
    }
}

fn at(prices: UnitPrices) -> PriceSnapshot {
    PriceSnapshot {
        provider: "openai".to_owned(),
        model: "m".to_owned(),
        source: PriceSource::File,
        effective_from: None,
        tier_start: 0,
        prices,
    }
}

#[test]
fn every_kind_is_rounded_down_on_its_own() {
    let check = |usage, prices, micros| assert_eq!(cost(&usage, &at(prices)), Ok(Micros(micros)));
    // The numbers are those of the cases in `reference/coder-ai-budgets.md` 11.
    check(
        usage(100, 200, 50, 10),
        prices(3_000_000, 6_000_000, 300_000, 3_750_000),
        1552,
    ); // 38
    check(
        usage(100, 200, 50, 10),
        prices(3_000_000, 6_000_000, 300_000, 4_000_000),
        1555,
    ); // 49
    check(usage(100, 200, 50, 10), UnitPrices::default(), 0); // 40
    check(
        usage(0, 0, 0, 0),
        prices(3_000_000, 6_000_000, 300_000, 3_750_000),
        0,
    ); // 41
    check(usage(1, 0, 0, 0), prices(999_999, 0, 0, 0), 0); // 43
    check(usage(1000, 0, 0, 0), prices(999, 0, 0, 0), 0); // 44
    check(usage(1002, 0, 0, 0), prices(999, 0, 0, 0), 1); // 44
    check(usage(1, 1, 0, 0), prices(600_000, 600_000, 0, 0), 0); // 46
    check(usage(100, 0, 0, 0), prices(3_000_000, 0, 0, 0), 300); // 50
}

#[test]
#[rustfmt::skip]
fn a_kind_without_a_price_is_charged_as_the_next_wider_one() {
    const MILLION: u64 = 1_000_000;
    let none = TokenUsage::default();
    let input = TokenUsage { input: MILLION, ..none };
    let read = TokenUsage { cache_read: MILLION, ..none };
    let five = TokenUsage { cache_write_5m: MILLION, ..none };
    let hour = TokenUsage { cache_write_1h: MILLION, ..none };
    let heard = TokenUsage { audio_input: MILLION, ..none };
    let said = TokenUsage { output: MILLION, reasoning: MILLION, ..none };
    let spoken = TokenUsage { audio_output: MILLION, ..none };
    let all = UnitPrices {
        input: Some(1), cache_read: Some(2), cache_write_5m: Some(3), cache_write_1h: Some(4),
        output: Some(5), audio_input: Some(6), audio_output: Some(7), ..UnitPrices::default()
    };
    let rows = [
        (input, all, 1),
        (input, UnitPrices { input: None, ..all }, 5),
        (read, all, 2),
        (read, UnitPrices { cache_read: None, ..all }, 1),
        (five, all, 3),
        (five, UnitPrices { cache_write_5m: None, ..all }, 1),
        (hour, all, 4),
        (hour, UnitPrices { cache_write_1h: None, ..all }, 3),
        (hour, UnitPrices { cache_write_1h: None, cache_write_5m: None, ..all }, 1),
        (heard, all, 6),
        (heard, UnitPrices { audio_input: None, ..all }, 1),
        (said, all, 5),
        (said, UnitPrices { output: None, ..all }, 1),
        (spoken, all, 7),
        (spoken, UnitPrices { audio_output: None, ..all }, 5),
    ];
    for (usage, prices, micros) in rows {
        assert_eq!(cost(&usage, &at(prices)), Ok(Micros(micros)), "{usage:?} {prices:?}");
    }
}

#[test]
fn a_known_price_of_zero_is_free() {
    let free = UnitPrices {
        cache_read: Some(0),
        input: Some(9),
        ..UnitPrices::default()
    };
    let usage = TokenUsage {
        cache_read: 1_000_000,
        ..TokenUsage::default()
    };
    assert_eq!(cost(&usage, &at(free)), Ok(Micros(0)));
}

#[test]
fn fees_are_per_thousand_calls_and_every_request_is_one() {
    let prices = UnitPrices {
        input: Some(0),
        web_searches: Some(10_000_000),
        requests: Some(5_000_000),
        ..UnitPrices::default()
    };
    let usage = TokenUsage {
        web_searches: 3,
        ..TokenUsage::default()
    };
    assert_eq!(cost(&usage, &at(prices)), Ok(Micros(30_000 + 5_000)));
    assert_eq!(calls_fee_ceil(3, 10_000_000), Micros(30_000));
    assert_eq!(calls_fee_ceil(1, 1), Micros(1));
}

#[test]
fn impossible_counts_and_costs_are_errors() {
    let dear = prices(75_000_000, 75_000_000, 0, 0);
    let check = |usage, expected| assert_eq!(cost(&usage, &at(dear)), expected);
    // 123e9 tokens at $75 overflowed a 64-bit product elsewhere.
    check(
        usage(123_000_000_000, 0, 0, 0),
        Ok(Micros(9_225_000_000_000)),
    );
    check(
        usage(MAX_COUNT + 1, 0, 0, 0),
        Err(CostError::Count {
            kind: "input",
            count: MAX_COUNT + 1,
        }),
    );
    check(
        usage(MAX_COUNT, 0, 0, 0),
        Err(CostError::Cost {
            micros: 75_000_000_000_000,
        }),
    );
    let reasoning = TokenUsage {
        reasoning: u64::MAX,
        ..TokenUsage::default()
    };
    check(
        reasoning,
        Err(CostError::Count {
            kind: "reasoning",
            count: u64::MAX,
        }),
    );
    let exactly = prices(10_000_000, 0, 0, 0);
    assert_eq!(cost(&usage(MAX_COUNT, 0, 0, 0), &at(exactly)), Ok(MAX_COST));
}

#[test]
fn the_tier_is_decided_by_all_tokens_of_the_prompt() {
    let usage = TokenUsage {
        input: 1,
        cache_read: 2,
        cache_write_5m: 4,
        cache_write_1h: 8,
        audio_input: 16,
        output: 32,
        reasoning: 32,
        audio_output: 64,
        web_searches: 128,
    };
    assert_eq!((usage.total_input(), usage.total_output()), (31, 96));
}

#[test]
fn a_snapshot_survives_storage_and_leaves_out_what_is_not_known() {
    let snapshot = at(UnitPrices {
        input: Some(3),
        ..UnitPrices::default()
    });
    let json = serde_json::to_value(&snapshot).expect("serialises");
    assert_eq!(
        json,
        serde_json::json!({
            "provider": "openai", "model": "m", "source": "file", "tier_start": 0,
            "prices": {"input": 3},
        })
    );
    assert_eq!(
        serde_json::from_value::<PriceSnapshot>(json).expect("parses"),
        snapshot
    );
}
