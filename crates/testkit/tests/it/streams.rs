//! Streams: passed on piece by piece, with nothing in them that was not asked for, and without delay.

use std::time::Duration;

use fakeprovider::{Output, Script};
use model::Micros;
use serde_json::{Value, json};
use testkit::World;
use tokio::time::Instant;

use crate::calls::{KEY, Spoken, events, open, settled, url};

/// The pieces of an answer as they arrive, with its numbers made equal.
async fn pieces(world: &World, url: String, key: &str, body: &Value) -> Vec<String> {
    let request = world.http.post(url).bearer_auth(key).json(body);
    let mut answer = request.send().await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        let piece = String::from_utf8(piece.to_vec()).unwrap();
        let text: String = piece.chars().filter(|c| !c.is_ascii_digit()).collect();
        pieces.push(text);
    }
    pieces
}

/// The provider's own address of what a gateway path leads to.
fn direct(world: &World, spoken: Spoken) -> String {
    let (_, path) = spoken.path().split_once('/').unwrap();
    format!("{}/{path}", world.fake.base_url())
}

#[tokio::test]
async fn a_stream_keeps_its_write_borders_and_hides_usage_nobody_asked_for() {
    let script = Script {
        chunk_delay: Duration::from_millis(10),
        output: Output::Tokens(40),
        ..Script::default()
    };
    let world = World::new(script, Micros::USD).await.unwrap();
    let token = world.cast.member_token.expose();
    let mut asking = Spoken::OpenAi.body(50, true);
    asking["stream_options"] = json!({"include_usage": true});
    let mut asked = 0;
    for (spoken, body) in [
        (Spoken::OpenAi, &asking),
        (Spoken::Anthropic, &Spoken::Anthropic.body(50, true)),
    ] {
        let through_gateway = url(&world.server, spoken.path());
        // On a busy machine two writes may arrive as one, so there is a second try and a third.
        let mut same = false;
        while !same {
            let plain = pieces(&world, direct(&world, spoken), KEY, body).await;
            let through = pieces(&world, through_gateway.clone(), token, body).await;
            asked += 1;
            assert_eq!(plain.concat(), through.concat());
            same = plain == through && plain.len() > 10;
            assert!(same || asked < 20, "{plain:?} became {through:?}");
        }
    }
    let address = url(&world.server, Spoken::OpenAi.path());
    let hidden = pieces(&world, address, token, &Spoken::OpenAi.body(50, true)).await;
    assert!(
        hidden.len() > 5 && hidden.concat().ends_with("data: [DONE]\n\n"),
        "{hidden:?}"
    );
    // The provider was asked for the figures, so its chunks say `null`; they themselves are not passed on.
    assert!(!hidden.concat().contains("prompt_tokens"), "{hidden:?}");
    settled(&world.database).await;
    let events = events(&world.database, world.cast.member_id).await;
    let exact = events
        .iter()
        .filter(|event| !event.estimated && event.tokens[3] == 40);
    assert_eq!((exact.count(), events.len()), (asked + 1, asked + 1));
    assert_eq!(open(&world.database).await, 0);
}

#[tokio::test]
async fn a_whole_streamed_answer_takes_hardly_longer_than_direct() {
    const MARGIN: Duration = Duration::from_millis(35);
    // A small write before each pause is what delayed acknowledgements stall, by 40 ms.
    let script = Script {
        output: Output::Tokens(24),
        chunk_delay: Duration::from_millis(1),
        tokens_per_chunk: 1,
        ..Script::default()
    };
    let world = World::new(script, Micros::USD).await.unwrap();
    for spoken in Spoken::BOTH {
        let body = spoken.body(50, true);
        let time = async |url: String, key: &str| {
            let started = Instant::now();
            let request = world.http.post(url).bearer_auth(key).json(&body);
            request.send().await.unwrap().bytes().await.unwrap();
            started.elapsed()
        };
        let direct_url = direct(&world, spoken);
        let (mut straight, mut through) = (Duration::MAX, Duration::MAX);
        // A stall comes every time; a busy machine does not.
        for _ in 0..60 {
            straight = straight.min(time(direct_url.clone(), &world.fake.api_key()).await);
            let token = world.cast.member_token.expose();
            through = through.min(time(url(&world.server, spoken.path()), token).await);
            if through < straight + MARGIN {
                break;
            }
        }
        println!("{spoken:?}: {through:?} through the gateway, {straight:?} direct");
        assert!(
            through < straight + MARGIN,
            "{through:?} against {straight:?}"
        );
    }
}
