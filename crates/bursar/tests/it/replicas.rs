//! Two servers, as processes, on one database: one is killed or stands still, the other one sweeps.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use bursar::demo::Cast;
use bursar_sdk::Client;
use fakeprovider::{FakeProvider, Fault, Output, Script};
use model::Micros;
use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::TempDir;
use testkit::TestDatabase;
use tokio::time::{Instant, sleep};

use crate::process::{Program, run};

const LEASE: &str = "2s";
/// Longer than a lease and a sweep take; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two servers, a provider and people.
pub(crate) struct Pair {
    database: TestDatabase,
    pub(crate) fake: FakeProvider,
    pub(crate) first: Program,
    pub(crate) second: Program,
    pub(crate) at_first: Client,
    pub(crate) at_second: Client,
    pub(crate) cast: Cast,
    _key: TempDir,
}

async fn start(database: &TestDatabase, key_file: &str) -> (Program, Client) {
    let arguments = [
        "server",
        "--http-address",
        "127.0.0.1:0",
        "--log",
        "warn",
        "--ai-lease",
        LEASE,
    ];
    let variables = [
        ("BURSAR_DATABASE_URL", database.app_url()),
        ("BURSAR_MIGRATE_DATABASE_URL", database.owner_url()),
    ];
    let mut variables: Vec<_> = variables
        .iter()
        .map(|(name, url)| (*name, url.expose_secret()))
        .collect();
    variables.push(("BURSAR_ENCRYPTION_KEY_FILE", key_file));
    let mut program = Program::start(&arguments, &variables);
    let line = program.line_with("listens on ").await;
    let address = line.split("listens on ").nth(1).unwrap();
    (program, Client::new(address).unwrap())
}

impl Pair {
    pub(crate) async fn start(script: Script) -> Self {
        let key = tempfile::tempdir().unwrap();
        let key_file = key.path().join("key");
        std::fs::write(&key_file, "00112233445566778899aabbccddeeff".repeat(2)).unwrap();
        std::fs::set_permissions(&key_file, PermissionsExt::from_mode(0o600)).unwrap();
        let key_file = key_file.to_str().unwrap();
        let database = TestDatabase::create().await.unwrap();
        let fake = FakeProvider::start(script).await.unwrap();
        let (first, at_first) = start(&database, key_file).await;
        let (second, at_second) = start(&database, key_file).await;
        let cast = Cast::assemble(&at_second, &fake, Micros::USD)
            .await
            .unwrap();
        Self {
            database,
            fake,
            first,
            second,
            at_first,
            at_second,
            cast,
            _key: key,
        }
    }

    /// Begins a stream at a server and reads its first piece.
    async fn stream(&self, client: &Client) -> reqwest::Response {
        let url = client
            .base_url()
            .join("api/v2/ai-gateway/openai/v1/chat/completions")
            .unwrap();
        let body = json!({"model": "gpt-4o", "stream": true, "max_completion_tokens": 1_000,
            "messages": [{"role": "user", "content": "Hello"}]});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http
            .post(url)
            .bearer_auth(self.cast.member_token.expose())
            .json(&body);
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.chunk().await.unwrap().is_some());
        answer
    }

    /// The only number of a query's only row.
    async fn number(&self, sql: &str) -> i64 {
        let owner = self.database.owner().await.unwrap();
        owner.query_one(sql, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn until(&self, sql: &str) {
        let started = Instant::now();
        while self.number(sql).await == 0 {
            assert!(started.elapsed() < PATIENCE, "{sql}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Checks the counter against the events and the open reservations, and by `bursar ledger verify`; what was
    /// spent.
    pub(crate) async fn balanced(&self) -> i64 {
        let wrong = "SELECT count(*) FROM spend_counters c WHERE reserved_micros <> \
                (SELECT coalesce(sum(hold_micros), 0) FROM ai_reservations WHERE user_id = c.limit_id) \
            OR spent_micros <> (SELECT coalesce(sum(cost_micros), 0) FROM ai_usage_events WHERE user_id = c.limit_id)";
        assert_eq!(self.number(wrong).await, 0);
        let url = self.database.app_url();
        let verified = run(&["ledger", "verify", "--database-url", url.expose_secret()]).await;
        assert!(verified.status.success(), "{verified:?}");
        let spend = self.at_second.with_token(self.cast.member_token.clone());
        let spend = spend.spend_get("me").await.unwrap();
        assert_eq!(spend.reserved_micros, 0);
        spend.current_spend_micros
    }
}

#[tokio::test]
async fn what_a_killed_server_held_is_charged_by_the_other_one() {
    let script = Script {
        output: Output::Tokens(100),
        tokens_per_chunk: 10,
        fault: Fault::HangAfterChunks(5),
        ..Script::default()
    };
    let mut pair = Pair::start(script).await;
    let answer = pair.stream(&pair.at_first).await;
    pair.until("SELECT count(*) FROM ai_reservations WHERE progress_output_tokens > 0")
        .await;
    // As a load balancer would, which knows nothing of it, the other server is asked meanwhile.
    pair.fake.change(|script| script.fault = Fault::None);
    pair.stream(&pair.at_second).await.bytes().await.unwrap();
    pair.first.signal("-KILL").await;
    assert!(!pair.first.ended().await.success());
    pair.until("SELECT count(*) FROM ai_usage_events WHERE swept")
        .await;
    let spent = pair.balanced().await;
    let swept = "SELECT count(*) FROM ai_usage_events WHERE swept AND estimated AND over_hold_micros = 0 \
        AND cost_micros > 0 AND cost_micros < hold_micros AND output_tokens BETWEEN 40 AND 999";
    assert_eq!(pair.number(swept).await, 1);
    assert_eq!(pair.number("SELECT count(*) FROM ai_usage_events").await, 2);
    assert!(spent > 0 && answer.bytes().await.is_err());
    assert!(pair.second.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_stood_still_corrects_what_was_estimated_for_it() {
    let script = Script {
        output: Output::Tokens(100),
        tokens_per_chunk: 10,
        // The stream lasts for as long as stopping the server may take on a busy machine, and as its lease.
        chunk_delay: Duration::from_millis(400),
        ..Script::default()
    };
    let mut pair = Pair::start(script).await;
    let answer = pair.stream(&pair.at_first).await;
    pair.first.signal("-STOP").await;
    pair.until("SELECT count(*) FROM ai_usage_events WHERE swept")
        .await;
    let estimate = pair.balanced().await;
    pair.first.signal("-CONT").await;
    assert!(answer.bytes().await.unwrap().ends_with(b"data: [DONE]\n\n"));
    pair.until("SELECT count(*) FROM ai_usage_events WHERE corrects IS NOT NULL")
        .await;
    let truth = pair.balanced().await;
    assert!(truth < estimate, "{truth} against {estimate}");
    let exact = "SELECT (floor(sum(input_tokens) * 2.5) + sum(output_tokens) * 10)::bigint FROM ai_usage_events";
    assert_eq!(pair.number(exact).await, truth);
    assert_eq!(
        pair.number("SELECT sum(output_tokens)::bigint FROM ai_usage_events")
            .await,
        100
    );
    assert_eq!(pair.number("SELECT count(*) FROM ai_usage_events").await, 2);
    // It lives on under a new lease.
    pair.fake
        .change(|script| script.chunk_delay = Duration::ZERO);
    pair.stream(&pair.at_first).await.bytes().await.unwrap();
    pair.until("SELECT (count(*) = 3)::int::bigint FROM ai_usage_events")
        .await;
    pair.balanced().await;
    assert!(pair.first.terminate().await.success());
    assert!(pair.second.terminate().await.success());
}
