//! Chats: conversations that can be shared for reading.
//!
//! Who may read a chat may see it and what was said; who may change it (its owner, and who looks after the organization)
//! may rename, stop and archive it; what spends the owner's money or speaks in the owner's name is the owner's alone. Who
//! may not read a chat is told that there is none.

mod error;
mod read;
mod view;
mod write;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use model::{
    OrganizationId, UserId, WorkspaceId,
    acl::{Acl, AclListing, Principal, SharingOff},
    chats::{Chat, ChatAccess, ChatRole},
};
use rbac::{Action, Object, ResourceType};
use store::StoreResult;
use uuid::Uuid;

pub(crate) use self::view::{object, sees_all, shown_access, shown_messages};
pub use self::{
    error::{ChatCallError, ChatResult, OwnerOnly, RootOnly, WorkspaceProblem},
    view::news_for_readers,
};
use crate::{
    ChatSharing,
    acl::Shared,
    gate::Gate,
    rules::{Rule, Shape, rule},
    units::wrapper,
    workspaces,
};

pub(crate) const READ: &[&str] = &["chat:read"];
pub(crate) const CHANGE: &[&str] = &["chat:read", "chat:update"];
/// What changes a chat that may be about a workspace, in which its owner must be able to work.
pub(crate) const WORKSPACE: &[&str] = &[
    "chat:read",
    "chat:update",
    "workspace:read",
    "workspace:application_connect",
    "workspace:ssh",
];

pub(crate) const RULES: &[Rule] = &[
    rule(
        "chat_get",
        Shape::Fetch,
        READ,
        "by its family's ACL too, unless sharing is off",
    ),
    rule("chat_list", Shape::Visibility, READ, ""),
    rule("chat_child_list", Shape::Fetch, READ, "each of them too"),
    rule("chat_list_by_workspace", Shape::Visibility, READ, ""),
    rule("chat_shared_list", Shape::Visibility, READ, ""),
    rule("chat_acl_expiry_list", Shape::Inside, &[], ""),
    rule(
        "chat_acl_get",
        Shape::Fetch,
        READ,
        "roots only; every reader sees the names of all",
    ),
    rule(
        "chat_share_check",
        Shape::Fetch,
        &["chat:read", "chat:share"],
        "before a request's body is read",
    ),
    rule(
        "chat_update_check",
        Shape::Fetch,
        CHANGE,
        "before a request's body is read",
    ),
    rule(
        "chat_send_check",
        Shape::Fetch,
        CHANGE,
        "before a request's body is read; the owner only, unless it is archived",
    ),
    rule(
        "chat_create_check",
        Shape::Check,
        &["chat:create"],
        "members of the organization only",
    ),
    rule(
        "chat_turn_check",
        Shape::Fetch,
        WORKSPACE,
        "the owner only, who must still be able to work in the chat's workspace",
    ),
    rule(
        "chat_create",
        Shape::Check,
        &[
            "chat:create",
            "chat:read",
            "chat:update",
            "workspace:read",
            "workspace:application_connect",
            "workspace:ssh",
        ],
        "for oneself; a part of a chat only in one's own; bound only to a workspace that one can work in",
    ),
    rule("chat_lock", Shape::Inside, &[], ""),
    rule("chat_family_active", Shape::Inside, &[], ""),
    rule("chat_family_count", Shape::Inside, &[], ""),
    rule(
        "chat_update",
        Shape::Lock,
        WORKSPACE,
        "places on top and workspaces by the owner only; the family is archived at its root",
    ),
    rule(
        "chat_viewer_update",
        Shape::Check,
        READ,
        "what the caller keeps, and nobody else sees",
    ),
    rule(
        "chat_acl_update",
        Shape::Lock,
        &["chat:read", "chat:share"],
        "roots only; nobody changes their own entry; who gets a role is of the organization",
    ),
];

wrapper! {
    /// Chats, each call authorized.
    Chats
}

