//! Another rule of an organization about sharing workspaces.

use axum::Json;
use bursar_sdk::{UpdateWorkspaceSharingSettingsRequest, WorkspaceSharingSettings};
use model::organizations::OrganizationUpdate;

use super::{sharing::SharingFields, workspace_sharing_get::settings};
use crate::{
    error::{ApiError, ApiResult},
    extract::{JsonBody, PathParams, Session},
};

/// Change whose workspaces may be shared in an organization.
///
/// In the same moment the roles that come with membership hold what the new rule says, and whatever may not be shared
/// any more is shared with nobody; that does not come back with the rule.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/settings/workspace-sharing",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = UpdateWorkspaceSharingSettingsRequest,
    responses(
        (status = 200, description = "The rule as it now counts.", body = WorkspaceSharingSettings),
        (status = 400, description = "The rule is none, its fields contradict each other, or a newer server \
            defines the organization's roles.", body = bursar_sdk::ErrorBody),
        (status = 403, description = "The caller may see the organization but not change it.",
            body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn workspace_sharing_update(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<UpdateWorkspaceSharingSettingsRequest>,
) -> ApiResult<Json<WorkspaceSharingSettings>> {
    let rule = SharingFields::new(
        body.shareable_workspace_owners.as_deref(),
        body.workspace_sharing_disabled,
    )
    .or_disabled(body.sharing_disabled)
    .required()?;
    let update = OrganizationUpdate {
        shareable_workspace_owners: Some(rule),
        ..OrganizationUpdate::default()
    };
    let mut unit = caller.store.begin().await?;
    let mut organizations = unit.organizations();
    let found = organizations.organization_find(&organization).await?;
    let changed = organizations
        .organization_update(found.id, &update)
        .await
        .map_err(ApiError::of_readable)?;
    unit.commit().await?;
    Ok(Json(settings(&caller.store, &changed)))
}
