//! A new receiver.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateWebhookRequest, CreateWebhookResponse, Secret};
use model::{addresses::Reach, webhooks::SigningKey};
use secrecy::{ExposeSecret, SecretString};
use store::{StoreError, webhooks::NewWebhook};
use uuid::Uuid;

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Session},
    validate::{Checked, both, optional, parse},
};

/// How much randomness a secret is made of, in characters, each a byte of the key.
const SECRET_CHARS: usize = 43;

/// Tell another program what happens: make a webhook.
///
/// Messages are signed by the convention of Standard Webhooks. The secret is stored encrypted and shown this once.
#[utoipa::path(
    post,
    path = "/notifications/webhooks",
    tag = "webhooks",
    request_body = CreateWebhookRequest,
    responses(
        (status = 201, description = "The webhook and its secret.", body = CreateWebhookResponse),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn webhook_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    JsonBody(body): JsonBody<CreateWebhookRequest>,
) -> ApiResult<(StatusCode, Json<CreateWebhookResponse>)> {
    let fresh = fresh_secret()?;
    let new = new_webhook(&body, fresh, state.auth.ids.next(), state.webhooks)?;
    let mut unit = caller.store.begin().await?;
    let webhook = unit.webhooks().webhook_create(&new).await?;
    unit.commit().await?;
    let made = CreateWebhookResponse {
        webhook: wire::webhook(webhook),
        secret: Secret::new(new.secret.expose_secret()),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

fn fresh_secret() -> Result<SecretString, StoreError> {
    let failed = |error| StoreError::Internal(error);
    let text = auth::random_text(SECRET_CHARS).map_err(|error| failed(error.into()))?;
    let key = SigningKey::from_randomness(text.as_bytes()).map_err(|error| failed(error.into()))?;
    Ok(key.secret().into())
}

fn new_webhook(
    body: &CreateWebhookRequest,
    fresh: SecretString,
    id: Uuid,
    reach: Reach,
) -> Checked<NewWebhook> {
    let secret = optional(body.secret.as_ref(), wire::secret);
    let place = both(wire::url(&body.url, reach), secret);
    let (name, (url, secret)) = both(parse("name", &body.name), place)?;
    Ok(NewWebhook {
        id: id.into(),
        name,
        url,
        secret: secret.unwrap_or(fresh),
        organization_id: body.organization_id.map(Into::into),
        enabled: body.enabled.unwrap_or(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_told_and_a_secret_is_made_when_none_is_given() {
        let check = |json: &str, expected: &[&str]| {
            let body: CreateWebhookRequest = serde_json::from_str(json).unwrap();
            let made = new_webhook(&body, "fresh".into(), Uuid::nil(), Reach::Public);
            let made = made.map(|new| new.secret.expose_secret().to_owned());
            let fields = made.as_ref().err().into_iter().flatten();
            let fields: Vec<_> = fields.map(|error| error.field.as_str()).collect();
            assert_eq!(fields, expected, "{json}");
            if let Ok(secret) = made {
                assert_eq!(secret == "fresh", body.secret.is_none(), "{json}");
            }
        };
        check(r#"{"name": "a", "url": "https://a.test"}"#, &[]);
        check(
            r#"{"name": "a", "url": "https://a.test", "secret": ""}"#,
            &[],
        );
        check(
            r#"{"name": "a", "url": "https://a.test", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#,
            &[],
        );
        check(
            r#"{"name": "-", "url": "x", "secret": "short"}"#,
            &["name", "url", "secret"],
        );
        check(r#"{"name": "a", "url": "http://127.0.0.1"}"#, &["url"]);
    }

    #[test]
    fn secrets_are_fresh() {
        let one = fresh_secret().unwrap();
        let other = fresh_secret().unwrap();
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert!(SigningKey::parse(one.expose_secret()).is_ok());
    }
}
