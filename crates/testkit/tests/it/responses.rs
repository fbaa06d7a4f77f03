//! OpenAI's Responses API through real servers: charged to the micro, lowered, refused, and read to its end.

use std::time::Duration;

use bursar_sdk::AiProviderType;
use fakeprovider::{Fault, Output, Prompt, Script};
use model::Micros;
use serde_json::{Value, json};
use testkit::World;

use crate::calls::{add_provider, ask_unlimited, body_of, call, event, events, open, settled};

const PATH: &str = "openai/v1/responses";

/// A question to `gpt-4o`: 2.50 dollars for a million tokens of input, 1.25 cached, 10 for output.
fn question(stream: bool, more: &Value) -> Value {
    let mut body = json!({"model": "gpt-4o", "input": "Hello", "stream": stream});
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

async fn ask(world: &World, body: &Value) -> reqwest::Response {
    let request = call(world, &world.cast.member_token, PATH, body);
    request.send().await.unwrap()
}

/// A thousand tokens of prompt, 400 of them cached, and an answer of a hundred.
fn thousand() -> Script {
    Script {
        prompt: Prompt::Fixed(1_000),
        cached_tokens: 400,
        reasoning_tokens: 30,
        output: Output::Tokens(100),
        ..Script::default()
    }
}

#[tokio::test]
async fn plain_and_streamed_answers_are_charged_to_the_micro() {
    let world = World::new(thousand(), Micros::USD).await.unwrap();
    // Long enough for a thousand tokens, so that the provider reports no more than was held.
    let more = json!({"max_output_tokens": 200, "input": "Hello ".repeat(200)});
    for stream in [false, true] {
        let answer = ask(&world, &question(stream, &more)).await;
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        assert!(text.contains("\"input_tokens\":1000"), "{text}");
        if stream {
            assert!(text.starts_with("event: response.created\n"), "{text}");
            assert!(text.contains("event: response.completed\n"), "{text}");
        }
    }
    settled(&world.database).await;
    let events = events(&world.database, world.cast.member_id).await;
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(event.tokens, [600, 400, 0, 100, 30]);
        assert_eq!(event.cost, Some(600 * 5 / 2 + 400 * 5 / 4 + 100 * 10));
        assert!(!event.estimated && event.over_hold == 0);
    }
    let bodies: Vec<Value> = world
        .fake
        .requests()
        .iter()
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect();
    // What the client wrote is what the provider read.
    for (stream, body) in [false, true].into_iter().zip(bodies) {
        assert_eq!(body, question(stream, &more));
    }
}

#[tokio::test]
async fn an_openai_compatible_provider_serves_it_too() {
    let world = World::new(thousand(), Micros::USD).await.unwrap();
    let local = world.fake.openai_base_url();
    add_provider(&world, "local", AiProviderType::OpenAiCompatible, &local).await;
    let body = question(false, &json!({"max_output_tokens": 200}));
    let request = call(
        &world,
        &world.cast.member_token,
        "local/v1/responses",
        &body,
    );
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(event(&world).await.cost, Some(3_000));
}

#[tokio::test]
async fn a_budget_lowers_the_cap_and_then_refuses() {
    let script = Script {
        output: Output::FillCap,
        ..Script::default()
    };
    let world = World::new(script, Micros(2_000)).await.unwrap();
    let body = question(true, &json!({"max_output_tokens": 4_000}));
    let answer = ask(&world, &body).await;
    assert_eq!(answer.status(), 200);
    let cap: i64 = answer.headers()["x-bursar-output-cap"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let text = answer.text().await.unwrap();
    assert!(text.contains("event: response.incomplete\n"), "{text}");
    let event = event(&world).await;
    assert_eq!(event.tokens[3], cap);
    assert!(event.cost.is_some_and(|cost| cost <= 2_000), "{event:?}");
    let refused = ask(&world, &body).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.headers()["x-should-retry"], "false");
    let error = body_of(refused).await;
    assert_eq!(error["error"]["code"], "insufficient_quota");
    assert_eq!(world.fake.requests().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_metered_is_refused_even_without_a_limit() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    for more in [
        json!({"background": true}),
        json!({"prompt": {"id": "pmpt_1"}}),
        json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}),
        json!({"max_tokens": 20}),
    ] {
        let answer = ask_unlimited(&world, PATH, &question(false, &more)).await;
        assert_eq!(answer.status(), 400, "{more}");
        let error = body_of(answer).await;
        assert_eq!(error["error"]["type"], "invalid_request_error", "{error}");
    }
    assert_eq!(world.fake.requests().len(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_the_whole_answer() {
    let script = Script {
        chunk_delay: Duration::from_millis(5),
        ..thousand()
    };
    let world = World::new(script, Micros::USD).await.unwrap();
    let mut answer = ask(&world, &question(true, &json!({"max_output_tokens": 200}))).await;
    assert!(answer.chunk().await.unwrap().is_some());
    drop(answer);
    world.fake.wait_for_requests(1).await;
    let event = event(&world).await;
    assert_eq!((event.cost, event.estimated), (Some(3_000), false));
}

#[tokio::test]
async fn a_stream_that_breaks_is_estimated_within_its_hold() {
    let script = Script {
        fault: Fault::CutAfterChunks(8),
        ..thousand()
    };
    let world = World::new(script, Micros::USD).await.unwrap();
    let answer = ask(&world, &question(true, &json!({"max_output_tokens": 200}))).await;
    assert!(answer.text().await.is_err());
    let event = event(&world).await;
    assert!(event.estimated, "{event:?}");
    assert!(event.tokens[3] > 0 && event.tokens[3] <= 200, "{event:?}");
    assert!(
        event.cost.is_some_and(|cost| cost <= event.hold),
        "{event:?}"
    );
    assert_eq!(open(&world.database).await, 0);
}
