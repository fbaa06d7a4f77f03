//! Turns of chats at a server that is killed, or stands still, in the middle of an answer: another one ends them.

use std::time::Duration;

use bursar_sdk::{
    ChatErrorKind, ChatInputPart, ChatMessage, ChatMessageListQuery, ChatMessageRole, ChatStatus,
    ChatStreamEvent, ChatStreamQuery, Client, CreateChatMessageRequest, CreateChatRequest,
    client::Events,
};
use fakeprovider::{Fault, Output, Script};
use uuid::Uuid;

use crate::replicas::Pair;

const MODEL: &str = "openai/gpt-4o";
const RUNNING: &str = "chats WHERE status IN ('running', 'interrupting')";

async fn begin(pair: &Pair, at: &Client, text: &str) -> Uuid {
    let new = CreateChatRequest {
        organization_id: Some(pair.cast.organization_id),
        content: vec![ChatInputPart::text(text)],
        model: Some(MODEL.to_owned()),
        ..CreateChatRequest::default()
    };
    at.chat_create(&new).await.unwrap().id
}

/// What was said, oldest first.
async fn messages(at: &Client, chat: Uuid) -> Vec<ChatMessage> {
    let query = ChatMessageListQuery::default();
    let mut page = at.chat_message_list(chat, &query).await.unwrap();
    page.messages.reverse();
    page.messages
}

fn text(message: &ChatMessage) -> String {
    let texts = message.content.iter().filter_map(|part| part.text.clone());
    texts.collect()
}

/// Reads a stream until something is told.
async fn told(stream: &mut Events, wanted: impl Fn(&ChatStreamEvent) -> bool) -> ChatStreamEvent {
    let reading = async {
        loop {
            let frame = stream.next().await.unwrap().expect("it goes on");
            let events: Vec<ChatStreamEvent> = frame.read().unwrap();
            if let Some(found) = events.into_iter().find(&wanted) {
                return found;
            }
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, reading)
        .await
        .expect("it came in time")
}

/// A provider that falls silent in the middle.
fn silent() -> Script {
    Script {
        output: Output::Tokens(100),
        tokens_per_chunk: 10,
        fault: Fault::HangAfterChunks(5),
        ..Script::default()
    }
}

/// Says something.
async fn say(at: &Client, chat: Uuid, words: &str) -> bool {
    let words = CreateChatMessageRequest {
        content: vec![ChatInputPart::text(words)],
        ..CreateChatMessageRequest::default()
    };
    at.chat_message_create(chat, &words).await.unwrap().queued
}

/// Waits until there is nothing left of these.
async fn none(pair: &Pair, from: &str) {
    let sql = format!("SELECT (count(*) = 0)::int::bigint FROM {from}");
    pair.until(&sql).await;
}

/// Begins a turn that takes some seconds, at a server of its own.
async fn begin_slow(pair: &Pair, at: &Client) -> Uuid {
    pair.fake.change(|script| {
        (script.fault, script.output) = (Fault::None, Output::Tokens(200));
        script.chunk_delay = Duration::from_millis(800);
    });
    let chat = begin(pair, at, "At the server that lives").await;
    pair.fake.wait_for_requests(2).await;
    pair.fake
        .change(|script| script.chunk_delay = Duration::ZERO);
    chat
}

#[tokio::test]
async fn a_turn_of_a_killed_server_ends_with_what_was_said() {
    let mut pair = Pair::start(silent()).await;
    let token = &pair.cast.member_token;
    let [here, there] = [&pair.at_first, &pair.at_second].map(|at| at.with_token(token.clone()));
    let chat = begin(&pair, &here, "Hello").await;
    pair.fake.wait_for_requests(1).await;
    let other = begin_slow(&pair, &there).await;
    let query = ChatStreamQuery::default();
    let mut stream = there.chat_stream(chat, &query).await.unwrap();
    told(&mut stream, |event| event.message_part.is_some()).await;
    assert!(say(&there, chat, "What then?").await);
    pair.until("SELECT count(*) FROM chat_parts").await;
    pair.until("SELECT count(*) FROM ai_reservations WHERE progress_output_tokens > 0")
        .await;
    pair.first.signal("-KILL").await;
    assert!(!pair.first.ended().await.success());
    let asked = pair.fake.requests().len();

    // Whoever looks on at the other server is told.
    let ended = told(&mut stream, |event| event.error.is_some()).await;
    let ended = ended.error.unwrap();
    assert_eq!(
        (ended.kind, ended.retryable),
        (ChatErrorKind::Generic, true)
    );
    let found = there.chat_get(chat).await.unwrap();
    assert_eq!(
        (found.status, found.last_error),
        (ChatStatus::Error, Some(ended))
    );
    let said = messages(&there, chat).await;
    assert_eq!((said.len(), said[1].role), (2, ChatMessageRole::Assistant));
    assert!(!text(&said[1]).is_empty(), "what was said is kept");
    let other_chat = there.chat_get(other).await.unwrap();
    assert_eq!(other_chat.status, ChatStatus::Running, "its own goes on");
    // Nothing was asked again at the owner's cost: what waits, waits until something is said.
    assert_eq!(pair.fake.requests().len(), asked);
    say(&there, chat, "And now?").await;
    let all =
        format!("SELECT (count(*) = 6)::int::bigint FROM chat_messages WHERE chat_id = '{chat}'");
    pair.until(&all).await;
    let said = messages(&there, chat).await;
    assert_eq!([&said[2], &said[4]].map(text), ["What then?", "And now?"]);
    there.chat_interrupt(other).await.unwrap();
    none(&pair, RUNNING).await;
    none(&pair, "chat_parts").await;
    pair.until("SELECT count(*) FROM ai_usage_events WHERE swept")
        .await;
    none(&pair, "ai_reservations").await;
    assert!(pair.balanced().await > 0);
    assert!(pair.second.terminate().await.success());
}

#[tokio::test]
async fn a_server_that_stood_still_changes_nothing_about_a_turn_that_was_ended_for_it() {
    let script = Script {
        output: Output::Tokens(400),
        tokens_per_chunk: 4,
        chunk_delay: Duration::from_millis(40),
        ..Script::default()
    };
    let mut pair = Pair::start(script).await;
    let token = &pair.cast.member_token;
    let [here, there] = [&pair.at_first, &pair.at_second].map(|at| at.with_token(token.clone()));
    let chat = begin(&pair, &here, "Hello").await;
    pair.until("SELECT count(*) FROM chat_parts").await;
    pair.first.signal("-STOP").await;
    pair.until("SELECT count(*) FROM chats WHERE status = 'error'")
        .await;
    let said = messages(&there, chat).await;
    assert_eq!(said.len(), 2);
    pair.first.signal("-CONT").await;
    // The truth about what it cost comes later; what the chat says stays.
    none(&pair, "ai_reservations").await;
    let again = begin(&pair, &here, "It lives on").await;
    let mut stream = there
        .chat_stream(again, &ChatStreamQuery::default())
        .await
        .unwrap();
    told(&mut stream, |event| {
        event
            .status
            .is_some_and(|now| now.status == ChatStatus::Waiting)
    })
    .await;
    assert_eq!(messages(&there, chat).await, said);
    assert_eq!(
        there.chat_get(chat).await.unwrap().status,
        ChatStatus::Error
    );
    none(&pair, RUNNING).await;
    none(&pair, "ai_reservations").await;
    assert!(pair.balanced().await > 0);
    assert!(pair.first.terminate().await.success());
    assert!(pair.second.terminate().await.success());
}
