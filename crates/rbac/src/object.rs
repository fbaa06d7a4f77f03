//! Objects: what a decision is about, and which owner, organization and ACL each kind of row has.

use std::slice;

use uuid::Uuid;

use crate::registry::{Action, ActionSet, ResourceType};

/// An entry of an ACL: what one user or one group may do to the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AclEntry {
    /// The user or group. In a group list, an organization's id stands for everyone in it.
    pub id: Uuid,
    /// What they may do.
    pub actions: ActionSet,
}

/// Entries of one kind. Most objects have none and groups have exactly one, so neither allocates.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
enum AclList {
    #[default]
    Empty,
    One(AclEntry),
    Many(Vec<AclEntry>),
}

impl AclList {
    const fn entries(&self) -> &[AclEntry] {
        match self {
            Self::Empty => &[],
            Self::One(entry) => slice::from_ref(entry),
            Self::Many(entries) => entries.as_slice(),
        }
    }

    fn push(&mut self, entry: AclEntry) {
        match self {
            Self::Empty => *self = Self::One(entry),
            Self::One(first) => *self = Self::Many(vec![*first, entry]),
            Self::Many(entries) => entries.push(entry),
        }
    }
}

/// What is acted on: a row, a row that is about to be made, or a type in general.
///
/// Build it from the row (or, for a creation, from what will be stored), never from what a caller says
/// about owner or organization.
///
/// What nearly every decision reads lies in the first cache line, the ACL in the second.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(C, align(64))]
pub struct Object {
    resource: ResourceType,
    any_org: bool,
    /// What all ACL entries together let do.
    shared: ActionSet,
    org: Option<Uuid>,
    owner: Option<Uuid>,
    id: Option<Uuid>,
    users: AclList,
    groups: AclList,
}

/// Builders.
impl Object {
    /// The type in general: no id, no owner, no organization, no ACL.
    #[must_use]
    pub const fn new(resource: ResourceType) -> Self {
        Self {
            resource,
            any_org: false,
            shared: ActionSet::EMPTY,
            org: None,
            owner: None,
            id: None,
            users: AclList::Empty,
            groups: AclList::Empty,
        }
    }

    /// Sets the id, which a token's allow-list is about.
    #[must_use]
    pub const fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets the user whose own it is.
    #[must_use]
    pub const fn owner(mut self, owner: Uuid) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets the organization it belongs to.
    #[must_use]
    pub const fn in_org(mut self, org: Uuid) -> Self {
        self.org = Some(org);
        self
    }

    /// Asks "in any organization of mine?". Together with [`Object::in_org`] this is a contradiction,
    /// which is denied.
    #[must_use]
    pub const fn any_org(mut self) -> Self {
        self.any_org = true;
        self
    }

    /// Adds what one user may do.
    #[must_use]
    pub fn with_user_acl(mut self, user: Uuid, actions: ActionSet) -> Self {
        self.shared = self.shared.union(actions);
        self.users.push(AclEntry { id: user, actions });
        self
    }

    /// Adds what one group may do; an organization's id stands for everyone in it.
    #[must_use]
    pub fn with_group_acl(mut self, group: Uuid, actions: ActionSet) -> Self {
        self.shared = self.shared.union(actions);
        self.groups.push(AclEntry { id: group, actions });
        self
    }
}

/// What was built.
impl Object {
    /// The type.
    #[must_use]
    pub const fn resource(&self) -> ResourceType {
        self.resource
    }

    /// The id; `None` for what does not exist yet, or the type in general.
    #[must_use]
    pub const fn get_id(&self) -> Option<Uuid> {
        self.id
    }

    /// The user whose own it is.
    #[must_use]
    pub const fn get_owner(&self) -> Option<Uuid> {
        self.owner
    }

    /// The organization it belongs to.
    #[must_use]
    pub const fn get_org(&self) -> Option<Uuid> {
        self.org
    }

    /// Whether the question is "in any organization of mine?".
    #[must_use]
    pub const fn in_any_org(&self) -> bool {
        self.any_org
    }

    /// Whether some ACL entry lets somebody do the action.
    #[inline]
    pub(crate) const fn is_shared(&self, action: Action) -> bool {
        self.shared.contains(action)
    }

    /// What single users may do.
    #[must_use]
    pub const fn user_acl(&self) -> &[AclEntry] {
        self.users.entries()
    }

    /// What groups may do.
    #[must_use]
    pub const fn group_acl(&self) -> &[AclEntry] {
        self.groups.entries()
    }
}

/// How rows become objects.
impl Object {
    /// A user: owned by itself, in no organization.
    #[must_use]
    pub const fn user(id: Uuid) -> Self {
        Self::new(ResourceType::User).id(id).owner(id)
    }

