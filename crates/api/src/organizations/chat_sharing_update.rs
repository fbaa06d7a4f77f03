//! The end of all sharing of chats in an organization, for as long as it lasts.

use axum::Json;
use bursar_sdk::{ChatSharingSettings, UpdateChatSharingSettingsRequest};
use model::organizations::OrganizationUpdate;

use super::chat_sharing_get::settings;
use crate::{
    error::{ApiError, ApiResult},
    extract::{JsonBody, PathParams, Session},
};

/// Change whether chats may be shared in an organization.
///
/// While they may not be, only their owners, and who looks after the organization, see them. With whom chats were shared
/// is kept, and counts again when they may be.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/settings/chat-sharing",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    request_body = UpdateChatSharingSettingsRequest,
    responses(
        (status = 200, description = "The rule as it now counts.", body = ChatSharingSettings),
        (status = 403, description = "The caller may see the organization but not change it.",
            body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn chat_sharing_update(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
    JsonBody(body): JsonBody<UpdateChatSharingSettingsRequest>,
) -> ApiResult<Json<ChatSharingSettings>> {
    let update = OrganizationUpdate {
        chat_sharing: Some(body.enabled),
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
