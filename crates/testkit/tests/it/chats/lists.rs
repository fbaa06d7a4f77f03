//! Which chats are listed for whom, and page by page.

use std::collections::BTreeMap;

use bursar_sdk::{ChatListQuery, UpdateChatRequest, UpdateChatViewerRequest};
use serde_json::Value;
use uuid::Uuid;

use super::stage::{Stage, titles};
use crate::support::{get, is};

/// Chats of Ada's, shared with Vic, with the group and with nobody, and one of Vic's own.
async fn some() -> (Stage, [Uuid; 3]) {
    let stage = Stage::new().await;
    let ids = [
        stage.chat("by entry").await,
        stage.chat("by group").await,
        stage.chat("alone").await,
    ];
    stage.grant(ids[0], &[stage.vic.id], &[]).await;
    stage.grant(ids[1], &[], &[stage.group]).await;
    let own = stage.new_chat("of Vic");
    stage.vic.client.chat_create(&own).await.unwrap();
    (stage, ids)
}

#[tokio::test]
async fn whose_chats_are_listed_is_asked_for() {
    let (stage, _) = some().await;
    let check = async |who: &bursar_sdk::Client, q: &str, expected: &[&str]| {
        let mut found = titles(who, q).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{q}");
    };
    let (ada, vic) = (&stage.ada.client, &stage.vic.client);
    check(vic, "", &["of Vic"]).await;
    check(vic, "source:created_by_me", &["of Vic"]).await;
    check(vic, "source:shared_with_me", &["by entry"]).await;
    let both = "source:created_by_me,shared_with_me";
    check(vic, both, &["by entry", "of Vic"]).await;
    check(&stage.gil.client, "source:shared_with_me", &["by group"]).await;
    check(ada, "", &["alone", "by entry", "by group"]).await;
    // Nothing is shared with its owner, nor with whoever may read everything.
    for who in [
        ada,
        &stage.boss.client,
        &stage.world.cast.owner,
        &stage.xan.client,
    ] {
        check(who, "source:shared_with_me", &[]).await;
    }
    check(&stage.boss.client, both, &[]).await;
    let query = ChatListQuery::default();
    let shared = ada.chat_list(&query).await.unwrap();
    let shared: BTreeMap<_, _> = shared
        .iter()
        .map(|chat| (chat.title.as_str(), chat.shared))
        .collect();
    let expected = [("alone", false), ("by entry", true), ("by group", true)];
    assert_eq!(shared, BTreeMap::from(expected));
    // A reader's list has no chat that was put away, and no archive has one that was not.
    let q = "source:shared_with_me archived:true";
    check(vic, q, &[]).await;
}

#[tokio::test]
async fn what_no_list_can_be_asked_for_is_told() {
    let (stage, _) = some().await;
    let check = async |query: &str, fields: &[&str]| {
        let answer = get(&stage.world, &stage.ada.client, &format!("/chats?{query}")).await;
        is(&answer, 400);
        assert_eq!(answer.fields(), fields, "{query}");
    };
    check("q=source:foo", &["source"]).await;
    check("q=plan", &["q"]).await;
    check("q=pr:7", &["pr"]).await;
    check("label=a", &[]).await;
    check("cursor=x", &["cursor"]).await;
}

#[tokio::test]
async fn labels_narrow_what_is_shared_too() {
    let (stage, ids) = some().await;
    let labels = |value: &str| UpdateChatRequest {
        labels: Some([("a".to_owned(), value.to_owned())].into()),
        ..UpdateChatRequest::default()
    };
    let ada = &stage.ada.client;
    ada.chat_update(ids[0], &labels("b")).await.unwrap();
    ada.chat_update(ids[1], &labels("c")).await.unwrap();
    stage.grant(ids[1], &[stage.vic.id], &[]).await;
    let found = async |label: &str| {
        let query = ChatListQuery {
            q: Some("source:shared_with_me".to_owned()),
            label: vec![label.to_owned()],
            ..ChatListQuery::default()
        };
        let found = stage.vic.client.chat_list(&query).await.unwrap();
        found.into_iter().map(|chat| chat.id).collect::<Vec<_>>()
    };
    assert_eq!(found("a:b").await, [ids[0]]);
    assert_eq!(found("a:c").await, [ids[1]]);
    assert!(found("b:a").await.is_empty());
}

