//! Requests that wait for others of the same person: in what order, how many, for how long, and who leaves.

use std::time::Duration;

use fakeprovider::{Gate, Script};
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

/// Waits longer than any of these tests takes, on a busy machine too.
fn patient() -> ServerOptions {
    ServerOptions {
        admission_wait: Duration::from_secs(120),
        ..Default::default()
    }
}

/// Sends a request that is answered when the gate is opened, and returns once the provider has it.
async fn occupy(world: &World, number: usize) -> (tokio::task::JoinHandle<u16>, Gate) {
    let gate = Gate::default();
    world.fake.change(|script| script.gate = Some(gate.clone()));
    let task = send(world, &large());
    world.fake.wait_for_requests(number).await;
    world.fake.change(|script| script.gate = None);
    (task, gate)
}

fn send(world: &World, body: &Value) -> tokio::task::JoinHandle<u16> {
    let request = call(world, &world.cast.member_token, Spoken::OpenAi.path(), body);
    tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
}

/// Whether somebody is the first of the line, of which this holds.
async fn head(world: &World, holds: &str) -> bool {
    let sql = format!(
        "SELECT 1 FROM spend_counters WHERE head_id IS NOT NULL AND head_expires_at > bursar_now() AND {holds}"
    );
    let owner = world.database.owner().await.unwrap();
    owner.query_opt(&sql, &[]).await.unwrap().is_some()
}

async fn somebody_waits(world: &World) {
    until("the waiter", || head(world, "true")).await;
}

async fn nobody_waits(world: &World) {
    until("its leaving", || async { !head(world, "true").await }).await;
}

/// Stops the clock that decides who may pass whom, so much later than it is.
async fn stop_clock(world: &World, later: &str) {
    let sql = format!(
        "DO $do$ BEGIN EXECUTE format('CREATE OR REPLACE FUNCTION bursar_now() RETURNS timestamptz \
            LANGUAGE sql STABLE AS $$ SELECT %L::timestamptz $$', bursar_now() + interval '{later}'); END $do$"
    );
    let owner = world.database.owner().await.unwrap();
    owner.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn a_waiter_that_hangs_up_leaves_its_place() {
    let world = narrow(&patient()).await;
    let (first, gate) = occupy(&world, 1).await;
    let second = send(&world, &large());
    somebody_waits(&world).await;
    second.abort();
    nobody_waits(&world).await;
    let third = send(&world, &large());
    somebody_waits(&world).await;
    gate.open();
    assert_eq!((first.await.unwrap(), third.await.unwrap()), (200, 200));
    settled(&world.database).await;
    // The one that left was never asked of the provider.
    assert_eq!(world.fake.requests().len(), 2);
}

#[tokio::test]
async fn a_smaller_request_passes_a_larger_one_for_a_second_at_most() {
    let world = narrow(&patient()).await;
    let (first, gate) = occupy(&world, 1).await;
    stop_clock(&world, "0 s").await;
    let larger = send(&world, &large());
    somebody_waits(&world).await;
    stop_clock(&world, "999 ms").await;
    let small = Spoken::OpenAi.body(20, false);
    // Did it not pass, it would have to wait for the first to end, which it does not before the gate is opened.
    let early = timeout(Duration::from_secs(60), send(&world, &small)).await;
    assert_eq!(early.unwrap().unwrap(), 200);
    stop_clock(&world, "1 ms").await;
    let late = send(&world, &small);
    // There is room for it, and still it waits, after the other.
    until("the late one's waiting", || {
        head(&world, "waiting_until > head_expires_at")
    })
    .await;
    let asked = |cap: u64| {
        let requests = world.fake.requests();
        let body = |seen: &fakeprovider::Recorded| -> Value {
            serde_json::from_slice(&seen.body).unwrap()
        };
        let of_that = requests
            .iter()
            .filter(|seen| body(seen)["max_tokens"] == cap);
        of_that.count()
    };
    assert_eq!((asked(1_000), asked(20)), (1, 1));
    gate.open();
    for request in [first, larger, late] {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!((asked(1_000), asked(20)), (2, 2));
}

#[tokio::test]
async fn a_wait_ends_with_a_lower_cap_or_with_a_word_to_come_back() {
    let options = ServerOptions {
        admission_wait: Duration::from_millis(300),
        ..Default::default()
    };
    let world = narrow(&options).await;
    let (first, gate) = occupy(&world, 1).await;
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
    let (second, other_gate) = occupy(&world, 3).await;
    for spoken in Spoken::BOTH {
        let started = Instant::now();
        let answer = ask(&world, spoken, &spoken.body(1_000, true)).await;
        // Longer than it may wait, but not as long as the default.
        assert!(started.elapsed() < Duration::from_secs(9));
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
    gate.open();
    other_gate.open();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (200, 200));
    settled(&world.database).await;
    assert_eq!(world.fake.requests().len(), 3);
}

#[tokio::test]
async fn waiters_beyond_the_bound_are_sent_away_at_once() {
    let world = narrow(&patient()).await;
    let (first, gate) = occupy(&world, 1).await;
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
    let more = timeout(Duration::from_millis(50), others.join_next()).await;
    assert!(more.is_err(), "{more:?}");
    others.shutdown().await;
    nobody_waits(&world).await;
    gate.open();
    assert_eq!(
        (first.await.unwrap(), open(&world.database).await),
        (200, 0)
    );
    assert_eq!(world.fake.requests().len(), 1);
}
