//! The way to the identity provider for whoever is signed in, to begin admin mode.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bursar_sdk::OidcAdminModeQuery;

use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::{QueryParams, Session},
};

/// Leave for the identity provider, to prove again who you are. For browsers, as the address of a link.
///
/// The provider asks for the password, or whatever it asks for, whoever is signed in there. Back from it, the session
/// is in admin mode, if the same person signed in there just then.
#[utoipa::path(
    get,
    path = "/users/oidc/admin-mode",
    tag = "users",
    params(OidcAdminModeQuery),
    responses(
        (
            status = 303, description = "To the identity provider.",
            headers(("Location" = String), ("Set-Cookie" = String)),
        ),
        (
            status = 403, description = "Sign-in at an identity provider is not set up; or by an API token.",
            body = bursar_sdk::ErrorBody,
        ),
        (status = 503, description = "The identity provider cannot be reached.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn oidc_admin_mode(
    State(state): State<ApiState>,
    Session(caller): Session,
    QueryParams(query): QueryParams<OidcAdminModeQuery>,
) -> ApiResult<Response> {
    let oidc = state
        .auth
        .oidc
        .as_ref()
        .ok_or(ApiError::FeatureOff("oidc"))?;
    let redirect = query.redirect.as_deref();
    let departure = auth::oidc_admin_mode(&state.auth, oidc, &caller, redirect).await?;
    let headers = [
        (header::LOCATION, departure.location),
        (header::SET_COOKIE, departure.cookie),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
