//! What claims would do in an organization.

use axum::Json;
use bursar_sdk::{IdpSyncPreview, IdpSyncPreviewRequest};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
};

/// Tell what claims would change in an organization at the sign-in of a member, or of somebody who joins it.
/// Nothing is changed.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/settings/idpsync/preview",
    tag = "idpsync",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = IdpSyncPreviewRequest,
    responses((status = 200, description = "What would change.", body = IdpSyncPreview)),
)]
pub(crate) async fn idpsync_organization_preview(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<IdpSyncPreviewRequest>,
) -> ApiResult<Json<IdpSyncPreview>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let user = match body.user {
        Some(user) => {
            let member = unit
                .organizations()
                .organization_member_find(found.id, &user)
                .await?;
            Some(member.user_id)
        }
        None => None,
    };
    let plan = unit
        .idpsync()
        .idpsync_organization_preview(found.id, user, &body.claims.into())
        .await?;
    Ok(Json(wire::preview(plan)))
}
