//! AI providers over HTTP: their keys go in and never come out, and their addresses lead nowhere special.

use bursar_sdk::Client;
use fakeprovider::FakeProvider;
use serde_json::{Value, json};
use testkit::World;

use crate::{
    scenes::{play, scenes},
    support::{Answer, ask, get, is, lines, member, refused, site, world},
};

const KEY: &str = "sk-live-0123456789abcdefSECRET";

fn provider(name: &str, base_url: &str) -> Value {
    json!({"name": name, "type": "openai-compatible", "base_url": base_url, "api_key": KEY, "icon": "x"})
}

async fn make(world: &World, body: &Value) -> Answer {
    ask(world, &world.cast.owner, "POST", "/ai/providers", body).await
}

const LIFE: &str = r#"
    201 POST /ai/providers {"name": "local", "type": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-1-SECRET"}
    200 PATCH /ai/providers/LOCAL {"name": "near", "type": "anthropic"}
    200 PATCH /ai/providers/near {"api_key": "sk-2-SECRET"}
    200 PATCH /ai/providers/near {"base_url": "http://127.0.0.1:8/v1", "api_key": "sk-3-SECRET"}
    200 GET /ai/providers
    409 PATCH /ai/providers/near {"name": "openai", "api_key": "sk-4-SECRET"}
    400 PATCH /ai/providers/near {"name": "a b", "api_key": "sk-5-SECRET"}
    400 PATCH /ai/providers/near {"name": 5, "api_key": "sk-6-SECRET"}
    204 DELETE /ai/providers/near
    404 DELETE /ai/providers/near
    200 GET /audit?limit=1000
"#;

#[tokio::test]
async fn a_key_goes_in_and_never_comes_out() {
    let world = world().await;
    let owner = &world.cast.owner;
    let mut answers = Vec::new();
    for scene in scenes(&world, &[], LIFE) {
        answers.push(play(&world, owner, &scene).await);
    }
    let made = answers[0].json();
    assert_eq!(
        (&made["name"], &made["api_key_set"]),
        (&json!("local"), &json!(true))
    );
    // What kind of provider it is does not change.
    let renamed = answers[1].json();
    assert_eq!(
        (&renamed["name"], &renamed["type"]),
        (&json!("near"), &json!("openai-compatible"))
    );
    assert_eq!(answers[3].json()["base_url"], "http://127.0.0.1:8/v1");
    let list = answers[4].json();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(names, ["anthropic", "near", "openai"]);

    let sql =
        "SELECT string_agg(p::text || encode(p.ciphertext, 'escape'), '') FROM ai_providers AS p";
    let database = world.database.owner().await.unwrap();
    let stored: String = database.query_one(sql, &[]).await.unwrap().get(0);
    let texts = answers.iter().map(|answer| answer.text.clone());
    for text in texts.chain([stored, owner.metrics().await.unwrap()]) {
        for secret in ["SECRET", &world.fake.api_key()] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    // That it changed is told.
    let line = lines(&world, answers[2].request_id()).await.remove(0);
    assert!(line.diff["ciphertext"].secret && !line.diff.contains_key("base_url"));
}

#[tokio::test]
async fn a_new_address_needs_the_key_again() {
    let world = world().await;
    let owner = &world.cast.owner;
    let thief = FakeProvider::start(fakeprovider::Script::default())
        .await
        .unwrap();
    for body in [
        json!({"base_url": thief.openai_base_url()}),
        json!({"base_url": thief.openai_base_url(), "api_key": ""}),
        json!({"base_url": thief.openai_base_url(), "api_key": null}),
        json!({"base_url": thief.openai_base_url(), "name": "mine"}),
    ] {
        let answer = ask(&world, owner, "PATCH", "/ai/providers/openai", &body).await;
        assert_eq!(
            (answer.status, answer.fields()),
            (400, vec!["api_key".to_owned()]),
            "{body}"
        );
    }
    // With it the requests go there, with the new key, at once.
    let moved = json!({"base_url": thief.openai_base_url(), "api_key": thief.api_key()});
    is(
        &ask(&world, owner, "PATCH", "/ai/providers/openai", &moved).await,
        200,
    );
    let body = testkit::world::chat_request("gpt-4o");
    let answer = world
        .chat(&world.server, &world.cast.member_token, &body)
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        (thief.requests().len(), world.fake.requests().len()),
        (1, 0)
    );
    // A removed one is gone for the gateway too.
    owner.provider_delete("openai").await.unwrap();
    let answer = world
        .chat(&world.server, &world.cast.member_token, &body)
        .await
        .unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn addresses_names_types_and_keys_are_checked() {
    let world = world().await;
    let rows = [
        ("https://api.example.com/v1", true),
        ("http://localhost:11434/v1", true),
        ("http://10.0.0.5/v1", true),
        ("http://[::1]:8080/v1", true),
        ("http://169.254.169.254/v1", false),
        ("http://169.254.0.1/v1", false),
        ("http://2852039166/v1", false),
        ("http://0xa9fea9fe/v1", false),
        ("http://[fe80::1]/v1", false),
        ("http://[::ffff:169.254.169.254]/v1", false),
        ("http://[fd00:ec2::254]/v1", false),
        ("http://0.0.0.0/v1", false),
        ("https://user@example.com/v1", false),
        ("https://user:pass@example.com/v1", false),
        ("ftp://example.com/v1", false),
        ("file:///etc/passwd", false),
        ("gopher://example.com/", false),
        ("javascript:alert(1)", false),
        ("//example.com/v1", false),
        ("example.com", false),
        ("http://", false),
        ("http://exa\0mple.com", false),
        ("", false),
    ];
    for (number, (base_url, good)) in rows.into_iter().enumerate() {
        let answer = make(&world, &provider(&format!("p{number}"), base_url)).await;
        assert_eq!(
            answer.status,
            if good { 201 } else { 400 },
            "{base_url}: {}",
            answer.text
        );
        if !good {
            assert_eq!(answer.fields(), ["base_url"], "{base_url}");
            let change = json!({"base_url": base_url, "api_key": KEY});
            let change = ask(
                &world,
                &world.cast.owner,
                "PATCH",
                "/ai/providers/openai",
                &change,
            )
            .await;
            // An empty address is one that was not given.
            is(&change, if base_url.is_empty() { 200 } else { 400 });
        }
    }
    for (field, value, status) in [
        ("name", json!("OPENAI"), 409),
        ("name", json!("a b"), 400),
        ("name", json!("x".repeat(10_000)), 400),
        ("type", json!("azure"), 400),
        ("type", json!(""), 400),
        ("type", json!(null), 400),
        ("api_key", json!(""), 400),
        ("api_key", json!("sk\r\nx-evil: 1"), 400),
        ("api_key", json!("sk\0"), 400),
        ("api_key", json!("x".repeat(10_000)), 400),
    ] {
        let mut body = provider("other", "https://example.com/v1");
        body[field] = value;
        let answer = make(&world, &body).await;
        assert_eq!(
            (answer.status, answer.fields()),
            (status, vec![field.to_owned()]),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_special_address_is_refused_when_it_is_resolved() {
    let world = world().await;
    // No resolver of this machine knows the name: what matters is that nothing is sent and nothing leaks.
    let body = provider("far", "http://metadata.invalid/v1");
    is(&make(&world, &body).await, 201);
    let url = world.server.url() + "/api/v2/ai-gateway/far/v1/models";
    let answer = world
        .http
        .get(url)
        .bearer_auth(world.cast.member_token.expose());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 502);
    assert!(!answer.text().await.unwrap().contains(KEY));
}

#[tokio::test]
async fn providers_are_set_by_owners_only() {
    let world = world().await;
    let people = [
        world.cast.member.clone(),
        member(&world, "boss", &["organization-admin"]).await.client,
        site(&world, "user-admin").await.client,
        site(&world, "auditor").await.client,
    ];
    for caller in &people {
        check_cannot(&world, caller).await;
    }
    refused(world.cast.owner.without_token().provider_list().await, 401);
    assert_eq!(world.cast.owner.provider_list().await.unwrap().len(), 2);
}

async fn check_cannot(world: &World, caller: &Client) {
    assert_eq!(get(world, caller, "/ai/providers").await.json(), json!([]));
    let moved = json!({"base_url": "http://127.0.0.1:1/v1", "api_key": KEY});
    for (method, path, body) in [
        (
            "POST",
            "/ai/providers",
            provider("mine", "http://127.0.0.1:1/v1"),
        ),
        ("PATCH", "/ai/providers/openai", moved),
        ("PATCH", "/ai/providers/openai", json!({"name": "mine"})),
        ("DELETE", "/ai/providers/openai", Value::Null),
        ("DELETE", "/ai/providers/nothing", Value::Null),
    ] {
        let answer = ask(world, caller, method, path, &body).await;
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text);
    }
}
