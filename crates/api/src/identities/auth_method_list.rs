//! The ways to sign in.

use axum::{Json, extract::State};
use bursar_sdk::{AuthMethod, AuthMethods, OidcAuthMethod};

use crate::ApiState;

/// The ways to sign in that this deployment offers.
#[utoipa::path(
    get,
    path = "/users/authmethods",
    tag = "users",
    responses((status = 200, description = "The ways to sign in.", body = AuthMethods)),
)]
pub(crate) async fn auth_method_list(State(state): State<ApiState>) -> Json<AuthMethods> {
    let oidc = state.auth.oidc.as_ref();
    Json(AuthMethods {
        password: AuthMethod { enabled: true },
        oidc: OidcAuthMethod {
            enabled: oidc.is_some(),
            sign_in_text: oidc
                .map(|oidc| oidc.sign_in_text().to_owned())
                .unwrap_or_default(),
            icon_url: String::new(),
        },
    })
}
