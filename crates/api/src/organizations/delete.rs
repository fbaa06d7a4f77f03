//! The end of an organization.

use axum::Json;
use bursar_sdk::Message;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Delete an organization, its groups and memberships. The default one cannot be deleted.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id or a name.")),
    responses((status = 200, description = "It was deleted.", body = Message)),
)]
pub(crate) async fn organization_delete(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<Message>> {
    let mut unit = caller.store.begin().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    unit.organizations().organization_delete(found.id).await?;
    unit.commit().await?;
    Ok(Json(Message {
        message: "Organization has been deleted.".to_owned(),
    }))
}
