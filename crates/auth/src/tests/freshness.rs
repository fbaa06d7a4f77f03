//! What changes a decision counts from the next request on, at every server, and what does not change it costs
//! no server a second question.

use std::sync::Arc;

use chrono::DateTime;
use dbauthz::{Authorized, fake::State};
use model::{
    GroupId,
    groups::GroupMember,
    organizations::{Organization, OrganizationMember},
    users::UserStatus,
};
use rbac::{Action, ActionSet, Object, ResourceType};
use secrecy::SecretString;
use uuid::Uuid;

use super::{ANN, BOB, ORG, World, world};
use crate::{AuthError, AuthState, Caller, SubjectCache, gateway_caller};

const GROUP: GroupId = GroupId(Uuid::from_u128(0x6e));

async fn enter(server: &AuthState, token: &SecretString) -> Result<Caller, AuthError> {
    use secrecy::ExposeSecret;
    let mut headers = http::HeaderMap::new();
    let value = token.expose_secret().parse().unwrap();
    headers.insert("bursar-session-token", value);
    gateway_caller(server, &headers, &http::Extensions::new()).await
}

/// Two servers on one store.
fn servers(world: &World) -> [AuthState; 2] {
    [(); 2].map(|()| AuthState {
        authorized: Authorized::new(Arc::new(world.store.clone())),
        subjects: SubjectCache::default(),
        ..world.auth.clone()
    })
}

/// How often the roles of somebody were read, since they had to be prepared anew.
fn prepared(world: &World) -> usize {
    let calls = world.store.calls();
    calls
        .iter()
        .filter(|name| **name == "subject_roles_get")
        .count()
}