    /// An organization: in itself.
    #[must_use]
    pub const fn organization(id: Uuid) -> Self {
        Self::new(ResourceType::Organization).id(id).in_org(id)
    }

    /// A membership: has the user's id and belongs to the user.
    #[must_use]
    pub const fn organization_member(org: Uuid, user: Uuid) -> Self {
        Self::new(ResourceType::OrganizationMember)
            .id(user)
            .owner(user)
            .in_org(org)
    }

    /// A group: its own members may read it.
    #[must_use]
    pub fn group(org: Uuid, group: Uuid) -> Self {
        Self::new(ResourceType::Group)
            .id(group)
            .in_org(org)
            .with_group_acl(group, ActionSet::of(Action::Read))
    }

    /// A user as a member of a group: has the user's id and belongs to the user.
    #[must_use]
    pub const fn group_member(org: Uuid, user: Uuid) -> Self {
        Self::new(ResourceType::GroupMember)
            .id(user)
            .owner(user)
            .in_org(org)
    }

    /// A token: belongs to its user, in no organization. Without an id (none yet, or none that is a UUID) an
    /// allow-list of ids refuses it.
    #[must_use]
    pub const fn api_key(id: Option<Uuid>, owner: Uuid) -> Self {
        let mut object = Self::new(ResourceType::ApiKey).owner(owner);
        object.id = id;
        object
    }

    /// A provider of models: the deployment's.
    #[must_use]
    pub const fn ai_provider(id: Option<Uuid>) -> Self {
        let mut object = Self::new(ResourceType::AiProvider);
        object.id = id;
        object
    }

    /// The audit log, of the deployment or of an organization.
    #[must_use]
    pub const fn audit_log(org: Option<Uuid>) -> Self {
        let mut object = Self::new(ResourceType::AuditLog);
        object.org = org;
        object
    }

    /// A workspace: in an organization, and a user's own. Its ACL is added with [`Object::with_user_acl`] and
    /// [`Object::with_group_acl`].
    #[must_use]
    pub const fn workspace(id: Option<Uuid>, org: Uuid, owner: Uuid) -> Self {
        let mut object = Self::new(ResourceType::Workspace).in_org(org).owner(owner);
        object.id = id;
        object
    }

    /// How claims of an identity provider are read, for the deployment or for an organization.
    #[must_use]
    pub const fn idpsync_settings(org: Option<Uuid>) -> Self {
        let mut object = Self::new(ResourceType::IdpsyncSettings);
        object.org = org;
        object
    }

    /// A budget: in an organization, never owned.
    #[must_use]
    pub const fn ai_budget(org: Uuid) -> Self {
        Self::new(ResourceType::AiBudget).in_org(org)
    }

    /// The roles of the deployment.
    #[must_use]
    pub const fn assign_role() -> Self {
        Self::new(ResourceType::AssignRole)
    }

    /// The roles of an organization.
    #[must_use]
    pub const fn assign_org_role(org: Uuid) -> Self {
        Self::new(ResourceType::AssignOrgRole).in_org(org)
    }

    /// The settings of the deployment.
    #[must_use]
    pub const fn deployment_config() -> Self {
        Self::new(ResourceType::DeploymentConfig)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::InOrganization;

    /// Every row that a constructor makes.
    fn rows() -> Vec<Object> {
        let [org, user, row] = [1, 2, 3].map(Uuid::from_u128);
        vec![
            Object::user(user),
            Object::organization(org),
            Object::organization_member(org, user),
            Object::group(org, row),
            Object::group_member(org, user),
            Object::api_key(Some(row), user),
            Object::ai_provider(Some(row)),
            Object::audit_log(None),
            Object::audit_log(Some(org)),
            Object::workspace(Some(row), org, user),
            Object::idpsync_settings(None),
            Object::idpsync_settings(Some(org)),
            Object::ai_budget(org),
            Object::assign_role(),
            Object::assign_org_role(org),
            Object::deployment_config(),
        ]
    }

    #[test]
    fn rows_look_as_the_registry_says() {
        for row in rows() {
            let resource = row.resource();
            assert_eq!(row.get_owner().is_some(), resource.owned(), "{resource}");
            let fits = match resource.in_organization() {
                InOrganization::Always => row.get_org().is_some(),
                InOrganization::Never => row.get_org().is_none(),
                InOrganization::Sometimes => {
                    // Both kinds are among the rows.
                    let same = rows();
                    let mut same = same.iter().filter(|other| other.resource() == resource);
                    same.any(|other| other.get_org().is_some() != row.get_org().is_some())
                }
            };
            assert!(fits, "{resource}");
        }
    }
}
