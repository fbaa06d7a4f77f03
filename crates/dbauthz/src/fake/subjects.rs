//! The fake's versions of people and organizations: raised whenever what they stand for is found changed, however
//! it came about.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use model::{
    OrganizationId, UserId,
    organizations::OrganizationMember,
    roles::CustomRole,
    subjects::{
        SubjectCustomRole, SubjectOrganization, SubjectRoles, SubjectStanding, SubjectVersions,
    },
    system_roles::StoredSystemRole,
    users::{LoginType, User, UserStatus},
};
use rbac::{OrgPermissions, ShareableOwners, SystemRole};
use store::{StoreResult, subjects::SubjectRead};

use super::{FakeUnit, State};

/// What was last seen of each, and how often it had changed.
#[derive(Debug, Default)]
pub(super) struct Versions {
    users: BTreeMap<UserId, (Option<(UserStatus, SubjectRoles)>, i64)>,
    organizations: BTreeMap<OrganizationId, (Option<Decides>, i64)>,
}

/// What decides for everybody in an organization.
type Decides = (Vec<String>, ShareableOwners, Vec<CustomRole>);

/// The version of what was seen last, raised when it is another now.
fn version<T: PartialEq>(known: &mut (T, i64), now: T) -> i64 {
    if known.0 != now {
        *known = (now, known.1.saturating_add(1));
    }
    known.1
}

impl State {
    fn subject_roles(&self, user: UserId) -> Option<SubjectRoles> {
        let user = self.users.iter().find(|known| known.id == user)?;
        let memberships = self.members.iter().filter(|m| m.user_id == user.id);
        let groups = self.group_members.iter().filter(|m| m.user_id == user.id);
        Some(SubjectRoles {
            site_roles: user.roles.clone(),
            service_account: user.login_type == LoginType::None,
            organizations: memberships
                .filter_map(|member| self.subject_organization(user, member))
                .collect(),
            group_ids: groups.map(|member| member.group_id).collect(),
        })
    }

    fn subject_organization(
        &self,
        user: &User,
        member: &OrganizationMember,
    ) -> Option<SubjectOrganization> {
        let organization = self
            .organizations
            .iter()
            .find(|known| known.id == member.organization_id)?;
        let fitting = if user.login_type == LoginType::None {
            SystemRole::OrganizationServiceAccount
        } else {
            SystemRole::OrganizationMember
        };
        let held = |role: &&CustomRole| {
            let name = role.name.as_str();
            let names = member.roles.iter();
            role.organization_id == organization.id
                && names
                    .chain(&organization.default_org_member_roles)
                    .any(|held| held == name)
        };
        let custom = |role: &CustomRole| SubjectCustomRole {
            name: role.name.to_string(),
            permissions: OrgPermissions {
                org: role.org_permissions.clone(),
                member: role.member_permissions.clone(),
            },
        };
        Some(SubjectOrganization {
            id: organization.id,
            roles: member.roles.clone(),
            default_roles: organization.default_org_member_roles.clone(),
            settings: organization.shareable_workspace_owners,
            // A placeholder: the program's own definition counts.
            system_role: Some(StoredSystemRole {
                role: fitting,
                definition_version: 0,
                org_permissions: Vec::new(),
                member_permissions: Vec::new(),
            }),
            custom_roles: self.custom_roles.iter().filter(held).map(custom).collect(),
        })
    }

    fn decides(&self, id: OrganizationId) -> Option<Decides> {
        let organization = self.organizations.iter().find(|known| known.id == id)?;
        let roles = self.custom_roles.iter();
        Some((
            organization.default_org_member_roles.clone(),
            organization.shareable_workspace_owners,
            roles
                .filter(|role| role.organization_id == id)
                .cloned()
                .collect(),
        ))
    }

    /// The versions of a person as the store now knows them.
    pub(super) fn versions(&self, known: &Mutex<Versions>, user: UserId) -> SubjectVersions {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let status = self.users.iter().find(|u| u.id == user).map(|u| u.status);
        let now = status.zip(self.subject_roles(user));
        let members = self.members.iter().filter(|m| m.user_id == user);
        let mut organizations: Vec<_> = members
            .map(|member| {
                let id = member.organization_id;
                let now = self.decides(id);
                let entry = known
                    .organizations
                    .entry(id)
                    .or_insert_with(|| (now.clone(), 1));
                (id, version(entry, now))
            })
            .collect();
        organizations.sort_unstable();
        SubjectVersions {
            user: version(known.users.entry(user).or_insert((None, 0)), now),
            organizations,
        }
    }
}

#[async_trait]
impl SubjectRead for FakeUnit {
    async fn subject_roles_get(&mut self, user: UserId) -> StoreResult<Option<SubjectRoles>> {
        Ok(self.call("subject_roles_get").subject_roles(user))
    }

    async fn subject_standing_list(
        &mut self,
        users: &[UserId],
    ) -> StoreResult<Vec<SubjectStanding>> {
        self.call("subject_standing_list");
        let state = &self.state;
        let asked = state.users.iter().filter(|user| users.contains(&user.id));
        let standing = |user: &User| SubjectStanding {
            user_id: user.id,
            username: user.username.clone(),
            status: user.status,
            versions: state.versions(&self.store.0.versions, user.id),
        };
        Ok(asked.map(standing).collect())
    }
}
