//! How much a chat, a family and a person's files may hold: to the last byte, and by whoever asks at once.

use bursar::chats::ChatOptions;
use bursar_sdk::{
    ChatFileCreateQuery, ChatPromptListQuery, ChatStatus, Client, CreateChatRequest,
    EditChatMessageRequest, client::Upload,
};
use fakeprovider::Script;
use futures_util::future::join_all;
use model::chats::{CHAT_MAX_BYTES, CHAT_MAX_MESSAGES, FAMILY_MAX, MAX_CONTENT_BYTES};
use serde_json::Value;
use testkit::ServerOptions;
use uuid::Uuid;

use super::{
    stage::{Stage, options, said, slow, text},
    stream::{Wire, socket},
};
use crate::support::{is, refused};

const FULL: &str =
    "This chat is full: it holds 16 MiB or 10,000 messages at most. Start another chat.";

impl Stage {
    async fn bytes(&self, chat: Uuid) -> u64 {
        let size = format!("SELECT said_bytes FROM chat_sizes WHERE chat_id = '{chat}'");
        u64::try_from(self.number(&size).await).unwrap()
    }

    /// Fills a chat up to so many bytes by what only people see.
    async fn fill(&self, chat: Uuid, up_to: u64) {
        let mut left = up_to - self.bytes(chat).await;
        // What is stored around the words.
        let around = u64::try_from(r#"[{"text": "", "type": "text"}]"#.len()).unwrap();
        let piece = u64::try_from(MAX_CONTENT_BYTES).unwrap();
        while left > 0 {
            let size = if left < piece * 2 { left } else { piece };
            let fill = format!(
                "INSERT INTO chat_messages (chat_id, role, visibility, content, revision) VALUES ('{chat}', 'user', 'user', \
                 jsonb_build_array(jsonb_build_object('type', 'text', 'text', repeat('x', {}))), 1)",
                size - around
            );
            self.by_hand(&fill).await;
            left -= size;
        }
        assert_eq!(self.bytes(chat).await, up_to);
    }
}

fn check_full<T: std::fmt::Debug>(outcome: Result<T, bursar_sdk::client::Error>) {
    let refusal = refused(outcome, 409);
    assert_eq!(refusal.message, FULL);
}

#[tokio::test]
async fn a_chat_takes_what_its_owner_says_up_to_its_bound_and_any_answer() {
    let stage = Stage::new().await;
    let ada = &stage.ada.client;
    let chat = stage.chat("first").await;
    let words = said("the last words");
    let length = u64::try_from(r#"[{"text": "the last words", "type": "text"}]"#.len()).unwrap();
    stage.fill(chat, CHAT_MAX_BYTES - length + 1).await;
    let before = (stage.get(chat).await, stage.messages(chat).await.len());
    check_full(ada.chat_message_create(chat, &words).await);
    let after = (stage.get(chat).await, stage.messages(chat).await.len());
    assert_eq!(before, after, "a refusal changes nothing");
    stage
        .by_hand(&format!(
            "UPDATE chat_messages SET content = content #- '{{0}}' WHERE chat_id = '{chat}' AND id = \
                (SELECT max(id) FROM chat_messages WHERE chat_id = '{chat}')"
        ))
        .await;
    stage.fill(chat, CHAT_MAX_BYTES - length).await;
    ada.chat_message_create(chat, &words).await.unwrap();
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    assert!(
        stage.bytes(chat).await > CHAT_MAX_BYTES,
        "the answer is there"
    );
    check_full(ada.chat_message_create(chat, &said("x")).await);
    // What is edited away gives its room back; what is said instead is bounded, too.
    let messages = stage.messages(chat).await;
    let last = messages.iter().rfind(|one| text(one) == "the last words");
    let edit = |text: &str| EditChatMessageRequest {
        content: said(text).content,
        ..EditChatMessageRequest::default()
    };
    let last = last.unwrap().id;
    let longer = edit("the very last words");
    check_full(ada.chat_message_update(chat, last, &longer).await);
    let shorter = edit("the end");
    ada.chat_message_update(chat, last, &shorter).await.unwrap();
    stage.rests(chat).await;
    let first = messages[0].id;
    ada.chat_message_update(chat, first, &edit("anew"))
        .await
        .unwrap();
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    assert!(stage.bytes(chat).await < 10_000);
    stage.say(chat, "and on").await;
    stage.rests(chat).await;
    stage.at_rest().await;
}

#[tokio::test]
async fn what_waits_has_its_room_already() {
    let stage = Stage::with(slow(100_000), &options()).await;
    let ada = &stage.ada.client;
    let chat = stage.begin("first").await.id;
    let queued = stage.say(chat, "waits").await.queued_message.unwrap().id;
    stage.fill(chat, CHAT_MAX_BYTES).await;
    check_full(ada.chat_message_create(chat, &said("x")).await);
    ada.chat_queue_promote(chat, queued).await.unwrap();
    crate::calls::until("its turn", || async {
        let messages = stage.messages(chat).await;
        messages.iter().any(|one| text(one) == "waits")
    })
    .await;
    ada.chat_interrupt(chat).await.unwrap();
    assert_eq!(stage.rests(chat).await, ChatStatus::Waiting);
    stage.at_rest().await;
}

#[tokio::test]
async fn a_chat_has_so_many_messages_and_no_more_also_when_many_are_sent_at_once() {
    let stage = Stage::with(slow(100_000), &options()).await;
    let chat = stage.begin("first").await.id;
    let most = i64::try_from(CHAT_MAX_MESSAGES).unwrap();
    let fill = format!(
        "INSERT INTO chat_messages (chat_id, role, visibility, content, revision) \
         SELECT '{chat}', 'user', 'user', '[{{\"type\": \"text\", \"text\": \"x\"}}]', 1 FROM generate_series(1, {})",
        most - 4
    );
    stage.by_hand(&fill).await;
    let send = |_: usize| async {
        stage
            .ada
            .client
            .chat_message_create(chat, &said("more"))
            .await
    };
    let sent = join_all((0..8).map(send)).await;
    let (kept, full): (Vec<_>, Vec<_>) = sent.into_iter().partition(Result::is_ok);
    assert_eq!((kept.len(), full.len()), (3, 5));
    full.into_iter().for_each(check_full);
    let size = format!("SELECT said_messages FROM chat_sizes WHERE chat_id = '{chat}'");
    assert_eq!(stage.number(&size).await, most);
    stage.ada.client.chat_interrupt(chat).await.unwrap();
}

#[tokio::test]
async fn a_family_has_so_many_chats_also_when_many_are_made_at_once() {
    let stage = Stage::with(Script::default(), &options()).await;
    let root = stage.chat("root").await;
    let parts = format!(
        "INSERT INTO chats (id, organization_id, owner_id, parent_chat_id, root_chat_id, title) \
         SELECT gen_random_uuid(), organization_id, owner_id, id, id, 'part' FROM chats, generate_series(1, {}) \
         WHERE id = '{root}'",
        FAMILY_MAX - 3
    );
    stage.by_hand(&parts).await;
    let part = format!(
        "SELECT id FROM chats WHERE root_chat_id = '{root}' AND parent_chat_id IS NOT NULL LIMIT 1"
    );
    let owner = stage.world.database.owner().await.unwrap();
    let part: Uuid = owner.query_one(&part, &[]).await.unwrap().get(0);
    let make = |number: usize| {
        let new = CreateChatRequest {
            parent_chat_id: Some(if number.is_multiple_of(2) { root } else { part }),
            ..stage.new_chat("one more")
        };
        let ada = &stage.ada.client;
        async move { ada.chat_create(&new).await }
    };
    let made = join_all((0..8).map(make)).await;
    let (made, full): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), full.len()), (2, 6));
    for outcome in full {
        let refusal = refused(outcome, 400);
        assert_eq!(refusal.message, "The family of the parent chat is full.");
        let field = &refusal.validations[0];
        assert_eq!(field.field, "parent_chat_id");
        assert_eq!(field.detail, "a family has 200 chats at most");
    }
    let family = format!("SELECT count(*) FROM chats WHERE root_chat_id = '{root}'");
    assert_eq!(stage.number(&family).await, i64::from(FAMILY_MAX));
    // Another one has room.
    stage.chat("another").await;
    stage.at_rest().await;
}

