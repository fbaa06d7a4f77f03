//! The fake's people and organizations.

use async_trait::async_trait;
use model::{
    Name, OrganizationId, Page, PageRequest, UserId,
    organizations::{NewOrganization, Organization, OrganizationMember, OrganizationUpdate},
    users::{Credentials, EmailAddress, NewUser, PasswordHash, User, UserFilter, UserStatus},
};
use rbac::{Object, Visibility, builtin};
use store::{
    StoreError, StoreResult,
    organizations::{OrganizationRead, OrganizationWrite},
    users::{UserRead, UserWrite},
};

use super::{FakeUnit, State};

fn same(one: &Name, other: &Name) -> bool {
    one.as_str().eq_ignore_ascii_case(other.as_str())
}

impl State {
    fn user(&mut self, id: UserId) -> StoreResult<&mut User> {
        self.users
            .iter_mut()
            .find(|user| user.id == id)
            .ok_or(StoreError::NotFound)
    }

    fn credentials(&self, user: &User) -> Credentials {
        Credentials {
            user_id: user.id,
            status: user.status,
            login_type: user.login_type,
            password_hash: self.hashes.get(&user.id).cloned(),
        }
    }

    fn join(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        let now = self.now;
        let user = self.user(user)?;
        user.organization_ids.push(organization);
        let member = OrganizationMember {
            organization_id: organization,
            user_id: user.id,
            username: user.username.clone(),
            name: user.name.clone(),
            email: user.email.as_str().to_owned(),
            roles: roles.to_vec(),
            global_roles: user.roles.clone(),
            created_at: now,
            updated_at: now,
        };
        self.members.push(member.clone());
        Ok(member)
    }
}

#[async_trait]
impl UserRead for FakeUnit {
    async fn first_user_exists(&mut self) -> StoreResult<bool> {
        Ok(!self.call("first_user_exists").users.is_empty())
    }

    async fn user_get(&mut self, id: UserId) -> StoreResult<Option<User>> {
        Ok(self.call("user_get").user(id).ok().cloned())
    }

    async fn user_get_by_name(&mut self, username: &Name) -> StoreResult<Option<User>> {
        let users = &self.call("user_get_by_name").users;
        Ok(users
            .iter()
            .find(|user| same(&user.username, username))
            .cloned())
    }

    async fn user_list(
        &mut self,
        filter: &UserFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<User>> {
        let mut items = self.call("user_list").users.clone();
        if let Some(ids) = &filter.ids {
            items.retain(|user| ids.contains(&user.id));
        }
        items.retain(|user| visibility.matches(&Object::user(user.id.0)));
        let count = items.len().try_into().unwrap_or(u64::MAX);
        let offset = page.offset.try_into().unwrap_or(usize::MAX);
        let limit = page.limit.try_into().unwrap_or(usize::MAX);
        Ok(Page {
            items: items.into_iter().skip(offset).take(limit).collect(),
            count,
        })
    }

    async fn credentials_get(&mut self, email: &EmailAddress) -> StoreResult<Option<Credentials>> {
        let state = self.call("credentials_get");
        let matches = |user: &&User| user.email.as_str().eq_ignore_ascii_case(email.as_str());
        Ok(state
            .users
            .iter()
            .find(matches)
            .map(|user| state.credentials(user)))
    }

    async fn credentials_get_by_user(&mut self, id: UserId) -> StoreResult<Option<Credentials>> {
        let state = self.call("credentials_get_by_user");
        Ok(state
            .users
            .iter()
            .find(|user| user.id == id)
            .map(|user| state.credentials(user)))
    }
}

#[async_trait]
impl UserWrite for FakeUnit {
    async fn first_user_lock(&mut self) -> StoreResult<()> {
        self.call("first_user_lock");
        Ok(())
    }

    async fn user_create(&mut self, user: &NewUser) -> StoreResult<User> {
        let state = self.call("user_create");
        let created = User {
            id: user.id,
            email: user.email.clone(),
            username: user.username.clone(),
            name: user.name.clone(),
            status: UserStatus::Active,
            login_type: user.login_type,
            roles: user.roles.clone(),
            organization_ids: Vec::new(),
            created_at: state.now,
            updated_at: state.now,
            last_seen_at: None,
        };
        state.users.push(created);
        if let Some(hash) = &user.password_hash {
            state.hashes.insert(user.id, hash.clone());
        }
        for organization in &user.organization_ids {
            state.join(*organization, user.id, &[])?;
        }
        state.user(user.id).cloned()
    }

    async fn user_lock(&mut self, id: UserId) -> StoreResult<Option<User>> {
        Ok(self.call("user_lock").user(id).ok().cloned())
    }

    async fn user_delete(&mut self, id: UserId) -> StoreResult<()> {
        let state = self.call("user_delete");
        state.users.retain(|user| user.id != id);
        state.keys.retain(|(key, _)| key.user_id != id);
        state.members.retain(|member| member.user_id != id);
        Ok(())
    }

    async fn user_status_update(&mut self, id: UserId, status: UserStatus) -> StoreResult<User> {
        let user = self.call("user_status_update").user(id)?;
        user.status = status;
        Ok(user.clone())
    }

    async fn user_roles_update(&mut self, id: UserId, roles: &[String]) -> StoreResult<User> {
        let user = self.call("user_roles_update").user(id)?;
        user.roles = roles.to_vec();
        Ok(user.clone())
    }

