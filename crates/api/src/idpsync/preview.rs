//! What claims would do at a sign-in.

use axum::Json;
use bursar_sdk::{IdpSyncPreview, IdpSyncPreviewRequest};

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, Session},
};

/// Tell what claims would change at the sign-in of a person, or of somebody who is new. Nothing is changed.
#[utoipa::path(
    post,
    path = "/settings/idpsync/preview",
    tag = "idpsync",
    request_body = IdpSyncPreviewRequest,
    responses((status = 200, description = "What would change.", body = IdpSyncPreview)),
)]
pub(crate) async fn idpsync_preview(
    Session(caller): Session,
    JsonBody(body): JsonBody<IdpSyncPreviewRequest>,
) -> ApiResult<Json<IdpSyncPreview>> {
    let mut unit = caller.store.read().await?;
    let user = match body.user {
        Some(user) => Some(unit.users().user_find(&user).await?.id),
        None => None,
    };
    let plan = unit
        .idpsync()
        .idpsync_preview(user, &body.claims.into())
        .await?;
    Ok(Json(wire::preview(plan)))
}
