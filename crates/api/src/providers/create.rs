//! A new provider.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{AiProvider, CreateAiProviderRequest};
use model::ProviderId;
use store::providers::NewProvider;

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Session},
    validate::{Checked, both, parse},
};

/// Configure an AI provider. Its key is stored encrypted and never shown.
#[utoipa::path(
    post,
    path = "/ai/providers",
    tag = "providers",
    request_body = CreateAiProviderRequest,
    responses(
        (status = 201, description = "The provider.", body = AiProvider),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn provider_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    JsonBody(body): JsonBody<CreateAiProviderRequest>,
) -> ApiResult<(StatusCode, Json<AiProvider>)> {
    let new = new_provider(&body, ProviderId(state.auth.ids.next()))?;
    let mut unit = caller.store.begin().await?;
    let provider = unit.providers().provider_create(&new).await?;
    unit.commit().await?;
    Ok((StatusCode::CREATED, Json(wire::provider(provider))))
}

fn new_provider(body: &CreateAiProviderRequest, id: ProviderId) -> Checked<NewProvider> {
    let place = both(wire::base_url(&body.base_url), wire::api_key(&body.api_key));
    let (name, (base_url, api_key)) = both(parse("name", &body.name), place)?;
    Ok(NewProvider {
        id,
        name,
        kind: wire::kind(body.kind),
        base_url,
        api_key,
    })
}
