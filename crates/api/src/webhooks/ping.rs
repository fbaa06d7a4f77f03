//! A message without a meaning.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::WebhookDelivery;

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Send a webhook a message of the kind `ping`, to see whether it arrives: look at its deliveries a moment later.
#[utoipa::path(
    post,
    path = "/notifications/webhooks/{webhook}/ping",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.")),
    responses((status = 202, description = "The delivery.", body = WebhookDelivery)),
)]
pub(crate) async fn webhook_ping(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(webhook): PathParams<String>,
) -> ApiResult<(StatusCode, Json<WebhookDelivery>)> {
    let id = id_param(&webhook)?;
    let delivery = state.auth.ids.next().into();
    let mut unit = caller.store.begin().await?;
    let made = unit.webhooks().webhook_ping(id, delivery).await?;
    unit.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(wire::delivery(made))))
}
