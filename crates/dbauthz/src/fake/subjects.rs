//! The fake's versions of people and organizations: raised whenever what they stand for is found changed, however
//! it came about.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use model::{
    OrganizationId, UserId,
    subjects::{SubjectRoles, SubjectVersions},
    users::UserStatus,
};
use store::{StoreResult, subjects::SubjectRead};

use super::{FakeUnit, State};

/// What was last seen of each, and how often it had changed.
#[derive(Debug, Default)]
pub(super) struct Versions {
    users: BTreeMap<UserId, (Option<(UserStatus, SubjectRoles)>, i64)>,
    organizations: BTreeMap<OrganizationId, (bool, i64)>,
}

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
            organization_roles: memberships
                .map(|m| (m.organization_id, m.roles.clone()))
                .collect(),
            group_ids: groups.map(|member| member.group_id).collect(),
        })
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
                let live = self.organizations.iter().any(|known| known.id == id);
                let entry = known.organizations.entry(id).or_insert((live, 1));
                (id, version(entry, live))
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
}
