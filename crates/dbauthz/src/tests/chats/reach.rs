//! Every call about a chat, tried by everybody, as a table to be read by people.

use std::fmt::Write;

use futures_util::future::BoxFuture;
use model::{
    acl::AclChange,
    chats::{
        AclExpiry, ChatFilter, ChatRole, ChatSources, ChatUpdate, MessageWindow, NewChat,
        ViewerUpdate,
    },
};
use store::chat_messages::SeenVersions;

use super::{acl_end, bound, end, people, store};
use crate::{
    BusyBehavior, ChatSharing, OwnerOnly, WriteUnit,
    tests::{
        cases::{
            chat_messages::saying,
            chats::{bound as about, new_chat, titled},
        },
        chat_world::{ABOUT, DEEP, FILE, LEASE, LEFT, LOOSE, PART, SAID, TALK, WAITING},
        golden::compare,
        world::{GROUP, ORG, OTHER_GROUP, WORKSPACE},
    },
};

type Call = for<'a> fn(&'a mut WriteUnit) -> BoxFuture<'a, String>;

fn pinned() -> ChatUpdate {
    ChatUpdate {
        pin_order: Some(1),
        ..ChatUpdate::default()
    }
}

fn unbound() -> ChatUpdate {
    ChatUpdate {
        workspace_id: Some(None),
        ..ChatUpdate::default()
    }
}

fn hidden() -> ViewerUpdate {
    ViewerUpdate {
        hidden: Some(true),
        ..ViewerUpdate::default()
    }
}

fn entry() -> AclChange<ChatRole> {
    AclChange::parse([], [(OTHER_GROUP.to_string().as_str(), "read")])
}

fn no_entry() -> AclChange<ChatRole> {
    AclChange::parse([], [(GROUP.to_string().as_str(), "")])
}

fn listed(sources: ChatSources) -> ChatFilter {
    ChatFilter {
        sources,
        ..ChatFilter::default()
    }
}

/// How many rows, or how it ends.
fn rows<T>(result: Result<Vec<T>, store::StoreError>) -> String {
    match result {
        Ok(rows) => rows.len().to_string(),
        Err(error) => end::<()>(Err(error.into())).to_owned(),
    }
}

fn named(name: &'static str, call: Call) -> (&'static str, Call) {
    (name, call)
}

macro_rules! calls {
    ($($name:literal, $u:ident => $call:expr;)+) => {
        vec![$(named($name, |$u| Box::pin(async move { String::from($call) }))),+]
    };
}

fn seeing() -> Vec<(&'static str, Call)> {
    calls! {
        "see talk", u => end(u.chats().chat_get(TALK).await.map_err(Into::into));
        "see deep", u => end(u.chats().chat_get(DEEP).await.map_err(Into::into));
        "see about", u => end(u.chats().chat_get(ABOUT).await.map_err(Into::into));
        "list own", u => rows(
            u.chats().chat_list(&listed(ChatSources::Own)).await.map(|page| page.chats)
        );
        "list what others share", u => rows(
            u.chats().chat_list(&listed(ChatSources::Shared)).await.map(|page| page.chats)
        );
        "list both", u => rows(
            u.chats().chat_list(&listed(ChatSources::Both)).await.map(|page| page.chats)
        );
        "list both, with their parts", u => rows(
            u.chats().chat_list(&listed(ChatSources::Both)).await.map(|page| {
                let families = page.chats.into_iter();
                families.flat_map(|family| family.children).collect::<Vec<_>>()
            })
        );
        "list ids of what others share", u => rows(u.chats().chat_shared_list().await);
        "list chats about plans", u => rows(u.chats().chat_list_by_workspace(&[WORKSPACE]).await);
        "list parts of talk", u => rows(u.chats().chat_child_list(TALK).await);
        "list what was said", u => rows(
            u.chat_messages()
                .chat_message_list(TALK, &MessageWindow { limit: 9, ..MessageWindow::default() })
                .await
                .map(|page| page.messages)
        );
        "list what waits in part", u => rows(u.chat_messages().chat_queue_list(PART).await);
        "news of part", u => end(
            u.chat_messages()
                .chat_news_get(PART, &SeenVersions::default())
                .await
                .map_err(Into::into)
        );
        "list files of talk", u => rows(u.chat_files().chat_file_list(TALK).await);
        "read a file of talk", u => end(
            u.chat_files().chat_file_bytes_get(FILE).await.map_err(Into::into)
        );
        "read ann's loose file", u => end(
            u.chat_files().chat_file_get(LOOSE).await.map_err(Into::into)
        );
        "make an address of a file", u => end(
            u.chat_files()
                .chat_file_download_create(FILE, [1; 32], chrono::DateTime::UNIX_EPOCH)
                .await
                .map_err(Into::into)
        );
    }
}

fn sharing() -> Vec<(&'static str, Call)> {
    calls! {
        "see the ACL of talk", u => acl_end(u.chats().chat_acl_get(TALK).await);
        "see the ACL of deep", u => acl_end(u.chats().chat_acl_get(DEEP).await);
        "ask whether to share talk", u => acl_end(u.chats().chat_share_check(TALK).await);
        "ask whether to share deep", u => acl_end(u.chats().chat_share_check(DEEP).await);
        "share talk", u => acl_end(
            u.chats().chat_acl_update(TALK, &entry(), AclExpiry::Keep).await
        );
        "share deep", u => acl_end(
            u.chats().chat_acl_update(DEEP, &entry(), AclExpiry::Keep).await
        );
        "share talk no more", u => acl_end(
            u.chats().chat_acl_update(TALK, &no_entry(), AclExpiry::Keep).await
        );
    }
}

