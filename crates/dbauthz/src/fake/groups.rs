//! The fake's groups.

use async_trait::async_trait;
use model::{
    GroupId, UserId,
    groups::{Group, GroupFilter, GroupMember, GroupUpdate, NewGroup},
};
use rbac::{Object, Visibility};
use store::{
    StoreError, StoreResult,
    groups::{GroupRead, GroupWrite},
};

use super::FakeUnit;

#[async_trait]
impl GroupRead for FakeUnit {
    async fn group_get(&mut self, id: GroupId) -> StoreResult<Option<Group>> {
        Ok(self
            .call("group_get")
            .groups
            .iter()
            .find(|group| group.id == id)
            .cloned())
    }

    async fn group_list(
        &mut self,
        _filter: GroupFilter,
        visibility: &Visibility,
    ) -> StoreResult<Vec<Group>> {
        let mut groups = self.call("group_list").groups.clone();
        groups.retain(|g| visibility.matches(&Object::group(g.organization_id.0, g.id.0)));
        Ok(groups)
    }

    async fn group_member_list(
        &mut self,
        groups: &[GroupId],
        visibility: &Visibility,
    ) -> StoreResult<Vec<GroupMember>> {
        let mut members = self.call("group_member_list").group_members.clone();
        members.retain(|member| {
            let object = Object::group_member(member.organization_id.0, member.user_id.0);
            groups.contains(&member.group_id) && visibility.matches(&object)
        });
        Ok(members)
    }

    async fn group_contains(&mut self, group: GroupId, user: UserId) -> StoreResult<bool> {
        let members = &self.call("group_contains").group_members;
        Ok(members
            .iter()
            .any(|member| member.group_id == group && member.user_id == user))
    }
}

#[async_trait]
impl GroupWrite for FakeUnit {
    async fn group_create(&mut self, new: &NewGroup) -> StoreResult<Group> {
        let state = self.call("group_create");
        let organization = state
            .organizations
            .iter()
            .find(|o| o.id == new.organization_id);
        let organization = organization.ok_or(StoreError::NotFound)?;
        let group = Group {
            id: new.id,
            organization_id: new.organization_id,
            organization_name: organization.name.clone(),
            organization_display_name: organization.display_name.clone(),
            name: new.name.clone(),
            display_name: new.display_name.clone(),
            avatar_url: new.avatar_url.clone(),
            total_member_count: 0,
            created_at: state.now,
            updated_at: state.now,
        };
        state.groups.push(group.clone());
        Ok(group)
    }

    async fn group_lock(&mut self, id: GroupId) -> StoreResult<Option<Group>> {
        Ok(self
            .call("group_lock")
            .groups
            .iter()
            .find(|group| group.id == id)
            .cloned())
    }

    async fn group_update(&mut self, id: GroupId, update: &GroupUpdate) -> StoreResult<Group> {
        let groups = &mut self.call("group_update").groups;
        let group = groups
            .iter_mut()
            .find(|group| group.id == id)
            .ok_or(StoreError::NotFound)?;
        if let Some(name) = &update.name {
            group.name = name.clone();
        }
        Ok(group.clone())
    }

    async fn group_delete(&mut self, id: GroupId) -> StoreResult<()> {
        self.call("group_delete")
            .groups
            .retain(|group| group.id != id);
        Ok(())
    }
}
