//! The rules of chats that are no question of rights: titles, pages, sizes, and changes that are whole or not at all.

use bursar_sdk::{ChatMessageListQuery, ChatStatus, CreateChatRequest};
use fakeprovider::{Gate, Script};
use serde_json::{Value, json};

use super::stage::{Stage, options};
use crate::support::{brief, get, is, lines};

#[tokio::test]
async fn a_title_has_a_length_and_a_change_is_whole_or_not_at_all() {
    let stage = Stage::new().await;
    let ada = &stage.ada.client;
    let chat = stage.chat("Plans").await;
    let patch = async |body: Value| stage.ask(ada, "PATCH", &format!("/{chat}"), &body).await;
    let versions = "SELECT sum(snapshot_version)::bigint FROM chats";
    let long = |count: usize| "\u{e4}".repeat(count);
    for (title, status) in [(" \t".to_owned(), 400), (long(200), 204), (long(201), 400)] {
        is(&patch(json!({"title": title})).await, status);
    }
    assert_eq!(stage.get(chat).await.title, long(200));
    let before = (stage.get(chat).await, stage.number(versions).await);
    is(&patch(json!({"title": long(200)})).await, 204);
    assert_eq!(
        (stage.get(chat).await, stage.number(versions).await),
        before,
        "nothing new"
    );
    for wrong in [
        json!({"pin_order": -1}),
        json!({"archived": false}),
        json!({"workspace_id": "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d"}),
        json!({"labels": {"": "x"}}),
        json!({"archived": true, "pin_order": 1}),
    ] {
        let mut body = json!({"title": "Other plans", "labels": {"a": "b"}, "pin_order": 2});
        for (key, value) in wrong.as_object().unwrap() {
            body[key] = value.clone();
        }
        let answer = patch(body).await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
        assert_eq!(stage.get(chat).await, before.0, "{wrong}");
    }
    is(
        &patch(json!({"title": "Other plans", "labels": {"a": "b"}, "pin_order": 2})).await,
        204,
    );
    let after = stage.get(chat).await;
    assert_eq!(
        (after.title.as_str(), after.pin_order, after.labels.len()),
        ("Other plans", 1, 1)
    );
}

