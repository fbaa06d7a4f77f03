//! Workspaces: the shared folders of a team's AI work.

mod acl_delete;
mod acl_get;
mod acl_update;
mod create;
mod delete;
mod dormant_update;
mod get;
mod list;
mod update;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::workspace_list, create::workspace_create))
        .routes(routes!(
            get::workspace_get,
            update::workspace_update,
            delete::workspace_delete
        ))
        .routes(routes!(dormant_update::workspace_dormant_update))
        .routes(routes!(
            acl_get::workspace_acl_get,
            acl_update::workspace_acl_update,
            acl_delete::workspace_acl_delete
        ))
}
