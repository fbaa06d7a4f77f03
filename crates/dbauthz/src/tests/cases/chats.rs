//! Calls and checks of chats.

use std::collections::BTreeMap;

use model::{
    ChatId, WorkspaceId,
    acl::AclChange,
    chats::{
        AclExpiry, ChatFilter, ChatRole, ChatUpdate, ClientType, MessageId, MessageRole, NewChat,
        NewMessage, ViewerUpdate, Visibility,
    },
};
use rbac::{
    Action::{self, ApplicationConnect, Create, Read, Share, Ssh, Update},
    Object, ResourceType,
};
use store::StoreError;
use uuid::Uuid;

use super::{Case, allow, case, rows};
use crate::{
    ChatCallError, ChatSharing, OwnerOnly, WorkspaceProblem, WorkspaceSharing,
    acl::AclError,
    chats::{new_object, object},
    tests::{
        chat_world::{BOBS, DEEP, LEASE, PART, TALK, stored, text},
        recorder::Check,
        world::{ANN, BOB, ORG, WORKSPACE, workspace},
    },
    workspaces,
};

/// What a check about a chat of the world is about.
pub(super) fn it(id: ChatId) -> Object {
    object(&stored(id), ChatSharing::default())
}

/// The checks of changing a chat of the world.
pub(super) fn change(id: ChatId) -> [Check; 2] {
    [allow(Read, it(id)), allow(Update, it(id))]
}

/// The checks of working in Bob's workspace, of which either of the last two does.
pub(super) fn work() -> [Check; 3] {
    let plans = || workspaces::object(&workspace(), WorkspaceSharing::default());
    [Read, ApplicationConnect, Ssh].map(|action| allow(action, plans()))
}

/// The checks of a turn of a chat that is about Bob's workspace.
pub(super) fn turn(id: ChatId) -> Vec<Check> {
    change(id).into_iter().chain(work()).collect()
}

/// As the store would say it.
pub(super) fn plain(error: ChatCallError) -> StoreError {
    let denied = |action: Action, resource| StoreError::Denied { action, resource };
    match error {
        ChatCallError::Store(error) => error,
        ChatCallError::NoParent => denied(Read, ResourceType::Chat),
        ChatCallError::Workspace(WorkspaceProblem::Missing | WorkspaceProblem::NotUsable) => {
            denied(Ssh, ResourceType::Workspace)
        }
        other => StoreError::Refused(other.to_string()),
    }
}

fn plain_acl(error: AclError) -> StoreError {
    match error {
        AclError::Store(error) => error,
        AclError::NotShareable { resource } => StoreError::Denied {
            action: Share,
            resource,
        },
        other => StoreError::Refused(other.to_string()),
    }
}

pub(in crate::tests) fn new_chat() -> NewChat {
    NewChat {
        id: ChatId(Uuid::from_u128(0xce)),
        organization_id: ORG,
        owner_id: ANN,
        workspace_id: None,
        parent_chat_id: None,
        title: "new".to_owned(),
        title_made: false,
        model: None,
        client_type: ClientType::Api,
        labels: BTreeMap::new(),
        messages: vec![NewMessage {
            role: MessageRole::User,
            visibility: Visibility::Both,
            content: text("hello"),
            created_by: None,
            model: None,
        }],
        lease_id: LEASE,
    }
}

pub(in crate::tests) fn titled() -> ChatUpdate {
    ChatUpdate {
        title: Some("other".to_owned()),
        ..ChatUpdate::default()
    }
}

pub(in crate::tests) fn bound(to: WorkspaceId) -> ChatUpdate {
    ChatUpdate {
        workspace_id: Some(Some(to)),
        ..ChatUpdate::default()
    }
}

fn bobs_entry() -> AclChange<ChatRole> {
    AclChange::parse([(BOB.to_string().as_str(), "read")], [])
}

