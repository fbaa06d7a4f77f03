//! The way to the identity provider.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bursar_sdk::OidcLoginQuery;

use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::QueryParams,
};

/// Leave for the identity provider, to be signed in there. For browsers, as the address of a link.
#[utoipa::path(
    get,
    path = "/users/oidc/login",
    tag = "users",
    params(OidcLoginQuery),
    responses(
        (
            status = 303, description = "To the identity provider.",
            headers(("Location" = String), ("Set-Cookie" = String)),
        ),
        (status = 403, description = "Sign-in at an identity provider is not set up.", body = bursar_sdk::ErrorBody),
        (status = 503, description = "The identity provider cannot be reached.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn oidc_login(
    State(state): State<ApiState>,
    QueryParams(query): QueryParams<OidcLoginQuery>,
) -> ApiResult<Response> {
    let oidc = state
        .auth
        .oidc
        .as_ref()
        .ok_or(ApiError::FeatureOff("oidc"))?;
    let departure = auth::oidc_login(&state.auth, oidc, query.redirect.as_deref()).await?;
    let headers = [
        (header::LOCATION, departure.location),
        (header::SET_COOKIE, departure.cookie),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
