//! A provider whose words are the times at which they are sent.

use std::{
    convert::Infallible,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    time::{Instant, interval},
};

/// How often a word is sent: as fast as a quick model speaks.
const EVERY: Duration = Duration::from_millis(20);
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A provider on loopback, for as long as the runtime lives.
pub(crate) struct Provider {
    /// Where it is.
    pub(crate) url: String,
    words: Arc<AtomicU64>,
}

impl Provider {
    /// One that answers with a single word.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let words = Arc::new(AtomicU64::new(1));
        let routes = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(Arc::clone(&words));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, words }
    }

    /// From now on it answers with so many words.
    pub(crate) fn say(&self, words: u64) {
        self.words.store(words, Ordering::Relaxed);
    }
}

/// How long ago the first of these words was sent.
pub(crate) fn late(words: &str, at: Instant) -> Duration {
    let first = words.split_whitespace().next().unwrap();
    let sent = *EPOCH + Duration::from_micros(first.parse().unwrap());
    at - sent
}

async fn answer(State(words): State<Arc<AtomicU64>>) -> Response {
    let words = words.load(Ordering::Relaxed);
    let pieces = unfold((0, interval(EVERY)), move |(said, mut ticks)| async move {
        if said > words {
            return None;
        }
        let text = if said == words {
            end(words)
        } else {
            ticks.tick().await;
            let now = EPOCH.elapsed().as_micros();
            event(&choice(
                &json!({"content": format!("{now} ")}),
                &Value::Null,
            ))
        };
        Some((Ok::<_, Infallible>(Bytes::from(text)), (said + 1, ticks)))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(pieces)).into_response()
}

fn end(words: u64) -> String {
    let stop = event(&choice(&json!({}), &json!("stop")));
    let usage = json!({"prompt_tokens": 1, "completion_tokens": words, "total_tokens": words + 1});
    let usage = event(&chunk(&json!([]), &usage));
    format!("{stop}{usage}data: [DONE]\n\n")
}

fn choice(delta: &Value, finish: &Value) -> Value {
    let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    chunk(&choices, &Value::Null)
}

fn chunk(choices: &Value, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "clock",
        "choices": choices,
        "usage": usage,
    })
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}