    async fn user_password_update(&mut self, id: UserId, hash: &PasswordHash) -> StoreResult<()> {
        self.call("user_password_update")
            .hashes
            .insert(id, hash.clone());
        Ok(())
    }

    async fn user_seen(&mut self, id: UserId) -> StoreResult<()> {
        let state = self.call("user_seen");
        let now = state.now;
        state.user(id)?.last_seen_at = Some(now);
        Ok(())
    }

    async fn owner_count_lock(&mut self) -> StoreResult<u64> {
        let owner = |user: &&User| {
            user.status == UserStatus::Active && user.roles.iter().any(|role| role == "owner")
        };
        let owners = self
            .call("owner_count_lock")
            .users
            .iter()
            .filter(owner)
            .count();
        Ok(owners.try_into().unwrap_or(u64::MAX))
    }
}

#[async_trait]
impl OrganizationRead for FakeUnit {
    async fn organization_get(&mut self, id: OrganizationId) -> StoreResult<Option<Organization>> {
        let organizations = &self.call("organization_get").organizations;
        Ok(organizations
            .iter()
            .find(|organization| organization.id == id)
            .cloned())
    }

    async fn organization_get_by_name(&mut self, name: &Name) -> StoreResult<Option<Organization>> {
        let organizations = &self.call("organization_get_by_name").organizations;
        let wants_default = name.as_str().eq_ignore_ascii_case("default");
        let found = organizations.iter().find(|organization| {
            same(&organization.name, name) || wants_default && organization.default
        });
        Ok(found.cloned())
    }

    async fn organization_list(
        &mut self,
        visibility: &Visibility,
    ) -> StoreResult<Vec<Organization>> {
        let mut organizations = self.call("organization_list").organizations.clone();
        organizations.retain(|org| visibility.matches(&Object::organization(org.id.0)));
        Ok(organizations)
    }

    async fn organization_member_get(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<Option<OrganizationMember>> {
        let members = &self.call("organization_member_get").members;
        let found = members
            .iter()
            .find(|m| m.organization_id == organization && m.user_id == user);
        Ok(found.cloned())
    }

    async fn organization_member_list(
        &mut self,
        organization: OrganizationId,
        visibility: &Visibility,
    ) -> StoreResult<Vec<OrganizationMember>> {
        let mut members = self.call("organization_member_list").members.clone();
        members.retain(|member| {
            let object = Object::organization_member(member.organization_id.0, member.user_id.0);
            member.organization_id == organization && visibility.matches(&object)
        });
        Ok(members)
    }
}

#[async_trait]
impl OrganizationWrite for FakeUnit {
    async fn organization_create(&mut self, new: &NewOrganization) -> StoreResult<Organization> {
        let state = self.call("organization_create");
        let organization = Organization {
            id: new.id,
            name: new.name.clone(),
            display_name: new.display_name.clone(),
            description: new.description.clone(),
            icon: new.icon.clone(),
            default: state.organizations.is_empty(),
            default_org_member_roles: vec![builtin::ORGANIZATION_WORKSPACE_ACCESS.to_owned()],
            shareable_workspace_owners: new.shareable_workspace_owners,
            chat_sharing: true,
            created_at: state.now,
            updated_at: state.now,
        };
        state.organizations.push(organization.clone());
        Ok(organization)
    }

    async fn organization_lock(&mut self, id: OrganizationId) -> StoreResult<Option<Organization>> {
        let organizations = &self.call("organization_lock").organizations;
        Ok(organizations
            .iter()
            .find(|organization| organization.id == id)
            .cloned())
    }

    async fn organization_update(
        &mut self,
        id: OrganizationId,
        update: &OrganizationUpdate,
    ) -> StoreResult<Organization> {
        let organizations = &mut self.call("organization_update").organizations;
        let found = organizations
            .iter_mut()
            .find(|organization| organization.id == id);
        let organization = found.ok_or(StoreError::NotFound)?;
        if let Some(name) = &update.name {
            organization.name = name.clone();
        }
        if let Some(roles) = &update.default_org_member_roles {
            organization.default_org_member_roles.clone_from(roles);
        }
        if let Some(sharing) = update.chat_sharing {
            organization.chat_sharing = sharing;
        }
        if let Some(owners) = update.shareable_workspace_owners {
            organization.shareable_workspace_owners = owners;
        }
        Ok(organization.clone())
    }

    async fn organization_delete(&mut self, id: OrganizationId) -> StoreResult<()> {
        let state = self.call("organization_delete");
        state.organizations.retain(|org| org.id != id);
        state.members.retain(|member| member.organization_id != id);
        state.groups.retain(|group| group.organization_id != id);
        state.group_members.retain(|m| m.organization_id != id);
        Ok(())
    }

    async fn organization_member_create(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        self.call("organization_member_create")
            .join(organization, user, roles)
    }

    async fn organization_member_delete(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<()> {
        let state = self.call("organization_member_delete");
        let members = &mut state.members;
        members.retain(|m| m.organization_id != organization || m.user_id != user);
        let groups = &mut state.group_members;
        groups.retain(|m| m.organization_id != organization || m.user_id != user);
        Ok(())
    }

    async fn organization_member_roles_update(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        let members = &mut self.call("organization_member_roles_update").members;
        let member = members
            .iter_mut()
            .find(|m| m.organization_id == organization && m.user_id == user);
        let member = member.ok_or(StoreError::NotFound)?;
        member.roles = roles.to_vec();
        Ok(member.clone())
    }
}
