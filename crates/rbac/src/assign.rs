//! Who may hand on which role: whoever may assign at all, and holds what the role holds.

use std::sync::Arc;

use uuid::Uuid;

use crate::{
    builtin,
    object::Object,
    permission::{Permission, PermissionSet},
    registry::{Action, ResourceType},
    role::{PermissionList, Role},
    subject::PreparedSubject,
    system_roles::is_system,
};

/// Why a role may not be given or taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignDenied {
    /// The subject may not assign (or unassign) any role there.
    #[error("not authorized to assign role \"{role}\"")]
    NotAssigner {
        /// The role's name.
        role: String,
    },
    /// The role holds something that the subject does not.
    #[error("not authorized to assign role \"{role}\", which holds {missing}")]
    Exceeds {
        /// The role's name.
        role: String,
        /// What the subject lacks.
        missing: Permission,
    },
    /// The role comes with membership.
    #[error("not authorized to assign role \"{role}\", which comes with membership")]
    System {
        /// The role's name.
        role: String,
    },
    /// The role has permissions in an organization, and none was named.
    #[error("role \"{role}\" has organization perms without an org id specified")]
    WithoutOrganization {
        /// The role's name.
        role: String,
    },
}

impl PreparedSubject {
    /// Whether the subject may give a role, in an organization or in the deployment (`None`).
    ///
    /// It needs `assign` there, and every site and organization permission of the role (for a negative one,
    /// its positive). Member-level permissions reach only what the receiver owns: those of a custom role must be held
    /// on the subject's own objects at least, those of a built-in one need `assign` alone, as user-level permissions
    /// and implied roles do. To hand on `assign` itself takes `create` on that type as well. A
    /// [`crate::SystemRole`] is given by nobody.
    ///
    /// # Errors
    ///
    /// What stands against it.
    pub fn may_assign(&self, role: &Role, org: Option<Uuid>) -> Result<(), AssignDenied> {
        self.may_hand_on(Action::Assign, role, org)
    }

    /// Whether the subject may take a role away: as [`PreparedSubject::may_assign`], with `unassign`.
    ///
    /// # Errors
    ///
    /// What stands against it.
    pub fn may_unassign(&self, role: &Role, org: Option<Uuid>) -> Result<(), AssignDenied> {
        self.may_hand_on(Action::Unassign, role, org)
    }

    /// The built-in roles of an organization or of the deployment (`None`), each with whether the subject may
    /// assign it.
    #[must_use]
    pub fn assignable(&self, org: Option<Uuid>) -> Vec<(&'static Arc<Role>, bool)> {
        let roles = if org.is_some() {
            builtin::org_roles()
        } else {
            builtin::site_roles()
        };
        roles
            .iter()
            .map(|role| (role, self.may_assign(role, org).is_ok()))
            .collect()
    }

    fn may_hand_on(
        &self,
        action: Action,
        role: &Role,
        org: Option<Uuid>,
    ) -> Result<(), AssignDenied> {
        let name = || role.name().to_owned();
        if org.is_none() && !(role.org().is_empty() && role.member().is_empty()) {
            return Err(AssignDenied::WithoutOrganization { role: name() });
        }
        let desk = org.map_or_else(Object::assign_role, Object::assign_org_role);
        if !self.allows(action, &desk) {
            return Err(AssignDenied::NotAssigner { role: name() });
        }
        if is_system(role.name()) {
            return Err(AssignDenied::System { role: name() });
        }
        if role.is_implied() {
            return Ok(());
        }
        let held = |missing: Option<Permission>| match missing {
            Some(missing) => Err(AssignDenied::Exceeds {
                role: name(),
                missing,
            }),
            None => Ok(()),
        };
        held(self.lacks(role.site(), Object::new))?;
        let Some(org) = org else {
            return Ok(());
        };
        let whole = |resource| Object::new(resource).in_org(org);
        held(self.lacks(role.org(), whole))?;
        if builtin::org_role(role.name()).is_some() {
            return Ok(());
        }
        held(self.lacks(role.member(), |resource| whole(resource).owner(self.id())))
    }

    /// The first permission of the list that the subject does not hold for these objects.
    fn lacks(
        &self,
        list: &PermissionList,
        object: impl Fn(ResourceType) -> Object,
    ) -> Option<Permission> {
        list.listed().iter().copied().find(|permission| {
            let needed = needed(*permission);
            ResourceType::ALL.iter().any(|resource| {
                let (object, set) = (object(*resource), needed.allowed(*resource));
                set.intersection(resource.actions())
                    .iter()
                    .any(|act| !self.allows(act, &object))
            })
        })
    }
}

/// What the giver must hold for one permission of the role.
pub(crate) fn needed(permission: Permission) -> PermissionSet {
    let mut set = PermissionSet::default();
    set.add(Permission {
        negate: false,
        ..permission
    });
    for desk in [ResourceType::AssignRole, ResourceType::AssignOrgRole] {
        if set.allowed(desk).contains(Action::Assign) {
            set.add(Permission::allow(desk, Action::Create));
        }
    }
    set
}
