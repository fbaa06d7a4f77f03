//! What was sent to a receiver, and how it went.

use axum::Json;
use bursar_sdk::{WebhookDelivery, WebhookDeliveryListQuery};
use store::webhooks::DeliveryPage;

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{PathParams, QueryParams, Session, id_param},
    validate::page,
};

/// How many deliveries a page holds when nobody says.
const LIMIT: u32 = 25;

/// List what was sent to a webhook and is to be sent, newest first. What has ended is kept for thirty days.
#[utoipa::path(
    get,
    path = "/notifications/webhooks/{webhook}/deliveries",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id."), WebhookDeliveryListQuery),
    responses((status = 200, description = "A page of deliveries.", body = Vec<WebhookDelivery>)),
)]
pub(crate) async fn webhook_delivery_list(
    Session(caller): Session,
    PathParams(webhook): PathParams<String>,
    QueryParams(query): QueryParams<WebhookDeliveryListQuery>,
) -> ApiResult<Json<Vec<WebhookDelivery>>> {
    let id = id_param(&webhook)?;
    let page = page(query.limit, None, LIMIT).map_err(ApiError::Query)?;
    let page = DeliveryPage {
        limit: page.limit,
        before: query.before.map(Into::into),
    };
    let mut unit = caller.store.read().await?;
    let found = unit.webhooks().webhook_delivery_list(id, page).await?;
    Ok(Json(found.into_iter().map(wire::delivery).collect()))
}
