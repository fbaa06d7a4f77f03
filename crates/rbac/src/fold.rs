//! Folding: levels, roles and scope of a subject become one cell of four bit sets per resource type.
//!
//! Everything but three facts about the object (its organization, whether it is the subject's own, its ACL)
//! is known when the subject is prepared. So the four levels of roles and of scope are evaluated for all
//! actions at once here, and a decision is left with picking a cell and testing a bit.
//!
//! Organizations in which the same roles are held share one block of cells, so a subject in a hundred
//! organizations with the same roles in each costs no more than one in a few.

use std::{ops::Range, sync::Arc};

use uuid::Uuid;

use crate::{
    permission::PermissionSet,
    places::{BlockId, Places},
    registry::{ActionSet, ResourceType, TypeMap},
    role::Role,
    subject::{Assignment, Mode},
};

/// Actions on objects of one type in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Grant {
    /// On any object.
    pub(crate) any: ActionSet,
    /// On the subject's own objects. Contains `any`.
    pub(crate) own: ActionSet,
}

/// What is allowed on objects of one type in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    /// By roles and scope.
    pub(crate) granted: Grant,
    /// By the scope, if an ACL entry of the object grants it.
    pub(crate) by_acl: Grant,
}

type Block = TypeMap<Cell>;

const OUTSIDE: BlockId = 0;
const ANYWHERE: BlockId = 1;
/// The block of the first set of roles that is held in some organization.
const INSIDE: u32 = 2;

/// The cells of the first blocks for one type: a cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Line([Grant; NEAR_BLOCKS]);

/// As many as fit a line. A subject in four organizations has six at most, and most have no more.
const NEAR_BLOCKS: usize = 8;

/// All cells of a subject.
///
/// The order of the fields is that of memory, see [`crate::PreparedSubject`]. A decision reads one line of `near`,
/// which depends on the object's type alone, so that it is on its way while the organization is looked up.
#[derive(Debug, Clone)]
#[repr(C)]
pub(crate) struct Folded {
    places: Places,
    near: TypeMap<Line>,
    near_by_acl: TypeMap<Line>,
    /// All further blocks.
    far: Box<[Block]>,
}

impl Folded {
    /// For objects in no organization; its `any` holds everywhere.
    #[inline]
    pub(crate) fn outside(&self, resource: ResourceType) -> Grant {
        self.granted(OUTSIDE, resource)
    }

    /// For "in any organization of mine".
    pub(crate) fn anywhere(&self, resource: ResourceType) -> Cell {
        self.cell(ANYWHERE, resource)
    }

    /// The block for objects in this organization; nothing if the subject is no member of it.
    #[inline]
    pub(crate) fn block(&self, org: Uuid) -> Option<BlockId> {
        self.places.block(org)
    }

    /// For objects in the organization at an index of the sorted organizations.
    pub(crate) fn inside_at(&self, index: usize, resource: ResourceType) -> Cell {
        let block = self.places.block_at(index);
        block.map_or_else(Cell::default, |block| self.cell(block, resource))
    }

    /// By roles and scope.
    #[inline]
    pub(crate) fn granted(&self, block: BlockId, resource: ResourceType) -> Grant {
        match self.near.get(resource).0.get(block) {
            Some(grant) => *grant,
            None => self.far_cell(block, resource).granted,
        }
    }

    /// By the scope, if an ACL entry grants it.
    pub(crate) fn by_acl(&self, block: BlockId, resource: ResourceType) -> Grant {
        match self.near_by_acl.get(resource).0.get(block) {
            Some(grant) => *grant,
            None => self.far_cell(block, resource).by_acl,
        }
    }

    fn cell(&self, block: BlockId, resource: ResourceType) -> Cell {
        Cell {
            granted: self.granted(block, resource),
            by_acl: self.by_acl(block, resource),
        }
    }

    fn far_cell(&self, block: BlockId, resource: ResourceType) -> Cell {
        let far = block.checked_sub(NEAR_BLOCKS);
        let block = far.and_then(|block| self.far.get(block));
        block.map_or_else(Cell::default, |block| *block.get(resource))
    }

    pub(crate) fn new(
        roles: &[Assignment],
        scope: &[Assignment],
        orgs: &[Uuid],
        mode: Mode,
    ) -> Self {
        let held = HeldInOrgs::sort(roles, scope, orgs);
        let roles = Levels::pool(roles, held.patterns(Side::Roles));
        let scope = Levels::pool(scope, held.patterns(Side::Scope));
        let outside = block(|resource| {
            let roles = roles.outside(resource);
            let cell = cell(roles, scope.outside(resource), resource, mode);
            Cell {
                by_acl: Grant::default(),
                ..cell
            }
        });
        let inside: Vec<_> = (0..held.patterns.len())
            .map(|pattern| {
                block(|resource| {
                    let roles = roles.inside(resource, pattern);
                    cell(roles, scope.inside(resource, pattern), resource, mode)
                })
            })
            .collect();
        let anywhere = match mode {
            Mode::Bursar => somewhere(&outside, &inside),
            Mode::Reference => block(|resource| {
                let roles = roles.highest(resource);
                cell(roles, scope.highest(resource), resource, mode)
            }),
        };
        let mut blocks = [outside, anywhere].into_iter().chain(inside);
        let (mut near, mut near_by_acl) = (TypeMap::<Line>::default(), TypeMap::<Line>::default());
        for (index, block) in blocks.by_ref().take(NEAR_BLOCKS).enumerate() {
            for resource in ResourceType::ALL {
                let cell = block.get(*resource);
                if let Some(grant) = near.get_mut(*resource).0.get_mut(index) {
                    *grant = cell.granted;
                }
                if let Some(grant) = near_by_acl.get_mut(*resource).0.get_mut(index) {
                    *grant = cell.by_acl;
                }
            }
        }
        Self {
            places: Places::new(orgs, &held.blocks),
            near,
            near_by_acl,
            far: blocks.collect(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Roles,
    Scope,
}

/// A role that one side holds in the organization of an index.
#[derive(Debug, Clone, Copy)]
struct HeldRole<'a> {
    org: usize,
    side: Side,
    role: &'a Arc<Role>,
}

impl HeldRole<'_> {
    /// The same for roles of the same making, whichever organization they are held in.
    fn signature(&self) -> (Side, usize) {
        (self.side, Arc::as_ptr(self.role).addr())
    }
}

/// The roles that both sides hold in organizations, and which sets of them are different.
struct HeldInOrgs<'a> {
    held: Vec<HeldRole<'a>>,
    /// The different sets, each as a range of `held`.
    patterns: Vec<Range<usize>>,
    /// By the index of the organization, the block that belongs to its set.
    blocks: Vec<u32>,
}

