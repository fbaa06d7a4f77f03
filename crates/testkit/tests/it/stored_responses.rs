//! What a provider keeps is the person's whose request made it, though all share the provider's one key.

use bursar_sdk::{AiProviderType, Secret};
use fakeprovider::Script;
use futures_util::StreamExt;
use model::Micros;
use reqwest::Response;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

use crate::{
    calls::{add_provider, body_of, call, url},
    support::{person, world},
};

const PATH: &str = "openai/v1/responses";

fn question(more: &Value) -> Value {
    let mut body = json!({"model": "gpt-4o", "input": "Hello", "max_output_tokens": 20});
    let fields = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(fields);
    body
}

async fn ask(world: &World, token: &Secret, path: &str, more: &Value) -> Response {
    let request = call(world, token, path, &question(more));
    request.send().await.unwrap()
}

/// The id of a new response of somebody's.
async fn made(world: &World, token: &Secret, more: &Value) -> String {
    let answer = ask(world, token, PATH, more).await;
    assert_eq!(answer.status(), 200);
    body_of(answer).await["id"].as_str().unwrap().to_owned()
}

fn continuing(id: &str) -> Value {
    json!({ "previous_response_id": id })
}

/// The provider's own words for a response that there is not, without asking it.
async fn unknown(world: &World, token: &Secret, path: &str, id: &str) {
    let before = world.fake.requests().len();
    let answer = ask(world, token, path, &continuing(id)).await;
    assert_eq!(answer.status(), 400, "{id}");
    let expected = json!({ "error": {
        "message": format!("Previous response with id '{id}' not found."),
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }});
    assert_eq!(body_of(answer).await, expected);
    assert_eq!(world.fake.requests().len(), before);
}

/// A world, the owner's token, and that of somebody else without a limit.
async fn two() -> (World, Secret, Secret) {
    let world = world().await;
    let owner = world.cast.owner.token().unwrap().clone();
    let bob = person(&world, "bob", &[]).await.client;
    let bob = bob.token().unwrap().clone();
    (world, owner, bob)
}

#[tokio::test]
async fn a_response_is_continued_by_who_made_it_and_by_nobody_else() {
    let (world, owner, bob) = two().await;
    let id = made(&world, &owner, &json!({})).await;
    let next = made(&world, &owner, &continuing(&id)).await;
    made(&world, &owner, &continuing(&next)).await;
    // Continued twice, it is a fork.
    made(&world, &owner, &continuing(&id)).await;
    for id in [id.as_str(), next.as_str(), "resp_nobodys", "", "a b"] {
        unknown(&world, &bob, PATH, id).await;
    }
    unknown(&world, &owner, PATH, "resp_nobodys").await;
    let his = made(&world, &bob, &json!({})).await;
    made(&world, &bob, &continuing(&his)).await;
    unknown(&world, &owner, PATH, &his).await;
    // What he asked and what was refused him cost nobody anything.
    let spent = world.cast.owner.spend_get("me").await.unwrap();
    assert_eq!(spent.reserved_micros, 0);
}

#[tokio::test]
async fn another_token_of_the_person_and_another_server_know_it() {
    let (world, owner, bob) = two().await;
    let id = made(&world, &owner, &json!({})).await;
    let options = ServerOptions::default();
    let second = TestServer::start(&world.database, &options).await.unwrap();
    let session = world.cast.owner.token().unwrap();
    for (token, status) in [(session, 200), (&bob, 400)] {
        let request = world
            .http
            .post(url(&second, PATH))
            .bearer_auth(token.expose());
        let answer = request.json(&question(&continuing(&id))).send().await;
        assert_eq!(answer.unwrap().status(), status);
    }
}

#[tokio::test]
async fn an_id_is_one_providers() {
    let (world, owner, _bob) = two().await;
    let base_url = world.fake.openai_base_url();
    add_provider(&world, "local", AiProviderType::OpenAiCompatible, &base_url).await;
    let id = made(&world, &owner, &json!({})).await;
    unknown(&world, &owner, "local/v1/responses", &id).await;
    made(&world, &owner, &continuing(&id)).await;
}

