//! The scopes that there are.

use axum::Json;
use bursar_sdk::ExternalApiKeyScopes;
use rbac::ScopeName;

use crate::extract::Session;

/// List the scopes that an API token may be given.
#[utoipa::path(
    get,
    path = "/auth/scopes",
    tag = "authorization",
    responses((status = 200, description = "The scopes.", body = ExternalApiKeyScopes)),
)]
pub(crate) async fn scope_list(_caller: Session) -> Json<ExternalApiKeyScopes> {
    let names = ScopeName::catalogue();
    let mut external: Vec<String> = names.iter().map(ToString::to_string).collect();
    external.sort();
    Json(ExternalApiKeyScopes { external })
}
