//! Many people at once: no limit is passed, nothing leaks, nobody is kept from the database by others.

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use bursar_sdk::{PatchGroupRequest, Secret};
use fakeprovider::{Fault, Output, Script, UsageStyle};
use futures_util::future::join_all;
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    calls::{Spoken, events, settled, url},
    support,
};

/// Members of the group with the budget, each with a token.
async fn crowd(world: &World, size: usize) -> Vec<(Uuid, Secret)> {
    let mut crowd = Vec::new();
    for number in 0..size {
        let person = support::member(world, &format!("member-{number}"), &[]).await;
        crowd.push((person.id, person.client.token().unwrap().clone()));
    }
    let joining = PatchGroupRequest {
        add_users: crowd.iter().map(|(id, _)| *id).collect(),
        ..Default::default()
    };
    let owner = &world.cast.owner;
    owner
        .group_update(world.cast.group_id, &joining)
        .await
        .unwrap();
    crowd
}

/// Numbers that look random and are the same in every run.
struct Dice(AtomicU64);

impl Dice {
    fn below(&self, sides: u64) -> u64 {
        let mut x = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % sides
    }

    /// A provider in some mood.
    fn script(&self) -> Script {
        let chunks = usize::try_from(self.below(12)).unwrap();
        Script {
            first_byte_delay: Duration::from_millis(self.below(60)),
            chunk_delay: Duration::from_millis(self.below(3)),
            output: [Output::Tokens(self.below(400)), Output::FillCap]
                [usize::from(self.below(8) == 0)],
            default_cap: 600,
            tokens_per_chunk: 20,
            cached_tokens: self.below(5),
            usage: match self.below(6) {
                0 => UsageStyle::Omitted,
                1 => UsageStyle::EveryChunk,
                2 => UsageStyle::LastChoice,
                _ => UsageStyle::Normal,
            },
            fault: match self.below(10) {
                0 => Fault::CutAfterChunks(chunks),
                1 => Fault::ErrorEventAfterChunks(chunks),
                2 => Fault::Status {
                    status: 500,
                    retry_after: None,
                },
                3 if chunks > 8 => Fault::HangAfterChunks(chunks),
                _ => Fault::None,
            },
            ..Script::default()
        }
    }

    fn request(&self) -> (Spoken, Value) {
        let spoken = Spoken::BOTH[usize::from(self.below(3) == 0)];
        let mut body = spoken.body(20 + self.below(1_500), self.below(2) == 0);
        if spoken == Spoken::OpenAi && self.below(3) == 0 {
            body.as_object_mut().unwrap().remove("max_tokens");
        }
        if spoken == Spoken::OpenAi && self.below(6) == 0 {
            body["n"] = json!(2);
        }
        let length = usize::try_from(self.below(300)).unwrap();
        body["messages"][0]["content"] = json!("é".repeat(length));
        (spoken, body)
    }
}

/// Sends some request and reads all of the answer, or hangs up at some point. The status, if there was one.
async fn some_call(world: &World, server: &TestServer, token: &Secret, dice: &Dice) -> Option<u16> {
    world.fake.set_script(dice.script());
    let (spoken, body) = dice.request();
    let request = world.http.post(url(server, spoken.path())).json(&body);
    let answer = request.bearer_auth(token.expose()).send();
    let patience = [20, 200, 4_000, 4_000, 4_000, 4_000][usize::try_from(dice.below(6)).unwrap()];
    let mut answer = tokio::time::timeout(Duration::from_millis(patience), answer)
        .await
        .ok()?
        .unwrap();
    let status = answer.status().as_u16();
    let reading = async { while let Ok(Some(_)) = answer.chunk().await {} };
    let patience = Duration::from_millis(50 + dice.below(1_500));
    drop(tokio::time::timeout(patience, reading).await);
    Some(status)
}

