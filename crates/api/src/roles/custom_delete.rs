//! The end of a role of an organization.

use axum::http::StatusCode;
use rbac::{Action, Object};

use super::request::{name, no_such_role};
use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, Session},
};

/// Delete a role of an organization. It is taken from everybody who holds it.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/members/roles/{role}",
    tag = "roles",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        ("role" = String, Path, description = "The role's name."),
    ),
    responses(
        (status = 204, description = "It was deleted."),
        (status = 403, description = "The caller may not delete it.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn custom_role_delete(
    Session(caller): Session,
    PathParams((organization, role)): PathParams<(String, String)>,
) -> ApiResult<StatusCode> {
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let name = name(&role)?;
    // Whoever may list the roles knows that it exists: a refusal need not be hidden.
    let roles = Object::assign_org_role(found.id.0);
    let reads = caller.store.subject().allows(Action::Read, &roles);
    let deleted = unit.roles().custom_role_delete(found.id, &name).await;
    deleted.map_err(|error| match no_such_role(error, &name) {
        ApiError::Store(error) if reads => ApiError::of_readable(error),
        error => error,
    })?;
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