async fn upload(
    who: &Client,
    organization: Uuid,
    bytes: usize,
) -> Result<Uuid, bursar_sdk::client::Error> {
    let query = ChatFileCreateQuery {
        organization: Some(organization.to_string()),
    };
    let file = Upload::new("plan.md", "x".repeat(bytes));
    who.chat_file_create(&query, file).await.map(|file| file.id)
}

#[tokio::test]
async fn a_persons_files_have_a_quota_also_when_many_come_at_once() {
    let options = ServerOptions {
        chats: ChatOptions {
            chat_file_quota: 1_050,
            ..options().chats
        },
        ..options()
    };
    let stage = Stage::with(Script::default(), &options).await;
    let acme = stage.world.cast.organization_id;
    let owner = &stage.world.cast.owner;
    owner
        .organization_member_create(stage.beta, &stage.ada.id.to_string())
        .await
        .unwrap();
    let ada = &stage.ada.client;
    // In two organizations, which are one quota.
    let bring = |number: usize| {
        let organization = if number.is_multiple_of(2) {
            acme
        } else {
            stage.beta
        };
        async move { upload(ada, organization, 100).await }
    };
    let brought = join_all((0..16).map(bring)).await;
    let (kept, over): (Vec<_>, Vec<_>) = brought.into_iter().partition(Result::is_ok);
    assert_eq!((kept.len(), over.len()), (10, 6));
    for outcome in over {
        let refusal = refused(outcome, 409);
        let words =
            "The file does not fit into your quota of 1,050 bytes, of which 1,000 are used.";
        assert_eq!(refusal.message, words);
    }
    assert_eq!(stage.number("SELECT count(*) FROM chat_files").await, 10);
    // To the last byte; others have a quota of their own, and what has gone counts no more.
    upload(ada, acme, 50).await.unwrap();
    refused(upload(ada, acme, 1).await, 409);
    upload(&stage.vic.client, acme, 1_050).await.unwrap();
    stage.by_hand("DELETE FROM chat_files").await;
    upload(ada, acme, 1_050).await.unwrap();
}