#[tokio::test]
async fn what_is_not_stored_is_not_continued() {
    let (world, owner, _bob) = two().await;
    let id = made(&world, &owner, &json!({"store": false})).await;
    unknown(&world, &owner, PATH, &id).await;
    for more in [json!({"store": true}), json!({"store": null})] {
        let id = made(&world, &owner, &more).await;
        made(&world, &owner, &continuing(&id)).await;
    }
}

#[tokio::test]
async fn a_stream_is_continued_as_soon_as_its_last_event_is_there() {
    let script = Script {
        write_bytes: Some(100),
        ..Script::default()
    };
    let world = World::new(script, Micros::USD).await.unwrap();
    let owner = world.cast.owner.token().unwrap();
    let (mut id, mut more) = (String::new(), json!({"stream": true}));
    for round in 0..10 {
        let answer = ask(&world, owner, PATH, &more).await;
        assert_eq!(answer.status(), 200, "{round}");
        let mut pieces = answer.bytes_stream();
        let mut text = String::new();
        // The client reads no further than it must, and asks again while the stream is open.
        let last = |text: &str| {
            let event = text.split_once("event: response.completed\n");
            event.is_some_and(|(_, data)| data.contains("\n\n"))
        };
        while !last(&text) {
            let piece = pieces.next().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
        let found = text
            .split("\"id\":\"")
            .find(|part| part.starts_with("resp-"));
        let found = found.unwrap().split('"').next().unwrap().to_owned();
        assert_ne!(found, id);
        id = found;
        more = json!({"stream": true, "previous_response_id": id});
    }
}

#[tokio::test]
async fn items_are_named_by_who_made_them_or_sent_whole() {
    let (world, owner, bob) = two().await;
    let answer = ask(&world, &owner, PATH, &json!({})).await;
    let output = body_of(answer).await["output"].clone();
    let id = output[0]["id"].as_str().unwrap();
    let user = json!({"role": "user", "content": "And?"});
    let named = json!({"input": [{"type": "item_reference", "id": id}, user]});
    let whole = json!({"input": [output[0], user]});
    let reasoning = json!({"input": [{"type": "reasoning", "id": id, "summary": []}, user]});
    for (token, more, status) in [
        (&owner, &named, 200),
        (&owner, &reasoning, 200),
        (&owner, &whole, 200),
        (&bob, &whole, 200),
        (&bob, &named, 400),
        (&bob, &reasoning, 400),
    ] {
        let before = world.fake.requests().len();
        let answer = ask(&world, token, PATH, more).await;
        assert_eq!(answer.status(), status, "{more}");
        let reached = usize::from(status == 200);
        assert_eq!(world.fake.requests().len(), before + reached);
        if status == 400 {
            let error = body_of(answer).await;
            let message = error["error"]["message"].as_str().unwrap();
            assert!(message.contains("Send items whole"), "{message}");
        }
    }
    let conversation = json!({"conversation": "conv_1"});
    let answer = ask(&world, &owner, PATH, &conversation).await;
    assert_eq!(answer.status(), 400);
    let error = body_of(answer).await;
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("`conversation` is not offered here"),
        "{message}"
    );
}

#[tokio::test]
async fn what_was_somebodys_who_is_gone_is_nobodys() {
    let (world, owner, _bob) = two().await;
    let carol = person(&world, "carol", &[]).await;
    let id = made(&world, carol.client.token().unwrap(), &json!({})).await;
    let client = world.database.owner().await.unwrap();
    let rows = async || -> i64 {
        let count = "SELECT count(*) FROM ai_stored_responses WHERE user_id = $1";
        client.query_one(count, &[&carol.id]).await.unwrap().get(0)
    };
    assert_eq!(rows().await, 2);
    world.cast.owner.user_delete(carol.id).await.unwrap();
    assert_eq!(rows().await, 0);
    unknown(&world, &owner, PATH, &id).await;
    let again = person(&world, "carol", &[]).await;
    unknown(&world, again.client.token().unwrap(), PATH, &id).await;
}
