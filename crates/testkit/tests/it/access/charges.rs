//! What a cut costs, and requests that are cut before their answer.

use std::time::Duration;

use bursar_sdk::Secret;
use fakeprovider::{Output, Script};
use model::Micros;
use testkit::{ServerOptions, TestServer, World};

use super::{Pair, SOON, SUSPENDED, endless, ends, suspend, token};
use crate::calls::{Spoken, body_of, event, events, settled, until, url};

/// Whether the last answer is read to its end decides how a cut is charged; the client does not.
#[tokio::test]
async fn a_cut_costs_what_the_provider_says_or_what_came() {
    for (tokens, drained) in [(60, true), (4_800, false)] {
        let script = Script {
            output: Output::Tokens(tokens),
            ..endless()
        };
        let options = ServerOptions {
            drain_timeout: Duration::from_secs(if drained { 60 } else { 1 }),
            ..Default::default()
        };
        let world = World::with_options(script, Micros(100 * Micros::USD.0), &options);
        let world = world.await.unwrap();
        let second = TestServer::start(&world.database, &options).await.unwrap();
        let pair = Pair { world, second };
        let stream = pair
            .stream(Spoken::OpenAi, &pair.world.cast.member_token)
            .await;
        let suspending = suspend(&pair, pair.world.cast.member_id);
        ends("a suspension", vec![stream], suspending, SUSPENDED).await;
        let event = event(&pair.world).await;
        let output = i64::try_from(tokens).unwrap();
        assert_eq!(
            (event.estimated, event.swept),
            (!drained, false),
            "{event:?}"
        );
        assert_eq!(event.tokens[3] == output, drained, "{event:?}");
        let cost = event.cost.unwrap();
        assert!(
            cost > 0 && cost <= event.hold && event.over_hold == 0,
            "{event:?}"
        );
    }
}

/// The client is answered at once; the provider's answer comes later and is paid for.
async fn check_in_one_piece(spoken: Spoken) {
    let script = Script {
        first_byte_delay: Duration::from_secs(3),
        ..Script::default()
    };
    let options = ServerOptions::default();
    let world = World::with_options(script, Micros::USD, &options);
    let world = world.await.unwrap();
    let second = TestServer::start(&world.database, &options).await.unwrap();
    let pair = Pair { world, second };
    let (world, key) = (&pair.world, &pair.world.cast.member_token);
    let request = world.http.post(url(&pair.second, spoken.path()));
    let request = request
        .bearer_auth(key.expose())
        .json(&spoken.body(50, false));
    let asking = tokio::spawn(request.send());
    world.fake.wait_for_requests(1).await;
    suspend(&pair, world.cast.member_id).await;
    let answer = asking.await.unwrap().unwrap();
    assert!(
        events(&world.database, world.cast.member_id)
            .await
            .is_empty()
    );
    assert_eq!(answer.status(), 401);
    let body = body_of(answer).await;
    assert!(body.to_string().contains(SUSPENDED), "{body}");
    spoken.error_type(&body);
    let event = event(world).await;
    assert_eq!((event.estimated, event.tokens[3]), (false, 12), "{event:?}");
}

#[tokio::test]
async fn an_answer_in_one_piece_does_not_come_and_is_charged_all_the_same() {
    for spoken in Spoken::BOTH {
        check_in_one_piece(spoken).await;
    }
}

#[tokio::test]
async fn a_waiter_is_turned_away_and_its_request_never_sent() {
    let options = ServerOptions {
        access_recheck: SOON,
        admission_wait: Duration::from_secs(20),
        ..Default::default()
    };
    let script = Script {
        first_byte_delay: Duration::from_secs(2),
        ..Script::default()
    };
    // Room for one at a time.
    let world = World::with_options(script, Micros(15_000), &options)
        .await
        .unwrap();
    let key = world.cast.member_token.clone();
    let (_, other) = token(&world.cast.member).await;
    let send = |key: &Secret| {
        let request = world.http.post(url(&world.server, Spoken::OpenAi.path()));
        let request = request.bearer_auth(key.expose());
        tokio::spawn(request.json(&Spoken::OpenAi.body(1_000, false)).send())
    };
    let first = send(&key);
    world.fake.wait_for_requests(1).await;
    let waiter = send(&other);
    let owner = world.database.owner().await.unwrap();
    let waits =
        "SELECT 1 FROM spend_counters WHERE head_id IS NOT NULL AND head_expires_at > bursar_now()";
    until("the waiter", || async {
        owner.query_opt(waits, &[]).await.unwrap().is_some()
    })
    .await;
    let id = other.expose().split('-').next().unwrap();
    world.cast.member.api_key_delete("me", id).await.unwrap();
    let answer = waiter.await.unwrap().unwrap();
    assert_eq!(answer.status(), 401);
    // The place in the line went with it.
    until("its leaving", || async {
        owner.query_opt(waits, &[]).await.unwrap().is_none()
    })
    .await;
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    settled(&world.database).await;
    assert_eq!(world.fake.requests().len(), 1);
}
