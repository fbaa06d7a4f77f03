//! What goes wrong between client, gateway, provider and database, and what the ledger says afterwards.

use std::time::Duration;

use bursar_sdk::{AiProviderType, CreateAiProviderRequest};
use fakeprovider::{Fault, Output, Script};
use model::Micros;
use reqwest::Response;
use serde_json::Value;
use testkit::{ServerOptions, World};
use tokio::{net::TcpListener, time::Instant};

use crate::calls::{Spoken, ask, call, event, events, settled, until};

/// Output tokens of an answer.
const TOKENS: u64 = 40;

/// A provider whose streams take their time.
fn slow() -> Script {
    Script {
        output: Output::Tokens(TOKENS),
        chunk_delay: Duration::from_millis(5),
        ..Script::default()
    }
}

/// Reads so many bytes and hangs up.
async fn hang_up_after(mut answer: Response, bytes: usize) {
    let mut read = 0;
    while read < bytes {
        let piece = answer.chunk().await.unwrap();
        read += piece.map_or(bytes, |piece| piece.len());
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_at_any_byte_pays_what_the_provider_says() {
    let world = World::new(slow(), Micros::USD).await.unwrap();
    let mut asked = 0;
    for spoken in Spoken::BOTH {
        let body = spoken.body(100, true);
        for offset in [
            None,
            Some(0),
            Some(1),
            Some(200),
            Some(700),
            Some(1_500),
            Some(2_500),
        ] {
            asked += 1;
            if let Some(offset) = offset {
                hang_up_after(ask(&world, spoken, &body).await, offset).await;
            } else {
                // Gone before the answer has begun.
                world
                    .fake
                    .change(|script| script.first_byte_delay = Duration::from_millis(300));
                let request = call(&world, &world.cast.member_token, spoken.path(), &body);
                tokio::select! {
                    answer = request.send() => panic!("{answer:?}"),
                    () = world.fake.wait_for_requests(asked) => {}
                }
                world
                    .fake
                    .change(|script| script.first_byte_delay = Duration::ZERO);
            }
            world.fake.wait_for_ends(asked).await;
            settled(&world.database).await;
            let events = events(&world.database, world.cast.member_id).await;
            assert_eq!(events.len(), asked, "{spoken:?} {offset:?}");
            let last = events.last().unwrap();
            assert!(
                !last.estimated && last.tokens[3] == 40,
                "{spoken:?} {offset:?} {last:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_is_estimated_within_its_hold() {
    let world = World::new(slow(), Micros::USD).await.unwrap();
    let mut asked = 0;
    for spoken in Spoken::BOTH {
        for chunks in [0, 1, 2, 4, 8, 11] {
            asked += 1;
            world
                .fake
                .change(|script| script.fault = Fault::CutAfterChunks(chunks));
            let answer = ask(&world, spoken, &spoken.body(100, true)).await;
            // What breaks off for the gateway breaks off for the client.
            assert!(
                answer.status() == 502 || answer.bytes().await.is_err(),
                "{chunks}"
            );
            settled(&world.database).await;
            let events = events(&world.database, world.cast.member_id).await;
            assert_eq!(events.len(), asked);
            let last = events.last().unwrap();
            let cost = last.cost.unwrap();
            assert!(
                last.estimated && !last.swept,
                "{spoken:?} {chunks} {last:?}"
            );
            assert!(
                cost > 0 && cost <= last.hold && last.over_hold == 0,
                "{last:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_providers_error_passes_unchanged_and_costs_nothing() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    for spoken in Spoken::BOTH {
        for status in [400, 401, 404, 422, 429, 500, 503, 529] {
            let fault = Fault::Status {
                status,
                retry_after: Some(7),
            };
            world.fake.change(|script| script.fault = fault);
            let body = spoken.body(100, status % 2 == 0);
            let direct = format!(
                "{}/{}",
                world.fake.base_url(),
                spoken.path().split_once('/').unwrap().1
            );
            let direct = world
                .http
                .post(direct)
                .bearer_auth(world.fake.api_key())
                .json(&body);
            let direct = direct.send().await.unwrap().bytes().await.unwrap();
            let answer = ask(&world, spoken, &body).await;
            assert_eq!(answer.status().as_u16(), status);
            assert_eq!(answer.headers()["retry-after"], "7");
            assert_eq!(answer.bytes().await.unwrap(), direct);
        }
    }
    settled(&world.database).await;
    assert_eq!(world.spend(&world.cast.member).await.unwrap(), (0, 0));
    assert!(
        events(&world.database, world.cast.member_id)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_provider_that_is_not_there_costs_nothing() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    let free = TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let provider = CreateAiProviderRequest {
        name: "away".to_owned(),
        kind: AiProviderType::OpenAi,
        base_url: format!("http://{free}/v1"),
        api_key: "some-key".into(),
    };
    world.cast.owner.provider_create(&provider).await.unwrap();
    let body = Spoken::OpenAi.body(100, false);
    let request = call(
        &world,
        &world.cast.member_token,
        "away/v1/chat/completions",
        &body,
    );
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 502);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(Spoken::OpenAi.error_type(&answer), "server_error");
    assert!(
        !answer.to_string().contains(&free.port().to_string()),
        "{answer}"
    );
    settled(&world.database).await;
    assert!(
        events(&world.database, world.cast.member_id)
            .await
            .is_empty()
    );
}

/// Makes a call whose settlement finds no database, takes the database away for so long, and brings it back.
async fn settle_without_a_database(lease: Duration, away: Duration) -> World {
    let script = Script {
        first_byte_delay: Duration::from_millis(500),
        ..Script::default()
    };
    let options = ServerOptions {
        lease,
        ..Default::default()
    };
    let world = World::with_options(script, Micros::USD, &options)
        .await
        .unwrap();
    let body = Spoken::OpenAi.body(100, false);
    let database = async {
        world.fake.wait_for_requests(1).await;
        world.database.take_away().await.unwrap();
        let since = Instant::now();
        world.fake.wait_for_ends(1).await;
        tokio::time::sleep_until(since + away).await;
        world.database.bring_back().await.unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&world, Spoken::OpenAi, &body), database);
    // The answer was paid for by the deployment; the client gets it although the ledger is away.
    assert_eq!(answer.status(), 200);
    world
}

#[tokio::test]
async fn a_settlement_without_a_database_is_tried_again_and_lands_once() {
    let away = Duration::from_secs(1);
    let world = settle_without_a_database(Duration::from_secs(15), away).await;
    let event = event(&world).await;
    assert!(!event.estimated && event.tokens[3] == 12, "{event:?}");
}

#[tokio::test]
async fn a_settlement_that_comes_after_the_sweep_corrects_it_once() {
    let (lease, away) = (Duration::from_millis(600), Duration::from_secs(3));
    let world = settle_without_a_database(lease, away).await;
    until("the truth", || async {
        let events = events(&world.database, world.cast.member_id).await;
        events.iter().any(|event| !event.swept)
    })
    .await;
    settled(&world.database).await;
    let events = events(&world.database, world.cast.member_id).await;
    // Whichever came first, the sweep or the settlement, the sum is the truth.
    let sum = |of: fn(&crate::calls::Event) -> i64| events.iter().map(of).sum::<i64>();
    let tokens = [sum(|event| event.tokens[0]), sum(|event| event.tokens[3])];
    assert_eq!(tokens[1], 12, "{events:?}");
    assert_eq!(
        sum(|event| event.cost.unwrap()),
        tokens[0] * 5 / 2 + 120,
        "{events:?}"
    );
    assert_eq!(
        events.len(),
        1 + events.iter().filter(|event| event.swept).count()
    );
    assert!(
        events
            .iter()
            .all(|event| event.corrects.is_none() || !event.swept)
    );
}
