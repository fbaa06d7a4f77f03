//! Whether the process is alive.

/// Tell that the process is alive.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "deployment",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn healthz() -> &'static str {
    "OK"
}
