//! Subjects and objects drafted as plain lists, from which both evaluators get their input.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rbac::{
    Action, ActionSet, AllowEntry, AllowList, Assignment, Mode, Object, Permission,
    PreparedSubject, ResourceType, Role, Scope, Subject,
};
use uuid::Uuid;

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
