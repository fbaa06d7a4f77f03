//! The same once more.

use axum::{Json, http::StatusCode};
use bursar_sdk::WebhookDelivery;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{PathParams, Session, id_param},
};

/// Send a delivery once more, under the same id, whatever became of it. One that waits is sent at once.
#[utoipa::path(
    post,
    path = "/notifications/webhooks/{webhook}/deliveries/{delivery}/redeliver",
    tag = "webhooks",
    params(
        ("webhook" = String, Path, description = "The webhook's id."),
        ("delivery" = String, Path, description = "The delivery's id."),
    ),
    responses((status = 202, description = "The delivery.", body = WebhookDelivery)),
)]
pub(crate) async fn webhook_redeliver(
    Session(caller): Session,
    PathParams((webhook, delivery)): PathParams<(String, String)>,
) -> ApiResult<(StatusCode, Json<WebhookDelivery>)> {
    let (webhook, delivery) = (id_param(&webhook)?, id_param(&delivery)?);
    let mut unit = caller.store.begin().await?;
    let asked = unit.webhooks().webhook_redeliver(webhook, delivery).await?;
    unit.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(wire::delivery(asked))))
}
