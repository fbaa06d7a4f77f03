//! The parts of the path.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ApiResult};

/// The parameters of the path, as text.
#[derive(Debug)]
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(params)) => Ok(Self(params)),
            Err(_) => Err(ApiError::Path),
        }
    }
}

/// Reads a parameter that is an id.
pub(crate) fn id_param<T: FromStr<Err = uuid::Error>>(text: &str) -> ApiResult<T> {
    text.parse()
        .ok()
        .ok_or_else(|| ApiError::Uuid(text.to_owned()))
}