pub(super) fn chats() -> Vec<Case> {
    let make = || allow(Create, new_object(ORG, ANN));
    vec![
        case!("chat_get", u => u.chats().chat_get(TALK), [allow(Read, it(TALK))]),
        case!("chat_get", u => u.chats().chat_get(DEEP), [allow(Read, it(DEEP))]),
        case!("chat_get", u => u.chats().chat_get(BOBS), [allow(Read, it(BOBS))]),
        case!(
            list "chat_list",
            u => async {
                let page = u.chats().chat_list(&ChatFilter::default()).await;
                page.map(|page| page.chats)
            },
            [rows(ResourceType::Chat)]
        ),
        case!(
            list "chat_child_list",
            u => u.chats().chat_child_list(TALK),
            [allow(Read, it(TALK)), allow(Read, it(PART)), allow(Read, it(DEEP))]
        )
        .ways(&[&[0, 1], &[0, 2]]),
        case!(
            list "chat_list_by_workspace",
            u => u.chats().chat_list_by_workspace(&[WORKSPACE]),
            [rows(ResourceType::Chat)]
        ),
        case!(list "chat_shared_list", u => u.chats().chat_shared_list(), [
            rows(ResourceType::Chat)
        ]),
        case!(
            "chat_acl_get",
            u => async { u.chats().chat_acl_get(BOBS).await.map_err(plain_acl) },
            [allow(Read, it(BOBS))]
        ),
        case!(
            "chat_share_check",
            u => async { u.chats().chat_share_check(TALK).await.map_err(plain_acl) },
            [allow(Read, it(TALK)), allow(Share, it(TALK))]
        ),
        case!(
            "chat_share_check",
            u => async { u.chats().chat_share_check(BOBS).await.map_err(plain_acl) },
            [allow(Read, it(BOBS)), allow(Share, it(BOBS))]
        ),
        case!("chat_update_check", u => u.chats().chat_update_check(TALK), change(TALK)),
        case!(
            "chat_send_check",
            u => async {
                u.chats().chat_send_check(TALK, OwnerOnly::Send).await.map_err(plain)
            },
            change(TALK)
        ),
        case!(
            "chat_create_check",
            u => async { u.chats().chat_create_check(ORG).await.map_err(plain) },
            [make()]
        ),
        case!(
            "chat_turn_check",
            u => async { u.chats().chat_turn_check(DEEP).await.map_err(plain) },
            turn(DEEP)
        )
        .ways(&[&[0, 1, 2, 3], &[0, 1, 2, 4]]),
        case!(
            "object_get",
            u => u.objects().object_get(ResourceType::Chat, DEEP.0, None),
            [allow(Read, it(DEEP))]
        ),
    ]
}

pub(super) fn changes() -> Vec<Case> {
    let make = || allow(Create, new_object(ORG, ANN));
    vec![
        case!(
            "chat_create",
            u => async { u.chats().chat_create(&new_chat()).await.map_err(plain) },
            [make()]
        ),
        case!(
            "chat_create",
            u => async {
                let new = NewChat { parent_chat_id: Some(DEEP), ..new_chat() };
                u.chats().chat_create(&new).await.map_err(plain)
            },
            [make()].into_iter().chain(change(DEEP)).collect::<Vec<_>>()
        ),
        case!(
            "chat_create",
            u => async {
                let new = NewChat { workspace_id: Some(WORKSPACE), ..new_chat() };
                u.chats().chat_create(&new).await.map_err(plain)
            },
            [make()].into_iter().chain(work()).collect::<Vec<_>>()
        )
        .ways(&[&[0, 1, 2], &[0, 1, 3]]),
        case!(
            "chat_update",
            u => async { u.chats().chat_update(TALK, &titled()).await.map_err(plain) },
            change(TALK)
        ),
        case!(
            "chat_update",
            u => async { u.chats().chat_update(BOBS, &titled()).await.map_err(plain) },
            change(BOBS)
        ),
        case!(
            "chat_update",
            u => async { u.chats().chat_update(PART, &bound(WORKSPACE)).await.map_err(plain) },
            turn(PART)
        )
        .ways(&[&[0, 1, 2, 3], &[0, 1, 2, 4]]),
        case!(
            "chat_viewer_update",
            u => async {
                let read = ViewerUpdate {
                    last_read: Some(MessageId(2)),
                    hidden: Some(true),
                    ..ViewerUpdate::default()
                };
                u.chats().chat_viewer_update(BOBS, &read).await.map_err(plain)
            },
            [allow(Read, it(BOBS))]
        ),
        case!(
            "chat_acl_update",
            u => async {
                let mut chats = u.chats();
                let change = bobs_entry();
                chats.chat_acl_update(TALK, &change, AclExpiry::Keep).await.map_err(plain_acl)
            },
            [allow(Read, it(TALK)), allow(Share, it(TALK))]
        ),
    ]
}
