//! `bursar server` as a process on a data folder: it starts, stops, crashes, and finds everything again.

use std::time::Duration;

use bursar::demo::{Cast, PASSWORD};
use bursar_sdk::{Client, LoginWithPasswordRequest};
use fakeprovider::{FakeProvider, Fault, Output, Script};
use model::Micros;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Program, run};

const BUDGET: Micros = Micros(1_000_000);

fn arguments(data_dir: &TempDir) -> Vec<String> {
    let folder = data_dir.path().to_str().unwrap();
    [
        "server",
        "--http-address",
        "127.0.0.1:0",
        "--log",
        "warn",
        "--data-dir",
        folder,
    ]
    .map(str::to_owned)
    .to_vec()
}

async fn start(data_dir: &TempDir) -> (Program, Client) {
    let arguments = arguments(data_dir);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut program = Program::start(&arguments, &[]);
    let line = program.line_with("listens on ").await;
    let address = line.split("listens on ").nth(1).unwrap().to_owned();
    (program, Client::new(&address).unwrap())
}

async fn chat(client: &Client, cast: &Cast, body: &Value) -> reqwest::Response {
    let url = client
        .base_url()
        .join("api/v2/ai-gateway/openai/v1/chat/completions")
        .unwrap();
    let request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .post(url);
    request
        .bearer_auth(cast.member_token.expose())
        .json(body)
        .send()
        .await
        .unwrap()
}

fn body(stream: bool) -> Value {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    json!({"model": "gpt-4o", "messages": messages, "stream": stream, "max_completion_tokens": 100})
}

#[tokio::test]
async fn a_second_start_finds_everything_again() {
    let data_dir = tempfile::tempdir().unwrap();
    let fake = FakeProvider::start(Script::default()).await.unwrap();
    let (mut program, client) = start(&data_dir).await;
    let cast = Cast::assemble(&client, &fake, BUDGET).await.unwrap();
    assert_eq!(chat(&client, &cast, &body(false)).await.status(), 200);
    let before = cast.member.spend_get("me").await.unwrap();
    assert!(before.current_spend_micros > 0);
    assert!(program.terminate().await.success());

    let (mut program, client) = start(&data_dir).await;
    let member = client.with_token(cast.member_token.clone());
    assert_eq!(member.spend_get("me").await.unwrap(), before);
    let login = LoginWithPasswordRequest {
        email: "owner@example.com".to_owned(),
        password: PASSWORD.into(),
    };
    client.login(&login).await.unwrap();
    // The provider's key can still be read: the encryption key was found again too.
    assert_eq!(chat(&client, &cast, &body(false)).await.status(), 200);
    assert!(program.terminate().await.success());
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_says_so_and_ends() {
    let data_dir = tempfile::tempdir().unwrap();
    let (mut program, _) = start(&data_dir).await;
    let arguments = arguments(&data_dir);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let second = run(&arguments).await;
    assert!(!second.status.success());
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(
        message.contains(data_dir.path().to_str().unwrap()),
        "{message}"
    );
    assert!(message.contains("another"), "{message}");
    assert!(program.terminate().await.success());
}

#[tokio::test]
async fn without_postgresql_the_message_says_what_to_install() {
    let nothing = tempfile::tempdir().unwrap();
    let folder = nothing.path().to_str().unwrap();
    let data_dir = tempfile::tempdir().unwrap();
    let mut arguments = arguments(&data_dir);
    arguments.extend(["--postgres-bin-dir".to_owned(), folder.to_owned()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = run(&arguments).await;
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains(folder), "{message}");
}

#[tokio::test]
async fn requests_in_flight_finish_when_the_server_is_asked_to_stop() {
    let data_dir = tempfile::tempdir().unwrap();
    let script = Script {
        first_byte_delay: Duration::from_secs(1),
        ..Script::default()
    };
    let fake = FakeProvider::start(script).await.unwrap();
    let (mut program, client) = start(&data_dir).await;
    let cast = Cast::assemble(&client, &fake, BUDGET).await.unwrap();
    let request = body(false);
    let (answer, ended) = tokio::join!(chat(&client, &cast, &request), async {
        fake.wait_for_requests(1).await;
        program.terminate().await
    });
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("usage"));
    assert!(ended.success());
}

#[tokio::test]
async fn after_a_crash_in_the_middle_of_a_stream_the_ledger_balances() {
    let data_dir = tempfile::tempdir().unwrap();
    let script = Script {
        output: Output::Tokens(100),
        tokens_per_chunk: 10,
        fault: Fault::HangAfterChunks(4),
        ..Script::default()
    };
    let fake = FakeProvider::start(script).await.unwrap();
    let (program, client) = start(&data_dir).await;
    let cast = Cast::assemble(&client, &fake, BUDGET).await.unwrap();
    let mut answer = chat(&client, &cast, &body(true)).await;
    assert!(answer.chunk().await.unwrap().is_some());
    let open = cast.member.spend_get("me").await.unwrap();
    assert!(
        open.reserved_micros > 0 && open.current_spend_micros == 0,
        "{open:?}"
    );
    program.crash().await;

    let (mut program, client) = start(&data_dir).await;
    let member = client.with_token(cast.member_token.clone());
    // The server is alone on its database, so it charges what its predecessor left open as it starts.
    let after = member.spend_get("me").await.unwrap();
    assert_eq!(after.reserved_micros, 0, "{after:?}");
    assert!(after.current_spend_micros > 0, "{after:?}");
    assert!(
        after.current_spend_micros <= open.reserved_micros,
        "{after:?}"
    );
    fake.change(|script| script.fault = Fault::None);
    assert_eq!(chat(&client, &cast, &body(true)).await.status(), 200);
    assert!(program.terminate().await.success());
    let folder = data_dir.path().to_str().unwrap();
    let verified = run(&["ledger", "verify", "--data-dir", folder]).await;
    assert!(verified.status.success(), "{verified:?}");
}
