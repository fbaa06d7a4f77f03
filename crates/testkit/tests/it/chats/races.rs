//! Many things at once, at two servers: everything that was said is answered once and in order, no turn is left, and the
//! ledger balances.

use std::{collections::BTreeSet, time::Duration};

use bursar_sdk::{
    ChatInputPart, ChatMessageListQuery, ChatMessageRole, ChatStatus, Client,
    CreateChatMessageRequest, EditChatMessageRequest, client::Error,
};
use fakeprovider::{Output, Script};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{
    stage::{NEVER, Pair, options, said, slow, text},
    stream::Stream,
};

fn quick() -> Script {
    Script {
        output: Output::Tokens(24),
        chunk_delay: Duration::from_millis(3),
        ..Script::default()
    }
}

async fn pair(script: Script) -> Pair {
    let options = testkit::ServerOptions {
        access_recheck: NEVER,
        ..options()
    };
    Pair::new(script, &options).await
}

/// What is answered when things cross: that it is too late, or not possible now.
fn crossed<T>(outcome: Result<T, Error>) {
    if let Err(error) = outcome {
        let status = error.api().unwrap_or_else(|| panic!("{error:?}")).status;
        assert!(
            matches!(status.as_u16(), 400 | 404 | 409 | 429),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_at_once_is_answered_once_each() {
    let pair = pair(quick()).await;
    let stage = &pair.stage;
    let chat = stage.chat("first").await;
    let mut stream = Stream::socket(&pair.there(&stage.ada), chat).await;
    stream.status(ChatStatus::Waiting).await;
    let ends = [stage.ada.client.clone(), pair.there(&stage.ada)];
    let send = async |number: usize| {
        let words = said(&format!("number {number}"));
        ends[number % 2]
            .chat_message_create(chat, &words)
            .await
            .unwrap()
    };
    join_all((0..12).map(send)).await;
    crate::calls::until("all answers", || async {
        stage.messages(chat).await.len() == 26
    })
    .await;
    stage.at_rest().await;
    let messages = stage.messages(chat).await;
    for two in messages.chunks(2) {
        let roles = [two[0].role, two[1].role];
        assert_eq!(roles, [ChatMessageRole::User, ChatMessageRole::Assistant]);
    }
    let said: BTreeSet<String> = messages.iter().step_by(2).map(text).collect();
    assert_eq!(said.len(), 13, "each once: {said:?}");
    while stream.messages().len() < 26 {
        stream
            .until("all of it", |event| event.message.is_some())
            .await;
    }
    assert_eq!(stream.messages(), messages);
    let events = "SELECT count(*) FROM ai_usage_events";
    assert_eq!(stage.number(events).await, 13);
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// Does something to a chat of Ada's, whatever it is doing.
async fn act(who: &Client, chat: Uuid, dice: u64) {
    let words = said("more");
    match dice {
        0..4 => crossed(who.chat_message_create(chat, &words).await),
        4 => {
            let now = CreateChatMessageRequest {
                busy_behavior: Some("interrupt".to_owned()),
                ..words
            };
            crossed(who.chat_message_create(chat, &now).await);
        }
        5 => crossed(who.chat_interrupt(chat).await),
        other => {
            let query = ChatMessageListQuery::default();
            let page = who.chat_message_list(chat, &query).await.unwrap();
            let queued = page.queued_messages.last().map(|waits| waits.id);
            match (other, queued) {
                (6, Some(id)) => crossed(who.chat_queue_promote(chat, id).await),
                (7, Some(id)) => crossed(who.chat_queue_delete(chat, id).await),
                (8, _) => {
                    let users = |one: &&bursar_sdk::ChatMessage| one.role == ChatMessageRole::User;
                    let Some(last) = page.messages.iter().find(users) else {
                        return;
                    };
                    let edit = EditChatMessageRequest {
                        content: vec![ChatInputPart::text("other")],
                        ..EditChatMessageRequest::default()
                    };
                    crossed(who.chat_message_update(chat, last.id, &edit).await);
                }
                _ => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_at_once_every_turn_ends_and_streams_show_what_is() {
    let pair = pair(quick()).await;
    let stage = &pair.stage;
    let chats = [stage.chat("one").await, stage.chat("two").await];
    let ends = [stage.ada.client.clone(), pair.there(&stage.ada)];
    let mut streams = Vec::new();
    for chat in chats {
        stage.grant(chat, &[stage.vic.id], &[]).await;
        for end in [&ends[0], &ends[1], &pair.there(&stage.vic)] {
            streams.push(Stream::socket(end, chat).await);
        }
    }
    let actor = async |seed: u64| {
        let mut dice = Dice(seed);
        for _ in 0..20 {
            let end = &ends[usize::try_from(dice.below(2)).unwrap()];
            let chat = chats[usize::try_from(dice.below(2)).unwrap()];
            act(end, chat, dice.below(9)).await;
        }
    };
    join_all((1..=4).map(actor)).await;
    stage.at_rest().await;
    let left = "SELECT count(*) FROM chat_parts";
    assert_eq!(stage.number(left).await, 0);
    for chat in chats {
        let found = stage.get(chat).await;
        assert!(
            matches!(found.status, ChatStatus::Waiting | ChatStatus::Error),
            "{found:?}"
        );
        let query = ChatMessageListQuery::default();
        let page = ends[0].chat_message_list(chat, &query).await.unwrap();
        assert!(page.queued_messages.is_empty() || found.status == ChatStatus::Error);
    }
    // One thing more is said, after which every stream has told what is there, and nothing else.
    for (number, mut stream) in streams.into_iter().enumerate() {
        let chat = stream.chat;
        let words = format!("the last {number}");
        stage.say(chat, &words).await;
        let told = |event: &bursar_sdk::ChatStreamEvent| {
            event
                .message
                .as_ref()
                .is_some_and(|message| text(message) == words)
        };
        stream.until("the last words", told).await;
        stage.rests(chat).await;
        stream.status(ChatStatus::Waiting).await;
        let mut expected = stage.messages(chat).await;
        let mut found = stream.messages();
        for message in expected.iter_mut().chain(&mut found) {
            message.usage = None;
        }
        assert_eq!(found, expected);
    }
    stage.at_rest().await;
}

#[tokio::test]
async fn who_leaves_the_organization_runs_no_turn_there_any_more() {
    let pair = pair(slow(4_000)).await;
    let stage = &pair.stage;
    let chat = pair
        .there(&stage.ada)
        .chat_create(&stage.new_chat("Plans"))
        .await
        .unwrap()
        .id;
    let mut boss = Stream::events(&stage.boss.client, chat).await;
    boss.parts(3).await;
    let owner = &stage.world.cast.owner;
    let acme = stage.world.cast.organization_id;
    owner
        .organization_member_delete(acme, stage.ada.id)
        .await
        .unwrap();
    boss.until("an end", |event| {
        event
            .status
            .is_some_and(|now| !super::stage::active(now.status))
    })
    .await;
    stage.at_rest().await;
    let seen = super::stage::messages(&stage.boss.client, chat).await;
    assert!(!seen.is_empty(), "the chat stays there");
}
