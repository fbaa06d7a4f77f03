//! Calls and checks of what is said in chats, and of their files.

use chrono::DateTime;
use model::{
    ChatFileId,
    chats::{FileQuota, MessageWindow, NewChatFile},
};
use rbac::{
    Action::{Create, Read},
    Object, ResourceType,
};
use store::{chat_files::FileAccess, chat_messages::SeenVersions};
use uuid::Uuid;

use super::{
    Case, allow, case,
    chats::{change, it, plain, turn},
};
use crate::{
    BusyBehavior, ChatSharing, Saying, chat_files,
    tests::{
        chat_world::{
            ABOUT, BOBS, BOBS_FILE, DEEP, DEEP_SAID, FILE, LEASE, LEFT, LOOSE, PART, SAID, TALK,
            WAITING, stored, text,
        },
        world::{ANN, ORG, state},
    },
};

pub(in crate::tests) fn saying() -> Saying {
    Saying {
        content: text("hello"),
        model: None,
    }
}

pub(super) fn chat_messages() -> Vec<Case> {
    vec![
        case!(
            list "chat_message_list",
            u => async {
                let window = MessageWindow { limit: 10, ..MessageWindow::default() };
                let page = u.chat_messages().chat_message_list(TALK, &window).await;
                page.map(|page| page.messages)
            },
            [allow(Read, it(TALK))]
        ),
        case!(
            list "chat_prompt_list",
            u => async {
                let page = u.chat_messages().chat_prompt_list(TALK, None, 10).await;
                page.map(|page| page.prompts)
            },
            [allow(Read, it(TALK))]
        ),
        case!("chat_size_get", u => u.chat_messages().chat_size_get(TALK), [
            allow(Read, it(TALK)),
        ]),
        case!(list "chat_queue_list", u => u.chat_messages().chat_queue_list(PART), [
            allow(Read, it(PART)),
        ]),
        case!(
            "chat_news_get",
            u => u.chat_messages().chat_news_get(BOBS, &SeenVersions::default()),
            [allow(Read, it(BOBS))]
        ),
        case!(
            "chat_message_create",
            u => async {
                let busy = BusyBehavior::Queue;
                let mut messages = u.chat_messages();
                messages.chat_message_create(TALK, &saying(), busy, LEASE).await.map_err(plain)
            },
            change(TALK)
        ),
        case!(
            "chat_message_create",
            u => async {
                let busy = BusyBehavior::Queue;
                let mut messages = u.chat_messages();
                messages.chat_message_create(ABOUT, &saying(), busy, LEASE).await.map_err(plain)
            },
            turn(ABOUT)
        )
        .ways(&[&[0, 1, 2, 3], &[0, 1, 2, 4]]),
        case!(
            "chat_message_replace",
            u => async {
                let mut messages = u.chat_messages();
                messages.chat_message_replace(TALK, SAID, &saying(), LEASE).await.map_err(plain)
            },
            change(TALK)
        ),
        case!(
            "chat_message_replace",
            u => async {
                let mut messages = u.chat_messages();
                let saying = saying();
                let replaced = messages.chat_message_replace(DEEP, DEEP_SAID, &saying, LEASE);
                replaced.await.map_err(plain)
            },
            turn(DEEP)
        )
        .ways(&[&[0, 1, 2, 3], &[0, 1, 2, 4]]),
    ]
}

pub(super) fn chat_queues() -> Vec<Case> {
    vec![
        case!(
            "chat_queue_delete",
            u => async {
                u.chat_messages().chat_queue_delete(PART, WAITING).await.map_err(plain)
            },
            change(PART)
        ),
        case!(
            "chat_queue_promote",
            u => async {
                u.chat_messages().chat_queue_promote(DEEP, LEFT, LEASE).await.map_err(plain)
            },
            turn(DEEP)
        )
        .ways(&[&[0, 1, 2, 3], &[0, 1, 2, 4]]),
        case!(
            "chat_interrupt",
            u => async { u.chat_messages().chat_interrupt(PART).await.map_err(plain) },
            change(PART)
        ),
    ]
}

/// What a check about a file of the world is about.
fn file(id: ChatFileId) -> Object {
    let found = state().chat_files.into_iter().find(|one| one.file.id == id);
    let file = found.unwrap().file;
    let chat = file.chat_id.map(stored);
    chat_files::object(&FileAccess { file, chat }, ChatSharing::default())
}

fn new_file() -> NewChatFile {
    NewChatFile {
        id: ChatFileId(Uuid::from_u128(0xfe)),
        owner_id: ANN,
        organization_id: ORG,
        name: "new.txt".to_owned(),
        mime_type: "text/plain".to_owned(),
        sha256: [0; 32],
        data: b"new".to_vec(),
    }
}

pub(super) fn chat_files() -> Vec<Case> {
    let either = |id, chat| [allow(Read, file(id)), allow(Read, it(chat))];
    let made = || {
        let object = Object::new(ResourceType::ChatFile);
        [allow(Create, object.in_org(ORG.0).owner(ANN.0))]
    };
    vec![
        case!("chat_file_get", u => u.chat_files().chat_file_get(FILE), either(FILE, TALK))
            .ways(&[&[0], &[1]]),
        case!(
            "chat_file_get",
            u => u.chat_files().chat_file_get(BOBS_FILE),
            either(BOBS_FILE, BOBS)
        )
        .ways(&[&[0], &[1]]),
        case!("chat_file_get", u => u.chat_files().chat_file_get(LOOSE), [
            allow(Read, file(LOOSE)),
        ]),
        case!(
            "chat_file_bytes_get",
            u => u.chat_files().chat_file_bytes_get(BOBS_FILE),
            either(BOBS_FILE, BOBS)
        )
        .ways(&[&[0], &[1]]),
        case!(list "chat_file_list", u => u.chat_files().chat_file_list(TALK), [
            allow(Read, it(TALK)),
        ]),
        case!(
            "chat_file_create_check",
            u => async { u.chat_files().chat_file_create_check(ORG).await.map_err(plain) },
            made()
        ),
        case!(
            "chat_file_create",
            u => async {
                let quota = FileQuota::default();
                u.chat_files().chat_file_create(&new_file(), quota).await.map_err(plain)
            },
            made()
        ),
        case!(
            "chat_file_download_create",
            u => u.chat_files().chat_file_download_create(
                BOBS_FILE, [1; 32], DateTime::UNIX_EPOCH
            ),
            either(BOBS_FILE, BOBS)
        )
        .ways(&[&[0], &[1]]),
        case!(
            "object_get",
            u => u.objects().object_get(ResourceType::ChatFile, FILE.0, None),
            [allow(Read, file(FILE))]
        ),
    ]
}
