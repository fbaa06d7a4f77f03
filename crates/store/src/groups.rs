//! Groups of an organization's people.

use async_trait::async_trait;
use model::{
    GroupId, UserId,
    groups::{Group, GroupFilter, GroupMember, GroupUpdate, NewGroup},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads groups. Those of deleted organizations are never seen.
#[async_trait]
pub trait GroupRead: Send {
    /// One group.
    async fn group_get(&mut self, id: GroupId) -> StoreResult<Option<Group>>;
    /// The groups that the visibility admits, by organization and name.
    async fn group_list(
        &mut self,
        filter: GroupFilter,
        visibility: &Visibility,
    ) -> StoreResult<Vec<Group>>;
    /// The people of these groups that the visibility admits, by group and username.
    async fn group_member_list(
        &mut self,
        groups: &[GroupId],
        visibility: &Visibility,
    ) -> StoreResult<Vec<GroupMember>>;
    /// Whether a person is in a group; everyone in an organization is in its Everyone group.
    async fn group_contains(&mut self, group: GroupId, user: UserId) -> StoreResult<bool>;
}

/// Changes groups.
#[async_trait]
pub trait GroupWrite: GroupRead {
    /// Makes a group.
    ///
    /// # Errors
    /// [`crate::StoreError::Taken`] with `groups_organization_id_name_key`.
    async fn group_create(&mut self, new: &NewGroup) -> StoreResult<Group>;
    /// One group, its row locked until the unit ends.
    async fn group_lock(&mut self, id: GroupId) -> StoreResult<Option<Group>>;
    /// Changes a group and who is in it.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `group_members_organization_member_fkey` when somebody added is no
    /// member of the organization; [`crate::StoreError::Taken`] with `groups_organization_id_name_key`
    /// or, for somebody who is in it already, `group_members_pkey`; [`crate::StoreError::Refused`] for a
    /// change of the Everyone group's name or people.
    async fn group_update(&mut self, id: GroupId, update: &GroupUpdate) -> StoreResult<Group>;
    /// Removes a group, its memberships and its budget.
    ///
    /// # Errors
    /// [`crate::StoreError::Refused`] for an Everyone group.
    async fn group_delete(&mut self, id: GroupId) -> StoreResult<()>;
}