/// Watches the counters until `done`: at no moment may anybody have spent and hold more than the limit.
async fn watch(world: &World, limit: i64, done: &AtomicUsize) -> usize {
    let owner = world.database.owner().await.unwrap();
    let sql = "SELECT limit_id::text, spent_micros, reserved_micros FROM spend_counters \
        WHERE limit_id <> $2 AND spent_micros + reserved_micros > $1";
    let spared = world.cast.owner.user_get("me").await.unwrap().id;
    let mut looks = 0;
    while done.load(Ordering::Acquire) == 0 {
        let past = owner.query(sql, &[&limit, &spared]).await.unwrap();
        assert!(past.is_empty(), "{past:?}");
        looks += 1;
        sleep(Duration::from_millis(5)).await;
    }
    looks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_forty_people_do_at_once_no_limit_is_passed_and_nothing_leaks() {
    const LIMIT: i64 = 40_000;
    let options = ServerOptions {
        admission_wait: Duration::from_millis(800),
        drain_timeout: Duration::from_millis(600),
        ..Default::default()
    };
    let world = World::with_options(Script::default(), Micros(LIMIT), &options)
        .await
        .unwrap();
    let second = TestServer::start(&world.database, &options).await.unwrap();
    let (people, dice) = (crowd(&world, 40).await, Dice(AtomicU64::new(7)));
    let (done, end) = (AtomicUsize::new(0), Instant::now() + Duration::from_secs(6));
    let person = async |number: usize| {
        let mut statuses = Vec::new();
        let (_, token) = &people[number % people.len()];
        for round in 0..10 {
            let server = if (number + round).is_multiple_of(2) {
                &world.server
            } else {
                &second
            };
            if Instant::now() < end {
                statuses.push(some_call(&world, server, token, &dice).await);
            }
        }
        statuses
    };
    let everybody = async {
        let statuses = join_all((0..120).map(&person)).await;
        settled(&world.database).await;
        done.store(1, Ordering::Release);
        statuses.concat()
    };
    let (statuses, looks) = tokio::join!(everybody, watch(&world, LIMIT, &done));
    let count = |status: u16| statuses.iter().filter(|one| **one == Some(status)).count();
    println!(
        "{} requests: {} served, {} refused, {} sent away, {} failed at the provider, {} hung up; {looks} looks",
        statuses.len(),
        count(200),
        count(403),
        count(429),
        count(500) + count(502),
        statuses.iter().filter(|one| one.is_none()).count(),
    );
    // How much is done in the time depends on the machine; everybody comes to a request at least.
    assert!(statuses.len() >= 120 && count(200) > 0, "{statuses:?}");
    assert!(
        count(200) + count(403) + count(429) + count(500) + count(502)
            == statuses.iter().flatten().count(),
        "{statuses:?}"
    );
    let mut charged = 0;
    for (id, _) in &people {
        let events = events(&world.database, *id).await;
        let sum: i64 = events.iter().filter_map(|event| event.cost).sum();
        assert!(sum <= LIMIT, "{events:?}");
        assert!(
            events
                .iter()
                .all(|event| event.over_hold == 0 && !event.swept),
            "{events:?}"
        );
        charged += events.len();
    }
    // Who was served was charged, and so were those who hung up on an answer.
    assert!(charged >= count(200), "{charged}");
    second.stop().await.unwrap();
    world.server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_at_once_are_all_served() {
    let world = World::new(Script::default(), Micros(1_000_000_000))
        .await
        .unwrap();
    let people = crowd(&world, 10).await;
    for people in [&people[..], &people[..1]] {
        let end = Instant::now() + Duration::from_secs(1);
        let client = async |number: usize| {
            let (_, token) = &people[number % people.len()];
            let body = Spoken::OpenAi.body(100, number.is_multiple_of(2));
            let mut worst = Duration::ZERO;
            let mut served = 0;
            while Instant::now() < end {
                let started = Instant::now();
                let request = world
                    .http
                    .post(url(&world.server, Spoken::OpenAi.path()))
                    .json(&body);
                let answer = request.bearer_auth(token.expose()).send().await.unwrap();
                let status = answer.status();
                let text = answer.text().await.unwrap();
                assert_eq!(status, 200, "{text}");
                worst = worst.max(started.elapsed());
                served += 1;
            }
            (served, worst)
        };
        let started = Instant::now();
        let figures = join_all((0..200).map(&client)).await;
        let served: u32 = figures.iter().map(|(served, _)| served).sum();
        let worst = figures.iter().map(|(_, worst)| worst).max().unwrap();
        let rate = f64::from(served) / started.elapsed().as_secs_f64();
        println!(
            "{} people, 200 clients: {rate:.0} requests/s, the slowest took {worst:?}",
            people.len()
        );
    }
    settled(&world.database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_persons_crowd_does_not_keep_others_from_the_database() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    let people = crowd(&world, 2).await;
    let send = |token: &Secret| {
        let request = world.http.post(url(&world.server, Spoken::OpenAi.path()));
        let request = request
            .bearer_auth(token.expose())
            .json(&Spoken::OpenAi.body(9, false));
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    };
    assert_eq!(send(&people[0].1).await.unwrap(), 200);
    // The ledger is slow for the first one.
    let mut owner = world.database.owner().await.unwrap();
    let slow = owner.transaction().await.unwrap();
    let lock = "SELECT 1 FROM spend_counters WHERE limit_id = $1 FOR UPDATE";
    slow.query(lock, &[&people[0].0]).await.unwrap();
    let crowd: Vec<_> = (0..60).map(|_| send(&people[0].1)).collect();
    sleep(Duration::from_millis(300)).await;
    let other = tokio::time::timeout(Duration::from_secs(4), send(&people[1].1)).await;
    assert_eq!(
        other.expect("the other one waits for the first").unwrap(),
        200
    );
    slow.rollback().await.unwrap();
    for request in crowd {
        assert_eq!(request.await.unwrap(), 200);
    }
    settled(&world.database).await;
}
