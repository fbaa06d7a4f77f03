//! Random subjects and objects, drafted as plain lists, from which both evaluators get their input. The
//! worlds are small, so that ids, types and actions meet often.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{collection::vec, prelude::*, sample::select};
use rbac::{
    Action, ActionSet, AllowEntry, AllowList, Assignment, Mode, Object, Permission,
    PreparedSubject, ResourceType, Role, Scope, Subject,
};
use uuid::Uuid;

const TYPES: &[ResourceType] = &[
    ResourceType::Workspace,
    ResourceType::Chat,
    ResourceType::User,
    ResourceType::Group,
];
const ACTIONS: &[Action] = &[Action::Create, Action::Read, Action::Share, Action::Ssh];

#[derive(Debug, Clone, Default)]
pub(crate) struct DraftRole {
    pub(crate) site: Vec<Permission>,
    pub(crate) user: Vec<Permission>,
    pub(crate) by_org: BTreeMap<Uuid, (Vec<Permission>, Vec<Permission>)>,
}

impl DraftRole {
    pub(crate) fn org(&self, org: Uuid) -> &[Permission] {
        self.by_org.get(&org).map_or(&[], |(list, _)| list)
    }

    pub(crate) fn member(&self, org: Uuid) -> &[Permission] {
        self.by_org.get(&org).map_or(&[], |(_, list)| list)
    }

    fn assignments(&self) -> Vec<Assignment> {
        let flat = Role::new("flat", "")
            .with_site(self.site.clone())
            .with_user(self.user.clone());
        let mut held = vec![Assignment {
            org: None,
            role: Arc::new(flat),
        }];
        for (org, (whole, member)) in &self.by_org {
            let role = Role::new("org", "")
                .with_org(whole.clone())
                .with_member(member.clone());
            held.push(Assignment {
                org: Some(*org),
                role: Arc::new(role),
            });
        }
        held
    }

    pub(crate) fn lists_mut(&mut self) -> Vec<&mut Vec<Permission>> {
        let mut lists = vec![&mut self.site, &mut self.user];
        lists.extend(
            self.by_org
                .values_mut()
                .flat_map(|(org, member)| [org, member]),
        );
        lists
    }
}

#[derive(Debug, Clone)]
pub(crate) struct DraftSubject {
    pub(crate) id: Uuid,
    pub(crate) roles: Vec<DraftRole>,
    pub(crate) groups: Vec<Uuid>,
    pub(crate) scope: DraftRole,
    pub(crate) allow: Vec<AllowEntry>,
}

impl DraftSubject {
    pub(crate) fn memberships(&self) -> BTreeSet<Uuid> {
        self.roles
            .iter()
            .flat_map(|role| role.by_org.keys().copied())
            .collect()
    }

    pub(crate) fn lists_mut(&mut self) -> Vec<&mut Vec<Permission>> {
        let roles = self.roles.iter_mut().chain([&mut self.scope]);
        roles.flat_map(DraftRole::lists_mut).collect()
    }

    pub(crate) fn prepare(&self, mode: Mode) -> PreparedSubject {
        let allow_list = AllowList::new(self.allow.iter().copied());
        let scope = Scope::from_grants(self.scope.assignments(), allow_list);
        let mut subject = Subject::new(self.id)
            .groups(self.groups.clone())
            .scope(scope)
            .mode(mode);
        for Assignment { org, role } in self.roles.iter().flat_map(DraftRole::assignments) {
            subject = match org {
                Some(org) => subject.org_role(org, role),
                None => subject.site_role(role),
            };
        }
        subject.prepare()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct DraftObject {
    pub(crate) resource: ResourceType,
    pub(crate) id: Option<Uuid>,
    pub(crate) owner: Option<Uuid>,
    pub(crate) org: Option<Uuid>,
    pub(crate) any_org: bool,
    pub(crate) users: Vec<(Uuid, Vec<Option<Action>>)>,
    pub(crate) groups: Vec<(Uuid, Vec<Option<Action>>)>,
}

impl DraftObject {
    pub(crate) fn build(&self) -> Object {
        let set = |list: &[Option<Action>]| {
            let one = |action: &Option<Action>| action.map_or(ActionSet::ALL, ActionSet::of);
            list.iter()
                .map(one)
                .fold(ActionSet::EMPTY, ActionSet::union)
        };
        let mut object = Object::new(self.resource);
        object = self.id.map_or(object.clone(), |id| object.id(id));
        object = self
            .owner
            .map_or(object.clone(), |owner| object.owner(owner));
        object = self.org.map_or(object.clone(), |org| object.in_org(org));
        if self.any_org {
            object = object.any_org();
        }
        for (user, list) in &self.users {
            object = object.with_user_acl(*user, set(list));
        }
        for (group, list) in &self.groups {
            object = object.with_group_acl(*group, set(list));
        }
        object
    }
}

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
