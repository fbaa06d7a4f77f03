//! A change of an organization.

use axum::Json;
use bursar_sdk::{Organization, UpdateOrganizationRequest};
use model::organizations::OrganizationUpdate;

use super::{sharing::SharingFields, wire};
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both, display_name, optional, organization_name, text},
};

/// Change an organization; what is absent stays as it is.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = UpdateOrganizationRequest,
    responses(
        (status = 200, description = "The organization.", body = Organization),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn organization_update(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<UpdateOrganizationRequest>,
) -> ApiResult<Json<Organization>> {
    let update = update(&body)?;
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let changed = unit
        .organizations()
        .organization_update(found.id, &update)
        .await?;
    unit.commit().await?;
    Ok(Json(wire::organization(changed)))
}

fn update(body: &UpdateOrganizationRequest) -> Checked<OrganizationUpdate> {
    let names = both(
        optional(body.name.as_deref(), |name| organization_name("name", name)),
        optional(body.display_name.as_deref(), |name| {
            display_name("display_name", name)
        }),
    );
    let texts = both(
        optional(body.description.as_deref(), |words| {
            text("description", words)
        }),
        optional(body.icon.as_deref(), |words| text("icon", words)),
    );
    let sharing = SharingFields::new(
        body.shareable_workspace_owners.as_deref(),
        body.workspace_sharing_disabled,
    );
    let (((name, display_name), (description, icon)), shareable_workspace_owners) =
        both(both(names, texts), sharing.checked())?;
    Ok(OrganizationUpdate {
        name,
        display_name,
        description,
        icon,
        default_org_member_roles: body.default_org_member_roles.clone(),
        shareable_workspace_owners,
        chat_sharing: None,
    })
}
