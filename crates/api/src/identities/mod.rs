//! Signing in at an identity provider: leaving for it, coming back, and whether it is offered.

mod auth_method_list;
mod oidc_admin_mode;
mod oidc_callback;
mod oidc_login;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(auth_method_list::auth_method_list))
        .routes(routes!(oidc_login::oidc_login))
        .routes(routes!(oidc_callback::oidc_callback))
        .routes(routes!(oidc_admin_mode::oidc_admin_mode))
}
