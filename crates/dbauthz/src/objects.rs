//! Objects of decisions, for questions that touch no more of their rows.

use model::{OrganizationId, organizations::OrganizationMember};
use rbac::{Action, Object, ResourceType, Visibility};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    chat_files, chats, groups,
    rules::{Rule, Shape, rule},
    units::wrapper,
    workspaces,
};

pub(crate) const RULES: &[Rule] = &[rule(
    "object_get",
    Shape::Fetch,
    &[
        "user:read",
        "organization:read",
        "organization_member:read",
        "group:read",
        "group_member:read",
        "ai_provider:read",
        "workspace:read",
        "chat:read",
        "chat_file:read",
    ],
    "the one of the type that is asked for",
)];

wrapper! {
    /// Objects of decisions, each call authorized.
    Objects
}

impl<U: store::ReadUnit + ?Sized> Objects<'_, U> {
    /// What a decision about an existing row is about: owner, organization and ACL are the row's. Members are
    /// found by the person's id and the organization; types that have no rows with a UUID are never found.
    ///
    /// # Errors
    /// `NotFound`, `Denied` for who may not read the row.
    pub async fn object_get(
        &mut self,
        resource: ResourceType,
        id: Uuid,
        organization: Option<OrganizationId>,
    ) -> StoreResult<Object> {
        let found = match resource {
            ResourceType::User => {
                let user = self.unit.user_get(id.into()).await?;
                user.map(|user| Object::user(user.id.0))
            }
            ResourceType::Organization => {
                let organization = self.unit.organization_get(id.into()).await?;
                organization.map(|organization| Object::organization(organization.id.0))
            }
            ResourceType::OrganizationMember => {
                let member = self.member(id, organization).await?;
                member.map(|m| Object::organization_member(m.organization_id.0, m.user_id.0))
            }
            ResourceType::GroupMember => {
                let member = self.member(id, organization).await?;
                member.map(|m| Object::group_member(m.organization_id.0, m.user_id.0))
            }
            ResourceType::Group => {
                let group = self.unit.group_get(id.into()).await?;
                group.as_ref().map(groups::object)
            }
            ResourceType::AiProvider => {
                let this = Visibility::IdIn(vec![id]);
                let found = self.unit.provider_list(&this).await?;
                found
                    .first()
                    .map(|provider| Object::ai_provider(Some(provider.id.0)))
            }
            ResourceType::Workspace => {
                let workspace = self.unit.workspace_get(id.into()).await?;
                let sharing = self.gate.workspace_sharing();
                workspace.map(|found| workspaces::object(&found, sharing))
            }
            ResourceType::Chat => {
                let chat = self.unit.chat_get(id.into(), None).await?;
                let sharing = self.gate.chat_sharing();
                chat.map(|found| chats::object(&found, sharing))
            }
            ResourceType::ChatFile => {
                let file = self.unit.chat_file_get(id.into()).await?;
                let sharing = self.gate.chat_sharing();
                file.map(|found| chat_files::object(&found, sharing))
            }
            _ => None,
        };
        let object = found.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &object)?;
        Ok(object)
    }

    async fn member(
        &mut self,
        user: Uuid,
        organization: Option<OrganizationId>,
    ) -> StoreResult<Option<OrganizationMember>> {
        match organization {
            Some(organization) => {
                let user = user.into();
                self.unit.organization_member_get(organization, user).await
            }
            None => Ok(None),
        }
    }
}
