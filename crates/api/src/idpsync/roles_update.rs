//! A change of which roles people hold in an organization.

use axum::Json;
use bursar_sdk::{PatchRoleSyncSettingsRequest, RoleSyncSettings};
use model::idpsync::RoleSyncUpdate;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both},
};

/// Change which roles people hold in an organization by the claims of their identity provider; what is absent stays
/// as it is.
///
/// It takes the right to assign every role named, and while a claim is named to take every role that a member
/// holds: the settings do both at every sign-in.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/settings/idpsync/roles",
    tag = "idpsync",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = PatchRoleSyncSettingsRequest,
    responses(
        (status = 200, description = "The settings.", body = RoleSyncSettings),
        (status = 403, description = "A role may not be given or taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn idpsync_roles_update(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<PatchRoleSyncSettingsRequest>,
) -> ApiResult<Json<RoleSyncSettings>> {
    let update = update(&body)?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let settings = unit
        .idpsync()
        .idpsync_roles_update(found.id, update)
        .await?;
    unit.commit().await?;
    Ok(Json(wire::roles(&settings)))
}

fn update(body: &PatchRoleSyncSettingsRequest) -> Checked<RoleSyncUpdate> {
    let (field, mapping) = both(
        wire::field(body.field.as_deref()),
        wire::names(body.mapping.as_ref()),
    )?;
    Ok(RoleSyncUpdate { field, mapping })
}
