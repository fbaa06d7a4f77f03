//! Groups of an organization's people.

use model::{
    GroupId, UserId,
    groups::{Group, GroupFilter, GroupMember, GroupUpdate, NewGroup},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "group_get",
        Shape::Fetch,
        &["group:read"],
        "its own members may, by its ACL",
    ),
    rule("group_list", Shape::Visibility, &["group:read"], ""),
    rule(
        "group_member_list",
        Shape::Visibility,
        &["group_member:read"],
        "",
    ),
    rule(
        "group_contains",
        Shape::Fetch,
        &["group_member:read"],
        "the person as a member of the group's organization",
    ),
    rule(
        "group_create",
        Shape::Lock,
        &["group:create"],
        "locks the organization",
    ),
    rule("group_lock", Shape::Inside, &[], ""),
    rule(
        "group_update",
        Shape::Lock,
        &["group:update"],
        "name and people",
    ),
    rule("group_delete", Shape::Lock, &["group:delete"], ""),
];

wrapper! {
    /// Groups, each call authorized.
    Groups
}

impl<U: store::ReadUnit + ?Sized> Groups<'_, U> {
    /// One group.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn group_get(&mut self, id: GroupId) -> StoreResult<Group> {
        let group = self.unit.group_get(id).await?.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &object(&group))?;
        Ok(group)
    }

    /// The groups that the caller may read, by organization and name.
    ///
    /// # Errors
    /// None of its own.
    pub async fn group_list(&mut self, filter: GroupFilter) -> StoreResult<Vec<Group>> {
        let visibility = self.gate.readable(ResourceType::Group);
        self.unit.group_list(filter, &visibility).await
    }

    /// The people of these groups that the caller may see as members, by group and username.
    ///
    /// # Errors
    /// None of its own.
    pub async fn group_member_list(&mut self, groups: &[GroupId]) -> StoreResult<Vec<GroupMember>> {
        let visibility = self.gate.readable(ResourceType::GroupMember);
        self.unit.group_member_list(groups, &visibility).await
    }

    /// Whether a person is in a group; everyone in an organization is in its Everyone group.
    ///
    /// # Errors
    /// `NotFound` for an unknown group, `Denied`.
    pub async fn group_contains(&mut self, group: GroupId, user: UserId) -> StoreResult<bool> {
        let found = self
            .unit
            .group_get(group)
            .await?
            .ok_or(StoreError::NotFound)?;
        let member = Object::group_member(found.organization_id.0, user.0);
        self.gate.check(Action::Read, &member)?;
        self.unit.group_contains(group, user).await
    }
}

impl<U: store::WriteUnit + ?Sized> Groups<'_, U> {
    /// Makes a group.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`; as [`store::groups::GroupWrite::group_create`].
    pub async fn group_create(&mut self, new: &NewGroup) -> StoreResult<Group> {
        let organization = self.unit.organization_lock(new.organization_id).await?;
        let organization = organization.ok_or(StoreError::NotFound)?;
        let object = Object::new(ResourceType::Group).in_org(organization.id.0);
        self.gate.check(Action::Create, &object)?;
        self.unit.group_create(new).await
    }

    /// Changes a group and who is in it.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::groups::GroupWrite::group_update`].
    pub async fn group_update(&mut self, id: GroupId, update: &GroupUpdate) -> StoreResult<Group> {
        let group = self
            .unit
            .group_lock(id)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Update, &object(&group))?;
        self.unit.group_update(id, update).await
    }

    /// Removes a group, its memberships and its budget.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; as [`store::groups::GroupWrite::group_delete`].
    pub async fn group_delete(&mut self, id: GroupId) -> StoreResult<()> {
        let group = self
            .unit
            .group_lock(id)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Delete, &object(&group))?;
        self.unit.group_delete(id).await
    }
}

/// What a decision about a group is about.
pub(crate) fn object(group: &Group) -> Object {
    Object::group(group.organization_id.0, group.id.0)
}
