//! What the gateway refuses, in the shape of the provider.

use fakeprovider::Script;
use http::Method;
use model::{Micros, OrganizationId, caps::CapScope};
use serde_json::Value;
use uuid::Uuid;

use super::{
    entrance::{TOKEN, UNWANTED_TOKEN},
    rig::{Rig, Spoken, json},
};

fn kind_of(dialect: Spoken, body: &Value) -> &str {
    match dialect {
        Spoken::OpenAi | Spoken::Responses => body["error"]["code"].as_str().unwrap(),
        Spoken::Anthropic => {
            assert_eq!(body["type"], "error");
            body["error"]["type"].as_str().unwrap()
        }
    }
}

#[tokio::test]
async fn what_cannot_fit_is_refused_at_once_and_says_why() {
    for (dialect, kind) in [
        (Spoken::OpenAi, "insufficient_quota"),
        (Spoken::Responses, "insufficient_quota"),
        (Spoken::Anthropic, "permission_error"),
    ] {
        let rig = Rig::start(Script::default(), Some(Micros(10))).await;
        let response = rig.ask(dialect, &dialect.body(Some(50), true)).await;
        assert_eq!(response.status(), 403);
        assert_eq!(response.headers()["x-should-retry"], "false");
        assert!(response.headers().get("retry-after").is_none());
        let body = json(response).await;
        assert_eq!(kind_of(dialect, &body), kind);
        let text = body["error"]["message"].as_str().unwrap();
        for part in ["$0.00001", "`team`", "It resets at", "administrator"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(rig.fake.requests().len(), 0);
        assert_eq!(rig.ledger.books().attempts, 1);
    }
}

#[tokio::test]
async fn while_caps_are_not_known_nothing_is_forwarded_and_trying_again_helps() {
    for dialect in Spoken::ALL {
        let code = match dialect {
            Spoken::OpenAi | Spoken::Responses => "/error/code",
            Spoken::Anthropic => "/error/details/error_code",
        };
        let rig = Rig::start(Script::default(), None).await;
        for stream in [false, true] {
            let body = dialect.body(Some(50), stream);
            for (scope, of) in [
                (CapScope::Instance, "this deployment"),
                (
                    CapScope::Organization(OrganizationId(Uuid::from_u128(3))),
                    "your organization",
                ),
            ] {
                rig.ledger.books().caps_unknown = Some(scope);
                let response = rig.ask(dialect, &body).await;
                assert_eq!(response.status(), 503);
                assert_eq!(response.headers()["retry-after"], "5");
                assert_eq!(response.headers()["x-should-retry"], "true");
                let body = json(response).await;
                assert_eq!(body.pointer(code).unwrap(), "caps_unavailable", "{body}");
                let text = body["error"]["message"].as_str().unwrap();
                assert!(text.contains(of) && !text.contains("budget has"), "{text}");
            }
            assert_eq!(rig.ledger.books().open.len(), 0);
        }
        assert_eq!(rig.fake.requests().len(), 0);
        rig.ledger.books().caps_unknown = None;
        let response = rig.ask(dialect, &dialect.body(Some(50), false)).await;
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_under_a_limit() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    let mut body = Spoken::OpenAi.body(Some(20), false);
    body["model"] = "nobody-knows-this-model".into();
    let response = rig.ask(Spoken::OpenAi, &body).await;
    assert_eq!(response.status(), 403);
    assert!(
        json(response).await["error"]["message"]
            .as_str()
            .unwrap()
            .contains("--model-prices-file")
    );
    assert_eq!(rig.fake.requests().len(), 0);
}

/// Asks and compares status and kind of the error.
async fn check(rig: &Rig, path: &str, token: Option<&str>, expected: (u16, Spoken, &str)) {
    let (status, dialect, kind) = expected;
    let request = rig
        .client
        .post(rig.url(path))
        .json(&dialect.body(None, false));
    let request = match token {
        Some(token) => dialect.sign(request, token),
        None => request,
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), status, "{path}");
    assert_eq!(kind_of(dialect, &json(response).await), kind, "{path}");
    assert_eq!(rig.fake.requests().len(), 0);
}

#[tokio::test]
async fn callers_are_told_apart_before_anything_is_said_about_providers() {
    let rig = Rig::start(Script::default(), None).await;
    let (openai, anthropic) = (Spoken::OpenAi, Spoken::Anthropic);
    for provider in ["openai", "no-such-provider", "no such name"] {
        let chat = format!("{provider}/v1/chat/completions");
        check(&rig, &chat, None, (401, openai, "invalid_api_key")).await;
        check(&rig, &chat, Some("wrong"), (401, openai, "invalid_api_key")).await;
        check(
            &rig,
            &chat,
            Some(UNWANTED_TOKEN),
            (403, openai, "permission_denied"),
        )
        .await;
        let messages = format!("{provider}/v1/messages");
        check(
            &rig,
            &messages,
            None,
            (401, anthropic, "authentication_error"),
        )
        .await;
        check(
            &rig,
            &messages,
            Some(UNWANTED_TOKEN),
            (403, anthropic, "permission_error"),
        )
        .await;
    }
}

#[tokio::test]
async fn what_is_not_offered_is_not_found() {
    let rig = Rig::start(Script::default(), None).await;
    let (openai, anthropic) = (Spoken::OpenAi, Spoken::Anthropic);
    let missing = async |path: &str, dialect, kind| {
        check(&rig, path, Some(TOKEN), (404, dialect, kind)).await;
    };
    missing("no-such/v1/chat/completions", openai, "not_found").await;
    missing("no-such/v1/messages", anthropic, "not_found_error").await;
    // The provider's type decides, not the path.
    missing("openai/v1/messages", openai, "not_found").await;
    missing(
        "anthropic/v1/chat/completions",
        anthropic,
        "not_found_error",
    )
    .await;
    missing("openai/v1/embeddings", openai, "not_found").await;
}

#[tokio::test]
async fn wrong_requests_are_told_so_without_a_reservation() {
    let rig = Rig::start(Script::default(), None).await;
    for dialect in Spoken::ALL {
        let post = |body: &'static str| {
            let request = rig.client.post(rig.url(dialect.path())).body(body);
            dialect.sign(request, TOKEN).send()
        };
        assert_eq!(post("not json").await.unwrap().status(), 400);
        assert_eq!(post("{}").await.unwrap().status(), 400);
    }
    let get = rig
        .client
        .request(Method::GET, rig.url(Spoken::OpenAi.path()))
        .bearer_auth(TOKEN);
    assert_eq!(get.send().await.unwrap().status(), 404);
    assert_eq!(rig.ledger.books().attempts, 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let mut config = super::rig::config();
    config.request_limit = 100;
    let rig = Rig::with(Script::default(), None, config).await;
    let large = vec![b' '; 101];
    let sized = rig
        .client
        .post(rig.url(Spoken::OpenAi.path()))
        .bearer_auth(TOKEN)
        .body(large.clone());
    assert_eq!(sized.send().await.unwrap().status(), 413);
    let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>(large)]);
    let unsized_body = reqwest::Body::wrap_stream(pieces);
    let chunked = rig
        .client
        .post(rig.url(Spoken::OpenAi.path()))
        .bearer_auth(TOKEN)
        .body(unsized_body);
    assert_eq!(chunked.send().await.unwrap().status(), 413);
}
