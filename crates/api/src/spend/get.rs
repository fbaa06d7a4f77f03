//! What a person spent and what is left.

use axum::Json;
use bursar_sdk::UserAiSpend;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, PathParams},
};

/// Get what a person spent in the present period, the limit that holds, and why it is that one.
///
/// The spend counts the person, whichever group was charged. A limit that is only observed is shown with its
/// mode while no other holds.
#[utoipa::path(
    get,
    path = "/users/{user}/ai/spend",
    tag = "spend",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses(
        (status = 200, description = "Limit and spend.", body = UserAiSpend),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn spend_get(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<UserAiSpend>> {
    let mut unit = caller.store.read().await?;
    let user = unit.users().user_find(&user).await?;
    let view = unit.spend().spend_get(user.id).await?;
    Ok(Json(wire::spend(user.id, view)))
}
