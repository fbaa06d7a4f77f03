//! The chats of the world.

use std::collections::BTreeMap;

use chrono::DateTime;
use model::{
    ChatFileId, ChatId, LeaseId, UserId, WorkspaceId,
    acl::Principal,
    chats::{
        Chat, ChatAccess, ChatFile, ChatFileBytes, ChatFileDownload, ChatMessage, ChatRole,
        ChatStatus, ChatVersions, ClientType, ContentPart, MessageId, MessageRole, QueuedId,
        QueuedMessage, TurnKey, TurnUsage, Visibility,
    },
};
use uuid::Uuid;

use super::world::{ANN, BOB, GROUP, ORG, WORKSPACE, name};
use crate::fake::State;

/// A chat of Ann's that she shares with the group, named `talk`: it waits.
pub(super) const TALK: ChatId = ChatId(Uuid::from_u128(0xc1));
/// A part of it: its turn runs, and a message waits.
pub(super) const PART: ChatId = ChatId(Uuid::from_u128(0xc2));
/// A part of that: about Bob's workspace, and a message waits that nobody goes on with.
pub(super) const DEEP: ChatId = ChatId(Uuid::from_u128(0xc3));
/// A chat of Ann's about Bob's workspace, that she shares with nobody: it waits.
pub(super) const ABOUT: ChatId = ChatId(Uuid::from_u128(0xc5));
/// A chat of Bob's that he shares with Ann.
pub(super) const BOBS: ChatId = ChatId(Uuid::from_u128(0xc4));
/// A file of Ann's that her chat has.
pub(super) const FILE: ChatFileId = ChatFileId(Uuid::from_u128(0xf1));
/// A file of Bob's that his chat has.
pub(super) const BOBS_FILE: ChatFileId = ChatFileId(Uuid::from_u128(0xf2));
/// A file of Ann's that no chat has.
pub(super) const LOOSE: ChatFileId = ChatFileId(Uuid::from_u128(0xf3));
/// The server.
pub(super) const LEASE: LeaseId = LeaseId(Uuid::from_u128(0x1e));
/// What Ann said in her chat.
pub(super) const SAID: MessageId = MessageId(1);
/// What the model answered there.
pub(super) const ANSWER: MessageId = MessageId(2);
/// What Ann said in the part of the part.
pub(super) const DEEP_SAID: MessageId = MessageId(4);
/// What waits in the part.
pub(super) const WAITING: QueuedId = QueuedId(1);
/// What waits in the part of the part.
pub(super) const LEFT: QueuedId = QueuedId(2);
/// What an address of Bob's file holds.
pub(super) const TOKEN: [u8; 32] = [7; 32];
/// The turn that runs.
pub(super) const TURN: TurnKey = TurnKey {
    chat_id: PART,
    history_version: 1,
    attempt: 1,
};

/// Words.
pub(super) fn text(words: &str) -> Vec<ContentPart> {
    vec![ContentPart::Text {
        text: words.to_owned(),
    }]
}

fn chat(id: ChatId, owner: UserId, root: ChatId) -> ChatAccess {
    let username = if owner == ANN { "ann" } else { "bob" };
    ChatAccess {
        chat: Chat {
            id,
            organization_id: ORG,
            owner_id: owner,
            owner_username: name(username),
            owner_name: String::new(),
            workspace_id: None,
            parent_chat_id: (root != id).then_some(root),
            root_chat_id: root,
            title: "talk".to_owned(),
            model: None,
            client_type: ClientType::Api,
            labels: BTreeMap::new(),
            archived: false,
            pin_order: 0,
            status: ChatStatus::Waiting,
            last_error: None,
            shared: true,
            has_unread: false,
            hidden: false,
            versions: ChatVersions {
                snapshot: 1,
                history: 1,
                queue: 1,
                attempt: 1,
            },
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        },
        acl: model::acl::Acl::default(),
        sharing: true,
    }
}

fn family() -> Vec<ChatAccess> {
    let mut talk = chat(TALK, ANN, TALK);
    talk.acl = [(Principal::Group(GROUP), ChatRole::Read)]
        .into_iter()
        .collect();
    let mut part = chat(PART, ANN, TALK);
    part.chat.status = ChatStatus::Running;
    let mut deep = chat(DEEP, ANN, TALK);
    deep.chat.parent_chat_id = Some(PART);
    deep.chat.workspace_id = Some(WORKSPACE);
    deep.chat.status = ChatStatus::Error;
    let mut bobs = chat(BOBS, BOB, BOBS);
    bobs.acl = [(Principal::User(ANN), ChatRole::Read)]
        .into_iter()
        .collect();
    let mut about = chat(ABOUT, ANN, ABOUT);
    about.chat.workspace_id = Some(WORKSPACE);
    vec![talk, part, deep, bobs, about]
}

fn message(id: MessageId, chat_id: ChatId, role: MessageRole) -> ChatMessage {
    let said = role == MessageRole::User;
    ChatMessage {
        id,
        chat_id,
        role,
        visibility: Visibility::Both,
        content: text("words"),
        created_by: said.then_some(ANN),
        model: None,
        usage: (!said).then_some(TurnUsage {
            input_tokens: 1,
            output_tokens: 1,
        }),
        deleted: false,
        revision: 1,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn queued(id: QueuedId, chat_id: ChatId) -> QueuedMessage {
    QueuedMessage {
        id,
        chat_id,
        content: text("later"),
        created_by: Some(ANN),
        model: None,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn file(id: ChatFileId, owner: UserId, chat: Option<ChatId>) -> ChatFileBytes {
    ChatFileBytes {
        file: ChatFile {
            id,
            owner_id: owner,
            organization_id: ORG,
            chat_id: chat,
            name: "note.txt".to_owned(),
            mime_type: "text/plain".to_owned(),
            size_bytes: 1,
            sha256: [0; 32],
            created_at: DateTime::UNIX_EPOCH,
            shown: chat.is_some(),
        },
        data: b"x".to_vec(),
    }
}

/// The world with its chats.
pub(super) fn with_chats(state: State) -> State {
    State {
        chats: family(),
        chat_messages: vec![
            message(SAID, TALK, MessageRole::User),
            message(ANSWER, TALK, MessageRole::Assistant),
            message(MessageId(3), PART, MessageRole::User),
            message(DEEP_SAID, DEEP, MessageRole::User),
        ],
        chat_queue: vec![queued(WAITING, PART), queued(LEFT, DEEP)],
        chat_leases: [(PART, LEASE)].into(),
        chat_files: vec![
            file(FILE, ANN, Some(TALK)),
            file(BOBS_FILE, BOB, Some(BOBS)),
            file(LOOSE, ANN, None),
        ],
        chat_file_downloads: vec![ChatFileDownload {
            token_hash: TOKEN,
            file_id: BOBS_FILE,
            user_id: BOB,
            expires_at: DateTime::UNIX_EPOCH + chrono::Duration::days(1),
        }],
        ..state
    }
}

/// A chat as it is stored, with its family's ACL.
pub(super) fn stored(id: ChatId) -> ChatAccess {
    super::world::state().chat_for(id, None).unwrap()
}

/// A workspace that nobody knows.
pub(super) const NO_WORKSPACE: WorkspaceId = WorkspaceId(Uuid::from_u128(0xdead));
