//! What the tests of the gateway have in common: calls in both dialects, and what the ledger says of them.

use std::{future::Future, sync::Arc, time::Duration};

use bursar_sdk::{AiProviderType, CreateAiProviderRequest, Secret};
use chrono::{DateTime, Utc};
use db::{Database, DatabaseOptions, Sealer};
use dbauthz::{Authorized, SystemActor};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::{TestDatabase, TestServer, World};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The two ways to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    OpenAi,
    Anthropic,
}

impl Spoken {
    pub(crate) const BOTH: [Self; 2] = [Self::OpenAi, Self::Anthropic];

    /// A provider of the cast and the endpoint that costs.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "openai/v1/chat/completions",
            Self::Anthropic => "anthropic/v1/messages",
        }
    }

    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "gpt-4o",
            Self::Anthropic => "claude-sonnet-4-5",
        }
    }

    /// A request with an output cap.
    pub(crate) fn body(self, cap: u64, stream: bool) -> Value {
        json!({
            "model": self.model(), "stream": stream, "max_tokens": cap,
            "messages": [{"role": "user", "content": "Hello"}],
        })
    }

    /// The word for what went wrong in an error of this shape.
    pub(crate) fn error_type(self, body: &Value) -> String {
        let kind = match self {
            Self::OpenAi => &body["error"]["type"],
            Self::Anthropic => {
                assert_eq!(body["type"], "error", "{body}");
                &body["error"]["type"]
            }
        };
        assert!(body["error"]["message"].is_string(), "{body}");
        kind.as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    }
}

/// A gateway address of a server.
pub(crate) fn url(server: &TestServer, path: &str) -> String {
    format!("{}/api/v2/ai-gateway/{path}", server.url())
}

/// A call with a token that is not sent yet.
pub(crate) fn call(world: &World, token: &Secret, path: &str, body: &Value) -> RequestBuilder {
    let request = world.http.post(url(&world.server, path)).json(body);
    request.bearer_auth(token.expose())
}

/// The member calls; the head of the answer.
pub(crate) async fn ask(world: &World, spoken: Spoken, body: &Value) -> Response {
    let request = call(world, &world.cast.member_token, spoken.path(), body);
    request.send().await.unwrap()
}

/// The owner, who has no limit, calls.
pub(crate) async fn ask_unlimited(world: &World, path: &str, body: &Value) -> Response {
    let token = world.cast.owner.token().unwrap();
    call(world, token, path, body).send().await.unwrap()
}

/// An event of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) corrects: Option<Uuid>,
    pub(crate) cost: Option<i64>,
    pub(crate) hold: i64,
    pub(crate) over_hold: i64,
    /// Input, cache read, cache write, output and reasoning.
    pub(crate) tokens: [i64; 5],
    pub(crate) estimated: bool,
    pub(crate) swept: bool,
    pub(crate) period_start: DateTime<Utc>,
}

/// A person's events, in the order of the instants that they belong to; a correction after what it corrects.
pub(crate) async fn events(database: &TestDatabase, user: Uuid) -> Vec<Event> {
    let sql = "SELECT corrects, cost_micros, hold_micros, over_hold_micros, input_tokens, cache_read_tokens, \
        cache_write_5m_tokens + cache_write_1h_tokens, output_tokens, reasoning_tokens, estimated, swept, \
        to_char(p.period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
        FROM ai_usage_events, bursar_period(created_at, 'month', 'UTC') AS p \
        WHERE user_id = $1 ORDER BY created_at, corrects IS NOT NULL, id";
    let owner = database.owner().await.unwrap();
    let rows = owner.query(sql, &[&user]).await.unwrap();
    let event = |row: &tokio_postgres::Row| Event {
        corrects: row.get(0),
        cost: row.get(1),
        hold: row.get(2),
        over_hold: row.get(3),
        tokens: [4, 5, 6, 7, 8].map(|column| row.get(column)),
        estimated: row.get(9),
        swept: row.get(10),
        period_start: row.get::<_, String>(11).parse().unwrap(),
    };
    rows.iter().map(event).collect()
}

/// The one event of the member.
pub(crate) async fn event(world: &World) -> Event {
    settled(&world.database).await;
    let events = events(&world.database, world.cast.member_id).await;
    assert_eq!(events.len(), 1, "{events:?}");
    events[0].clone()
}

/// Waits until this holds.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "{what} never came");
        sleep(Duration::from_millis(10)).await;
    }
}

/// How many reservations are open.
pub(crate) async fn open(database: &TestDatabase) -> i64 {
    let owner = database.owner().await.unwrap();
    let sql = "SELECT count(*) FROM ai_reservations";
    owner.query_one(sql, &[]).await.unwrap().get(0)
}

/// Recounts the ledger, as `bursar ledger verify` does, and finds no difference.
pub(crate) async fn balanced(database: &TestDatabase) {
    let options = DatabaseOptions::new(database.app_url());
    let store = Database::connect(options, Sealer::from_key(&[7; 32])).await;
    let authorized = Authorized::new(Arc::new(store.unwrap()));
    let sweeper = authorized.as_system(SystemActor::LedgerSweeper);
    let mut unit = sweeper.read().await.unwrap();
    let differences = unit.ledger().ledger_verify().await.unwrap();
    assert!(differences.is_empty(), "{differences:?}");
}

/// Waits until nothing is held, and checks that the ledger balances and holds nothing.
pub(crate) async fn settled(database: &TestDatabase) {
    until("the last settlement", || async {
        open(database).await == 0
    })
    .await;
    balanced(database).await;
    let held = "SELECT count(*) FROM spend_counters WHERE reserved_micros <> 0";
    let owner = database.owner().await.unwrap();
    let held: i64 = owner.query_one(held, &[]).await.unwrap().get(0);
    assert_eq!(held, 0, "counters hold something that nobody reserved");
}

/// What a figure of the process's metrics is now; tests share the process, so only its growth means anything.
pub(crate) async fn metric(world: &World, name: &str) -> f64 {
    let text = world.server.nobody().metrics().await.unwrap();
    let lines = text.lines().filter(|line| line.starts_with(name));
    let value = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok();
    lines.filter_map(value).sum()
}

/// The provider's key here.
pub(crate) const KEY: &str = "fake-provider-key";

/// The JSON of an answer.
pub(crate) async fn body_of(answer: Response) -> Value {
    answer.json().await.unwrap()
}

/// Another provider, by whatever name.
pub(crate) async fn add_provider(world: &World, name: &str, kind: AiProviderType, base_url: &str) {
    let provider = CreateAiProviderRequest {
        name: name.to_owned(),
        kind,
        base_url: base_url.to_owned(),
        api_key: KEY.into(),
    };
    world.cast.owner.provider_create(&provider).await.unwrap();
}
