//! The gateway from outside: who is let in, what is offered, what reaches the provider and what the client.

use bursar_sdk::{AiProviderType, CreateTokenRequest};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    calls::{KEY, Spoken, add_provider, body_of, settled, url},
    support::{self, world},
};

#[tokio::test]
async fn callers_are_told_apart_by_their_token_and_never_by_a_cookie() {
    let world = world().await;
    let token = world.cast.member_token.expose();
    let narrow = |scope: &str| CreateTokenRequest {
        token_name: scope.replace([':', '_'], "-"),
        scopes: vec![scope.to_owned()],
        ..Default::default()
    };
    let member = &world.cast.member;
    let of = async |scope| {
        let made = member.api_key_create("me", &narrow(scope)).await.unwrap();
        made.key.expose().to_owned()
    };
    let (reader, user) = (of("user:read").await, of("ai_provider:use").await);
    let expired = of("group:read").await;
    let gone = support::member(&world, "gone", &[]).await;
    world.cast.owner.user_suspend(gone.id).await.unwrap();
    let suspended = gone.client.token().unwrap().expose().to_owned();
    let expire = format!(
        "SELECT set_config('bursar.actor_name', 'test', false); \
         UPDATE api_keys SET expires_at = bursar_now() - interval '1 second' WHERE id = '{}'",
        expired.split('-').next().unwrap()
    );
    let owner = world.database.owner().await.unwrap();
    owner.batch_execute(&expire).await.unwrap();
    let bearer = |key: &str| ("authorization", format!("Bearer {key}"));
    let cookie = |key: &str| ("cookie", format!("bursar_session={key}"));
    let session = world.cast.owner.token().unwrap().expose();
    let rows = [
        (bearer(token), 200),
        (("x-api-key", token.to_owned()), 200),
        (("bursar-session-token", token.to_owned()), 200),
        (("coder-session-token", token.to_owned()), 200),
        (bearer(&user), 200),
        (bearer(&reader), 403),
        (bearer(&expired), 401),
        (bearer(&suspended), 401),
        (bearer("sk-0123456789"), 401),
        (bearer("0123456789-0123456789012345678901"), 401),
        (("x-api-key", String::new()), 401),
        (cookie(token), 401),
        (cookie(session), 401),
    ];
    for spoken in Spoken::BOTH {
        for ((name, value), status) in &rows {
            let request = world.http.post(url(&world.server, spoken.path()));
            let request = request
                .header(*name, value)
                .header("origin", world.server.url());
            let answer = request.json(&spoken.body(9, false)).send().await.unwrap();
            assert_eq!(answer.status(), *status, "{name}: {value}");
            if *status == 200 {
                continue;
            }
            let (kind, denied) = match spoken {
                Spoken::OpenAi => ("invalid_request_error", "invalid_request_error"),
                Spoken::Anthropic => ("authentication_error", "permission_error"),
            };
            let expected = if *status == 401 { kind } else { denied };
            assert_eq!(spoken.error_type(&body_of(answer).await), expected);
        }
    }
    settled(&world.database).await;
    // Nothing was asked of the provider on behalf of those who were sent away.
    assert_eq!(world.fake.requests().len(), 10);
}

#[tokio::test]
async fn both_paths_lead_to_the_offered_endpoints_and_to_nothing_else() {
    let world = world().await;
    let local = world.fake.openai_base_url();
    add_provider(&world, "local", AiProviderType::OpenAiCompatible, &local).await;
    let check = async |method: &str, path: &str, status: u16| {
        let spoken = if path.starts_with("anthropic") {
            Spoken::Anthropic
        } else {
            Spoken::OpenAi
        };
        for base in ["ai-gateway", "aibridge"] {
            let path = format!("/api/v2/{base}/{path}");
            let request = support::request(&world, method, &path)
                .bearer_auth(world.cast.member_token.expose())
                .json(&spoken.body(9, false));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{method} {path}");
            let body = body_of(answer).await;
            assert_eq!(
                body["error"]["message"].is_string(),
                status == 404 && !path.ends_with('/')
            );
        }
    };
    for (provider, method, path, status) in [
        ("openai", "POST", "v1/chat/completions", 200),
        ("openai", "GET", "v1/models", 200),
        ("local", "POST", "v1/chat/completions", 200),
        ("local", "GET", "v1/models", 200),
        ("anthropic", "POST", "v1/messages", 200),
        ("anthropic", "POST", "v1/messages/count_tokens", 200),
        ("anthropic", "GET", "v1/models", 200),
        ("openai", "POST", "v1/messages", 404),
        ("openai", "GET", "v1/responses", 404),
        ("openai", "GET", "v1/responses/resp_1", 404),
        ("openai", "POST", "v1/responses/compact", 404),
        ("anthropic", "POST", "v1/responses", 404),
        ("openai", "POST", "v1/embeddings", 404),
        ("openai", "POST", "v1/images/generations", 404),
        ("openai", "POST", "v1/audio/speech", 404),
        ("openai", "POST", "v1/files", 404),
        ("openai", "GET", "v1/chat/completions", 404),
        ("openai", "DELETE", "v1/models", 404),
        ("openai", "GET", "v1/models/gpt-4o", 404),
        ("openai", "POST", "v1/chat/completions/../embeddings", 404),
        ("openai", "POST", "v1/chat/completions%3F", 404),
        ("anthropic", "POST", "v1/messages/batches", 404),
        ("anthropic", "POST", "v1/complete", 404),
        ("anthropic", "POST", "v1/chat/completions", 404),
        ("nobody", "POST", "v1/chat/completions", 404),
    ] {
        check(method, &format!("{provider}/{path}"), status).await;
    }
    let seen = world.fake.requests();
    assert_eq!(seen.len(), 14, "{seen:?}");
}

