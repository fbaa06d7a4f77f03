//! Admission: waiting, fairness, lowered caps, and bursts that never spend past the limit.

use std::time::Duration;

use fakeprovider::{Output, Script};
use futures_util::future::join_all;
use model::{
    Clock, Micros, SystemClock,
    caps::CapScope,
    prices::ProviderKind,
    spend::{LimitKey, SettlementBasis},
};

use super::{
    fakes::USER,
    rig::{Rig, Spoken, config, json, prices},
};
use crate::{
    SpendHint,
    wire::{Dialect, parse_request},
    worst_case::bounds,
};

/// What a question with this cap holds.
fn hold(cap: u64) -> Micros {
    let body = Spoken::OpenAi.body(Some(cap), false);
    let facts = parse_request(Dialect::OpenAiChat, &serde_json::to_vec(&body).unwrap()).unwrap();
    let price = prices().lookup(
        ProviderKind::OpenAi,
        Spoken::OpenAi.model(),
        SystemClock.now(),
    );
    bounds(&facts, price.as_ref(), 8_192, false)
        .worst_case
        .unwrap()
        .hold(cap)
}

fn slow() -> Script {
    Script {
        first_byte_delay: Duration::from_millis(150),
        output: Output::FillCap,
        ..Script::default()
    }
}

#[tokio::test]
async fn what_fits_only_after_others_settle_waits_for_them() {
    // Room for one at a time, money for several.
    let rig = Rig::start(slow(), Some(Micros(hold(100).0 * 3 / 2))).await;
    let body = Spoken::OpenAi.body(Some(100), false);
    let first = rig.ask(Spoken::OpenAi, &body);
    let second = async {
        rig.fake.wait_for_requests(1).await;
        // Fits beside nothing, but is a cheap one once the first has settled.
        rig.ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(60), false))
            .await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 200)
    );
    let books = rig.ledger.books();
    assert!(books.attempts >= 3, "{books:?}");
    assert_eq!(books.settled.len(), 2);
    assert!(Some(books.spent) <= books.limit);
}

#[tokio::test]
async fn a_wait_that_ends_in_vain_says_when_to_come_back() {
    let mut config = config();
    config.admission_wait = Duration::from_millis(60);
    let script = Script {
        first_byte_delay: Duration::from_millis(400),
        ..slow()
    };
    // A margin above the first's hold that holds the input of a second, but not 16 tokens of answer.
    let limit = Micros(hold(1_000).0 + 10);
    let rig = Rig::with(script, Some(limit), config).await;
    let first = rig
        .request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(1_000), false))
        .send();
    let second = async {
        rig.fake.wait_for_requests(1).await;
        rig.ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(100), false))
            .await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap().status(), 200);
    assert_eq!(second.status(), 429);
    assert_eq!(second.headers()["retry-after"], "2");
    assert_eq!(second.headers()["x-should-retry"], "true");
    assert_eq!(json(second).await["error"]["code"], "rate_limit_exceeded");
    let books = rig.ledger.books();
    assert_eq!(
        (
            books.waits_ended,
            books.open.len(),
            rig.fake.requests().len()
        ),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn who_waits_while_caps_become_unknown_leaves_the_line() {
    let rig = Rig::start(slow(), Some(Micros(hold(100).0 * 3 / 2))).await;
    let body = Spoken::OpenAi.body(Some(100), false);
    let first = rig.ask(Spoken::OpenAi, &body);
    let second = async {
        rig.fake.wait_for_requests(1).await;
        let second = rig.ask(Spoken::OpenAi, &body);
        let unknown = async {
            rig.ledger.until(|books| books.attempts >= 2).await;
            rig.ledger.books().caps_unknown = Some(CapScope::Instance);
        };
        tokio::join!(second, unknown).0
    };
    let (first, second) = tokio::join!(first, second);
    // What runs is not disturbed.
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 503)
    );
    let books = rig.ledger.books();
    assert_eq!(
        (books.waits_ended, books.open.len(), books.settled.len()),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn a_cap_is_lowered_to_what_is_left_and_told() {
    let limit = hold(100);
    let rig = Rig::start(
        Script {
            output: Output::FillCap,
            ..Script::default()
        },
        Some(limit),
    )
    .await;
    let response = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(5_000), false))
        .await;
    assert_eq!(response.status(), 200);
    let cap: u64 = response.headers()["x-bursar-output-cap"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((90..=100).contains(&cap), "{cap}");
    let [seen] = rig.fake.requests().try_into().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(sent["max_completion_tokens"], cap);
    let books = rig.ledger.books();
    assert_eq!(books.settled[0].basis, SettlementBasis::Reported);
    assert!(books.spent <= limit);
}

