//! Roles: named lists of permissions on four levels, and the names under which they are stored.

use std::{borrow::Cow, fmt, str::FromStr};

use uuid::Uuid;

use crate::permission::{Permission, PermissionSet};

/// The permissions of one level of a role, as written and compiled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionList {
    listed: Vec<Permission>,
    set: PermissionSet,
}

impl PermissionList {
    /// The permissions as written.
    #[must_use]
    pub fn listed(&self) -> &[Permission] {
        &self.listed
    }

    /// The permissions, compiled.
    #[must_use]
    pub const fn set(&self) -> &PermissionSet {
        &self.set
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

impl FromIterator<Permission> for PermissionList {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let listed: Vec<_> = permissions.into_iter().collect();
        let set = listed.iter().copied().collect();
        Self { listed, set }
    }
}

/// A named list of permissions.
///
/// The organization and member parts say nothing about *which* organization: that is told where the role
/// is held ([`crate::Subject::org_role`]). Held without an organization, they reach nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    name: Cow<'static, str>,
    display_name: Cow<'static, str>,
    site: PermissionList,
    user: PermissionList,
    org: PermissionList,
    member: PermissionList,
    implied: bool,
}

impl Role {
    /// A role that holds nothing yet.
    #[must_use]
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        display_name: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            display_name: display_name.into(),
            site: PermissionList::default(),
            user: PermissionList::default(),
            org: PermissionList::default(),
            member: PermissionList::default(),
            implied: false,
        }
    }

    /// Replaces the permissions on every object of the deployment.
    #[must_use]
    pub fn with_site(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.site = permissions.into_iter().collect();
        self
    }

    /// Replaces the permissions on the holder's own objects that are in no organization.
    #[must_use]
    pub fn with_user(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.user = permissions.into_iter().collect();
        self
    }

    /// Replaces the permissions on every object of the organization that the role is held in.
    #[must_use]
    pub fn with_org(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.org = permissions.into_iter().collect();
        self
    }

    /// Replaces the permissions on the holder's own objects in the organization that the role is held in.
    #[must_use]
    pub fn with_member(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.member = permissions.into_iter().collect();
        self
    }

    /// Marks a role that comes with being a user or a member, and is never stored as given.
    #[must_use]
    pub const fn implied(mut self) -> Self {
        self.implied = true;
        self
    }

    /// The name, without an organization.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name for people.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// The permissions on every object of the deployment.
    #[must_use]
    pub const fn site(&self) -> &PermissionList {
        &self.site
    }

    /// The permissions on the holder's own objects that are in no organization.
    #[must_use]
    pub const fn user(&self) -> &PermissionList {
        &self.user
    }

    /// The permissions on every object of the organization that the role is held in.
    #[must_use]
    pub const fn org(&self) -> &PermissionList {
        &self.org
    }

    /// The permissions on the holder's own objects in the organization that the role is held in.
    #[must_use]
    pub const fn member(&self) -> &PermissionList {
        &self.member
    }

    /// Whether the role comes with being a user or a member.
    #[must_use]
    pub const fn is_implied(&self) -> bool {
        self.implied
    }
}

/// A role as it is stored with a user: `name`, or `name:<organization id>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName {
    /// The name of the role.
    pub name: String,
    /// The organization it is held in; `None` for a role of the deployment.
    pub org: Option<Uuid>,
}

/// A stored role name that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleNameError {
    /// More than one colon.
    #[error("too many colons in role name")]
    TooManyColons,
    /// Nothing before the colon, or nothing at all.
    #[error("role cannot be the empty string")]
    Empty,
    /// What follows the colon is no id.
    #[error("\"{0}\" not a valid uuid")]
    NotAnId(String),
}

impl RoleName {
    /// A role of the deployment.
    #[must_use]
    pub fn site(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            org: None,
        }
    }

    /// A role in an organization.
    #[must_use]
    pub fn in_org(name: impl Into<String>, org: Uuid) -> Self {
        Self {
            name: name.into(),
            org: Some(org),
        }
    }
}

impl FromStr for RoleName {
    type Err = RoleNameError;

    fn from_str(text: &str) -> Result<Self, RoleNameError> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let org = parts.next();
        if parts.next().is_some() {
            return Err(RoleNameError::TooManyColons);
        }
        if name.is_empty() {
            return Err(RoleNameError::Empty);
        }
        let Some(org) = org else {
            return Ok(Self::site(name));
        };
        match Uuid::try_parse(org) {
            Ok(id) => Ok(Self::in_org(name, id)),
            Err(_) => Err(RoleNameError::NotAnId(org.to_owned())),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.org {
            Some(org) => write!(f, "{}:{org}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_names_are_read_as_they_are_written() {
        let org = Uuid::from_u128(7);
        for name in [
            RoleName::site("owner"),
            RoleName::in_org("organization-admin", org),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
    }

    #[test]
    fn broken_role_names_are_refused() {
        let rows = [
            ("", "role cannot be the empty string"),
            (":", "role cannot be the empty string"),
            ("a:b:c", "too many colons in role name"),
            ("organization-admin:acme", "\"acme\" not a valid uuid"),
            ("organization-admin:", "\"\" not a valid uuid"),
        ];
        for (text, message) in rows {
            assert_eq!(
                text.parse::<RoleName>().unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
