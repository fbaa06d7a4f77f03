//! The receivers.

use axum::Json;
use bursar_sdk::Webhook;

use super::wire;
use crate::{error::ApiResult, extract::Session};

/// List the webhooks, by name. Their secrets are not shown.
#[utoipa::path(
    get,
    path = "/notifications/webhooks",
    tag = "webhooks",
    responses((status = 200, description = "The webhooks.", body = Vec<Webhook>)),
)]
pub(crate) async fn webhook_list(Session(caller): Session) -> ApiResult<Json<Vec<Webhook>>> {
    let mut unit = caller.store.read().await?;
    let found = unit.webhooks().webhook_list().await?;
    Ok(Json(found.into_iter().map(wire::webhook).collect()))
}
