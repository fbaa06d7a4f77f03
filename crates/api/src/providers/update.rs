//! A change of a provider.

use axum::Json;
use bursar_sdk::{AiProvider, UpdateAiProviderRequest};
use store::providers::ProviderUpdate;

use super::wire;
use crate::{
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both, optional, parse, wrong},
};

/// Change an AI provider; what is absent stays as it is.
///
/// A new address needs the key again, so that a stored key is never sent to a place of somebody's choice.
#[utoipa::path(
    patch,
    path = "/ai/providers/{name}",
    tag = "providers",
    params(("name" = String, Path, description = "The provider's name.")),
    request_body = UpdateAiProviderRequest,
    responses(
        (status = 200, description = "The provider.", body = AiProvider),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn provider_update(
    Session(caller): Session,
    PathParams(name): PathParams<String>,
    JsonBody(body): JsonBody<UpdateAiProviderRequest>,
) -> ApiResult<Json<AiProvider>> {
    let name = wire::name(&name)?;
    let update = update(&body)?;
    let mut unit = caller.store.begin().await?;
    let provider = unit.providers().provider_update(&name, &update).await?;
    unit.commit().await?;
    Ok(Json(wire::provider(provider)))
}

fn update(body: &UpdateAiProviderRequest) -> Checked<ProviderUpdate> {
    let api_key = match (&body.base_url, &body.api_key) {
        (Some(_), None) => wrong("api_key", "must be given again with a new `base_url`"),
        (_, key) => optional(key.as_ref(), wire::api_key),
    };
    let place = both(optional(body.base_url.as_deref(), wire::base_url), api_key);
    let name = optional(body.name.as_deref(), |name| parse("name", name));
    let (name, (base_url, api_key)) = both(name, place)?;
    Ok(ProviderUpdate {
        name,
        base_url,
        api_key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_address_needs_the_key_again() {
        let check = |json: &str, expected: &[&str]| {
            let body: UpdateAiProviderRequest = serde_json::from_str(json).unwrap();
            let wrong = update(&body).err().unwrap_or_default();
            let fields: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, expected, "{json}");
        };
        check("{}", &[]);
        check(r#"{"api_key": "k"}"#, &[]);
        check(
            r#"{"name": "b", "base_url": "http://a.test", "api_key": "k"}"#,
            &[],
        );
        check(r#"{"base_url": "http://a.test"}"#, &["api_key"]);
        check(
            r#"{"base_url": "http://a.test", "api_key": ""}"#,
            &["api_key"],
        );
        check(
            r#"{"name": "-", "base_url": "x"}"#,
            &["name", "base_url", "api_key"],
        );
    }
}
