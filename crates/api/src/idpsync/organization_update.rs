//! A change of which organizations people are in.

use axum::Json;
use bursar_sdk::{OrganizationSyncSettings, PatchOrganizationSyncSettingsRequest};
use model::idpsync::OrganizationSyncUpdate;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, Session},
    validate::{Checked, both},
};

/// Change which organizations people are in by the claims of their identity provider; what is absent stays as it is.
///
/// It takes the right to add people to every organization named, and while a claim is named to remove people, with
/// the roles that they hold, from any: the settings do both at every sign-in.
#[utoipa::path(
    patch,
    path = "/settings/idpsync/organization",
    tag = "idpsync",
    request_body = PatchOrganizationSyncSettingsRequest,
    responses(
        (status = 200, description = "The settings.", body = OrganizationSyncSettings),
        (status = 403, description = "A role that is held may not be taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn idpsync_organization_update(
    Session(caller): Session,
    JsonBody(body): JsonBody<PatchOrganizationSyncSettingsRequest>,
) -> ApiResult<Json<OrganizationSyncSettings>> {
    let update = update(&body)?;
    let mut unit = caller.store.begin().await?;
    let settings = unit.idpsync().idpsync_organization_update(update).await?;
    unit.commit().await?;
    Ok(Json(wire::organization(&settings)))
}

fn update(body: &PatchOrganizationSyncSettingsRequest) -> Checked<OrganizationSyncUpdate> {
    let (field, mapping) = both(
        wire::field(body.field.as_deref()),
        wire::ids(body.mapping.as_ref()),
    )?;
    Ok(OrganizationSyncUpdate {
        field,
        mapping,
        assign_default: body.organization_assign_default,
    })
}