#[tokio::test]
async fn files_come_so_often_in_a_minute_and_no_more() {
    let stage = Stage::new().await;
    let acme = stage.world.cast.organization_id;
    let path = format!("/files?organization={acme}");
    // More than any two minutes that follow each other have room for.
    for _ in 0..=120 {
        let answer = stage
            .ask(&stage.ada.client, "POST", &path, &Value::Null)
            .await;
        if answer.status == 400 {
            continue;
        }
        is(&answer, 429);
        assert_eq!(
            answer.message(),
            "Too many files were uploaded. Try again later."
        );
        let wait: u64 = answer.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        upload(&stage.vic.client, acme, 1).await.unwrap();
        return;
    }
    panic!("nobody was told to wait");
}

#[tokio::test]
async fn prompts_go_on_where_a_page_ended() {
    let stage = Stage::new().await;
    let chat = stage.shared("first").await;
    stage.fill(chat, 3 * 1024 * 1024).await;
    stage.say(chat, "last").await;
    stage.rests(chat).await;
    for who in [&stage.ada, &stage.vic] {
        let mut query = ChatPromptListQuery::default();
        let mut all = Vec::new();
        loop {
            let page = who.client.chat_prompt_list(chat, &query).await.unwrap();
            let bytes: usize = page.prompts.iter().map(|prompt| prompt.text.len()).sum();
            assert!(bytes <= 1024 * 1024, "{bytes}");
            query.before_id = page.prompts.last().map(|prompt| prompt.id);
            all.extend(page.prompts);
            if !page.has_more {
                break;
            }
        }
        let words: Vec<_> = all.iter().map(|prompt| prompt.text.as_str()).collect();
        let (newest, oldest) = (words.first().unwrap(), words.last().unwrap());
        assert_eq!((*newest, *oldest, words.len()), ("last", "first", 13));
        assert!(all.is_sorted_by(|one, next| one.id > next.id));
    }
}

/// The stream of a large chat counts for several, and everybody may have one.
#[tokio::test]
async fn streams_of_large_chats_take_the_room_of_several() {
    let stage = Stage::new().await;
    let ada = &stage.ada.client;
    let (small, large) = (stage.chat("small").await, stage.chat("large").await);
    stage.fill(large, 4 << 20).await;
    let [small, large] = [small, large].map(|chat| format!("/{chat}/stream"));
    let once_more = async |path: &str| {
        let token = ada.token().unwrap().expose();
        socket(ada, path, &[("bursar-session-token", token)]).await
    };
    let mut open = Vec::new();
    // With the large one, which counts for five, that is one too many.
    for _ in 0..60 {
        open.push(Wire::socket(ada, &small).await);
    }
    assert_eq!(once_more(&large).await.err(), Some(429));
    drop(open.pop());
    crate::calls::until("room for the large one", || async {
        match once_more(&large).await {
            Ok(stream) => {
                let refused = once_more(&small).await.err();
                drop(stream);
                refused == Some(429)
            }
            Err(status) => {
                assert_eq!(status, 429);
                false
            }
        }
    })
    .await;
}
