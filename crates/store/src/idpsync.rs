//! How an identity provider's claims become organizations, groups and roles.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::{
    GroupId, Name, OrganizationId, UserId,
    idpsync::{
        GroupSync, KnownGroup, KnownOrganizations, OrganizationSync, Person, PlaceSettings,
        RoleSync, WantedGroups,
    },
};

use crate::StoreResult;

/// Reads the settings, and what claims are compared with. Deleted organizations are never seen.
#[async_trait]
pub trait IdpsyncRead: Send {
    /// Which organizations people are in.
    async fn idpsync_organization_get(&mut self) -> StoreResult<OrganizationSync>;
    /// Which groups of an organization its people are in.
    async fn idpsync_groups_get(&mut self, organization: OrganizationId) -> StoreResult<GroupSync>;
    /// Which roles people hold in an organization.
    async fn idpsync_roles_get(&mut self, organization: OrganizationId) -> StoreResult<RoleSync>;
    /// The settings of those of these organizations that decide anything, by id.
    async fn idpsync_place_list(
        &mut self,
        organizations: &BTreeSet<OrganizationId>,
    ) -> StoreResult<Vec<PlaceSettings>>;
    /// Where a person is; nowhere when there is no such person.
    async fn idpsync_person_get(&mut self, user: UserId) -> StoreResult<Person>;
    /// Which of these organizations exist, and which one is the default.
    async fn idpsync_organization_find(
        &mut self,
        organizations: &BTreeSet<OrganizationId>,
    ) -> StoreResult<KnownOrganizations>;
    /// Which of these groups an organization has, by id and by name.
    async fn idpsync_group_find(
        &mut self,
        organization: OrganizationId,
        wanted: &WantedGroups,
    ) -> StoreResult<Vec<KnownGroup>>;
}

/// Changes the settings.
#[async_trait]
pub trait IdpsyncWrite: IdpsyncRead {
    /// Takes the lock under which the deployment's setting changes, until the unit ends.
    async fn idpsync_organization_lock(&mut self) -> StoreResult<()>;
    /// Replaces the deployment's setting.
    async fn idpsync_organization_update(&mut self, settings: &OrganizationSync)
    -> StoreResult<()>;
    /// Replaces an organization's setting for groups. Its row must be locked.
    async fn idpsync_groups_update(
        &mut self,
        organization: OrganizationId,
        settings: &GroupSync,
    ) -> StoreResult<()>;
    /// Replaces an organization's setting for roles. Its row must be locked.
    async fn idpsync_roles_update(
        &mut self,
        organization: OrganizationId,
        settings: &RoleSync,
    ) -> StoreResult<()>;
    /// Holds a person still for whoever else synchronizes or ends the account, until the unit ends, without
    /// holding up who adds the person to something. Whether there is such a person.
    async fn idpsync_person_lock(&mut self, user: UserId) -> StoreResult<bool>;
    /// Makes a group of this name, as [`crate::groups::GroupWrite::group_create`] does.
    async fn idpsync_group_create(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<GroupId>;
}
