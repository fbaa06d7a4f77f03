//! Requests that wait for others of the same person: in what order, how many, for how long, and who leaves.

use std::time::Duration;

use fakeprovider::Script;
use model::Micros;
use serde_json::Value;
use testkit::{ServerOptions, World};
use tokio::time::{Instant, timeout};

use crate::calls::{Spoken, ask, call, open, settled, until};

/// A world where one request of the usual size fits beside nothing else of that size.
async fn narrow(options: &ServerOptions) -> World {
    World::with_options(Script::default(), Micros(15_000), options)
        .await
        .unwrap()
}

/// A request that holds about ten thousand micros.
fn large() -> Value {
    Spoken::OpenAi.body(1_000, false)
}

/// Sends a request whose answer takes so long, and returns once the provider has it.
async fn occupy(world: &World, number: usize, delay: Duration) -> tokio::task::JoinHandle<u16> {
    world.fake.change(|script| script.first_byte_delay = delay);
    let task = send(world, &large());
    world.fake.wait_for_requests(number).await;
    world
        .fake
        .change(|script| script.first_byte_delay = Duration::ZERO);
    task
}

fn send(world: &World, body: &Value) -> tokio::task::JoinHandle<u16> {
    let request = call(world, &world.cast.member_token, Spoken::OpenAi.path(), body);
    tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
}

/// For how many milliseconds the first of the line has waited; `None` when nobody waits.
async fn head_waits(world: &World) -> Option<i64> {
    let sql = "SELECT (extract(epoch FROM bursar_now() - head_since) * 1000)::bigint FROM spend_counters \
        WHERE head_id IS NOT NULL AND head_expires_at > bursar_now()";
    let owner = world.database.owner().await.unwrap();
    let row = owner.query_opt(sql, &[]).await.unwrap();
    row.map(|row| row.get(0))
}

#[tokio::test]
async fn a_waiter_that_hangs_up_leaves_its_place() {
    let world = narrow(&ServerOptions::default()).await;
    let first = occupy(&world, 1, Duration::from_millis(1_500)).await;
    let second = send(&world, &large());
    until("the waiter", || async {
        head_waits(&world).await.is_some()
    })
    .await;
    second.abort();
    until("its leaving", || async {
        head_waits(&world).await.is_none()
    })
    .await;
    let third = send(&world, &large());
    assert_eq!((first.await.unwrap(), third.await.unwrap()), (200, 200));
    settled(&world.database).await;
    // The one that left was never asked of the provider.
    assert_eq!(world.fake.requests().len(), 2);
}

#[tokio::test]
async fn a_smaller_request_passes_a_larger_one_for_a_second_at_most() {
    let world = narrow(&ServerOptions::default()).await;
    let first = occupy(&world, 1, Duration::from_secs(3)).await;
    let larger = send(&world, &large());
    until("the waiter", || async {
        head_waits(&world).await.is_some()
    })
    .await;
    let mut small = Spoken::OpenAi.body(20, false);
    // Had it not passed in that second, it would have to wait for the first to end.
    let early = timeout(Duration::from_millis(2_500), send(&world, &small)).await;
    assert_eq!(early.unwrap().unwrap(), 200);
    until("its second", || async {
        head_waits(&world).await.unwrap_or_default() > 1_050
    })
    .await;
    small["user"] = "late".into();
    let late = send(&world, &small);
    for request in [first, larger, late] {
        assert_eq!(request.await.unwrap(), 200);
    }
    let caps = world.fake.requests().into_iter().map(|seen| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        (body["max_tokens"].as_u64().unwrap(), body["user"] == "late")
    });
    let order: Vec<_> = caps.collect();
    assert_eq!(
        order,
        [(1_000, false), (20, false), (1_000, false), (20, true)]
    );
}

#[tokio::test]
async fn a_wait_ends_with_a_lower_cap_or_with_a_word_to_come_back() {
    let options = ServerOptions {
        admission_wait: Duration::from_millis(300),
        ..Default::default()
    };
    let world = narrow(&options).await;
    let first = occupy(&world, 1, Duration::from_millis(2_500)).await;
    // Some room is left beside the first: it is given out, as a lower cap, once the wait is over.
    let lowered = ask(&world, Spoken::OpenAi, &large()).await;
    assert_eq!(lowered.status(), 200);
    let cap: u64 = lowered.headers()["x-bursar-output-cap"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((16..1_000).contains(&cap), "{cap}");
    // And with that one running too, none is.
    world
        .fake
        .change(|script| script.first_byte_delay = Duration::from_secs(2));
    let second = send(&world, &large());
    world.fake.wait_for_requests(3).await;
    for spoken in Spoken::BOTH {
        let started = Instant::now();
        let answer = ask(&world, spoken, &spoken.body(1_000, true)).await;
        assert!(started.elapsed() < Duration::from_millis(1_500));
        assert_eq!(answer.status(), 429);
        let seconds: u64 = answer.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(seconds > 0);
        assert_eq!(answer.headers()["x-should-retry"], "true");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(spoken.error_type(&body), "rate_limit_error");
    }
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (200, 200));
    settled(&world.database).await;
    assert_eq!(world.fake.requests().len(), 3);
}

#[tokio::test]
async fn waiters_beyond_the_bound_are_sent_away_at_once() {
    let world = narrow(&ServerOptions::default()).await;
    let first = occupy(&world, 1, Duration::from_secs(6)).await;
    let mut others = tokio::task::JoinSet::new();
    for _ in 0..260 {
        let request = call(
            &world,
            &world.cast.member_token,
            Spoken::OpenAi.path(),
            &large(),
        );
        others.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    for _ in 0..4 {
        assert_eq!(others.join_next().await.unwrap().unwrap(), 429);
    }
    assert!(
        !first.is_finished(),
        "this machine is too slow for this test"
    );
    let more = timeout(Duration::from_millis(50), others.join_next()).await;
    assert!(more.is_err(), "{more:?}");
    others.shutdown().await;
    until("an empty line", || async {
        head_waits(&world).await.is_none()
    })
    .await;
    assert_eq!(
        (first.await.unwrap(), open(&world.database).await),
        (200, 0)
    );
    assert_eq!(world.fake.requests().len(), 1);
}
