//! The decision once more, naively: permission by permission, as the rule is told in words. It is the
//! reference for random comparison, so it must stay simple and must not use the engine.

use rbac::{Action, Permission, ResourceType};
use uuid::Uuid;

use crate::draft::{DraftObject, DraftRole, DraftSubject};

/// Votes of one side: negative, none or positive.
struct Votes {
    site: i8,
    user: i8,
    org: i8,
    member: i8,
}

impl Votes {
    fn grant(&self) -> bool {
        let below = self.user == 1 || self.org == 1 || (self.org != -1 && self.member == 1);
        self.site == 1 || (self.site != -1 && below)
    }
}

fn vote<'a>(pool: impl Iterator<Item = &'a Permission>, t: ResourceType, action: Action) -> i8 {
    let matching: Vec<_> = pool
        .filter(|p| p.action.is_none_or(|a| a == action) && p.resource.is_none_or(|r| r == t))
        .collect();
    if matching.iter().any(|p| p.negate) {
        -1
    } else {
        i8::from(!matching.is_empty())
    }
}

fn votes(
    side: &[DraftRole],
    subject: &DraftSubject,
    action: Action,
    object: &DraftObject,
) -> Votes {
    let t = object.resource;
    let orgs = subject.memberships();
    let mine = object.owner.unwrap_or_default() == subject.id;
    let in_org = |pick: fn(&DraftRole, Uuid) -> &[Permission]| {
        let one = |org: Uuid| vote(side.iter().flat_map(|role| pick(role, org)), t, action);
        if object.any_org {
            orgs.iter().map(|org| one(*org)).max().unwrap_or(0)
        } else {
            object.org.filter(|org| orgs.contains(org)).map_or(0, one)
        }
    };
    let user = mine && object.org.is_none() && !object.any_org;
    Votes {
        site: vote(side.iter().flat_map(|role| &role.site), t, action),
        user: if user {
            vote(side.iter().flat_map(|role| &role.user), t, action)
        } else {
            0
        },
        org: in_org(DraftRole::org),
        member: if mine && object.owner.is_some() {
            in_org(DraftRole::member)
        } else {
            0
        },
    }
}

fn acl(subject: &DraftSubject, action: Action, object: &DraftObject) -> bool {
    let orgs = subject.memberships();
    let member = if object.any_org {
        !orgs.is_empty()
    } else {
        object.org.is_some_and(|org| orgs.contains(&org))
    };
    let has = |list: &[Option<Action>]| list.iter().any(|a| a.is_none_or(|a| a == action));
    let user = object
        .users
        .iter()
        .any(|(id, list)| *id == subject.id && has(list));
    let mine = |id: &Uuid| subject.groups.contains(id) || object.org == Some(*id);
    let group = object.groups.iter().any(|(id, list)| mine(id) && has(list));
    member && (user || group)
}

fn listed(subject: &DraftSubject, object: &DraftObject) -> bool {
    subject.allow.iter().any(|entry| {
        entry.resource.is_none_or(|t| t == object.resource)
            && entry
                .id
                .is_none_or(|id| id == object.id.unwrap_or_default())
    })
}

/// The reference's rule.
pub(crate) fn reference(subject: &DraftSubject, action: Action, object: &DraftObject) -> bool {
    let role = votes(&subject.roles, subject, action, object).grant();
    let scope = votes(
        std::slice::from_ref(&subject.scope),
        subject,
        action,
        object,
    )
    .grant();
    (role || acl(subject, action, object)) && scope && listed(subject, object)
}

/// Ours: the reference's rule with the differences. Ids are not empty here.
pub(crate) fn bursar(subject: &DraftSubject, action: Action, object: &DraftObject) -> bool {
    let contradiction = object.any_org && object.org.is_some();
    if contradiction || !object.resource.actions().contains(action) {
        return false;
    }
    if object.any_org {
        let nowhere = Uuid::max();
        let mut orgs = subject.memberships();
        orgs.insert(nowhere);
        return orgs.into_iter().any(|org| {
            bursar(
                subject,
                action,
                &DraftObject {
                    any_org: false,
                    org: Some(org),
                    ..object.clone()
                },
            )
        });
    }
    let role = votes(&subject.roles, subject, action, object);
    let scope = votes(
        std::slice::from_ref(&subject.scope),
        subject,
        action,
        object,
    )
    .grant();
    let barred = role.site == -1 || role.org == -1;
    let listed = subject.allow.iter().any(|entry| {
        entry.resource.is_none_or(|t| t == object.resource)
            && (entry.id.is_none() || entry.id == object.id)
    });
    (role.grant() || (acl(subject, action, object) && !barred)) && scope && listed
}
