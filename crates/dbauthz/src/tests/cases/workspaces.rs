//! Calls and checks of workspaces.

use model::{
    PageRequest, WorkspaceId,
    acl::AclChange,
    workspaces::{NewWorkspace, WorkspaceFilter, WorkspaceRole, WorkspaceUpdate},
};
use rbac::{
    Action::{Create, Delete, Read, Share, Update},
    Object, ResourceType,
};
use store::StoreError;
use uuid::Uuid;

use super::{Case, allow, case, rows};
use crate::{
    acl::AclError,
    tests::world::{ANN, BOB, GROUP, ORG, WORKSPACE, name, workspace},
    workspaces::object,
};

fn new_workspace() -> NewWorkspace {
    NewWorkspace {
        id: WorkspaceId(Uuid::from_u128(5)),
        organization_id: ORG,
        owner_id: ANN,
        name: name("new"),
        description: String::new(),
    }
}

/// The group becomes an admin.
fn change() -> AclChange<WorkspaceRole> {
    AclChange::parse([], [(GROUP.to_string().as_str(), "admin")])
}

/// As the store would say it.
fn plain(error: AclError) -> StoreError {
    match error {
        AclError::Store(error) => error,
        AclError::NotShareable { resource } => StoreError::Denied {
            action: Share,
            resource,
        },
        other => StoreError::Refused(other.to_string()),
    }
}

pub(super) fn workspaces() -> Vec<Case> {
    let it = || object(&workspace(), crate::WorkspaceSharing::default());
    vec![
        case!("workspace_get", u => u.workspaces().workspace_get(WORKSPACE), [allow(Read, it())]),
        case!(
            page "workspace_list",
            u => u.workspaces().workspace_list(
                &WorkspaceFilter::default(), PageRequest { limit: 10, offset: 0 }
            ),
            [rows(ResourceType::Workspace)]
        ),
        case!(
            "workspace_share_check",
            u => async { u.workspaces().workspace_share_check(WORKSPACE).await.map_err(plain) },
            [allow(Read, it()), allow(Share, it())]
        ),
        case!(
            "workspace_acl_get",
            u => async { u.workspaces().workspace_acl_get(WORKSPACE).await.map_err(plain) },
            [allow(Read, it()), allow(Share, it())]
        ),
        case!("workspace_create", u => u.workspaces().workspace_create(&new_workspace()), [
            allow(Create, Object::workspace(None, ORG.0, ANN.0)),
        ]),
        case!("workspace_create", u => u.workspaces().workspace_create(&NewWorkspace {
            owner_id: BOB,
            ..new_workspace()
        }), [allow(Create, Object::workspace(None, ORG.0, BOB.0))]),
        case!(
            "workspace_update",
            u => u.workspaces().workspace_update(WORKSPACE, &WorkspaceUpdate::default()),
            [allow(Read, it()), allow(Update, it())]
        ),
        case!(
            "workspace_dormant_update",
            u => u.workspaces().workspace_dormant_update(WORKSPACE, true),
            [allow(Read, it()), allow(Update, it())]
        ),
        case!("workspace_delete", u => u.workspaces().workspace_delete(WORKSPACE), [
            allow(Delete, it()),
        ]),
        case!(
            "workspace_acl_update",
            u => async {
                u.workspaces().workspace_acl_update(WORKSPACE, &change()).await.map_err(plain)
            },
            [allow(Read, it()), allow(Share, it())]
        ),
        case!(
            "workspace_acl_delete",
            u => async { u.workspaces().workspace_acl_delete(WORKSPACE).await.map_err(plain) },
            [allow(Read, it()), allow(Share, it())]
        ),
        case!(
            "object_get",
            u => u.objects().object_get(ResourceType::Workspace, WORKSPACE.0, None),
            [allow(Read, it())]
        ),
    ]
}
