//! Whether chats may be shared in an organization.

use axum::Json;
use bursar_sdk::ChatSharingSettings;
use dbauthz::{BoundStore, ChatSharing};
use model::organizations::Organization;

use crate::{
    error::ApiResult,
    extract::{PathParams, Session},
};

/// Get whether chats may be shared in an organization.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/settings/chat-sharing",
    tag = "organizations",
    params(("organization" = String, Path, description = "An id, a name or `default`.")),
    responses((status = 200, description = "The rule as it now counts.", body = ChatSharingSettings)),
)]
pub(crate) async fn chat_sharing_get(
    Session(caller): Session,
    PathParams(organization): PathParams<String>,
) -> ApiResult<Json<ChatSharingSettings>> {
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    Ok(Json(settings(&caller.store, &found)))
}

/// The rule as it counts: nobody shares where the deployment lets nobody share.
pub(super) fn settings(store: &BoundStore, organization: &Organization) -> ChatSharingSettings {
    let off = store.chat_sharing() == ChatSharing::Disabled;
    ChatSharingSettings {
        sharing_globally_disabled: off,
        enabled: organization.chat_sharing && !off,
    }
}