#[tokio::test]
async fn a_waiter_that_leaves_is_forgotten() {
    let mut config = config();
    config.admission_wait = Duration::from_secs(60);
    let rig = Rig::with(
        Script {
            first_byte_delay: Duration::from_millis(300),
            ..slow()
        },
        Some(Micros(hold(1_000).0 + 10)),
        config,
    )
    .await;
    let first = tokio::spawn(
        rig.request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(1_000), false))
            .send(),
    );
    rig.fake.wait_for_requests(1).await;
    let second = tokio::spawn(
        rig.request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(100), false))
            .send(),
    );
    rig.ledger.until(|books| books.attempts >= 2).await;
    second.abort();
    rig.ledger.until(|books| books.waits_ended == 1).await;
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert_eq!(rig.fake.requests().len(), 1);
}

#[tokio::test]
async fn a_hint_from_another_server_wakes_a_waiter() {
    let mut config = config();
    config.admission_wait = Duration::from_secs(60);
    config.poll_every = Duration::from_secs(60);
    let rig = Rig::with(Script::default(), Some(Micros::USD), config).await;
    let elsewhere = model::ReservationId(uuid::Uuid::from_u128(77));
    rig.ledger.books().open.insert(elsewhere, Micros::USD);
    let waiting = tokio::spawn(
        rig.request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(100), false))
            .send(),
    );
    rig.ledger.until(|books| books.attempts == 1).await;
    rig.ledger.books().open.remove(&elsewhere);
    rig.hints
        .send(SpendHint::Limit(LimitKey::user(USER)))
        .await
        .unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn more_waiters_than_may_wait_are_sent_away() {
    let mut config = config();
    config.admission_wait = Duration::from_secs(60);
    config.max_waiters_per_user = 2;
    let rig = Rig::with(Script::default(), Some(Micros::USD), config).await;
    let elsewhere = model::ReservationId(uuid::Uuid::from_u128(77));
    rig.ledger.books().open.insert(elsewhere, Micros::USD);
    let ask = || {
        tokio::spawn(
            rig.request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(100), false))
                .send(),
        )
    };
    let (first, second) = (ask(), ask());
    rig.ledger.until(|books| books.attempts >= 2).await;
    assert_eq!(ask().await.unwrap().unwrap().status(), 429);
    rig.ledger.books().open.remove(&elsewhere);
    rig.gateway.inner.queue.wake(LimitKey::user(USER));
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
}

/// Money for exactly ten answers of a hundred tokens, by their true cost, and fifty that want one.
async fn burst(cap: Option<u64>, stream: bool, hidden: bool, servers: usize) {
    let script = Script {
        first_byte_delay: Duration::from_millis(60),
        output: Output::Tokens(100),
        ..Script::default()
    };
    let mut body = Spoken::OpenAi.body(cap, stream);
    if hidden {
        // More prompt than the messages show.
        body["tools"] = serde_json::json!([{"type": "function", "function": {
            "name": "look_up", "description": "a long description ".repeat(20),
            "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
        }}]);
    }
    let one = {
        let rig = Rig::start(script.clone(), None).await;
        rig.ask(Spoken::OpenAi, &body).await.bytes().await.unwrap();
        rig.ledger.books().spent
    };
    let limit = Micros(one.0 * 10);
    let mut config = config();
    config.admission_wait = Duration::from_secs(60);
    let mut rigs = vec![Rig::with(script.clone(), Some(limit), config.clone()).await];
    for _ in 1..servers {
        let next = rigs[0].beside(script.clone(), config.clone()).await;
        rigs.push(next);
    }
    let asked = (0..50).map(|number| {
        let (rig, body) = (&rigs[number % servers], &body);
        async move {
            let answer = rig.ask(Spoken::OpenAi, body).await;
            let status = answer.status().as_u16();
            answer.bytes().await.unwrap();
            status
        }
    });
    let statuses = join_all(asked).await;
    let books = rigs[0].ledger.books();
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(books.spent <= limit, "{} > {limit}", books.spent);
    assert!((9..=10).contains(&served), "{served} served: {statuses:?}");
    assert!(
        statuses.iter().all(|status| matches!(status, 200 | 403)),
        "{statuses:?}"
    );
    assert_eq!((books.open.len(), books.settled.len()), (0, served));
}

#[tokio::test]
async fn a_burst_never_spends_past_the_limit() {
    burst(Some(100), false, false, 1).await;
    burst(Some(100), true, true, 1).await;
    burst(None, false, false, 1).await;
    burst(None, true, true, 1).await;
}

#[tokio::test]
async fn a_burst_on_two_servers_never_spends_past_the_limit() {
    // They hear of each other's settlements by looking only: no hint arrives.
    burst(Some(100), false, true, 2).await;
    burst(None, true, false, 2).await;
}
