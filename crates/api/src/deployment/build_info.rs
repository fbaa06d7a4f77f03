//! Which server answers.

use axum::{Json, extract::State};
use bursar_sdk::BuildInfo;

use crate::ApiState;

/// Tell the server's version.
#[utoipa::path(
    get,
    path = "/buildinfo",
    tag = "deployment",
    responses((status = 200, description = "Version and address.", body = BuildInfo)),
)]
pub(crate) async fn build_info(State(state): State<ApiState>) -> Json<BuildInfo> {
    Json(state.build)
}
