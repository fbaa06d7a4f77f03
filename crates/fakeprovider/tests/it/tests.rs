//! What a client sees, and what the log says.

use std::time::{Duration, Instant};

use fakeprovider::{FakeProvider, Fault, Outcome, Script};
use serde_json::{Value, json};

use crate::client::{call, send, soon};
use crate::figures::{CHAT, MESSAGES, chat, check, message, stream};

#[tokio::test]
async fn prompts_are_counted_by_their_bytes() {
    // 32 bytes of messages; a system prompt of 11.
    let rows = [(json!({}), 8), (json!({ "system": "be brief!" }), 11)];
    for (more, tokens) in rows {
        let path = "/v1/messages/count_tokens";
        check(
            Script::default(),
            path,
            &message(&more),
            "/input_tokens",
            json!(tokens),
        )
        .await;
    }
}

#[tokio::test]
async fn models_come_in_the_shape_of_the_client() {
    let fake = FakeProvider::start(Script::default()).await.unwrap();
    let key = fake.api_key();
    let openai = send(
        &fake.handle(),
        "/v1/models",
        &Value::Null,
        &[("authorization", &format!("Bearer {key}"))],
    )
    .await;
    assert_eq!(openai.json()["object"], "list");
    let headers = [
        ("x-api-key", key.as_str()),
        ("anthropic-version", "2023-06-01"),
    ];
    let anthropic = send(&fake.handle(), "/v1/models", &Value::Null, &headers).await;
    assert_eq!(anthropic.json()["data"][0]["type"], "model");
    assert_eq!(anthropic.json()["has_more"], false);
}

#[tokio::test]
async fn refusals_have_the_shape_of_the_route() {
    let fake = FakeProvider::start(Script::default()).await.unwrap();
    let openai = send(&fake.handle(), CHAT, &chat(&json!({})), &[]).await;
    assert_eq!(
        (openai.status, &openai.json()["error"]["code"]),
        (401, &json!("invalid_api_key"))
    );
    let anthropic = send(
        &fake.handle(),
        MESSAGES,
        &message(&json!({})),
        &[("x-api-key", "other")],
    )
    .await;
    assert_eq!(
        (anthropic.status, &anthropic.json()["error"]["type"]),
        (401, &json!("authentication_error"))
    );
    let no_cap = call(&fake.handle(), MESSAGES, &chat(&json!({}))).await;
    assert_eq!(no_cap.status, 400, "{no_cap:?}");
    assert_eq!(
        call(&fake.handle(), "/v1/files", &json!({})).await.status,
        404
    );

    fake.change(|script| {
        script.fault = Fault::Status {
            status: 529,
            retry_after: Some(7),
        }
    });
    let busy = call(&fake.handle(), MESSAGES, &message(&json!({}))).await;
    assert_eq!(
        (busy.status, &busy.json()["error"]["type"]),
        (529, &json!("overloaded_error"))
    );
    assert_eq!(busy.headers["retry-after"], "7");
    assert!(
        fake.requests()
            .iter()
            .all(|request| request.outcome == Outcome::Finished)
    );
}

#[tokio::test]
async fn what_arrives_is_logged_byte_for_byte() {
    let fake = FakeProvider::start(Script::default()).await.unwrap();
    let body = chat(&json!({ "seed": 7 }));
    call(&fake.handle(), CHAT, &body).await;
    let requests = fake.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, CHAT);
    assert_eq!(requests[0].body, body.to_string().as_bytes());
    assert_eq!(
        requests[0].headers["authorization"],
        format!("Bearer {}", fake.api_key()).as_str()
    );
    assert_eq!(requests[0].outcome, Outcome::Finished);
}

