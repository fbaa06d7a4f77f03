//! What requests come to cost, and in which month.

use std::time::Duration;

use chrono::{DateTime, Months, Utc};
use fakeprovider::{Output, Prompt, Script, UsageStyle};
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, World};
use tokio::time::Instant;

use crate::calls::{Spoken, ask, event, events, metric, settled};

#[tokio::test]
async fn what_is_reported_above_the_bound_is_charged_in_full_marked_and_counted() {
    let script = Script {
        extra_prompt_tokens: 50_000,
        ..Script::default()
    };
    let world = World::new(script, Micros(100_000)).await.unwrap();
    let before = metric(&world, "bursar_gateway_over_reports_total").await;
    let micros_before = metric(&world, "bursar_gateway_over_report_micros_total").await;
    let answer = ask(&world, Spoken::OpenAi, &Spoken::OpenAi.body(100, false)).await;
    let answer: Value = answer.json().await.unwrap();
    let event = event(&world).await;
    let prompt = answer["usage"]["prompt_tokens"].as_i64().unwrap();
    assert!(prompt > 50_000);
    let cost = prompt * 5 / 2 + 120;
    assert_eq!((event.cost, event.estimated), (Some(cost), false));
    assert_eq!(event.over_hold, cost - event.hold);
    assert!(cost > 100_000, "{cost}");
    assert!(metric(&world, "bursar_gateway_over_reports_total").await > before);
    let micros = metric(&world, "bursar_gateway_over_report_micros_total").await;
    assert!(micros - micros_before > 100_000.0);
    // The truth is past the limit, so nothing more is served.
    assert_eq!(
        ask(&world, Spoken::OpenAi, &Spoken::OpenAi.body(1, false))
            .await
            .status(),
        403
    );
}

#[tokio::test]
async fn every_kind_of_token_is_charged_its_price_and_none_twice() {
    let world = World::new(Script::default(), Micros(10_000_000))
        .await
        .unwrap();
    let mut asked = 0;
    for spoken in Spoken::BOTH {
        for (stream, usage) in [
            (false, UsageStyle::Normal),
            (true, UsageStyle::Normal),
            (true, UsageStyle::EveryChunk),
            (true, UsageStyle::LastChoice),
        ] {
            asked += 1;
            world.fake.set_script(Script {
                prompt: Prompt::Fixed(10_001),
                cached_tokens: 3_333,
                cache_write_tokens: 1_111,
                output: Output::Tokens(47),
                reasoning_tokens: 7,
                usage,
                ..Script::default()
            });
            let mut body = spoken.body(100, stream);
            body["messages"][0]["content"] = json!("long ".repeat(2_200));
            let answer = ask(&world, spoken, &body).await;
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
            settled(&world.database).await;
            let events = events(&world.database, world.cast.member_id).await;
            assert_eq!(events.len(), asked);
            let last = events.last().unwrap();
            let (tokens, cost) = match spoken {
                // 2.50, 1.25 and 10 USD; OpenAI has no price for writes to its cache.
                Spoken::OpenAi => ([6_668, 3_333, 0, 47, 7], 16_670 + 4_166 + 470),
                // 3, 0.30, 3.75 and 15 USD; what was thought is part of the output.
                Spoken::Anthropic => ([5_557, 3_333, 1_111, 47, 0], 16_671 + 999 + 4_166 + 705),
            };
            assert_eq!(
                (last.tokens, last.cost),
                (tokens, Some(cost)),
                "{usage:?} {last:?}"
            );
            assert!(
                !last.estimated && last.over_hold == 0 && cost <= last.hold,
                "{last:?}"
            );
        }
    }
}

/// The start of the present month, and how many seconds it is ago.
async fn month_start(world: &World) -> (DateTime<Utc>, i64) {
    let sql = "SELECT extract(epoch FROM m)::bigint, extract(epoch FROM bursar_now() - m)::bigint \
        FROM (SELECT period_start AS m FROM bursar_period(bursar_now(), 'month', 'UTC')) AS month";
    let owner = world.database.owner().await.unwrap();
    let row = owner.query_one(sql, &[]).await.unwrap();
    (DateTime::from_timestamp(row.get(0), 0).unwrap(), row.get(1))
}

#[tokio::test]
async fn a_request_over_the_end_of_a_month_is_charged_to_the_month_that_it_began_in() {
    let script = Script {
        first_byte_delay: Duration::from_millis(700),
        ..Script::default()
    };
    // Nothing is renewed while the clock is elsewhere.
    let lease = Duration::from_secs(3_600);
    let options = ServerOptions {
        lease,
        ..Default::default()
    };
    let world = World::with_options(script, Micros(12_000), &options)
        .await
        .unwrap();
    let (this_month, ago) = month_start(&world).await;
    let shift = async |seconds: i64| {
        let interval = format!("{seconds} seconds");
        world.database.shift_clock(&interval).await.unwrap();
    };
    shift(-ago - 30).await;
    let body = Spoken::OpenAi.body(1_000, false);
    let roll_over = async {
        world.fake.wait_for_requests(1).await;
        shift(0).await;
        // In the new month nothing is held, so there is room for another one of the same size.
        let (spent, reserved) = world.spend(&world.cast.member).await.unwrap();
        assert_eq!((spent, reserved), (0, 0));
        let started = Instant::now();
        assert_eq!(ask(&world, Spoken::OpenAi, &body).await.status(), 200);
        assert!(started.elapsed() < Duration::from_secs(5));
    };
    let (first, ()) = tokio::join!(ask(&world, Spoken::OpenAi, &body), roll_over);
    assert_eq!(first.status(), 200);
    settled(&world.database).await;
    let events = events(&world.database, world.cast.member_id).await;
    let mut periods: Vec<_> = events.iter().map(|event| event.period_start).collect();
    periods.sort();
    assert_eq!(periods, [this_month - Months::new(1), this_month]);
    assert!(events.iter().all(|event| !event.estimated));
    let (spent, reserved) = world.spend(&world.cast.member).await.unwrap();
    let of_this_month = &events[1]; // They are in the order of their instants.
    assert_eq!((Some(spent), reserved), (of_this_month.cost, 0));
}
