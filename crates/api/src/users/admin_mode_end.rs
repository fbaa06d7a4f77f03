//! Out of admin mode.

use auth::admin_mode_end as end;
use axum::{extract::State, http::StatusCode};

use crate::{ApiState, error::ApiResult, extract::Session};

/// Take the session that the request came with out of admin mode. Nothing happens when it is not in it.
#[utoipa::path(
    delete,
    path = "/users/me/admin-mode",
    tag = "users",
    responses(
        (status = 204, description = "It is not in admin mode any more."),
        (status = 403, description = "By an API token.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn admin_mode_end(
    State(state): State<ApiState>,
    Session(caller): Session,
) -> ApiResult<StatusCode> {
    end(&state.auth, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