#[tokio::test]
async fn faults_leave_what_came_before() {
    let stream = stream();
    let fake = FakeProvider::start(Script {
        fault: Fault::CutAfterChunks(2),
        ..Script::default()
    })
    .await
    .unwrap();
    let cut = soon(call(&fake.handle(), CHAT, &chat(&stream))).await;
    assert!(!cut.whole);
    assert_eq!(cut.events().len(), 2, "{cut:?}");

    fake.change(|script| script.fault = Fault::CutAfterChunks(1));
    let cut = soon(call(&fake.handle(), MESSAGES, &message(&json!({})))).await;
    assert!(!cut.whole && !cut.text.is_empty(), "{cut:?}");

    fake.change(|script| script.fault = Fault::ErrorEventAfterChunks(4));
    let broken = soon(call(&fake.handle(), MESSAGES, &message(&stream))).await;
    assert!(broken.whole);
    assert_eq!(broken.events().len(), 5);
    assert_eq!(broken.events()[4]["error"]["type"], "overloaded_error");
}

#[tokio::test]
async fn a_hanging_answer_ends_with_its_client() {
    let fake = FakeProvider::start(Script::default()).await.unwrap();
    let body = chat(&stream());
    for (count, fault) in [(1, Fault::Hang), (2, Fault::HangAfterChunks(2))] {
        fake.change(|script| script.fault = fault);
        let handle = fake.handle();
        tokio::select! {
            answer = call(&handle, CHAT, &body) => panic!("{answer:?}"),
            () = soon(fake.wait_for_requests(count)) => {}
        }
        soon(fake.wait_for_ends(count)).await;
    }
    assert!(
        fake.handle()
            .requests()
            .iter()
            .all(|request| request.outcome == Outcome::Dropped)
    );
}

#[tokio::test]
async fn a_hanging_answer_ends_with_its_provider() {
    let script = Script {
        fault: Fault::HangAfterChunks(2),
        ..Script::default()
    };
    let fake = FakeProvider::start(script).await.unwrap();
    let handle = fake.handle();
    let body = chat(&stream());
    let stop = async {
        handle.wait_for_requests(1).await;
        fake.stop().await;
    };
    let (answer, ()) = soon(async { tokio::join!(call(&handle, CHAT, &body), stop) }).await;
    assert!(!answer.whole);
    soon(handle.wait_for_ends(1)).await;
}

#[tokio::test]
async fn delays_are_kept_and_nothing_is_added() {
    let script = Script {
        first_byte_delay: Duration::from_millis(60),
        chunk_delay: Duration::from_millis(10),
        ..Script::default()
    };
    let fake = FakeProvider::start(script).await.unwrap();
    let started = Instant::now();
    let answer = soon(call(
        &fake.handle(),
        CHAT,
        &chat(&json!({ "stream": true })),
    ))
    .await;
    // Role, three chunks, end, `[DONE]`: five gaps.
    assert!(
        started.elapsed() >= Duration::from_millis(110),
        "{:?}",
        started.elapsed()
    );
    assert!(answer.text.ends_with("data: [DONE]\n\n"));

    fake.set_script(Script::default());
    for body in [chat(&stream()), chat(&json!({}))] {
        let mut least = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            soon(call(&fake.handle(), CHAT, &body)).await;
            least = least.min(started.elapsed());
        }
        // A stall on a delayed acknowledgement takes 40 ms, every time.
        assert!(least < Duration::from_millis(35), "{least:?}");
    }
}

#[tokio::test]
async fn odd_writes_carry_the_same_bytes() {
    let body = chat(&json!({ "stream": true, "n": 2 }));
    let whole = FakeProvider::start(Script::default()).await.unwrap();
    let split = FakeProvider::start(Script {
        write_bytes: Some(7),
        ..Script::default()
    })
    .await
    .unwrap();
    assert_eq!(
        call(&whole.handle(), CHAT, &body).await.text,
        call(&split.handle(), CHAT, &body).await.text
    );
}

#[tokio::test]
async fn a_stopped_provider_listens_no_more() {
    let fake = FakeProvider::start(Script::default()).await.unwrap();
    let address = fake.base_url().strip_prefix("http://").unwrap().to_owned();
    fake.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
