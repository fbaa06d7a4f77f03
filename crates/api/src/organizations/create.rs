//! A new organization.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateOrganizationRequest, Organization};
use model::{OrganizationId, organizations::NewOrganization};

use super::{sharing::SharingFields, wire};
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Session},
    validate::{Checked, both, display_name, organization_name, text},
};

/// Make an organization with its Everyone group. Whoever makes it becomes its first member.
#[utoipa::path(
    post,
    path = "/organizations",
    tag = "organizations",
    request_body = CreateOrganizationRequest,
    responses(
        (status = 201, description = "The organization.", body = Organization),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn organization_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    JsonBody(body): JsonBody<CreateOrganizationRequest>,
) -> ApiResult<(StatusCode, Json<Organization>)> {
    let new = new_organization(&body, OrganizationId(state.auth.ids.next()))?;
    let mut unit = caller.store.begin().await?;
    let made = unit.organizations().organization_create(&new).await?;
    unit.organizations()
        .organization_member_create(made.id, caller.user_id, &[])
        .await?;
    unit.commit().await?;
    Ok((StatusCode::CREATED, Json(wire::organization(made))))
}

fn new_organization(
    body: &CreateOrganizationRequest,
    id: OrganizationId,
) -> Checked<NewOrganization> {
    let names = both(
        organization_name("name", &body.name),
        display_name("display_name", &body.display_name),
    );
    let texts = both(
        text("description", &body.description),
        text("icon", &body.icon),
    );
    let sharing = SharingFields::new(
        body.shareable_workspace_owners.as_deref(),
        body.workspace_sharing_disabled,
    );
    let (((name, shown), (description, icon)), sharing) =
        both(both(names, texts), sharing.checked())?;
    let display_name = if shown.is_empty() {
        name.to_string()
    } else {
        shown
    };
    Ok(NewOrganization {
        id,
        name,
        display_name,
        description,
        icon,
        shareable_workspace_owners: sharing.unwrap_or_default(),
    })
}
