//! The roles of the site.

use axum::Json;
use bursar_sdk::AssignableRole;

use super::wire;
use crate::{error::ApiResult, extract::Session};

/// List the roles that there are to be given in the site.
#[utoipa::path(
    get,
    path = "/users/roles",
    tag = "roles",
    responses((status = 200, description = "The roles.", body = Vec<AssignableRole>)),
)]
pub(crate) async fn site_role_list(
    Session(caller): Session,
) -> ApiResult<Json<Vec<AssignableRole>>> {
    let mut unit = caller.store.read().await?;
    let roles = unit.roles().site_role_list()?;
    let shown = roles.iter().map(|role| wire::assignable(role, None));
    Ok(Json(shown.collect()))
}