/// The titles of all pages, by the way that a client goes from one to the next.
async fn pages(stage: &Stage, who: &bursar_sdk::Client, q: &str, cursor: bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut place = String::new();
    loop {
        let path = format!("/chats?q={q}&limit=2{place}");
        let answer = get(&stage.world, who, &path).await;
        is(&answer, 200);
        let page = answer.json();
        let page = page.as_array().unwrap();
        assert!(all.len() < 50, "{all:?}");
        all.extend(
            page.iter()
                .map(|chat| chat["title"].as_str().unwrap().to_owned()),
        );
        let next = answer.headers.get("x-next-cursor");
        place = match (cursor, next, page.last()) {
            (_, None, _) | (_, _, None) => return all,
            (true, Some(next), _) => format!("&cursor={}", next.to_str().unwrap()),
            (false, _, Some(last)) => format!("&after_id={}", last["id"].as_str().unwrap()),
        };
    }
}

#[tokio::test]
async fn every_chat_is_on_one_page() {
    let stage = Stage::new().await;
    let (ada, vic) = (&stage.ada.client, &stage.vic.client);
    let mut ids = Vec::new();
    for number in 0..7 {
        let id = stage.chat(&format!("chat {number}")).await;
        stage.grant(id, &[stage.vic.id], &[]).await;
        ids.push(id);
    }
    let pin = |pin_order| UpdateChatRequest {
        pin_order: Some(pin_order),
        ..UpdateChatRequest::default()
    };
    for id in [ids[2], ids[0]] {
        ada.chat_update(id, &pin(1)).await.unwrap();
    }
    // A reader's places on top are the reader's own.
    let own = UpdateChatViewerRequest {
        pin_order: Some(1),
        ..UpdateChatViewerRequest::default()
    };
    for id in [ids[5], ids[2], ids[3]] {
        vic.chat_viewer_update(id, &own).await.unwrap();
    }
    for cursor in [true, false] {
        let expected = |numbers: [u8; 7]| numbers.map(|number| format!("chat {number}")).to_vec();
        let found = pages(&stage, ada, "", cursor).await;
        let (top, mut rest) = (found[..2].to_vec(), found[2..].to_vec());
        assert_eq!(top, ["chat 2", "chat 0"], "{found:?}");
        rest.sort_unstable();
        assert_eq!(rest, expected([1, 3, 4, 5, 6, 0, 0])[..5]);
        let found = pages(&stage, vic, "source:shared_with_me", cursor).await;
        assert_eq!(found[..3], ["chat 5", "chat 2", "chat 3"], "{found:?}");
        let mut rest = found[3..].to_vec();
        rest.sort_unstable();
        assert_eq!(rest, expected([0, 1, 4, 6, 0, 0, 0])[..4]);
    }
    // The client's own way from page to page, here without the first.
    let all = pages(&stage, vic, "source:shared_with_me", true).await;
    let mut pages = vic.chat_pages(ChatListQuery {
        q: Some("source:shared_with_me".to_owned()),
        limit: Some(4),
        offset: Some(1),
        ..ChatListQuery::default()
    });
    let mut found = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        found.push(page.into_iter().map(|chat| chat.title).collect::<Vec<_>>());
    }
    assert_eq!(found, [&all[1..5], &all[5..]]);
    assert_eq!(
        stage.get(ids[5]).await.pin_order,
        0,
        "the owner's is another"
    );
}

#[tokio::test]
async fn a_reader_keeps_a_chat_out_of_sight() {
    let (stage, ids) = some().await;
    let vic = &stage.vic.client;
    let hide = |hidden| UpdateChatViewerRequest {
        hidden: Some(hidden),
        ..UpdateChatViewerRequest::default()
    };
    vic.chat_viewer_update(ids[0], &hide(true)).await.unwrap();
    assert!(titles(vic, "source:shared_with_me").await.is_empty());
    let q = "source:shared_with_me hidden:true";
    assert_eq!(titles(vic, q).await, ["by entry"]);
    assert!(!stage.get(ids[0]).await.hidden, "nobody else sees it");
    vic.chat_viewer_update(ids[0], &hide(false)).await.unwrap();
    assert_eq!(titles(vic, "source:shared_with_me").await, ["by entry"]);
    let path = "/chats?q=source:shared_with_me%20search:entry";
    let found = get(&stage.world, vic, path).await.json();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found:?}");
    let nothing: Value = get(&stage.world, vic, "/chats?q=search:alone").await.json();
    assert_eq!(nothing.as_array().map(Vec::len), Some(0), "{nothing:?}");
}