/// Whether a text is anywhere in these headers or bytes.
fn holds(headers: &HeaderMap, body: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    let within = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    within(body) || headers.iter().any(|(_, value)| within(value.as_bytes()))
}

#[tokio::test]
async fn the_token_stays_here_and_the_key_stays_there() {
    let world = world().await;
    let token = world.cast.member_token.expose();
    for path in [
        "openai/v1/chat/completions",
        "anthropic/v1/messages",
        "anthropic/v1/messages/count_tokens",
    ] {
        let spoken = if path.starts_with("openai") {
            Spoken::OpenAi
        } else {
            Spoken::Anthropic
        };
        for stream in [false, true] {
            let request = world.http.post(url(&world.server, path));
            // Everywhere that a careless client may put it, and more than the provider should see.
            let request = request
                .header("x-api-key", token)
                .header("coder-session-token", token)
                .header("cookie", format!("bursar_session={token}"))
                .header("openai-organization", "org-mine")
                .header("idempotency-key", "mine")
                .header("x-forwarded-for", "10.1.2.3")
                .header("anthropic-beta", "some-beta")
                .bearer_auth(token);
            let answer = request.json(&spoken.body(9, stream)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let headers = answer.headers().clone();
            let body = answer.bytes().await.unwrap();
            assert!(!holds(&headers, &body, KEY), "{headers:?} {body:?}");
        }
    }
    for seen in world.fake.requests() {
        assert!(!holds(&seen.headers, &seen.body, token), "{seen:?}");
        let names: Vec<&str> = seen.headers.keys().map(HeaderName::as_str).collect();
        for name in &names {
            let allowed = [
                "accept",
                "accept-encoding",
                "anthropic-beta",
                "authorization",
                "content-length",
                "content-type",
                "host",
                "user-agent",
                "x-api-key",
            ];
            assert!(allowed.contains(name), "{names:?}");
        }
        let openai = seen.path == "/v1/chat/completions";
        assert_eq!(names.contains(&"authorization"), openai, "{names:?}");
        assert_eq!(names.contains(&"x-api-key"), !openai, "{names:?}");
    }
}

/// A provider that answers every request with this status and the headers that it got as its text.
async fn parrot(status: u16) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 16 * 1024];
            let read = stream.read(&mut head).await.unwrap_or_default();
            let said = String::from_utf8_lossy(&head[..read]).into_owned();
            let body =
                json!({"error": {"message": said}, "usage": {"prompt_tokens": 1}}).to_string();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nrequest-id: {KEY}\r\n\
                 connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            drop(stream.write_all(answer.as_bytes()).await);
        }
    });
    format!("http://{address}/v1")
}

#[tokio::test]
async fn a_provider_that_quotes_its_key_does_not_tell_it_to_the_client() {
    let world = world().await;
    for status in [200, 400, 401, 500] {
        let name = format!("parrot-{status}");
        let base_url = parrot(status).await;
        add_provider(&world, &name, AiProviderType::OpenAi, &base_url).await;
        for path in ["v1/models", "v1/chat/completions"] {
            let address = url(&world.server, &format!("{name}/{path}"));
            let request = if path == "v1/models" {
                world.http.get(address)
            } else {
                world
                    .http
                    .post(address)
                    .json(&Spoken::OpenAi.body(9, false))
            };
            let request = request.bearer_auth(world.cast.member_token.expose());
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
            let headers = answer.headers().clone();
            let body = answer.bytes().await.unwrap();
            assert!(holds(&headers, &body, "user-agent") || holds(&headers, &body, "accept"));
            assert!(!holds(&headers, &body, KEY), "{path}: {headers:?} {body:?}");
        }
    }
}
