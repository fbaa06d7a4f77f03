//! Subjects: who acts, with which roles, groups and token scope; and the prepared form that decides.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    allow_list::AllowList,
    builtin,
    fold::Folded,
    permission::Permission,
    role::{Role, RoleName},
    scope::Scope,
    system_roles::{ShareableOwners, SystemRole},
};

/// Whose rules decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Ours: see the crate's documentation.
    #[default]
    Bursar,
    /// The reference engine's, to compare decisions with it.
    Reference,
}

/// A role as it is held: in the deployment, or in one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The organization; `None` for the deployment.
    pub org: Option<Uuid>,
    /// The role, shared between all that hold it.
    pub role: Arc<Role>,
}

/// Who acts, as read from the database. Decides nothing until it is prepared.
#[derive(Debug, Clone)]
pub struct Subject {
    id: Uuid,
    roles: Vec<Assignment>,
    groups: Vec<Uuid>,
    scope: Scope,
    mode: Mode,
}

impl Subject {
    /// A subject that holds no role and no group yet, with a scope that lets everything through.
    #[must_use]
    pub fn new(id: Uuid) -> Self {
        Self {
            id,
            roles: Vec::new(),
            groups: Vec::new(),
            scope: Scope::all(),
            mode: Mode::Bursar,
        }
    }

    /// A user, who holds `member` without being given it.
    #[must_use]
    pub fn user(id: Uuid) -> Self {
        match builtin::site_role(builtin::MEMBER) {
            Some(member) => Self::new(id).site_role(Arc::clone(member)),
            None => Self::new(id),
        }
    }

    /// A named part of the system, with exactly these permissions on every object. It has the nil id, so it
    /// owns nothing.
    #[must_use]
    pub fn system(name: &'static str, permissions: &[Permission]) -> Self {
        let role = Role::new(name, name).with_site(permissions.iter().copied());
        Self::new(Uuid::nil()).site_role(Arc::new(role))
    }

    /// Adds a role of the deployment. Its organization and member parts, if any, reach nothing.
    #[must_use]
    pub fn site_role(mut self, role: Arc<Role>) -> Self {
        self.roles.push(Assignment { org: None, role });
        self
    }

    /// Adds a role in an organization, which makes the subject a member of it, even if the role is empty.
    #[must_use]
    pub fn org_role(mut self, org: Uuid, role: Arc<Role>) -> Self {
        self.roles.push(Assignment {
            org: Some(org),
            role,
        });
        self
    }

    /// Adds what every member of the organization holds where everyone may share. What members hold in an organization
    /// of the database is its own copy of the role: see [`SystemRole::stored`].
    #[must_use]
    pub fn member_of(self, org: Uuid) -> Self {
        let role = SystemRole::OrganizationMember.role(ShareableOwners::Everyone);
        self.org_role(org, Arc::clone(role))
    }

    /// Adds built-in roles by the names they are stored under. Returns the names that are no built-in role
    /// beside the subject: they grant nothing, and somebody should hear of them.
    #[must_use]
    pub fn role_names(
        mut self,
        names: impl IntoIterator<Item = RoleName>,
    ) -> (Self, Vec<RoleName>) {
        let mut unknown = Vec::new();
        for name in names {
            let found = match name.org {
                None => builtin::site_role(&name.name),
                Some(_) => builtin::org_role(&name.name),
            };
            match found {
                Some(role) => {
                    self.roles.push(Assignment {
                        org: name.org,
                        role: Arc::clone(role),
                    });
                }
                None => unknown.push(name),
            }
        }
        (self, unknown)
    }

    /// Adds groups that the subject is in, of any organization.
    #[must_use]
    pub fn groups(mut self, groups: impl IntoIterator<Item = Uuid>) -> Self {
        self.groups.extend(groups);
        self
    }

    /// Replaces the scope: what the token lets through.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Replaces the mode.
    #[must_use]
    pub const fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Folds roles and scope into bit sets. Memberships come from the roles only: an organization that only
    /// the scope names counts for nothing.
    #[must_use]
    pub fn prepare(self) -> PreparedSubject {
        let mut orgs: Vec<_> = self.roles.iter().filter_map(|held| held.org).collect();
        orgs.sort_unstable();
        orgs.dedup();
        let mut groups = self.groups;
        groups.sort_unstable();
        groups.dedup();
        let folded = Folded::new(&self.roles, &self.scope.grants, &orgs, self.mode);
        PreparedSubject {
            id: self.id,
            mode: self.mode,
            admits_all: self.scope.allow_list.is_any(),
            orgs,
            groups,
            folded,
            allow_list: self.scope.allow_list,
            roles: self.roles,
            scope: self.scope.grants,
        }
    }
}

/// A subject that decides. Make one per version of the subject, and share it.
///
/// What nearly every decision reads comes first, in two cache lines: who it is, where the cells are, and the
/// organizations. What ACLs, lists and explanations need comes after.
#[derive(Debug, Clone)]
#[repr(C, align(128))]
pub struct PreparedSubject {
    pub(crate) id: Uuid,
    pub(crate) mode: Mode,
    /// The allow-list admits everything.
    pub(crate) admits_all: bool,
    pub(crate) folded: Folded,
    /// Sorted; `folded` knows the cells of each by its index.
    pub(crate) orgs: Vec<Uuid>,
    /// Sorted.
    pub(crate) groups: Vec<Uuid>,
    pub(crate) allow_list: AllowList,
    /// As given, for explanations.
    pub(crate) roles: Vec<Assignment>,
    /// As given, for explanations.
    pub(crate) scope: Vec<Assignment>,
}

impl PreparedSubject {
    /// The user's id; nil for a part of the system.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.id
    }

    /// The organizations that the subject holds some role in, sorted.
    #[must_use]
    pub fn memberships(&self) -> &[Uuid] {
        &self.orgs
    }

    /// Whether the subject holds some role in the organization.
    #[must_use]
    pub fn is_member(&self, org: Uuid) -> bool {
        self.orgs.binary_search(&org).is_ok()
    }

    /// The groups that the subject is in, sorted.
    #[must_use]
    pub fn groups(&self) -> &[Uuid] {
        &self.groups
    }

    /// The roles as they are held.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.roles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_handed_back() {
        let org = Uuid::from_u128(1);
        let names = [
            RoleName::site("owner"),
            RoleName::site("organization-admin"),
            RoleName::in_org("organization-admin", org),
            RoleName::in_org("support", org),
            RoleName::in_org("organization-member", org),
        ];
        let (subject, unknown) = Subject::user(Uuid::from_u128(2)).role_names(names.clone());
        assert_eq!(
            unknown,
            [names[1].clone(), names[3].clone(), names[4].clone()]
        );
        assert_eq!(subject.prepare().memberships(), [org]);
    }

    #[test]
    fn membership_comes_from_roles_only_and_an_empty_role_is_enough() {
        let [org, other] = [1, 2].map(Uuid::from_u128);
        let empty = Arc::new(Role::new("empty", "Empty"));
        let scope = Scope::from_grants(
            vec![Assignment {
                org: Some(other),
                role: Arc::clone(&empty),
            }],
            AllowList::any(),
        );
        let subject = Subject::new(Uuid::nil())
            .org_role(org, empty)
            .scope(scope)
            .prepare();
        assert!(subject.is_member(org));
        assert!(!subject.is_member(other));
    }
}
