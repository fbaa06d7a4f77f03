//! The fake's idpsync.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use model::{
    GroupId, Name, OrganizationId, UserId,
    groups::NewGroup,
    idpsync::{
        GroupSync, KnownGroup, KnownOrganizations, OrganizationSync, Person, Place, PlaceSettings,
        RoleSync, WantedGroups,
    },
};
use store::{
    StoreResult,
    groups::GroupWrite,
    idpsync::{IdpsyncRead, IdpsyncWrite},
};
use uuid::Uuid;

use super::FakeUnit;

/// The settings that the fake holds.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The deployment's.
    pub organization: OrganizationSync,
    /// Those of organizations.
    pub places: BTreeMap<OrganizationId, PlaceSettings>,
}

impl Settings {
    fn place(&mut self, organization: OrganizationId) -> &mut PlaceSettings {
        let off = || PlaceSettings::off(organization);
        self.places.entry(organization).or_insert_with(off)
    }
}

#[async_trait]
impl IdpsyncRead for FakeUnit {
    async fn idpsync_organization_get(&mut self) -> StoreResult<OrganizationSync> {
        let settings = &self.call("idpsync_organization_get").idpsync;
        Ok(settings.organization.clone())
    }

    async fn idpsync_groups_get(&mut self, organization: OrganizationId) -> StoreResult<GroupSync> {
        let settings = &mut self.call("idpsync_groups_get").idpsync;
        Ok(settings.place(organization).groups.clone())
    }

    async fn idpsync_roles_get(&mut self, organization: OrganizationId) -> StoreResult<RoleSync> {
        let settings = &mut self.call("idpsync_roles_get").idpsync;
        Ok(settings.place(organization).roles.clone())
    }

    async fn idpsync_place_list(
        &mut self,
        organizations: &BTreeSet<OrganizationId>,
    ) -> StoreResult<Vec<PlaceSettings>> {
        let places = &self.call("idpsync_place_list").idpsync.places;
        let asked = places.values();
        let asked = asked.filter(|place| organizations.contains(&place.organization_id));
        Ok(asked.cloned().collect())
    }

    async fn idpsync_person_get(&mut self, user: UserId) -> StoreResult<Person> {
        let state = self.call("idpsync_person_get");
        let mut person = Person::default();
        for member in state.members.iter().filter(|member| member.user_id == user) {
            let organization = member.organization_id;
            let here = |of: OrganizationId, who: UserId| of == organization && who == user;
            let groups = state.group_members.iter();
            let groups = groups.filter(|group| here(group.organization_id, group.user_id));
            let place = Place {
                roles: member.roles.iter().cloned().collect(),
                groups: groups.map(|group| group.group_id).collect(),
            };
            person.places.insert(organization, place);
        }
        Ok(person)
    }

    async fn idpsync_organization_find(
        &mut self,
        organizations: &BTreeSet<OrganizationId>,
    ) -> StoreResult<KnownOrganizations> {
        let known = &self.call("idpsync_organization_find").organizations;
        let default = known.iter().find(|organization| organization.default);
        let ids = known.iter().map(|organization| organization.id);
        Ok(KnownOrganizations {
            default: default.map(|organization| organization.id),
            ids: ids.filter(|id| organizations.contains(id)).collect(),
        })
    }

    async fn idpsync_group_find(
        &mut self,
        organization: OrganizationId,
        wanted: &WantedGroups,
    ) -> StoreResult<Vec<KnownGroup>> {
        let groups = self.call("idpsync_group_find").groups.iter();
        let known = groups.filter(|group| {
            let lower = group.name.as_str().to_ascii_lowercase();
            let asked = wanted.ids.contains(&group.id) || wanted.names.contains_key(&lower);
            group.organization_id == organization && asked
        });
        let known = known.map(|group| KnownGroup {
            id: group.id,
            name: group.name.clone(),
        });
        Ok(known.collect())
    }
}

#[async_trait]
impl IdpsyncWrite for FakeUnit {
    async fn idpsync_organization_lock(&mut self) -> StoreResult<()> {
        self.call("idpsync_organization_lock");
        Ok(())
    }

    async fn idpsync_organization_update(
        &mut self,
        settings: &OrganizationSync,
    ) -> StoreResult<()> {
        let held = &mut self.call("idpsync_organization_update").idpsync;
        held.organization = settings.clone();
        Ok(())
    }

    async fn idpsync_groups_update(
        &mut self,
        organization: OrganizationId,
        settings: &GroupSync,
    ) -> StoreResult<()> {
        let held = &mut self.call("idpsync_groups_update").idpsync;
        held.place(organization).groups = settings.clone();
        Ok(())
    }

    async fn idpsync_roles_update(
        &mut self,
        organization: OrganizationId,
        settings: &RoleSync,
    ) -> StoreResult<()> {
        let held = &mut self.call("idpsync_roles_update").idpsync;
        held.place(organization).roles = settings.clone();
        Ok(())
    }

    async fn idpsync_person_lock(&mut self, user: UserId) -> StoreResult<bool> {
        let users = &self.call("idpsync_person_lock").users;
        Ok(users.iter().any(|known| known.id == user))
    }

    async fn idpsync_group_create(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<GroupId> {
        let made = self.call("idpsync_group_create").groups.len();
        let id = u128::try_from(made).unwrap_or(u128::MAX) | (1 << 100);
        let new = NewGroup {
            id: GroupId(Uuid::from_u128(id)),
            organization_id: organization,
            name: name.clone(),
            display_name: String::new(),
            avatar_url: String::new(),
        };
        self.group_create(&new).await.map(|group| group.id)
    }
}
