//! System roles: what comes with being a member of an organization, by that organization's rule about sharing.
//!
//! The code is the source of truth. The database holds a copy for each organization, which reconciliation keeps in
//! step with [`SystemRole::permissions`]; the version tells older code that newer code wrote the copy.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use crate::{
    builtin::grants,
    permission::Permission,
    registry::{
        Action::{Create, Read, Share, Update},
        ResourceType::{
            AssignOrgRole, Chat, ChatFile, Group, GroupMember, Organization, OrganizationMember,
            Workspace,
        },
    },
    role::Role,
};

/// The version of the definitions below, stored with each copy in the database. Older code never lowers it.
///
/// Raise it with every change of what any of these roles hold, with any setting.
pub const SYSTEM_ROLES_VERSION: i32 = 1;

/// Which members of an organization may share what they own, and so need to see whom to share with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ShareableOwners {
    /// Every member.
    #[default]
    Everyone,
    /// Service accounts only.
    ServiceAccounts,
    /// Nobody.
    None,
}

/// A word that is none of `everyone`, `service_accounts` and `none`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown shareable owners \"{0}\"")]
pub struct UnknownShareableOwners(String);

impl ShareableOwners {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Everyone, Self::ServiceAccounts, Self::None];

    /// The word that is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::ServiceAccounts => "service_accounts",
            Self::None => "none",
        }
    }
}

impl fmt::Display for ShareableOwners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ShareableOwners {
    type Err = UnknownShareableOwners;

    fn from_str(word: &str) -> Result<Self, UnknownShareableOwners> {
        let known = Self::ALL.iter().find(|known| known.as_str() == word);
        known
            .copied()
            .ok_or_else(|| UnknownShareableOwners(word.to_owned()))
    }
}

/// What a role holds in one organization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrgPermissions {
    /// On every object of the organization.
    pub org: Vec<Permission>,
    /// On the holder's own objects in it.
    pub member: Vec<Permission>,
}

/// A role that comes with being a member of an organization. Nobody gives it, takes it or changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SystemRole {
    /// What every person holds in each of their organizations.
    OrganizationMember,
    /// What a service account holds in each of its organizations, instead.
    OrganizationServiceAccount,
}

/// One role with each setting.
#[derive(Debug)]
struct BySharing {
    everyone: Arc<Role>,
    service_accounts: Arc<Role>,
    none: Arc<Role>,
}

impl BySharing {
    fn of(role: SystemRole) -> Self {
        let with = |settings| {
            let OrgPermissions { org, member } = role.permissions(settings);
            Arc::new(role.stored(org, member))
        };
        Self {
            everyone: with(ShareableOwners::Everyone),
            service_accounts: with(ShareableOwners::ServiceAccounts),
            none: with(ShareableOwners::None),
        }
    }

    const fn get(&self, settings: ShareableOwners) -> &Arc<Role> {
        match settings {
            ShareableOwners::Everyone => &self.everyone,
            ShareableOwners::ServiceAccounts => &self.service_accounts,
            ShareableOwners::None => &self.none,
        }
    }
}

static MEMBER: LazyLock<BySharing> =
    LazyLock::new(|| BySharing::of(SystemRole::OrganizationMember));
static SERVICE_ACCOUNT: LazyLock<BySharing> =
    LazyLock::new(|| BySharing::of(SystemRole::OrganizationServiceAccount));

impl SystemRole {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::OrganizationMember, Self::OrganizationServiceAccount];

    /// The name that it is stored under in each organization.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrganizationMember => "organization-member",
            Self::OrganizationServiceAccount => "organization-service-account",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|role| role.name() == name);
        known.copied()
    }

    /// The name for people.
    #[must_use]
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::OrganizationMember => "Organization Member",
            Self::OrganizationServiceAccount => "Organization Service Account",
        }
    }

    /// What it holds, as the code says.
    #[must_use]
    pub fn permissions(self, settings: ShareableOwners) -> OrgPermissions {
        match self {
            Self::OrganizationMember => org_member_permissions(settings),
            Self::OrganizationServiceAccount => org_service_account_permissions(settings),
        }
    }

    /// The role as the code says.
    #[must_use]
    pub fn role(self, settings: ShareableOwners) -> &'static Arc<Role> {
        match self {
            Self::OrganizationMember => MEMBER.get(settings),
            Self::OrganizationServiceAccount => SERVICE_ACCOUNT.get(settings),
        }
    }

    /// The role as the database holds it for one organization.
    #[must_use]
    pub fn stored(self, org: Vec<Permission>, member: Vec<Permission>) -> Role {
        Role::new(self.name(), self.display_name())
            .with_org(org)
            .with_member(member)
            .implied()
    }
}

/// Whether a role of this name comes with membership, so that nobody gives or takes it.
#[must_use]
pub fn is_system(name: &str) -> bool {
    SystemRole::from_name(name).is_some()
}

const NO_SHARING: Permission = Permission::deny(Workspace, Share);

/// What every person holds in an organization: its name and roles, whom to share with where sharing is open to them,
/// and their own chats. Workspaces come with a role that is given.
#[must_use]
pub fn org_member_permissions(settings: ShareableOwners) -> OrgPermissions {
    let mut org = grants(&[(Organization, &[Read]), (AssignOrgRole, &[Read])]);
    let mut member = grants(&[
        (OrganizationMember, &[Read]),
        (GroupMember, &[Read]),
        (Chat, &[Create, Read, Update, Share]),
        (ChatFile, &[Create, Read]),
    ]);
    match settings {
        ShareableOwners::Everyone => {
            org.extend(grants(&[(OrganizationMember, &[Read]), (Group, &[Read])]));
        }
        ShareableOwners::ServiceAccounts => {
            org.extend(grants(&[(OrganizationMember, &[Read])]));
            member.push(NO_SHARING);
        }
        ShareableOwners::None => {
            org.push(NO_SHARING);
            member.push(NO_SHARING);
        }
    }
    OrgPermissions { org, member }
}

/// What every service account holds in an organization: as a person, without chats; and it may share unless nobody may.
#[must_use]
pub fn org_service_account_permissions(settings: ShareableOwners) -> OrgPermissions {
    let mut org = grants(&[(Organization, &[Read]), (AssignOrgRole, &[Read])]);
    match settings {
        ShareableOwners::Everyone | ShareableOwners::ServiceAccounts => {
            org.extend(grants(&[(OrganizationMember, &[Read]), (Group, &[Read])]));
        }
        ShareableOwners::None => org.push(NO_SHARING),
    }
    let member = grants(&[(OrganizationMember, &[Read]), (GroupMember, &[Read])]);
    OrgPermissions { org, member }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for settings in ShareableOwners::ALL {
            assert_eq!(settings.to_string().parse(), Ok(*settings));
        }
        for word in ["", "Everyone", "nobody"] {
            let error = word.parse::<ShareableOwners>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("unknown shareable owners \"{word}\"")
            );
        }
        assert_eq!(ShareableOwners::default(), ShareableOwners::Everyone);
    }

    #[test]
    fn roles_are_known_by_their_names_and_held_without_being_given() {
        for role in SystemRole::ALL {
            assert_eq!(SystemRole::from_name(role.name()), Some(*role));
            assert!(is_system(role.name()));
            for settings in ShareableOwners::ALL {
                let cached = role.role(*settings);
                let OrgPermissions { org, member } = role.permissions(*settings);
                assert_eq!(**cached, role.stored(org, member), "{settings}");
                assert!(
                    cached.is_implied() && cached.site().is_empty() && cached.user().is_empty()
                );
            }
        }
        assert!(!is_system("organization-admin") && !is_system("member"));
    }
}
