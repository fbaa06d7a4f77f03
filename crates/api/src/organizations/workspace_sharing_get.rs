//! The rule of an organization about sharing workspaces.

use axum::Json;
use bursar_sdk::WorkspaceSharingSettings;
use dbauthz::{BoundStore, WorkspaceSharing};
use model::organizations::Organization;
use rbac::ShareableOwners;

use super::wire::shareable;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get whose workspaces may be shared in an organization.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/settings/workspace-sharing",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The rule as it now counts.", body = WorkspaceSharingSettings)),
)]
pub(crate) async fn workspace_sharing_get(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<WorkspaceSharingSettings>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    Ok(Json(settings(&caller.store, &found)))
}

/// The rule as it counts: nobody shares where the deployment lets nobody share.
pub(super) fn settings(
    store: &BoundStore,
    organization: &Organization,
) -> WorkspaceSharingSettings {
    let off = store.workspace_sharing() == WorkspaceSharing::Disabled;
    let rule = if off {
        ShareableOwners::None
    } else {
        organization.shareable_workspace_owners
    };
    let disabled = rule == ShareableOwners::None;
    WorkspaceSharingSettings {
        sharing_globally_disabled: off,
        sharing_disabled: disabled,
        workspace_sharing_disabled: disabled,
        shareable_workspace_owners: shareable(rule),
    }
}