/// A set is compared with this many others at most before it is compiled again.
const COMPARED: usize = 32;

impl<'a> HeldInOrgs<'a> {
    fn sort(roles: &'a [Assignment], scope: &'a [Assignment], orgs: &[Uuid]) -> Self {
        let sides = [(Side::Roles, roles), (Side::Scope, scope)];
        let mut held = Vec::with_capacity(roles.len() + scope.len());
        for (side, assignments) in sides {
            held.extend(assignments.iter().filter_map(|Assignment { org, role }| {
                let org = orgs.binary_search(org.as_ref()?).ok()?;
                Some(HeldRole { org, side, role })
            }));
        }
        held.sort_unstable_by_key(|one| (one.org, one.signature()));
        let mut sorted = Self {
            held,
            patterns: Vec::new(),
            blocks: Vec::with_capacity(orgs.len()),
        };
        let mut end = 0;
        for org in 0..orgs.len() {
            let start = end;
            let here = sorted.held.iter().skip(start);
            end += here.take_while(|one| one.org == org).count();
            sorted.add_org(start..end);
        }
        sorted
    }

    fn add_org(&mut self, range: Range<usize>) {
        let known = self
            .patterns
            .iter()
            .take(COMPARED)
            .position(|pattern| self.same(pattern.clone(), range.clone()));
        let pattern = known.unwrap_or_else(|| {
            self.patterns.push(range);
            self.patterns.len() - 1
        });
        self.blocks
            .push(u32::try_from(pattern).map_or(u32::MAX, |pattern| pattern + INSIDE));
    }

    fn same(&self, one: Range<usize>, other: Range<usize>) -> bool {
        let signatures = |range: Range<usize>| {
            let roles = self.held.get(range).unwrap_or_default();
            roles.iter().map(HeldRole::signature)
        };
        one.len() == other.len() && signatures(one).eq(signatures(other))
    }

    /// The different sets of one side.
    fn patterns(&self, side: Side) -> impl Iterator<Item = impl Iterator<Item = &'a Role>> {
        self.patterns.iter().map(move |range| {
            let roles = self.held.get(range.clone()).unwrap_or_default();
            let own = roles.iter().filter(move |one| one.side == side);
            own.map(|one| &**one.role)
        })
    }
}

/// Exists: what some single organization allows, or the site level without any. An ACL is asked organization
/// by organization, by the cells of those.
fn somewhere(outside: &Block, inside: &[Block]) -> Block {
    block(|resource| {
        let site = outside.get(resource).granted.any;
        let nothing_else = Grant {
            any: site,
            own: site,
        };
        let granted = inside.iter().map(|block| block.get(resource).granted).fold(
            nothing_else,
            |sum, grant| Grant {
                any: sum.any.union(grant.any),
                own: sum.own.union(grant.own),
            },
        );
        Cell {
            granted,
            by_acl: Grant::default(),
        }
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
        granted: Grant {
            any: roles.any.intersection(scope_any),
            own: roles.own.intersection(scope_own),
        },
        by_acl: Grant {
            any: scope_any.minus(barred),
            own: scope_own.minus(barred),
        },
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
    /// By the set of roles that is held in an organization.
    orgs: Vec<OrgLevels>,
}

impl Levels {
    fn pool<'a>(
        held: &[Assignment],
        patterns: impl Iterator<Item = impl Iterator<Item = &'a Role>>,
    ) -> Self {
        let mut levels = Self::default();
        for Assignment { role, .. } in held {
            if !role.site().is_empty() {
                levels.site.merge(role.site().set());
            }
            if !role.user().is_empty() {
                levels.user.merge(role.user().set());
            }
        }
        levels.orgs.extend(patterns.map(|roles| {
            let mut own = OrgLevels::default();
            for role in roles {
                own.org.merge(role.org().set());
                own.member.merge(role.member().set());
            }
            own
        }));
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

    fn inside(&self, resource: ResourceType, pattern: usize) -> Reach {
        match self.orgs.get(pattern) {
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
    /// The organization level denies only if every organization denies.
    fn highest(&self, resource: ResourceType) -> Reach {
        let (mut granted, mut member) = (ActionSet::EMPTY, ActionSet::EMPTY);
        let mut denied = if self.orgs.is_empty() {
            ActionSet::EMPTY
        } else {
            ActionSet::ALL
        };
        for levels in &self.orgs {
            granted = granted.union(levels.org.allowed(resource));
            member = member.union(levels.member.allowed(resource));
            denied = denied.intersection(levels.org.denied(resource));
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
