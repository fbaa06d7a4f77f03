//! A body in JSON, whatever its content type says: existing clients do not always say.

use axum::{
    body::Bytes,
    extract::{FromRequest, OptionalFromRequest, Request, rejection::BytesRejection},
    http::StatusCode,
};
use bursar_sdk::ValidationError;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::complaint;
use crate::error::ApiError;

/// The body of a request, read as `T`.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = whole(request, state).await?;
        read(&bytes).map(Self)
    }
}

/// None when the request has no body.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let bytes = whole(request, state).await?;
        if bytes.is_empty() {
            return Ok(None);
        }
        read(&bytes).map(|body| Some(Self(body)))
    }
}

async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state)
        .await
        .map_err(|error| unread(&error))
}

fn unread(error: &BytesRejection) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::BodyTooLarge
    } else {
        ApiError::BodyUnread
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        // Not by the error's category: `serde_json` calls a number where one of some words is expected bad
        // syntax, and so it calls a number that is too large.
        match serde_json::from_slice::<IgnoredAny>(bytes) {
            Ok(IgnoredAny) => ApiError::from(vec![complaint(&error)]),
            Err(why) => ApiError::Json(why.to_string()),
        }
    })?;
    deserializer
        .end()
        .map_err(|error| ApiError::Json(error.to_string()))?;
    // serde takes a list for an object, its values in the order in which the program happens to write the fields.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(ApiError::from(vec![ValidationError {
            field: ".".to_owned(),
            detail: "must be an object".to_owned(),
        }]));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use bursar_sdk::{
        CreateAiProviderRequest, CreateUserRequest, PatchGroupRequest, UpsertGroupAiBudgetRequest,
    };

    use super::*;

    fn check<T: DeserializeOwned>(body: &str, expected: Result<(), &str>) {
        let outcome = match read::<T>(body.as_bytes()) {
            Ok(_) => Ok(()),
            Err(ApiError::Json(_)) => Err("json".to_owned()),
            Err(ApiError::Body { validations, .. }) => {
                Err(validations.into_iter().map(|error| error.field).collect())
            }
            Err(other) => Err(format!("{other:?}")),
        };
        assert_eq!(outcome, expected.map_err(ToOwned::to_owned), "{body}");
    }

    #[test]
    fn a_body_is_json_with_the_fields_that_are_needed() {
        type Budget = UpsertGroupAiBudgetRequest;
        check::<Budget>(r#"{"spend_limit_micros": 5, "more": {}}"#, Ok(()));
        check::<Budget>(r#"{"spend_limit_micros": -5}"#, Ok(()));
        check::<Budget>("", Err("json"));
        check::<Budget>("{", Err("json"));
        check::<Budget>(r#"{"spend_limit_micros": 5} x"#, Err("json"));
        check::<Budget>("{}", Err("spend_limit_micros"));
        check::<Budget>("[]", Err("."));
        check::<Budget>(" [5]", Err("."));
        check::<PatchGroupRequest>("[]", Err("."));
        check::<Budget>(r#"{"spend_limit_micros": "5"}"#, Err("spend_limit_micros"));
        check::<Budget>(r#"{"spend_limit_micros": 5.5}"#, Err("spend_limit_micros"));
        check::<Budget>(r#"{"spend_limit_micros": null}"#, Err("spend_limit_micros"));
        check::<Budget>(
            r#"{"spend_limit_micros": 1e999}"#,
            Err("spend_limit_micros"),
        );
        check::<Budget>(r#"{"spend_limit_micros": "5""#, Err("json"));
        check::<CreateAiProviderRequest>(r#"{"type": null}"#, Err("type"));
        check::<CreateAiProviderRequest>(r#"{"type": 5}"#, Err("type"));
        check::<CreateAiProviderRequest>(r#"{"name": "\ud800"}"#, Err("name"));
        check::<PatchGroupRequest>(r#"{"add_users": ["x"]}"#, Err("add_users[0]"));
        check::<PatchGroupRequest>(r#"{"add_users": null, "name": ""}"#, Ok(()));
        let user = r#"{"email": "a@b", "username": "a", "password": "", "login_type": ""}"#;
        check::<CreateUserRequest>(user, Err("organization_ids"));
    }
}