fn member(id: model::UserId, roles: &[&str]) -> OrganizationMember {
    OrganizationMember {
        organization_id: ORG,
        user_id: id,
        username: "x".parse().unwrap(),
        name: String::new(),
        email: String::new(),
        roles: roles.iter().map(ToString::to_string).collect(),
        global_roles: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

fn group_member() -> GroupMember {
    GroupMember {
        group_id: GROUP,
        organization_id: ORG,
        user_id: BOB,
        username: "bob".parse().unwrap(),
        name: String::new(),
        email: String::new(),
    }
}

pub(super) fn organization() -> Organization {
    Organization {
        id: ORG,
        name: "acme".parse().unwrap(),
        display_name: String::new(),
        description: String::new(),
        icon: String::new(),
        default: true,
        default_org_member_roles: Vec::new(),
        shareable_workspace_owners: rbac::ShareableOwners::Everyone,
        chat_sharing: true,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// A role that lets its holders read the organization's audit log.
fn custom_role() -> model::roles::CustomRole {
    model::roles::CustomRole {
        id: model::RoleId(Uuid::from_u128(0x501)),
        organization_id: ORG,
        name: "helper".parse().unwrap(),
        display_name: String::new(),
        org_permissions: vec![rbac::Permission::allow(
            ResourceType::AuditLog,
            Action::Read,
        )],
        member_permissions: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// A chat of the organization that is shared with the group.
fn shared() -> Object {
    let read = ActionSet::of(Action::Read);
    Object::new(ResourceType::Chat)
        .in_org(ORG.0)
        .with_group_acl(GROUP.0, read)
}

/// A change, what it decides about, and whether Bob may read that before and after it; `None` is refused entry.
type Change = (fn(&mut State), Object, Option<bool>, Option<bool>);

fn changes() -> Vec<Change> {
    let org = || Object::organization(ORG.0);
    let log = || Object::audit_log(None);
    vec![
        (|s| s.users[1].roles.clear(), log(), Some(true), Some(false)),
        (
            |s| s.users[1].roles = vec!["auditor".to_owned()],
            log(),
            Some(false),
            Some(true),
        ),
        (
            |s| s.users[1].status = UserStatus::Suspended,
            log(),
            Some(true),
            None,
        ),
        (
            |s| s.users[1].status = UserStatus::Active,
            log(),
            None,
            Some(true),
        ),
        (|s| s.users[1].roles.clear(), org(), Some(true), Some(true)),
        (|s| s.members.clear(), org(), Some(true), Some(false)),
        (
            |s| s.members.push(member(BOB, &[])),
            org(),
            Some(false),
            Some(true),
        ),
        (
            |s| s.group_members.push(group_member()),
            shared(),
            Some(false),
            Some(true),
        ),
        (
            |s| s.group_members.clear(),
            shared(),
            Some(true),
            Some(false),
        ),
        (
            |s| s.members[0] = member(BOB, &["organization-auditor"]),
            Object::audit_log(Some(ORG.0)),
            Some(false),
            Some(true),
        ),
        (
            |s| s.members[0].roles.clear(),
            Object::audit_log(Some(ORG.0)),
            Some(true),
            Some(false),
        ),
        (
            |s| s.keys.retain(|(key, _)| key.user_id != BOB),
            org(),
            Some(true),
            None,
        ),
    ]
}

/// Changes of what an organization says of its roles; Bob is a member.
fn changes_of_roles() -> Vec<Change> {
    vec![
        (
            |s| {
                let defaults = &mut s.organizations[0].default_org_member_roles;
                defaults.push("organization-auditor".to_owned());
            },
            Object::audit_log(Some(ORG.0)),
            Some(false),
            Some(true),
        ),
        (
            |s| s.organizations[0].default_org_member_roles.clear(),
            Object::audit_log(Some(ORG.0)),
            Some(true),
            Some(false),
        ),
        (
            |s| {
                s.custom_roles.push(custom_role());
                s.members[0].roles.push("helper".to_owned());
            },
            Object::audit_log(Some(ORG.0)),
            Some(false),
            Some(true),
        ),
        (
            |s| s.custom_roles[0].org_permissions.clear(),
            Object::audit_log(Some(ORG.0)),
            Some(true),
            Some(false),
        ),
        (
            |s| s.organizations[0].shareable_workspace_owners = rbac::ShareableOwners::None,
            Object::organization_member(ORG.0, ANN.0),
            Some(true),
            Some(false),
        ),
    ]
}

#[tokio::test]
async fn a_change_counts_from_the_next_request_on_at_every_server() {
    let world = world().await;
    let servers = servers(&world);
    let token = world.sign_in(BOB).await;
    let mut all = changes();
    let end = all.pop().unwrap();
    all.extend(changes_of_roles());
    all.push(end);
    for (number, (change, object, before, after)) in all.into_iter().enumerate() {
        for (moment, expected) in [("before", before), ("after", after)] {
            if moment == "after" {
                change(&mut world.store.state());
            }
            for server in &servers {
                let caller = enter(server, &token).await.ok();
                let found = caller.map(|c| c.store.subject().allows(Action::Read, &object));
                assert_eq!(found, expected, "{moment} change {number}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_prepared_again_until_something_changes() {
    let world = world().await;
    let [one, other] = servers(&world);
    let token = world.sign_in(BOB).await;
    let check = async |server: &AuthState, expected: usize| {
        let before = prepared(&world);
        for _ in 0..3 {
            enter(server, &token).await.unwrap();
        }
        assert_eq!(prepared(&world) - before, expected);
    };
    check(&one, 1).await;
    check(&one, 0).await;
    check(&other, 1).await;
    // Not what decides, and not what decides about somebody else.
    let untouched: [fn(&mut State); 4] = [
        |s| s.users[1].last_seen_at = Some(s.now),
        |s| s.users[1].name = "Robert".to_owned(),
        |s| s.users[0].roles = vec!["auditor".to_owned()],
        |s| s.members.push(member(ANN, &[])),
    ];
    for change in untouched {
        change(&mut world.store.state());
        check(&one, 0).await;
    }
    // What an organization decides for its people has a version of its own.
    world.store.state().organizations.clear();
    check(&one, 1).await;
    world.store.state().users[1].roles.clear();
    check(&one, 1).await;
    check(&other, 1).await;
}

#[tokio::test]
async fn subjects_of_different_keys_are_never_mixed_up() {
    let world = world().await;
    let [server, _] = servers(&world);
    let token = world.sign_in(BOB).await;
    let log = Object::audit_log(None);
    let narrow = |names: &[&str], allow: &[&str]| {
        let mut state = world.store.state();
        let key = &mut state.keys[0].0;
        key.scopes = names.iter().map(ToString::to_string).collect();
        key.allow_list = allow.iter().map(ToString::to_string).collect();
    };
    let rows: [(&[&str], &[&str], bool); 4] = [
        (&["all"], &["*:*"], true),
        (&["user:read"], &["*:*"], false),
        (&["all"], &["user:*"], false),
        (&["all"], &["*:*"], true),
    ];
    for (names, allow, expected) in rows {
        narrow(names, allow);
        let caller = enter(&server, &token).await.unwrap();
        let found = caller.store.subject().allows(Action::Read, &log);
        assert_eq!(found, expected, "{names:?} {allow:?}");
        let scopes = &caller.store.actor().key.scopes;
        assert_eq!(scopes.name_strings(), names);
    }
    assert_eq!(prepared(&world), 3, "the first is still known");
}