/// With whom a chat is shared, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatAclListing {
    /// People and groups by name.
    pub entries: AclListing<ChatRole>,
    /// When entries end; those that never do are left out.
    pub expiry: BTreeMap<Principal, DateTime<Utc>>,
}

impl Shared for ChatAccess {
    type Role = ChatRole;

    fn object(&self, gate: &Gate) -> Object {
        object(self, gate.chat_sharing())
    }

    fn acl(&self) -> &Acl<ChatRole> {
        &self.acl
    }

    fn organization(&self) -> OrganizationId {
        self.chat.organization_id
    }

    fn owner(&self) -> UserId {
        self.chat.owner_id
    }

    fn sharing_off(&self, gate: &Gate) -> Option<SharingOff> {
        match gate.chat_sharing() {
            ChatSharing::Disabled => Some(SharingOff::Deployment),
            ChatSharing::ByOrganization => Self::sharing_off(self),
        }
    }

    fn taken_from(&self) -> Option<Uuid> {
        (!self.chat.root()).then_some(self.chat.root_chat_id.0)
    }
}

/// What a decision about a chat that does not exist yet is about.
pub(crate) const fn new_object(organization: OrganizationId, owner: UserId) -> Object {
    Object::new(ResourceType::Chat)
        .in_org(organization.0)
        .owner(owner.0)
}

/// Refuses who may not read a chat, or read but not change it: both are told that there is none.
pub(crate) fn changeable(gate: &Gate, found: &ChatAccess) -> StoreResult<()> {
    let object = found.object(gate);
    gate.check(Action::Read, &object)?;
    gate.check(Action::Update, &object)
}

/// Refuses everybody but the owner: who may read the chat is told that it is somebody else's.
pub(crate) fn owned(gate: &Gate, found: &ChatAccess, step: OwnerOnly) -> ChatResult<()> {
    let object = found.object(gate);
    gate.check(Action::Read, &object)?;
    if !gate.acts_as(found.chat.owner_id) {
        return Err(ChatCallError::NotOwner(step));
    }
    Ok(gate.check(Action::Update, &object)?)
}

/// Refuses who is no member of the organization, or may make no chats there for themself.
pub(crate) async fn creatable<U>(
    gate: &Gate,
    unit: &mut U,
    organization: OrganizationId,
    object: &Object,
) -> ChatResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    let actor = gate.actor().ok_or(ChatCallError::NotMember)?;
    let member = unit
        .organization_member_get(organization, actor.user_id)
        .await?;
    if member.is_none() {
        return Err(ChatCallError::NotMember);
    }
    Ok(gate.check(Action::Create, object)?)
}

/// Refuses who cannot work in a workspace: a chat about it would let them reach it.
pub(crate) async fn workable<U>(
    gate: &Gate,
    unit: &mut U,
    workspace: WorkspaceId,
    organization: OrganizationId,
) -> ChatResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    let problem = |problem| Err(ChatCallError::Workspace(problem));
    let Some(found) = unit.workspace_get(workspace).await? else {
        return problem(WorkspaceProblem::Missing);
    };
    let object = workspaces::object(&found, gate.workspace_sharing());
    let readable = gate.check(Action::Read, &object).is_ok();
    let ways: [&[(Action, &Object)]; 2] = [
        &[(Action::ApplicationConnect, &object)],
        &[(Action::Ssh, &object)],
    ];
    let usable = gate.check_any(&ways).is_ok();
    if !readable {
        problem(WorkspaceProblem::Missing)
    } else if !usable {
        problem(WorkspaceProblem::NotUsable)
    } else if found.workspace.organization_id != organization {
        problem(WorkspaceProblem::OtherOrganization)
    } else {
        Ok(())
    }
}

/// The same for the workspace that a chat is bound to, when a turn of it is to begin.
pub(crate) async fn still_workable<U>(gate: &Gate, unit: &mut U, chat: &Chat) -> ChatResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    match chat.workspace_id {
        Some(workspace) => workable(gate, unit, workspace, chat.organization_id).await,
        None => Ok(()),
    }
}
