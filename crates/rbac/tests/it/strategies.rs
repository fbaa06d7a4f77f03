//! Random drafts for property tests, which shrink what they find. The worlds are small, so that ids, types and
//! actions meet often.

use proptest::{collection::vec, prelude::*, sample::select};
use rbac::{Action, AllowEntry, Permission, ResourceType};
use uuid::Uuid;

use crate::draft::{DraftObject, DraftRole, DraftSubject};

const TYPES: &[ResourceType] = &[
    ResourceType::Workspace,
    ResourceType::Chat,
    ResourceType::User,
    ResourceType::Group,
];
const ACTIONS: &[Action] = &[Action::Create, Action::Read, Action::Share, Action::Ssh];

fn ids(kind: u128, count: u128) -> impl Strategy<Value = Uuid> {
    (1..=count).prop_map(move |n| Uuid::from_u128(kind * 256 + n))
}

fn user() -> impl Strategy<Value = Uuid> {
    ids(1, 2)
}

pub(crate) fn org() -> impl Strategy<Value = Uuid> {
    ids(2, 3)
}

fn group() -> impl Strategy<Value = Uuid> {
    prop_oneof![3 => ids(3, 2), 1 => org()]
}

fn row() -> impl Strategy<Value = Uuid> {
    ids(4, 3)
}

fn wild<T: Clone + std::fmt::Debug + 'static>(
    all: &'static [T],
) -> impl Strategy<Value = Option<T>> {
    prop_oneof![1 => Just(None), 4 => select(all).prop_map(Some)]
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    select(ACTIONS)
}

pub(crate) fn resource() -> impl Strategy<Value = ResourceType> {
    select(TYPES)
}

pub(crate) fn permission(negate: impl Strategy<Value = bool>) -> impl Strategy<Value = Permission> {
    (negate, wild(TYPES), wild(ACTIONS)).prop_map(|(negate, resource, action)| Permission {
        negate,
        resource,
        action,
    })
}

fn list() -> impl Strategy<Value = Vec<Permission>> {
    vec(permission(proptest::bool::weighted(0.2)), 0..3)
}

fn role() -> impl Strategy<Value = DraftRole> {
    let by_org = proptest::collection::btree_map(org(), (list(), list()), 0..3);
    let site = prop_oneof![2 => Just(Vec::new()), 1 => list()];
    (site, list(), by_org).prop_map(|(site, user, by_org)| DraftRole { site, user, by_org })
}

fn scope() -> impl Strategy<Value = DraftRole> {
    let all = DraftRole {
        site: vec![Permission::ANY],
        ..DraftRole::default()
    };
    prop_oneof![1 => Just(all), 1 => role()]
}

fn allow() -> impl Strategy<Value = Vec<AllowEntry>> {
    let any = vec![AllowEntry {
        resource: None,
        id: None,
    }];
    let id = prop_oneof![1 => Just(None), 3 => row().prop_map(Some)];
    let entry = (wild(TYPES), id).prop_map(|(resource, id)| AllowEntry { resource, id });
    prop_oneof![2 => Just(any), 1 => vec(entry, 0..5)]
}

pub(crate) fn subject() -> impl Strategy<Value = DraftSubject> {
    (
        user(),
        vec(role(), 0..4),
        vec(group(), 0..3),
        scope(),
        allow(),
    )
        .prop_map(|(id, roles, groups, scope, allow)| DraftSubject {
            id,
            roles,
            groups,
            scope,
            allow,
        })
}

pub(crate) fn acl_entry(
    id: impl Strategy<Value = Uuid>,
) -> impl Strategy<Value = (Uuid, Vec<Option<Action>>)> {
    (id, vec(wild(ACTIONS), 0..3))
}

pub(crate) fn object() -> impl Strategy<Value = DraftObject> {
    let owner = prop_oneof![1 => Just(None), 3 => user().prop_map(Some)];
    let id = prop_oneof![1 => Just(None), 3 => row().prop_map(Some)];
    let place = prop_oneof![
        2 => Just((None, false)),
        6 => org().prop_map(|org| (Some(org), false)),
        3 => Just((None, true)),
        1 => org().prop_map(|org| (Some(org), true)),
    ];
    let acls = (vec(acl_entry(user()), 0..3), vec(acl_entry(group()), 0..3));
    (resource(), id, owner, place, acls).prop_map(
        |(resource, id, owner, (org, any_org), (users, groups))| DraftObject {
            resource,
            id,
            owner,
            org,
            any_org,
            users,
            groups,
        },
    )
}

/// Sometimes nobody: an id that the reference takes as empty.
pub(crate) fn maybe_nobody(subject: &mut DraftSubject, nobody: bool) {
    if nobody {
        subject.id = Uuid::nil();
        subject.allow.push(AllowEntry {
            resource: None,
            id: Some(Uuid::nil()),
        });
    }
}
