//! Who may look no longer is turned away at once, at every server; the others see nothing of it. No look by itself comes in
//! these tests: what ends was told.

use bursar_sdk::{ChatStatus, UpdateChatRequest};
use futures_util::future::join_all;
use serde_json::json;
use testkit::ServerOptions;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    stage::{NEVER, Pair, options, slow},
    stream::{End, Stream, Wire, socket},
};
use crate::support::{Person, is};

/// A chat whose turn goes on for long, which Vic and Gil may read.
async fn scene() -> (Pair, Uuid) {
    let options = ServerOptions {
        access_recheck: NEVER,
        ..options()
    };
    let pair = Pair::new(slow(4_000), &options).await;
    let chat = pair.stage.begin("Plans").await.id;
    pair.stage
        .grant(chat, &[pair.stage.vic.id], &[pair.stage.group])
        .await;
    (pair, chat)
}

impl Pair {
    /// Both kinds of streams of somebody at the other server, already telling parts.
    async fn both(&self, who: &Person, chat: Uuid) -> Vec<Stream> {
        let there = self.there(who);
        let mut streams = vec![
            Stream::socket(&there, chat).await,
            Stream::events(&there, chat).await,
        ];
        for stream in &mut streams {
            stream.parts(1).await;
        }
        streams
    }

    /// Does something at the first server that ends these streams at the second, and none of those.
    async fn ends(
        &self,
        what: &str,
        streams: Vec<Stream>,
        others: &mut [Stream],
        doing: impl Future<Output = ()>,
    ) {
        doing.await;
        let since = Instant::now();
        join_all(
            streams
                .into_iter()
                .map(|stream| stream.revoked(what, since)),
        )
        .await;
        for other in others {
            other.parts(8).await;
        }
    }

    async fn stop(&self, chat: Uuid) {
        self.stage.ada.client.chat_interrupt(chat).await.unwrap();
        self.stage.at_rest().await;
    }
}

#[tokio::test]
async fn who_is_taken_out_of_the_acl_or_the_group_is_turned_away() {
    let (pair, chat) = scene().await;
    let stage = &pair.stage;
    let mut ada = pair.both(&stage.ada, chat).await;
    let mut gil = pair.both(&stage.gil, chat).await;
    let vic = pair.both(&stage.vic, chat).await;
    ada.append(&mut gil);
    pair.ends(
        "an entry",
        vic,
        &mut ada,
        stage.revoke(chat, &[stage.vic.id], &[]),
    )
    .await;
    let token = (
        "bursar-session-token",
        stage.vic.client.token().unwrap().expose(),
    );
    let refused = socket(
        &pair.there(&stage.vic),
        &format!("/{chat}/stream"),
        &[token],
    )
    .await;
    assert_eq!(refused.err(), Some(404), "and comes in no more");

    stage.grant(chat, &[stage.vic.id], &[]).await;
    let gil = ada.split_off(2);
    ada.append(&mut pair.both(&stage.vic, chat).await);
    pair.ends("a group's member", gil, &mut ada, stage.leave(stage.gil.id))
        .await;
    stage.join(stage.gil.id).await;
    let gil = pair.both(&stage.gil, chat).await;
    pair.ends(
        "a group",
        gil,
        &mut ada,
        stage.revoke(chat, &[], &[stage.group]),
    )
    .await;
    pair.stop(chat).await;
}

#[tokio::test]
async fn who_leaves_the_organization_or_is_suspended_is_turned_away() {
    let (pair, chat) = scene().await;
    let stage = &pair.stage;
    let owner = &stage.world.cast.owner;
    let acme = stage.world.cast.organization_id;
    let mut others = pair.both(&stage.ada, chat).await;
    others.append(&mut pair.both(&stage.boss, chat).await);
    let vic = pair.both(&stage.vic, chat).await;
    let gil = pair.both(&stage.gil, chat).await;
    let leaving = async {
        owner
            .organization_member_delete(acme, stage.vic.id)
            .await
            .unwrap();
    };
    pair.ends("a membership", vic, &mut others, leaving).await;
    let suspending = async { owner.user_suspend(stage.gil.id).await.map(drop).unwrap() };
    pair.ends("a suspension", gil, &mut others, suspending)
        .await;
    // An administrator who is none any more reads nothing either.
    let boss = others.split_off(2);
    let demoting = async {
        let none = crate::support::roles(&[]);
        let demoted = owner.organization_member_roles_update(acme, stage.boss.id, &none);
        demoted.await.map(drop).unwrap();
    };
    pair.ends("a role", boss, &mut others, demoting).await;
    pair.stop(chat).await;
}

/// Both kinds of streams about all chats of somebody, at the other server.
async fn watches(pair: &Pair, who: &Person) -> [Wire; 2] {
    let there = pair.there(who);
    let events = there.chat_watch().await.unwrap();
    [Wire::socket(&there, "/watch").await, Wire::Events(events)]
}

/// Reads on to the end.
async fn end(mut wire: Wire) -> End {
    loop {
        if let Err(end) = wire.in_time("the end").await {
            return end;
        }
    }
}

