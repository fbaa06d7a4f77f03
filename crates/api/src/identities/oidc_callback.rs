//! The way back from the identity provider.

use auth::{OidcAnswer, session_cookie};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use bursar_sdk::{OidcCallbackQuery, Secret};

use crate::{
    ApiState,
    error::{ApiError, ApiResult},
    extract::{QueryParams, RequestIdOf},
};

/// Come back from the identity provider, which sends browsers here.
///
/// Whoever it is about is signed in by the cookie `bursar_session`, or their session is in admin mode when that was
/// begun. When not, `detail` is the reason as one word
/// that stays the same, and `message` says it to the person.
#[utoipa::path(
    get,
    path = "/users/oidc/callback",
    tag = "users",
    params(OidcCallbackQuery),
    responses(
        (
            status = 303, description = "Done; to the path that it began with.",
            headers(("Location" = String), ("Set-Cookie" = String)),
        ),
        (status = 401, description = "Not verified, or suspended.", body = bursar_sdk::ErrorBody),
        (status = 403, description = "Verified, but not let in; or not set up.", body = bursar_sdk::ErrorBody),
        (status = 502, description = "The identity provider's answer cannot be used.", body = bursar_sdk::ErrorBody),
        (status = 503, description = "The identity provider cannot be reached.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn oidc_callback(
    State(state): State<ApiState>,
    RequestIdOf(request_id): RequestIdOf,
    headers: HeaderMap,
    QueryParams(query): QueryParams<OidcCallbackQuery>,
) -> ApiResult<Response> {
    let oidc = state
        .auth
        .oidc
        .as_ref()
        .ok_or(ApiError::FeatureOff("oidc"))?;
    let text = |secret: Option<Secret>| secret.map(|secret| secret.expose().to_owned());
    let answer = OidcAnswer {
        code: text(query.code),
        state: text(query.state),
        error: query.error,
        iss: query.iss,
    };
    let back = auth::oidc_callback(&state.auth, oidc, &headers, answer, request_id).await?;
    let session = back.login.map(|login| {
        let cookie = session_cookie(&state.auth, &login.token);
        AppendHeaders([(header::SET_COOKIE, cookie)])
    });
    let headers = AppendHeaders([
        (header::LOCATION, back.redirect),
        (header::SET_COOKIE, back.cookie_removed),
    ]);
    Ok((StatusCode::SEE_OTHER, headers, session, ()).into_response())
}
