//! One receiver.

use axum::Json;
use bursar_sdk::Webhook;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Get a webhook. Its secret is not shown.
#[utoipa::path(
    get,
    path = "/notifications/webhooks/{webhook}",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.")),
    responses((status = 200, description = "The webhook.", body = Webhook)),
)]
pub(crate) async fn webhook_get(
    Session(caller): Session,
    PathParams(webhook): PathParams<String>,
) -> ApiResult<Json<Webhook>> {
    let id = id_param(&webhook)?;
    let mut unit = caller.store.read().await?;
    let found = unit.webhooks().webhook_get(id).await?;
    Ok(Json(wire::webhook(found)))
}
