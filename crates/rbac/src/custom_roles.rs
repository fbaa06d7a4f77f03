//! Custom roles of an organization: nobody grants what they do not hold, and nothing that could never matter.

use uuid::Uuid;

use crate::{
    assign::needed,
    explanation::Level,
    object::Object,
    permission::Permission,
    registry::{Action, InOrganization, ResourceType},
    role::Role,
    subject::PreparedSubject,
    system_roles::OrgPermissions,
};

/// Why a permission may not be part of a custom role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantDenied {
    /// It speaks of every type or every action, and so of those that are added later.
    #[error("invalid permission `{permission}`, no wildcard symbols")]
    Wildcard {
        /// The permission as asked for.
        permission: Permission,
    },
    /// The subject does not hold it (for a negative one: what it takes away).
    #[error("invalid permission `{permission}`, not allowed to grant this permission")]
    NotHeld {
        /// The permission as asked for.
        permission: Permission,
    },
    /// No object could ever match it.
    #[error("invalid permission `{permission}`, it can never match: {reason}")]
    Unreachable {
        /// The permission as asked for.
        permission: Permission,
        /// What stands against it.
        reason: &'static str,
    },
}

impl GrantDenied {
    /// The permission that stands in the way.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Wildcard { permission }
            | Self::NotHeld { permission }
            | Self::Unreachable { permission, .. } => *permission,
        }
    }
}

/// A role that an organization made for itself.
#[must_use]
pub fn custom_role(
    name: String,
    display_name: String,
    org: Vec<Permission>,
    member: Vec<Permission>,
) -> Role {
    Role::new(name, display_name)
        .with_org(org)
        .with_member(member)
}

/// Why a permission on this level can never match an object, whatever rows there are; `None` if it can.
///
/// It follows from how the rows of each type look, which `policy.toml` says.
#[must_use]
pub const fn unreachable(level: Level, permission: Permission) -> Option<&'static str> {
    let Some(resource) = permission.resource else {
        return None;
    };
    let in_organization = resource.in_organization();
    let inside = !matches!(in_organization, InOrganization::Never);
    let outside = !matches!(in_organization, InOrganization::Always);
    let owned = resource.owned();
    match level {
        Level::Site => None,
        Level::Organization | Level::Member if !inside => Some("it belongs to no organization"),
        Level::User if !outside => Some("it always belongs to an organization"),
        Level::User | Level::Member if !owned => Some("nobody owns it"),
        Level::Organization | Level::Member
            if matches!(resource, ResourceType::Organization)
                && matches!(permission.action, Some(Action::Create)) =>
        {
            Some("an organization that is being made is in none yet")
        }
        Level::User | Level::Organization | Level::Member => None,
    }
}

impl PreparedSubject {
    /// Whether the subject may put these permissions into a custom role of an organization, or leave them there.
    ///
    /// Permissions on the organization level must be held on every object of it. Those on the member level must be
    /// held at least on the subject's own objects in it, since that is what a receiver gets. A negative permission may
    /// be granted by who holds what it takes away. As in assigning, handing on `assign` takes `create` on the same type.
    ///
    /// Whether the subject may make or change custom roles at all is another question (`create`, `update` on
    /// [`Object::assign_org_role`]).
    ///
    /// # Errors
    ///
    /// What stands against the first permission that may not be granted.
    pub fn may_grant(&self, org: Uuid, permissions: &OrgPermissions) -> Result<(), GrantDenied> {
        let OrgPermissions {
            org: whole,
            member: own,
        } = permissions;
        for permission in whole {
            self.may_grant_one(Level::Organization, *permission, |resource| {
                Object::new(resource).in_org(org)
            })?;
        }
        for permission in own {
            self.may_grant_one(Level::Member, *permission, |resource| {
                Object::new(resource).in_org(org).owner(self.id())
            })?;
        }
        Ok(())
    }

    fn may_grant_one(
        &self,
        level: Level,
        permission: Permission,
        object: impl Fn(ResourceType) -> Object,
    ) -> Result<(), GrantDenied> {
        let (Some(resource), Some(_)) = (permission.resource, permission.action) else {
            return Err(GrantDenied::Wildcard { permission });
        };
        if let Some(reason) = unreachable(level, permission) {
            return Err(GrantDenied::Unreachable { permission, reason });
        }
        let object = object(resource);
        let mut needed = needed(permission).allowed(resource).iter();
        if needed.all(|action| self.allows(action, &object)) {
            Ok(())
        } else {
            Err(GrantDenied::NotHeld { permission })
        }
    }
}
