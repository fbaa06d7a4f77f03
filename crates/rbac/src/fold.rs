//! Folding: levels, roles and scope of a subject become one cell of four bit sets per resource type.
//!
//! Everything but three facts about the object (its organization, whether it is the subject's own, its ACL)
//! is known when the subject is prepared. So the four levels of roles and of scope are evaluated for all
//! actions at once here, and a decision is left with picking a cell and testing a bit.

use uuid::Uuid;

use crate::{
    permission::PermissionSet,
    registry::{ActionSet, ResourceType, TypeMap},
    subject::{Assignment, Mode},
};

/// What is allowed on objects of one type in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    /// By roles and scope, on any object.
    pub(crate) any: ActionSet,
    /// By roles and scope, on the subject's own objects. Contains `any`.
    pub(crate) own: ActionSet,
    /// By the scope, if an ACL entry of the object grants it, on any object.
    pub(crate) acl_any: ActionSet,
    /// By the scope, if an ACL entry of the object grants it, on own objects. Contains `acl_any`.
    pub(crate) acl_own: ActionSet,
}

pub(crate) type Block = TypeMap<Cell>;

/// All cells of a subject.
#[derive(Debug, Clone)]
pub(crate) struct Folded {
    /// For objects in no organization; its `any` also for organizations that the subject is no member of.
    pub(crate) outside: Block,
    /// For objects in the organization of the same index.
    pub(crate) inside: Vec<Block>,
    /// For "in any organization of mine".
    pub(crate) anywhere: Block,
}

impl Folded {
    pub(crate) fn new(
        roles: &[Assignment],
        scope: &[Assignment],
        orgs: &[Uuid],
        mode: Mode,
    ) -> Self {
        let roles = Levels::pool(roles, orgs);
        let scope = Levels::pool(scope, orgs);
        let outside = block(|resource| Cell {
            acl_any: ActionSet::EMPTY,
            acl_own: ActionSet::EMPTY,
            ..cell(
                roles.outside(resource),
                scope.outside(resource),
                resource,
                mode,
            )
        });
        let inside: Vec<_> = (0..orgs.len())
            .map(|index| {
                block(|resource| {
                    let (roles, scope) =
                        (roles.inside(resource, index), scope.inside(resource, index));
                    cell(roles, scope, resource, mode)
                })
            })
            .collect();
        let anywhere = match mode {
            Mode::Bursar => somewhere(&outside, &inside),
            Mode::Reference => block(|resource| {
                let count = orgs.len();
                let (roles, scope) = (
                    roles.highest(resource, count),
                    scope.highest(resource, count),
                );
                cell(roles, scope, resource, mode)
            }),
        };
        Self {
            outside,
            inside,
            anywhere,
        }
    }
}

/// Exists: what some single organization allows, or the site level without any. An ACL is asked organization
/// by organization, by the cells of those.
fn somewhere(outside: &Block, inside: &[Block]) -> Block {
    block(|resource| {
        let site = outside.get(resource).any;
        let nothing_else = Cell {
            any: site,
            own: site,
            ..Cell::default()
        };
        inside
            .iter()
            .map(|block| block.get(resource))
            .fold(nothing_else, |sum, cell| Cell {
                any: sum.any.union(cell.any),
                own: sum.own.union(cell.own),
                ..sum
            })
    })
}

fn block(mut cell: impl FnMut(ResourceType) -> Cell) -> Block {
    let mut block = Block::default();
    for resource in ResourceType::ALL {
        *block.get_mut(*resource) = cell(*resource);
    }
    block
}

/// Joins what the roles reach with what the scope lets through.
fn cell(roles: Reach, scope: Reach, resource: ResourceType, mode: Mode) -> Cell {
    let (possible, barred) = match mode {
        Mode::Bursar => (resource.actions(), roles.barred),
        Mode::Reference => (ActionSet::ALL, ActionSet::EMPTY),
    };
    let (scope_any, scope_own) = (
        scope.any.intersection(possible),
        scope.own.intersection(possible),
    );
    Cell {
        any: roles.any.intersection(scope_any),
        own: roles.own.intersection(scope_own),
        acl_any: scope_any.minus(barred),
        acl_own: scope_own.minus(barred),
    }
}

/// What one side (roles or scope) grants on one type in one place.
#[derive(Debug, Clone, Copy)]
struct Reach {
    any: ActionSet,
    own: ActionSet,
    /// Denied at site or organization level.
    barred: ActionSet,
}

#[derive(Debug, Clone, Default)]
struct OrgLevels {
    org: PermissionSet,
    member: PermissionSet,
}

/// One side with the permissions of all its roles pooled per level.
#[derive(Debug, Default)]
struct Levels {
    site: PermissionSet,
    user: PermissionSet,
    /// By the index of the organization; empty if the side holds nothing in any of them.
    orgs: Vec<OrgLevels>,
}

impl Levels {
    fn pool(held: &[Assignment], orgs: &[Uuid]) -> Self {
        let mut levels = Self::default();
        for Assignment { org, role } in held {
            levels.site.merge(role.site().set());
            levels.user.merge(role.user().set());
            let Some(org) = org else { continue };
            let Ok(index) = orgs.binary_search(org) else {
                continue;
            };
            if levels.orgs.is_empty() {
                levels.orgs.resize_with(orgs.len(), OrgLevels::default);
            }
            if let Some(own) = levels.orgs.get_mut(index) {
                own.org.merge(role.org().set());
                own.member.merge(role.member().set());
            }
        }
        levels
    }

    fn outside(&self, resource: ResourceType) -> Reach {
        let (granted, denied) = (self.site.allowed(resource), self.site.denied(resource));
        let user = self.user.allowed(resource).minus(denied);
        Reach {
            any: granted,
            own: granted.union(user),
            barred: denied,
        }
    }

    fn inside(&self, resource: ResourceType, index: usize) -> Reach {
        match self.orgs.get(index) {
            None => self.within(
                resource,
                ActionSet::EMPTY,
                ActionSet::EMPTY,
                ActionSet::EMPTY,
            ),
            Some(OrgLevels { org, member }) => self.within(
                resource,
                org.allowed(resource),
                org.denied(resource),
                member.allowed(resource),
            ),
        }
    }

    /// The reference's "any organization": the highest vote of each level, whichever organization it is from.
    /// The organization level denies only if every one of the `count` organizations denies.
    fn highest(&self, resource: ResourceType, count: usize) -> Reach {
        let (mut granted, mut member) = (ActionSet::EMPTY, ActionSet::EMPTY);
        let mut denied = if count == 0 {
            ActionSet::EMPTY
        } else {
            ActionSet::ALL
        };
        for index in 0..count {
            let levels = self.orgs.get(index);
            granted = granted.union(levels.map_or(ActionSet::EMPTY, |l| l.org.allowed(resource)));
            member = member.union(levels.map_or(ActionSet::EMPTY, |l| l.member.allowed(resource)));
            denied =
                denied.intersection(levels.map_or(ActionSet::EMPTY, |l| l.org.denied(resource)));
        }
        self.within(resource, granted, denied, member)
    }

    /// A higher level beats a lower one: site, then organization, then member.
    fn within(
        &self,
        resource: ResourceType,
        org_granted: ActionSet,
        org_denied: ActionSet,
        member_granted: ActionSet,
    ) -> Reach {
        let (site_granted, site_denied) = (self.site.allowed(resource), self.site.denied(resource));
        let any = site_granted.union(org_granted.minus(site_denied));
        let barred = site_denied.union(org_denied);
        Reach {
            any,
            own: any.union(member_granted.minus(barred)),
            barred,
        }
    }
}
