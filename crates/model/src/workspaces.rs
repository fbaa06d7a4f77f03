//! Workspaces: the shared folders of a team's AI work.

use chrono::{DateTime, Utc};
use rbac::{Action, ActionSet, ResourceType, ShareableOwners};

use crate::{
    Name, OrganizationId, UserId, WorkspaceId,
    acl::{Acl, AclRole, SharingOff},
};

/// A workspace of an organization, and of one person there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The organization's unique name.
    pub organization_name: Name,
    /// Whose it is.
    pub owner_id: UserId,
    /// The owner's unique name.
    pub owner_username: Name,
    /// The owner's name that people read.
    pub owner_name: String,
    /// Its name, unique among the owner's live workspaces without regard to case.
    pub name: Name,
    /// What it is for; may be empty.
    pub description: String,
    /// Since when it sleeps; whom it is shared with does not count meanwhile.
    pub dormant_at: Option<DateTime<Utc>>,
    /// Whether somebody else may use it because it is shared with them.
    pub shared: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed, also in whom it is shared with.
    pub updated_at: DateTime<Utc>,
}

/// A workspace with what decides who may use it and share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceAccess {
    /// The workspace.
    pub workspace: Workspace,
    /// With whom it is shared.
    pub acl: Acl<WorkspaceRole>,
    /// Whether its owner is a service account.
    pub owner_service_account: bool,
    /// Whose workspaces may be shared in its organization.
    pub settings: ShareableOwners,
}

impl WorkspaceAccess {
    /// Why its organization lets nobody share it; `None` when it does.
    #[must_use]
    pub const fn sharing_off(&self) -> Option<SharingOff> {
        match self.settings {
            ShareableOwners::Everyone => None,
            ShareableOwners::ServiceAccounts if self.owner_service_account => None,
            ShareableOwners::ServiceAccounts => Some(SharingOff::Owner),
            ShareableOwners::None => Some(SharingOff::Organization),
        }
    }
}

/// In which way a workspace is shared with somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkspaceRole {
    /// To see it and work in it.
    Use,
    /// To change it and share it as well, but never to delete it.
    Admin,
}

/// What [`WorkspaceRole::Use`] lets do.
const USE: ActionSet = ActionSet::of(Action::Read)
    .with(Action::Start)
    .with(Action::Stop)
    .with(Action::Ssh)
    .with(Action::ApplicationConnect);

impl AclRole for WorkspaceRole {
    const RESOURCE: ResourceType = ResourceType::Workspace;
    const ALL: &'static [Self] = &[Self::Use, Self::Admin];

    fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Admin => "admin",
        }
    }

    fn actions(self) -> ActionSet {
        match self {
            Self::Use => USE,
            Self::Admin => USE
                .with(Action::Update)
                .with(Action::Share)
                .with(Action::CreateAgent)
                .with(Action::DeleteAgent)
                .with(Action::UpdateAgent),
        }
    }
}

/// A workspace to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWorkspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// Whose it is: an active member of the organization.
    pub owner_id: UserId,
    /// Its name.
    pub name: Name,
    /// What it is for.
    pub description: String,
}

/// A change of a workspace; `None` leaves a value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceUpdate {
    /// A new name.
    pub name: Option<Name>,
    /// A new description.
    pub description: Option<String>,
}

/// What a list of workspaces is narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceFilter {
    /// Only workspaces of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Only workspaces of this person.
    pub owner: Option<OwnerFilter>,
    /// Only workspaces that others share with this person, directly or with a group of theirs.
    pub shared_with: Option<UserId>,
    /// Only workspaces with this in their name, without regard to case.
    pub search: Option<String>,
}

/// How the owner of the rows of a list is named. It finds nothing out about people: only rows that are seen anyway are
/// compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerFilter {
    /// By id.
    Id(UserId),
    /// By unique name, without regard to case.
    Name(Name),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::AclRole;

    #[test]
    fn an_organization_says_whose_workspaces_may_be_shared() {
        use ShareableOwners::{Everyone, None as Nobody, ServiceAccounts};
        let check = |settings, owner_service_account, expected| {
            let at = DateTime::UNIX_EPOCH;
            let name: Name = "w".parse().unwrap();
            let workspace = Workspace {
                id: uuid::Uuid::nil().into(),
                organization_id: uuid::Uuid::nil().into(),
                organization_name: name.clone(),
                owner_id: uuid::Uuid::nil().into(),
                owner_username: name.clone(),
                owner_name: String::new(),
                name,
                description: String::new(),
                dormant_at: None,
                shared: false,
                created_at: at,
                updated_at: at,
            };
            let access = WorkspaceAccess {
                workspace,
                acl: Acl::default(),
                owner_service_account,
                settings,
            };
            assert_eq!(
                access.sharing_off(),
                expected,
                "{settings} {owner_service_account}"
            );
        };
        for service_account in [true, false] {
            check(Everyone, service_account, None);
            check(Nobody, service_account, Some(SharingOff::Organization));
        }
        check(ServiceAccounts, true, None);
        check(ServiceAccounts, false, Some(SharingOff::Owner));
    }

    #[test]
    fn an_admin_may_all_that_a_user_may() {
        let [less, more] = [WorkspaceRole::Use, WorkspaceRole::Admin].map(AclRole::actions);
        assert!(less.minus(more).is_empty());
        assert_eq!(more.minus(less).iter().count(), 5);
    }
}