fn changing() -> Vec<(&'static str, Call)> {
    calls! {
        "ask whether to change talk", u => end(
            u.chats().chat_update_check(TALK).await.map_err(Into::into)
        );
        "rename talk", u => end(u.chats().chat_update(TALK, &titled()).await);
        "keep talk on top", u => end(u.chats().chat_update(TALK, &pinned()).await);
        "archive talk, while part runs", u => end(
            u.chats().chat_update(TALK, &archived()).await
        );
        "archive about", u => end(u.chats().chat_update(ABOUT, &archived()).await);
        "archive deep", u => end(u.chats().chat_update(DEEP, &archived()).await);
        "bind talk to plans", u => end(u.chats().chat_update(TALK, &about(WORKSPACE)).await);
        "bind deep to nothing", u => end(u.chats().chat_update(DEEP, &unbound()).await);
        "keep talk out of sight", u => end(u.chats().chat_viewer_update(TALK, &hidden()).await);
        "stop part", u => end(u.chat_messages().chat_interrupt(PART).await);
        "stop talk, which waits", u => end(u.chat_messages().chat_interrupt(TALK).await);
        "take back what waits in part", u => end(
            u.chat_messages().chat_queue_delete(PART, WAITING).await
        );
    }
}

fn archived() -> ChatUpdate {
    ChatUpdate {
        archived: Some(true),
        ..ChatUpdate::default()
    }
}

fn saying_things() -> Vec<(&'static str, Call)> {
    calls! {
        "ask whether to send", u => end(u.chats().chat_send_check(TALK, OwnerOnly::Send).await);
        "send to talk", u => end(
            u.chat_messages()
                .chat_message_create(TALK, &saying(), BusyBehavior::Queue, LEASE)
                .await
        );
        "send to part, to wait", u => end(
            u.chat_messages()
                .chat_message_create(PART, &saying(), BusyBehavior::Queue, LEASE)
                .await
        );
        "send to about", u => end(
            u.chat_messages()
                .chat_message_create(ABOUT, &saying(), BusyBehavior::Queue, LEASE)
                .await
        );
        "edit talk", u => end(
            u.chat_messages().chat_message_replace(TALK, SAID, &saying(), LEASE).await
        );
        "say now what waits in part", u => end(
            u.chat_messages().chat_queue_promote(PART, WAITING, LEASE).await
        );
        "say now what waits in deep", u => end(
            u.chat_messages().chat_queue_promote(DEEP, LEFT, LEASE).await
        );
        "run a turn of talk", u => end(u.chats().chat_turn_check(TALK).await);
        "run a turn of about", u => end(u.chats().chat_turn_check(ABOUT).await);
        "ask whether to make a chat", u => end(u.chats().chat_create_check(ORG).await);
        "make a chat for ann", u => end(u.chats().chat_create(&new_chat()).await);
        "make a part of talk for ann", u => end(
            u.chats()
                .chat_create(&NewChat { parent_chat_id: Some(TALK), ..new_chat() })
                .await
        );
        "ask whether to upload", u => end(u.chat_files().chat_file_create_check(ORG).await);
    }
}

const LEGEND: &str = "\
+ done   ? there is none   o only the owner may   m no member   c not as the chat stands   w not in this workspace
p no such parent   i only at the root   n not one's own   s may not be shared   x sharing is off   a number: rows

In acme, talk is ann's, who shares it with the group, with bob and with a service account. Part, a part of it, runs; deep
is a part of part; deep and about, which she shares with nobody, are about plans, a workspace of bob's that he shares
with the group. Bob shares another chat with ann.";

#[tokio::test]
async fn everybody_reaches_what_the_tables_say() {
    let switches = [
        ("Chats are shared", ChatSharing::ByOrganization, true),
        (
            "The organization switched sharing off",
            ChatSharing::ByOrganization,
            false,
        ),
        (
            "The deployment switched sharing off",
            ChatSharing::Disabled,
            true,
        ),
    ];
    let mut text = format!("Every call about chats, tried by everybody.\n\n{LEGEND}\n\n");
    let letters = || 'a'..='z';
    for (letter, (who, ..)) in letters().zip(people()) {
        writeln!(text, "  {letter}  {who}").unwrap();
    }
    let calls = [seeing(), sharing(), changing(), saying_things()].concat();
    for (title, sharing, organization) in switches {
        let head: Vec<_> = letters().take(people().len()).map(String::from).collect();
        write!(text, "\n{title}\n\n{:34}{}\n", "", head.join(" ")).unwrap();
        for (name, call) in &calls {
            let mut ends = Vec::new();
            for (_, id, subject) in people() {
                let store = store();
                store.state().organizations[0].chat_sharing = organization;
                let mut unit = bound(&store, sharing, id, subject).begin().await.unwrap();
                ends.push(call(&mut unit).await);
            }
            writeln!(text, "{name:34}{}", ends.join(" ")).unwrap();
        }
    }
    compare("chats.txt", &text);
}