#[tokio::test]
async fn a_groups_end_and_a_suspension_end_all_streams_that_hung_on_them() {
    let (pair, chat) = scene().await;
    let stage = &pair.stage;
    let owner = &stage.world.cast.owner;
    let mut others = pair.both(&stage.ada, chat).await;
    let mut vic = pair.both(&stage.vic, chat).await;
    let gil = pair.both(&stage.gil, chat).await;
    let watching = watches(&pair, &stage.vic).await;
    let gils = watches(&pair, &stage.gil).await;
    let deleting = async { owner.group_delete(stage.group).await.map(drop).unwrap() };
    others.append(&mut vic);
    pair.ends("a group that is no more", gil, &mut others, deleting)
        .await;
    let vic = others.split_off(2);
    let suspending = async { owner.user_suspend(stage.vic.id).await.map(drop).unwrap() };
    pair.ends("a suspension", vic, &mut others, suspending)
        .await;
    for wire in watching {
        let end = end(wire).await;
        assert_eq!(
            (end.code, end.reason.as_str()),
            (4403, "permission revoked")
        );
    }
    // Who lost one chat goes on being told of all others.
    for mut wire in gils {
        let told = wire.in_time("a chat that is not shared any more").await;
        let told: bursar_sdk::ChatWatchEvent = serde_json::from_str(&told.unwrap()).unwrap();
        let kind = bursar_sdk::ChatWatchEventKind::Revoked;
        assert_eq!((told.kind, told.chat_id), (kind, chat));
    }
    pair.stop(chat).await;
}

#[tokio::test]
async fn an_organizations_switch_turns_all_readers_away_and_keeps_owner_and_admin() {
    let (pair, chat) = scene().await;
    let stage = &pair.stage;
    let mut others = pair.both(&stage.ada, chat).await;
    others.append(&mut pair.both(&stage.boss, chat).await);
    let mut readers = pair.both(&stage.vic, chat).await;
    readers.append(&mut pair.both(&stage.gil, chat).await);
    let off = async {
        let path = "/organizations/acme/settings/chat-sharing";
        let body = json!({"enabled": false});
        let boss = &stage.boss.client;
        is(
            &crate::support::ask(&stage.world, boss, "PATCH", path, &body).await,
            200,
        );
    };
    pair.ends("a switch", readers, &mut others, off).await;
    pair.stop(chat).await;
}

#[tokio::test]
async fn who_signs_out_is_turned_away_by_another_code_and_sub_chats_follow_their_root() {
    let (pair, root) = scene().await;
    let stage = &pair.stage;
    pair.stop(root).await;
    let owner = &stage.world.cast.owner;
    let child = stage.new_chat("child");
    let child = bursar_sdk::CreateChatRequest {
        parent_chat_id: Some(root),
        ..child
    };
    let child = stage.ada.client.chat_create(&child).await.unwrap().id;
    let mut own = pair.both(&stage.ada, child).await;
    let vic = pair.both(&stage.vic, child).await;
    pair.ends(
        "the root's entry",
        vic,
        &mut own,
        stage.revoke(root, &[stage.vic.id], &[]),
    )
    .await;

    let gil = pair.both(&stage.gil, child).await;
    let key = owner.api_key_list(stage.gil.id).await.unwrap().remove(0).id;
    owner.api_key_delete(stage.gil.id, key).await.unwrap();
    for mut stream in gil {
        let end = stream.end().await;
        assert_eq!((end.code, end.reason.as_str()), (4401, "signed out"));
    }
    own[0].parts(8).await;
    pair.stop(child).await;
    // What is archived is still read.
    let archive = UpdateChatRequest {
        archived: Some(true),
        ..UpdateChatRequest::default()
    };
    stage.ada.client.chat_update(root, &archive).await.unwrap();
    for mut stream in own {
        stream.status(ChatStatus::Waiting).await;
    }
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_socket_with_a_visitors_cookie() {
    let (pair, chat) = scene().await;
    let stage = &pair.stage;
    let session = crate::support::login(
        stage.world.server.nobody(),
        "ada@example.com",
        bursar::demo::PASSWORD,
    );
    let session = session.await.unwrap();
    let cookie = format!("bursar_session={}", session.token().unwrap().expose());
    let site = stage.world.server.url();
    let path = format!("/{chat}/stream");
    let open = async |headers: &[(&'static str, &str)]| {
        let nobody = stage.world.server.nobody();
        socket(nobody, &path, headers).await.map(drop)
    };
    assert_eq!(open(&[]).await, Err(401));
    let cookie = ("cookie", cookie.as_str());
    assert_eq!(open(&[cookie, ("origin", &site)]).await, Ok(()));
    for origin in [None, Some("https://evil.example"), Some("null")] {
        let mut headers = vec![cookie];
        headers.extend(origin.map(|origin| ("origin", origin)));
        assert_eq!(open(&headers).await, Err(403), "{origin:?}");
    }
    pair.stop(chat).await;
}