#[tokio::test]
async fn pages_of_messages_have_bounds_and_an_order() {
    let gate = Gate::default();
    let stage = Stage::new().await;
    let ada = &stage.ada.client;
    let chat = stage.chat("0").await;
    for number in 1..4 {
        stage.say(chat, &number.to_string()).await;
        stage.rests(chat).await;
    }
    for query in [
        "limit=0",
        "limit=201",
        "after_id=5&before_id=5",
        "after_id=-1",
        "before_id=x",
    ] {
        is(
            &get(
                &stage.world,
                ada,
                &format!("/chats/{chat}/messages?{query}"),
            )
            .await,
            400,
        );
    }
    stage
        .world
        .fake
        .change(|script| script.gate = Some(gate.clone()));
    stage.say(chat, "4").await;
    stage.say(chat, "waits").await;
    let all = stage.messages(chat).await;
    assert_eq!(all.len(), 9);
    let page = async |before_id, after_id| {
        let limit = Some(3);
        let query = ChatMessageListQuery {
            before_id,
            after_id,
            limit,
        };
        ada.chat_message_list(chat, &query).await.unwrap()
    };
    let ids = |page: &bursar_sdk::ChatMessagesResponse| {
        page.messages.iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let id = |at: usize| all[at].id;
    let newest = page(None, None).await;
    assert_eq!(ids(&newest), [id(8), id(7), id(6)]);
    assert!(newest.has_more && newest.queued_messages.len() == 1);
    let older = page(Some(id(6)), None).await;
    assert_eq!(ids(&older), [id(5), id(4), id(3)]);
    assert!(
        older.queued_messages.is_empty(),
        "told with the newest only"
    );
    let newer = page(None, Some(id(0))).await;
    assert_eq!(ids(&newer), [id(1), id(2), id(3)]);
    let between = page(Some(id(3)), Some(id(0))).await;
    assert_eq!(ids(&between), [id(2), id(1)]);
    assert!(!between.has_more);
    gate.open();
    stage.at_rest().await;
}

#[tokio::test]
async fn a_chat_is_made_by_members_with_words_of_a_size() {
    let stage = Stage::new().await;
    let ada = &stage.ada.client;
    let words = json!([{"type": "text", "text": "Hello"}]);
    let check = async |body: Value, status: u16, message: &str| {
        let answer = stage.ask(ada, "POST", "", &body).await;
        is(&answer, status);
        assert_eq!(answer.message(), message);
    };
    let foreign = "You are not a member of the specified organization.";
    check(
        json!({"organization_id": stage.beta, "content": words}),
        403,
        foreign,
    )
    .await;
    let unknown = "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d";
    check(
        json!({"organization_id": unknown, "content": words}),
        403,
        foreign,
    )
    .await;
    check(
        json!({"content": words}),
        400,
        "organization_id is required.",
    )
    .await;
    let acme = stage.world.cast.organization_id;
    check(
        json!({"organization_id": acme, "content": []}),
        400,
        "Content is required.",
    )
    .await;
    let long = json!([{"type": "text", "text": "x".repeat(256 * 1024)}]);
    let long = json!({"organization_id": acme, "content": long});
    is(&stage.ask(ada, "POST", "", &long).await, 413);
    assert_eq!(stage.number("SELECT count(*) FROM chats").await, 0);
}

#[tokio::test]
async fn a_chat_whose_turn_runs_is_not_put_away() {
    let gate = Gate::default();
    let script = Script {
        gate: Some(gate.clone()),
        ..Script::default()
    };
    let stage = Stage::with(script, &options()).await;
    let ada = &stage.ada.client;
    let root = stage.begin("root").await.id;
    stage.world.fake.wait_for_requests(1).await;
    let archive = json!({"archived": true});
    let refused = stage.ask(ada, "PATCH", &format!("/{root}"), &archive).await;
    is(&refused, 409);
    let words = "Cannot archive an active chat. Interrupt or wait for the chat to finish first.";
    assert_eq!(refused.message(), words);
    gate.open();
    assert_eq!(stage.rests(root).await, ChatStatus::Waiting);
    // Nor is its family.
    let closed = Gate::default();
    stage
        .world
        .fake
        .change(|script| script.gate = Some(closed.clone()));
    let part = CreateChatRequest {
        parent_chat_id: Some(root),
        ..stage.new_chat("part")
    };
    let part = ada.chat_create(&part).await.unwrap().id;
    is(
        &stage.ask(ada, "PATCH", &format!("/{root}"), &archive).await,
        409,
    );
    closed.open();
    stage.rests(part).await;
    is(
        &stage.ask(ada, "PATCH", &format!("/{root}"), &archive).await,
        204,
    );
    let interrupt = stage
        .ask(ada, "POST", &format!("/{root}/interrupt"), &Value::Null)
        .await;
    is(&interrupt, 400);
}

#[tokio::test]
async fn what_was_refused_is_in_the_log_by_what_it_would_have_done() {
    let stage = Stage::new().await;
    let (ada, vic, xan) = (&stage.ada, &stage.vic, &stage.xan);
    let chat = stage.shared("Plans").await;
    let query = bursar_sdk::ChatFileCreateQuery {
        organization: Some(stage.world.cast.organization_id.to_string()),
    };
    let file = bursar_sdk::client::Upload::new("plan.md", "# Plan");
    let file = ada.client.chat_file_create(&query, file).await.unwrap().id;
    let words = json!([{"type": "text", "text": "Hello"}]);
    let say = json!({"content": words});
    let own = json!({"user_roles": {vic.id.to_string(): ""}});
    let foreign = json!({"organization_id": stage.beta, "content": words});
    let link = format!("/files/{file}/download-url");
    let path = |rest: &str| format!("/{chat}{rest}");
    let nothing = Value::Null;
    for (who, method, path, body, status, word) in [
        (vic, "POST", path("/interrupt"), &nothing, 404, "write"),
        (vic, "POST", path("/messages"), &say, 403, "write"),
        (vic, "PATCH", path("/messages/1"), &say, 403, "write"),
        (vic, "DELETE", path("/queue/1"), &nothing, 404, "write"),
        (
            vic,
            "POST",
            path("/queue/1/promote"),
            &nothing,
            403,
            "write",
        ),
        (
            vic,
            "PATCH",
            path(""),
            &json!({"title": "Mine"}),
            404,
            "write",
        ),
        (vic, "PATCH", path("/acl"), &own, 403, "write"),
        (vic, "POST", String::new(), &foreign, 403, "create"),
        // An address only reads.
        (xan, "POST", link, &nothing, 404, ""),
    ] {
        let answer = stage.ask(&who.client, method, &path, body).await;
        is(&answer, status);
        let found = lines(&stage.world, answer.request_id()).await;
        let found: Vec<String> = found.iter().map(brief).collect();
        let expected = match word {
            "" => Vec::new(),
            word => vec![format!("{word} chat /chats{path}")],
        };
        assert_eq!(found, expected, "{method} {path}");
    }
}
