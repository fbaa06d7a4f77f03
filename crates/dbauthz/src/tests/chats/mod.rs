//! Who may do what with chats, with the engine itself deciding, while the switches stand as they may.

mod bounds;
mod reach;
mod refusals;
mod views;

use std::sync::Arc;

use model::{UserId, acl::Principal, chats::ChatRole};
use rbac::{ScopeSet, ShareableOwners, Subject, SystemRole, builtin};
use uuid::Uuid;

use super::{
    chat_world::TALK,
    world::{ANN, BOB, GROUP, OLGA, ORG, OTTO, name, state},
};
use crate::{
    AclError, Actor, Authorized, BoundStore, ChatCallError, ChatSharing, PresentedKey,
    fake::FakeStore,
};

/// A service account of acme.
const ROBOT: UserId = UserId(Uuid::from_u128(0x0b));

/// Who looks after acme.
const ADMIN: UserId = UserId(Uuid::from_u128(0xad));

/// Ann's chat is shared with Bob and the service account too.
fn store() -> FakeStore {
    let mut state = state();
    let entries = [
        (Principal::Group(GROUP), ChatRole::Read),
        (Principal::User(BOB), ChatRole::Read),
        (Principal::User(ROBOT), ChatRole::Read),
    ];
    state.chat(TALK).unwrap().acl = entries.into_iter().collect();
    let mut otto = state.group_members[0].clone();
    otto.user_id = OTTO;
    state.group_members.push(otto);
    FakeStore::new(state)
}

fn member(id: UserId) -> Subject {
    Subject::user(id.0).member_of(ORG.0)
}

fn admin(id: UserId) -> Subject {
    let mut roles = builtin::org_roles().iter();
    let role = roles.find(|role| role.name() == "organization-admin");
    member(id).org_role(ORG.0, Arc::clone(role.unwrap()))
}

fn owner(id: UserId) -> Subject {
    let mut roles = builtin::site_roles().iter();
    let role = roles.find(|role| role.name() == "owner");
    Subject::user(id.0).site_role(Arc::clone(role.unwrap()))
}

fn robot() -> Subject {
    let role = SystemRole::OrganizationServiceAccount.role(ShareableOwners::Everyone);
    Subject::user(ROBOT.0).org_role(ORG.0, Arc::clone(role))
}

fn through(subject: Subject, scopes: &[&str], allow_list: &[&str]) -> Subject {
    let scopes = ScopeSet::parse(scopes, Some(allow_list)).unwrap();
    subject.scope(scopes.to_scope())
}

fn actor(id: UserId, subject: Subject) -> Actor {
    Actor {
        subject: Arc::new(subject.prepare()),
        user_id: id,
        username: name("somebody"),
        key: PresentedKey {
            id: "somesessio".to_owned(),
            kind: model::api_keys::ApiKeyKind::Session,
            scopes: ScopeSet::all(),
            admin_mode: false,
        },
        request_id: None,
    }
}

fn bound(store: &FakeStore, sharing: ChatSharing, id: UserId, subject: Subject) -> BoundStore {
    Authorized::new(Arc::new(store.clone()))
        .with_chat_sharing(sharing)
        .as_actor(actor(id, subject))
}

/// Somebody's store while the deployment lets share.
fn someone(store: &FakeStore, id: UserId, subject: Subject) -> BoundStore {
    bound(store, ChatSharing::ByOrganization, id, subject)
}

/// How a call about a chat ends, in a letter.
fn end<T>(result: Result<T, ChatCallError>) -> &'static str {
    match result {
        Ok(_) => "+",
        Err(ChatCallError::Store(error)) if error.hidden() => "?",
        Err(ChatCallError::NotOwner(_)) => "o",
        Err(ChatCallError::NotMember) => "m",
        Err(ChatCallError::Conflict(_)) => "c",
        Err(ChatCallError::Workspace(_)) => "w",
        Err(ChatCallError::NoParent) => "p",
        Err(ChatCallError::Inner { .. }) => "i",
        Err(ChatCallError::OwnChat) => "n",
        Err(_) => "!",
    }
}

/// How a call about an ACL ends, in a letter.
fn acl_end<T>(result: Result<T, AclError>) -> &'static str {
    match result {
        Ok(_) => "+",
        Err(AclError::Store(error)) if error.hidden() => "?",
        Err(AclError::Off { .. }) => "x",
        Err(AclError::Inner { .. }) => "i",
        Err(AclError::NotShareable { .. }) => "s",
        Err(AclError::Own { .. }) => "n",
        Err(_) => "!",
    }
}

/// Everybody of the tables.
fn people() -> Vec<(&'static str, UserId, Subject)> {
    let part = format!("chat:{}", super::chat_world::PART);
    let talk = format!("chat:{TALK}");
    let elsewhere = Subject::user(OTTO.0).member_of(Uuid::from_u128(0xff));
    let any = ["*:*"];
    vec![
        ("ann, the owner", ANN, member(ANN)),
        ("an admin of acme", ADMIN, admin(ADMIN)),
        ("an owner of the site", OLGA, owner(OLGA)),
        ("bob, a reader", BOB, member(BOB)),
        ("a reader by group", OTTO, member(OTTO).groups([GROUP.0])),
        ("a service account that reads", ROBOT, robot()),
        ("another member of acme", OTTO, member(OTTO)),
        ("a member of another organization", OTTO, elsewhere),
        ("ann, who has left acme", ANN, Subject::user(ANN.0)),
        ("bob, who has left acme", BOB, Subject::user(BOB.0)),
        (
            "ann, by a token for chat:read",
            ANN,
            through(member(ANN), &["chat:read"], &any),
        ),
        (
            "ann, by a token for chat:read and chat:share",
            ANN,
            through(member(ANN), &["chat:read", "chat:share"], &any),
        ),
        (
            "ann, by a token for chat:update",
            ANN,
            through(member(ANN), &["chat:update"], &any),
        ),
        (
            "ann, by a token for chat_file:read",
            ANN,
            through(member(ANN), &["chat_file:read"], &any),
        ),
        (
            "ann, by a token for part",
            ANN,
            through(member(ANN), &["all"], &[&part]),
        ),
        (
            "ann, by a token for talk",
            ANN,
            through(member(ANN), &["all"], &[&talk]),
        ),
        (
            "bob, by a token for chat:read",
            BOB,
            through(member(BOB), &["chat:read"], &any),
        ),
        (
            "bob, by a token for chat:share",
            BOB,
            through(member(BOB), &["chat:share"], &any),
        ),
        (
            "bob, by a token for part",
            BOB,
            through(member(BOB), &["all"], &[&part]),
        ),
    ]
}
