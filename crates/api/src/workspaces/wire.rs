//! Workspaces as the wire shows them.

use bursar_sdk as sdk;
use model::workspaces::Workspace;

pub(crate) fn workspace(workspace: Workspace) -> sdk::Workspace {
    sdk::Workspace {
        id: workspace.id.0,
        name: workspace.name.into(),
        description: workspace.description,
        organization_id: workspace.organization_id.0,
        organization_name: workspace.organization_name.into(),
        owner_id: workspace.owner_id.0,
        owner_username: workspace.owner_username.into(),
        owner_name: workspace.owner_name,
        dormant_at: workspace.dormant_at,
        shared: workspace.shared,
        created_at: workspace.created_at,
        updated_at: workspace.updated_at,
    }
}
