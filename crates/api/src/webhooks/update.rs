//! A change of a receiver.

use axum::{Json, extract::State};
use bursar_sdk::{UpdateWebhookRequest, Webhook};
use model::addresses::Reach;
use store::webhooks::WebhookUpdate;

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session, id_param},
    validate::{Checked, both, change, optional, parse},
};

/// Change a webhook; what is absent stays as it is. What is still to be sent goes to the new address.
#[utoipa::path(
    patch,
    path = "/notifications/webhooks/{webhook}",
    tag = "webhooks",
    params(("webhook" = String, Path, description = "The webhook's id.")),
    request_body = UpdateWebhookRequest,
    responses(
        (status = 200, description = "The webhook.", body = Webhook),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn webhook_update(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(webhook): PathParams<String>,
    JsonBody(body): JsonBody<UpdateWebhookRequest>,
) -> ApiResult<Json<Webhook>> {
    let id = id_param(&webhook)?;
    let update = update(&body, state.webhooks)?;
    let mut unit = caller.store.begin().await?;
    let changed = unit.webhooks().webhook_update(id, &update).await?;
    unit.commit().await?;
    Ok(Json(wire::webhook(changed)))
}

fn update(body: &UpdateWebhookRequest, reach: Reach) -> Checked<WebhookUpdate> {
    let url = optional(body.url.as_deref(), |url| wire::url(url, reach));
    let place = both(url, optional(body.secret.as_ref(), wire::secret));
    let name = optional(body.name.as_deref(), |name| parse("name", name));
    let (name, (url, secret)) = both(name, place)?;
    Ok(WebhookUpdate {
        name,
        url,
        secret,
        organization_id: change(body.organization_id, |id| Checked::Ok(id.into()))?,
        enabled: body.enabled,
    })
}
